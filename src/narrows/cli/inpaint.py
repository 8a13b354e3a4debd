"""`narrows inpaint DATA --mask MASK -o OUT`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.cli.restoring import ON_THE_DATA, Restoration, loaded


def inpaint(
    data: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    mask: str | None = None,
    model: Path | None = None,
    sheet: Path | None = None,
    epochs: int | None = None,
    max_time: float = 300.0,
    random_state: int | None = None,
    verbose: int = 1,
) -> None:
    """Fill regions of pictures; what is known stays as it is, to the bit.

    Args:
        data: An image, a folder of images of any sizes, or an array of pictures.
        output: Where they go: .png or .tif for one image, a new folder for a folder, under the same names;
            of arrays .npy, .npz.
        mask: What is to be filled: an image that is white there, an array that is not 0 there, (height, width) or one
            for each picture, or a folder of images with the names of the pictures; by default where arrays hold NaN.
        model: A model file that `narrows train inpainter` wrote; by default one is trained on the pixels that are
            known.
        sheet: A PNG file to write as well, with the first few before and after.
        epochs: Passes over the data in that training, at most.
        max_time: Seconds after which that training stops.
        random_state: A whole number for the same result each time, as far as max_time does not end it.
        verbose: 0 for silence, 1 for a progress bar on a terminal, 2 for a line each epoch.
    """
    estimator = narrows.Inpainter(
        epochs=epochs, max_time=max_time, random_state=random_state, verbose=verbose, **ON_THE_DATA
    )
    if model is not None:
        estimator = loaded(model, narrows.Inpainter)
    Restoration(data, output, estimator, model is None, mask, sheet, verbose).run()
