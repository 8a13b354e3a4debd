"""`narrows verify FILE`."""

from pathlib import Path

from narrows.cli.opening import shared
from narrows.tasks.decompression import open_compressed


def verify(file: Path, /, *, model: Path | None = None) -> None:
    """Decode every chunk of a compressed file, and compare everything with its checksums.

    Args:
        file: A compressed file.
        model: The model file that it was made with, unless it holds what is needed of it.
    """
    with open_compressed(file, shared=shared(model)) as opened:
        print(f"{file} is undamaged: {opened.verify():,} chunks, {len(opened):,} rows, {opened.size:,} bytes")
