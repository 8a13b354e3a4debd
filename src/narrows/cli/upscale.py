"""`narrows upscale DATA --factor 2 -o OUT`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.cli.restoring import ON_THE_DATA, Restoration, check_choice, loaded
from narrows.core.errors import ChoiceError


def upscale(
    data: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    factor: int | None = None,
    model: Path | None = None,
    train: bool = False,
    sheet: Path | None = None,
    epochs: int | None = None,
    max_time: float = 300.0,
    random_state: int | None = None,
    verbose: int = 1,
) -> None:
    """Give pictures more pixels.

    Args:
        data: An image, a folder of images of any sizes, or an array of pictures.
        output: Where they go: .png or .tif for one image, a new folder for a folder, under the same names;
            of arrays .npy, .npz.
        factor: How many pixels one becomes along each side: 2, 3 or 4; by default 2, or that of the model.
        model: A model file that `narrows train upscaler` wrote; by default the one for photographs that comes with
            narrows where the factor is 2.
        train: Train a model on the pictures themselves and smaller ones made of them instead, as is done for the
            factors 3 and 4.
        sheet: A PNG file to write as well, with the first few before and after.
        epochs: Passes over the data in that training, at most.
        max_time: Seconds after which that training stops.
        random_state: A whole number for the same result each time, as far as max_time does not end it.
        verbose: 0 for silence, 1 for a progress bar on a terminal, 2 for a line each epoch.
    """
    check_choice(model, train)
    fresh = model is None and (train or factor not in (None, 2))
    if fresh:
        estimator = narrows.Upscaler(
            factor=2 if factor is None else factor,
            epochs=epochs,
            max_time=max_time,
            random_state=random_state,
            verbose=verbose,
            **ON_THE_DATA,
        )
    elif model is None:
        estimator = narrows.Upscaler.pretrained()
    else:
        estimator = loaded(model, narrows.Upscaler)
        if factor not in (None, estimator.factor):
            raise ChoiceError(f"{model} was trained for the factor {estimator.factor}, got {factor}")
    Restoration(data, output, estimator, fresh, sheet=sheet, verbose=verbose).run()
