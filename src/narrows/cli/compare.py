"""`narrows compare DATA`."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import narrows
from narrows.core.errors import ChoiceError, unknown
from narrows.data.writing import TABLES, check_output, write_data


def compare(
    data: str,
    /,
    *,
    labels: str | None = None,
    recipes: Annotated[tuple[str, ...], Parameter(alias="--recipe", negative=())] = (),
    latent_dim: int | None = None,
    epochs: int | None = None,
    max_time: float | None = None,
    random_state: int = 0,
    seeds: int = 1,
    baselines: Annotated[tuple[str, ...], Parameter(alias="--baseline", negative=())] = (),
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
) -> None:
    """Train recipes on four fifths of the data, and print how well they do on the rest, beside PCA.

    Of a table with columns of several kinds a fifth of the test cells is hidden, and the error of each column printed.

    Args:
        data: A file or a folder, as for `narrows train`.
        labels: A column that is set aside, of which the nearest neighbour among the codes is asked.
        recipes: Named models, see `narrows recipes`; by default some that suit the data. Can be repeated.
        latent_dim: The size of all codes; by default by a rule on the data.
        epochs: Passes over the data, at most; by default by a rule on the data.
        max_time: Seconds for all recipes together.
        random_state: A whole number for the same result each time.
        seeds: How often all is done; figures are then means, with a spread.
        baselines: PCA, "raw data", UMAP; by default PCA, with labels raw data, and UMAP where it is installed. Can be
            repeated.
        output: Where the rows go as well: .csv, .parquet or .html.
    """
    if output is not None:
        check_output(output, (*TABLES, ".html"))
    X, y = _parted(narrows.open_data(data), labels)
    tell = _tell if sys.stderr.isatty() else None
    found = narrows.compare(
        X,
        y,
        recipes,
        latent_dim,
        max_time,
        random_state,
        baselines=baselines or None,
        seeds=seeds,
        epochs=epochs,
        tell=tell,
    )
    print(found)
    if output is not None and output.suffix == ".html":
        found.to_html(output)
    elif output is not None:
        write_data(output, found.to_pandas())


def _parted(data: Any, labels: str | None) -> tuple[Any, Any]:
    """A data frame without one of its columns, and that column."""
    if labels is None:
        return data, None
    if not hasattr(data, "columns"):
        raise ChoiceError(f"--labels names a column, but the data have none: {labels!r}")
    if labels not in data.columns:
        raise unknown("column", labels, map(str, data.columns))
    return data.drop(columns=labels), data[labels].astype(str)


def _tell(name: str) -> None:
    print(f"\033[2K{name} ...", end="\r", file=sys.stderr, flush=True)
