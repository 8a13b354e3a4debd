"""`narrows denoise DATA -o OUT`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.cli.restoring import ON_THE_DATA, Restoration, loaded


def denoise(
    data: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    model: Path | None = None,
    sheet: Path | None = None,
    epochs: int | None = None,
    max_time: float = 300.0,
    random_state: int | None = None,
    verbose: int = 1,
) -> None:
    """Take noise away.

    Args:
        data: An image, a folder of images of any sizes, an array of pictures; with a model also tables and series.
        output: Where they go: .png or .tif for one image, a new folder for a folder, under the same names;
            of arrays and tables .npy, .npz, .csv, .parquet.
        model: A model file that `narrows train denoiser` wrote; by default one is trained on the noisy pictures
            themselves, which takes away noise that is independent from pixel to pixel.
        sheet: A PNG file to write as well, with the first few before and after.
        epochs: Passes over the data in that training, at most.
        max_time: Seconds after which that training stops.
        random_state: A whole number for the same result each time, as far as max_time does not end it.
        verbose: 0 for silence, 1 for a progress bar on a terminal, 2 for a line each epoch.
    """
    estimator = narrows.Denoiser(
        training="noisy", epochs=epochs, max_time=max_time, random_state=random_state, verbose=verbose, **ON_THE_DATA
    )
    if model is not None:
        estimator = loaded(model, narrows.Denoiser)
    Restoration(data, output, estimator, model is None, sheet=sheet, verbose=verbose).run()
