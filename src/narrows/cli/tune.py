"""`narrows tune JOB DATA -o MODEL`."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import narrows
from narrows.cli import settings
from narrows.cli.train import JOBS
from narrows.core.errors import unknown
from narrows.data.writing import check_model_file
from narrows.tasks.judges import aligned


def tune(
    job: str,
    data: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    recipe: str = "auto",
    trials: int = 20,
    max_time: float | None = None,
    storage: Path | None = None,
    random_state: int = 0,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=(), show_default=False)] = (),
) -> None:
    """Try options of a model on data, and write the best model to a file. Needs the extra narrows[tune].

    Args:
        job: What the model is for, as for `narrows train`.
        data: A file or a folder, as for `narrows train`.
        output: The model file to write, by convention ending in .safetensors.
        recipe: A named model, see `narrows recipes`.
        trials: How many options are tried, those in the storage included.
        max_time: Seconds for all of them.
        storage: A SQLite file to keep the trials in, and to go on from.
        random_state: A whole number for the same result each time.
        set_: key=value, as for `narrows train`; what is set is not tried. Can be repeated.
    """
    if job not in JOBS:
        raise unknown("job", job, JOBS)
    check_model_file(output)
    arguments, opening = settings.arguments(JOBS[job], recipe, set_)
    named: dict[str, Any] = {"recipe": recipe, "verbose": 0}
    model = JOBS[job](**named | arguments)
    found = narrows.tune(
        model,
        narrows.open_data(data, **opening),
        trials=trials,
        max_time=max_time,
        storage=storage,
        random_state=random_state,
        tell=_tell if sys.stderr.isatty() else None,
    )
    found.best.save(output)
    print(aligned([{**row, "options": _said(row["options"])} for row in found.front]))
    print("chosen:", _said(found.options))


def _said(options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value:.4g}" for name, value in options.items() if name != "changed") or "as it is"


def _tell(row: dict[str, Any]) -> None:
    print(
        f"\033[2Ktrial {row['trial']}: error {row['error']:.4g}, code of {row['latent_dim']}", end="\r", file=sys.stderr
    )
