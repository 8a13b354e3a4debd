"""`narrows reconstruct MODEL DATA -o OUT`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.data.writing import check_output, write_data


def reconstruct(model: Path, data: str, /, *, output: Annotated[Path, Parameter(alias="-o")]) -> None:
    """Encode samples and decode them again.

    Args:
        model: A model file that `narrows train` wrote.
        data: Samples: a file or a folder, as for `narrows train`.
        output: Where they go: .npy, .npz, .csv, .parquet, .png for one image, or a new folder for images.
    """
    check_output(output)
    estimator = narrows.load(model)
    samples = estimator.reconstruct(narrows.open_data(data))
    write_data(output, samples, columns=getattr(estimator, "feature_names_in_", None))
