"""`narrows impute DATA -o OUT`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.cli.opening import opened
from narrows.core.errors import InputError
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
    write_data(output, estimator.transform(given), columns=getattr(estimator, "feature_names_in_", None))
