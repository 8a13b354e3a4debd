"""`narrows verify FILE`."""

from pathlib import Path

from narrows.tasks.decompression import open_compressed


def verify(file: Path, /) -> None:
    """Decode every chunk of a compressed file, and compare everything with its checksums.

    Args:
        file: A compressed file.
    """
    with open_compressed(file) as opened:
        print(f"{file} is undamaged: {opened.verify():,} chunks, {len(opened):,} rows, {opened.size:,} bytes")
