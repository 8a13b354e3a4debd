"""`narrows decode MODEL CODES -o OUT`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.data.writing import check_output, write_data


def decode(model: Path, codes: str, /, *, output: Annotated[Path, Parameter(alias="-o")]) -> None:
    """Turn codes into the samples that they stand for.

    Args:
        model: A model file that `narrows train` wrote.
        codes: Codes, as `narrows encode` writes them.
        output: Where the samples go: .npy, .npz, .csv, .parquet, .png for one image, or a new folder for images.
    """
    check_output(output)
    estimator = narrows.load(model)
    samples = estimator.inverse_transform(narrows.open_data(codes))
    write_data(output, samples, columns=getattr(estimator, "feature_names_in_", None))
