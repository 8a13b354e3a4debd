"""The errors that narrows raises, one small tree.

    NarrowsError
    ├── InputError (ValueError)          data that cannot be used: gaps, text, a wrong shape
    │   └── InputTypeError (TypeError)   values of a type that no number can be read from
    ├── ChoiceError (ValueError)         a name or value outside the known choices
    ├── FileError (ValueError)           a model, checkpoint or data file that cannot be read or written
    └── TrainingError (RuntimeError)     training could not go on

Every message is one sentence that says what was asked, what was given, and what would work.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class NarrowsError(Exception):
    """The root of the tree: catch this to catch everything that narrows raises on purpose."""


class InputError(NarrowsError, ValueError):
    """The data cannot be used as given."""


class InputTypeError(InputError, TypeError):
    """The data holds values of a type that no number can be read from."""


class ChoiceError(NarrowsError, ValueError):
    """A name or a value outside the known choices."""


class FileError(NarrowsError, ValueError):
    """A file cannot be read or written: missing, damaged, foreign, or from a newer version."""


class TrainingError(NarrowsError, RuntimeError):
    """Training could not go on, for example because the loss stayed non-finite."""


def unknown(kind: str, given: object, choices: Iterable[str]) -> ChoiceError:
    """The error for a name that is not among the choices, with the nearest one.

    >>> unknown("recipe", "convolutionl", ["deep", "convolutional"])
    ChoiceError("unknown recipe 'convolutionl', did you mean 'convolutional'? (known: convolutional, deep)")
    """
    known = sorted(choices)
    near = get_close_matches(str(given), known, n=1, cutoff=0.5)
    hint = f", did you mean {near[0]!r}?" if near else ""
    return ChoiceError(f"unknown {kind} {given!r}{hint} (known: {', '.join(known)})")
