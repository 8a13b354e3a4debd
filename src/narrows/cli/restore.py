"""`narrows restore DATA -o OUT --model MODEL`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.cli.restoring import Restoration, loaded


def restore(
    data: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    model: Path,
    sheet: Path | None = None,
    verbose: int = 1,
) -> None:
    """Undo what a model has learned to undo: blur, noise, JPEG, and what else it was shown.

    Args:
        data: An image, a folder of images of any sizes, an array, a table or series.
        output: Where they go: .png or .tif for one image, a new folder for a folder, under the same names;
            of arrays and tables .npy, .npz, .csv, .parquet.
        model: A model file that `narrows train restorer` wrote.
        sheet: A PNG file to write as well, with the first few before and after.
        verbose: 0 for silence.
    """
    Restoration(data, output, loaded(model, narrows.Restorer), False, sheet=sheet, verbose=verbose).run()
