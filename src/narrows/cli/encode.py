"""`narrows encode MODEL DATA -o OUT`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.data.writing import ARRAYS, check_output, write_data


def encode(model: Path, data: str, /, *, output: Annotated[Path, Parameter(alias="-o")]) -> None:
    """Turn samples into their codes.

    Args:
        model: A model file that `narrows train` wrote.
        data: Samples: a file or a folder, as for `narrows train`.
        output: Where the codes go: .npy, .npz, .csv or .parquet.
    """
    check_output(output, ARRAYS)
    estimator = narrows.load(model)
    codes = estimator.transform(narrows.open_data(data))
    write_data(output, codes, columns=list(estimator.get_feature_names_out()))
