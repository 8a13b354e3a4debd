"""`narrows decompress FILE.nrw -o OUT`."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from narrows.cli.opening import shared
from narrows.data.writing import check_output, write_blocks, write_data
from narrows.tasks.decompression import Compressed, open_compressed


def decompress(
    file: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    salvage: bool = False,
    model: Path | None = None,
) -> None:
    """Write the data of a compressed file to a file of another kind.

    Args:
        file: A compressed file.
        output: Where the data go: .npy, .npz, .csv, .parquet, .png for one image, or a new folder for images.
        salvage: Write the rows of all chunks that are undamaged, and say which rows are lost.
        model: The model file that the file was made with, unless the file holds what is needed of it.
    """
    check_output(output)
    with open_compressed(file, salvage=salvage, shared=shared(model)) as opened:
        if salvage:
            _salvage(opened, output)
        elif opened.in_blocks and output.suffix.lower() == ".npy":
            opened.check_hash()
            write_blocks(output, opened.blocks_of_rows(), len(opened))
        else:
            write_data(output, opened.read())


def _salvage(opened: Compressed, output: Path) -> None:
    found, lost = opened.salvage()
    for loss in lost:
        print(f"narrows: rows {loss.start} to {loss.stop} are lost: {loss.reason}", file=sys.stderr)
    write_data(output, found)
    missing = sum(loss.stop - loss.start for loss in lost)
    print(f"{len(opened) - missing:,} of {len(opened):,} rows were undamaged")
