"""The command `narrows` and its subcommands, each imported only when it is called."""

import os
import sys
import warnings
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from narrows import __version__
from narrows.core.errors import NarrowsError

COMMANDS = {
    "train": "Train a model on data and write it to a file.",
    "tune": "Try options of a model on data, and write the best model to a file.",
    "encode": "Turn samples into their codes.",
    "decode": "Turn codes into the samples that they stand for.",
    "reconstruct": "Encode samples and decode them again.",
    "info": "Say what a model, a compressed file or a data file is.",
    "compress": "Write data to one compressed file.",
    "decompress": "Write the data of a compressed file to a file of another kind.",
    "verify": "Check a compressed file from end to end.",
    "generate": "Make new samples.",
    "impute": "Fill the gaps of a table, a recording or images.",
    "denoise": "Take noise away from pictures.",
    "inpaint": "Fill regions of pictures.",
    "upscale": "Give pictures more pixels.",
    "restore": "Undo blur, noise or what else a model has learned to undo.",
    "detect": "Find anomalies in data by a model.",
    "compare": "Train several recipes and say how well each does.",
    "report": "Write one page on a model and data.",
    "recipes": "List the named models.",
    "demo": "Train every recipe on small digits, compare them, and write a report.",
}

app = App(name="narrows", help="The autoencoder toolkit.", version=__version__)
for name, summary in COMMANDS.items():
    app.command(f"narrows.cli.{name}:{name}", name=name, help=summary)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit: 0 on success, 2 with one sentence on wrong usage or bad data, 130 on Ctrl-C.

    Args:
        arguments: Words of the command line; None for those of the process.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        sys.exit(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: Sequence[str]) -> int:
    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_none")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (NarrowsError, CycloptsError, ValueError, OSError) as error:  # scikit-learn's own checks raise ValueError
        print("narrows:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    return 0


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print("narrows: warning:", message, file=sys.stderr)


if __name__ == "__main__":
    main()
