"""`narrows reconstruct MODEL DATA -o OUT`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.cli.opening import opened
from narrows.cli.show import progress
from narrows.data.streams import StreamSamples
from narrows.data.table_streams import TableStream
from narrows.data.writing import STREAMED, check_output, write_blocks, write_data


def reconstruct(model: Path, data: str, /, *, output: Annotated[Path, Parameter(alias="-o")]) -> None:
    """Encode samples and decode them again.

    Args:
        model: A model file that `narrows train` wrote.
        data: Samples: a file or a folder, as for `narrows train`.
        output: Where they go: .npy, .npz, .csv, .parquet, .png for one image, or a new folder for images.
    """
    check_output(output)
    estimator = narrows.load(model)
    given, names = opened(data, estimator), getattr(estimator, "feature_names_in_", None)
    if isinstance(given, StreamSamples | TableStream):
        check_output(output, STREAMED)
        write_blocks(output, progress(estimator.reconstruct_blocks(given), len(given)), len(given), names)
    else:
        write_data(output, estimator.reconstruct(given), columns=names)
