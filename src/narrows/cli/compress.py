"""`narrows compress DATA -o FILE.nrw`."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from tqdm import tqdm

import narrows
from narrows.core.errors import FileError
from narrows.tasks.compression import ENDING, Plan, compress_to


def compress(
    data: str, /, *, output: Annotated[Path, Parameter(alias="-o")], max_error: float = 0.0, effort: str = "default"
) -> None:
    """Write data to one compressed file that holds everything needed to read them again.

    Args:
        data: A file or a folder, as for `narrows train`.
        output: The file to write, ending in .nrw.
        max_error: How far a floating-point number may come back from what it was; 0 for not at all.
        effort: fast, default or max: how much is tried to make the file smaller; max takes many times as long.
    """
    if output.suffix.lower() != ENDING:
        raise FileError(f"cannot write {output}: a compressed file ends in {ENDING}")
    plan = Plan.of(max_error, effort)
    with tqdm(unit="row", unit_scale=True, disable=not sys.stderr.isatty()) as bar:

        def tell(rows: int, before: int, after: int) -> None:
            bar.update(rows - bar.n)
            bar.set_postfix(ratio=f"{before / max(1, after):.2f}")

        before, after = compress_to(output, narrows.open_data(data), plan, tell)
    print(f"{before:,} bytes became {after:,}, {before / max(1, after):.2f} times less")
