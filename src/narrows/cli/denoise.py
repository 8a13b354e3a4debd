"""`narrows denoise DATA -o OUT`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.cli.restoring import ON_THE_DATA, Restoration, check_choice, loaded
from narrows.core.errors import ChoiceError


def denoise(
    data: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    model: Path | None = None,
    train: bool = False,
    noise: float | None = None,
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
        model: A model file that `narrows train denoiser` wrote; by default the one for photographs that comes with
            narrows.
        train: Train a model on the noisy pictures themselves instead, which takes away noise that is independent from
            pixel to pixel.
        noise: The standard deviation of the noise in units of the pictures; by default it is estimated from each.
        sheet: A PNG file to write as well, with the first few before and after.
        epochs: Passes over the data in that training, at most.
        max_time: Seconds after which that training stops.
        random_state: A whole number for the same result each time, as far as max_time does not end it.
        verbose: 0 for silence, 1 for a progress bar on a terminal, 2 for a line each epoch.
    """
    check_choice(model, train)
    if noise is not None and (train or model is not None):
        raise ChoiceError("--noise is for the model that comes with narrows: others know what they were trained with")
    if train:
        estimator = narrows.Denoiser(
            training="noisy",
            epochs=epochs,
            max_time=max_time,
            random_state=random_state,
            verbose=verbose,
            **ON_THE_DATA,
        )
    elif model is not None:
        estimator = loaded(model, narrows.Denoiser)
    else:
        estimator = narrows.Denoiser.pretrained("auto" if noise is None else noise)
    Restoration(data, output, estimator, train, sheet=sheet, verbose=verbose).run()
