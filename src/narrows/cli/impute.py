"""`narrows impute DATA -o OUT`."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cyclopts import Parameter

import narrows
from narrows.cli.opening import opened
from narrows.core.errors import InputError
from narrows.data.files import image_files
from narrows.data.frames import as_table, is_frame
from narrows.data.writing import check_output, write_data


def impute(
    data: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    model: Path | None = None,
    max_time: float | None = None,
    random_state: int | None = None,
    verbose: int = 1,
) -> None:
    """Fill the gaps of a table, a recording or images; what is there stays as it is.

    Args:
        data: Samples with gaps: a file or a folder, as for `narrows train`.
        output: Where they go, filled: .npy, .npz, .csv, .parquet.
        model: A model file that `narrows train imputer` wrote; by default one is trained on the data themselves.
        max_time: Seconds after which that training stops.
        random_state: A whole number for the same result each time.
        verbose: 0 for silence, 1 for a progress bar on a terminal, 2 for a line each epoch.
    """
    check_output(output)
    if image_files(data):
        raise InputError("image files hold no gaps: `narrows inpaint` fills what a mask hides")
    if model is None:
        given = narrows.open_data(data)
        estimator = narrows.Imputer(max_time=max_time, random_state=random_state, verbose=verbose).fit(given)
    else:
        loaded = narrows.load(model)
        if not isinstance(loaded, narrows.Imputer):
            raise InputError(
                f"{model} holds an {type(loaded).__name__}: gaps are filled by what `train imputer` writes"
            )
        estimator = loaded
        given = opened(data, estimator)
    filled = estimator.transform(given)
    write_data(output, filled, columns=getattr(estimator, "feature_names_in_", None))
    if verbose:
        print(_said(_gaps(given), _gaps(filled), output))


def _said(before: int | None, left: int | None, output: Path) -> str:
    """What was filled, and what could not be."""
    if before is None or left is None:
        return f"filled in {output}"
    if before == 0:
        return f"there were no gaps to fill: {output} holds what the data hold"
    rest = f"; {left:,} stay empty, since nothing is known of their columns" if left else ""
    return f"{before - left:,} gaps filled in {output}{rest}"


def _gaps(data: Any) -> int | None:
    """How many values are missing; None where they are not in memory."""
    if is_frame(data):
        return sum(column.null_count + _not_numbers(column) for column in as_table(data).columns)
    return int(np.isnan(data).sum()) if isinstance(data, np.ndarray) and data.dtype.kind == "f" else None


def _not_numbers(column: pa.ChunkedArray) -> int:
    found = pc.sum(pc.is_nan(column)).as_py() if pa.types.is_floating(column.type) else 0
    return int(found or 0)
