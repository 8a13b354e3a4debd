"""`narrows train JOB DATA -o MODEL`."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

import narrows
from narrows.cli import settings
from narrows.cli.describe import describe_model
from narrows.cli.show import show_pairs
from narrows.core.errors import ChoiceError, unknown
from narrows.data.files import image_files
from narrows.data.writing import check_model_file
from narrows.estimators.restoring import PictureRestorer

JOBS = {
    "anomaly": narrows.AnomalyDetector,
    "autoencoder": narrows.Autoencoder,
    "compressor": narrows.Compressor,
    "denoiser": narrows.Denoiser,
    "generator": narrows.Generator,
    "imputer": narrows.Imputer,
    "inpainter": narrows.Inpainter,
    "restorer": narrows.Restorer,
    "upscaler": narrows.Upscaler,
}


def train(
    job: str,
    data: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    recipe: str = "auto",
    latent_dim: int | Literal["auto"] | None = None,
    epochs: int | None = None,
    max_time: float | None = None,
    checkpoint: Path | None = None,
    random_state: int | None = None,
    verbose: int = 1,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=(), show_default=False)] = (),
) -> None:
    """Train a model on data and write it to a file.

    Args:
        job: What the model is for: anomaly, autoencoder, compressor, denoiser, generator, imputer, inpainter, restorer,
            upscaler.
        data: A file (.npy .npz .npz:key .csv .parquet .mtx .h5 .zarr, idx as .ubyte or .gz, an image, a video) or a
            folder of Parquet files, images or videos.
        output: The model file to write, by convention ending in .safetensors.
        recipe: A named model, see `narrows recipes`.
        latent_dim: The size of the code; by default the square root of the number of values, at most 64;
            auto for the knee of the errors of short fits.
        epochs: Passes over the data, at most; by default about 10,000 steps.
        max_time: Seconds after which training stops.
        checkpoint: A folder to write moments to, and to resume from.
        random_state: A whole number for the same result each time.
        verbose: 0 for silence, 1 for a progress bar on a terminal, 2 for a line each epoch.
        set_: key=value, any argument of the estimator, option of the recipe, or option by which data are opened, such
            as window=128 of a recording, size=64 of images, frames=16 of a video; can be repeated.
    """
    if job not in JOBS:
        raise unknown("job", job, JOBS)
    check_model_file(output)
    named = {
        "recipe": recipe,
        "latent_dim": latent_dim,
        "epochs": epochs,
        "max_time": max_time,
        "checkpoint": checkpoint,
        "random_state": random_state,
        "verbose": verbose,
    }
    arguments, opening = settings.arguments(JOBS[job], recipe, set_)
    if job == "compressor":
        if recipe != "auto" or latent_dim is not None:
            raise ChoiceError("a compressor has its own recipe and code: choose --set quality=32, or --set effort=max")
        named = {name: value for name, value in named.items() if name not in ("recipe", "latent_dim")}
    model = JOBS[job](**named | arguments)
    if isinstance(model, PictureRestorer) and Path(data).is_dir() and image_files(data):
        opening = {"size": "each"} | opening
    model.fit(narrows.open_data(data, **opening)).save(output)
    if verbose:
        show_pairs(describe_model(output))
