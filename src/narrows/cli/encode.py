"""`narrows encode MODEL DATA -o OUT`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.cli.opening import opened
from narrows.cli.show import progress
from narrows.data.streams import StreamSamples
from narrows.data.table_streams import TableStream
from narrows.data.writing import ARRAYS, STREAMED, check_output, write_blocks, write_data


def encode(model: Path, data: str, /, *, output: Annotated[Path, Parameter(alias="-o")]) -> None:
    """Turn samples into their codes.

    Args:
        model: A model file that `narrows train` wrote.
        data: Samples: a file or a folder, as for `narrows train`.
        output: Where the codes go: .npy, .npz, .csv or .parquet.
    """
    check_output(output, ARRAYS)
    estimator = narrows.load(model)
    given, names = opened(data, estimator), list(estimator.get_feature_names_out())
    if isinstance(given, StreamSamples | TableStream):
        check_output(output, STREAMED)
        write_blocks(output, progress(estimator.transform_blocks(given), len(given)), len(given), names)
    else:
        write_data(output, estimator.transform(given), columns=names)
