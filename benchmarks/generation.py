"""What generative recipes make of MNIST and Fashion-MNIST, and how models with an opponent train.

Samples: five recipes learn 10,000 training images each, fully connected, for a minute; 64 samples of each go into
`docs/images/samples.png`, and 1,000 are measured beside 1,000 test images by density and coverage (Naeem et al. 2020)
on 50 principal components of the training images.

Opponents: `adversarial`, `vae_gan` and `factor` learn the 8 x 8 digits of scikit-learn from five seeds each; their
held-out curves go into `docs/images/opponents.png`.

    python benchmarks/generation.py --write
"""

import argparse
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import narrows
from common import DATA, load, machine, spread, table, write_between
from narrows.metrics import density_and_coverage
from narrows.plots.samples import sample_sheets
from narrows.plots.style import SMALL, colours, new_figure, png, tidy

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "images"
NETWORK: dict[str, Any] = {"network": "mlp", "widths": [512, 256]}
MODELS: dict[str, dict[str, Any]] = {
    "vq": {"latent_dim": 32, "epochs": 8, "recipe_options": NETWORK | {"codes": 128}},
    "residual_vq": {"latent_dim": 32, "epochs": 8, "recipe_options": NETWORK | {"codes": 128}},
    "fsq": {"latent_dim": 24, "epochs": 8, "recipe_options": NETWORK | {"codes": 240}},
    "deep": {"latent_dim": 8, "epochs": 8, "recipe_options": {"widths": [512, 256]}},
    "vamp": {"latent_dim": 16, "epochs": 12, "recipe_options": NETWORK},
}
SETS = {"MNIST": "mnist", "Fashion-MNIST": "fashion_mnist"}
OPPONENTS = ("adversarial", "vae_gan", "factor")
SEEDS = range(5)


def pictures(name: str, data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images to learn, and images to compare with."""
    found = np.load(data / "images" / f"{SETS[name]}.npz")
    return found["x_train"][:10_000], found["x_test"][:1000]


def generated(name: str, recipe: str, args: argparse.Namespace) -> tuple[np.ndarray, list[str]]:
    """Samples of a recipe, and the row of what they are worth."""
    train, test = pictures(name, args.data)
    model = narrows.Generator(recipe=recipe, patience=None, random_state=0, verbose=0, **MODELS[recipe])
    path = args.models and args.models / f"{SETS[name]}-{recipe}.safetensors"
    began = time.process_time()
    if path and path.exists():
        model = narrows.load(path)
    else:
        model.fit(train)
    seconds = time.process_time() - began
    if path:
        model.save(path)
    made = model.sample(1000, temperature=args.temperature, random_state=0)
    view = PCA(50, random_state=0).fit(train.reshape(len(train), -1) / 255)
    real, features = (view.transform(x.reshape(len(x), -1) / 255) for x in (test, made))
    density, coverage = density_and_coverage(real, features)
    row = [name, recipe, f"{density:.2f}", f"{coverage:.2f}", str(len(model.history_) - 1), f"{seconds:.0f}", load()]
    print(row, flush=True)
    return made[:64], row


def trained(recipe: str, seed: int, epochs: int) -> dict[str, Any]:
    """How a model with an opponent trained on digits: its held-out curve, error, and numbers of its code in use."""
    X = load_digits().data
    train, test = X[:1400], X[1400:]
    ae = narrows.Autoencoder(recipe=recipe, latent_dim=8, epochs=epochs, random_state=seed, patience=None, verbose=0)
    ae.fit(train)
    error = np.square(ae.reconstruct(test) - test).mean() / np.square(test - train.mean(0)).mean()
    used = int((ae.transform(test).std(0) > 0.05).sum())
    print(recipe, seed, f"{error:.3f}", used, flush=True)
    return {"curve": [row["score"] for row in ae.history_], "error": error, "used": used}


def opponents(runs: dict[str, list[dict[str, Any]]]) -> Figure:
    """Held-out distortion and rate after each epoch, a panel for each recipe and a line for each seed."""
    figure = new_figure(4.2 * len(runs), 3.8)
    for axes, (recipe, found) in zip(figure.subplots(1, len(runs), squeeze=False)[0], runs.items(), strict=True):
        for run, colour in zip(found, colours(len(found)), strict=True):
            axes.plot(run["curve"], color=colour, linewidth=1.5)
        tidy(axes, recipe, "epoch", "held-out nats")
    figure.suptitle("five seeds each", fontsize=SMALL)
    return figure


def small(figure: Figure, path: Path, dpi: int, colours: int) -> None:
    """Write a figure in few colours."""
    image = Image.open(io.BytesIO(png(figure, dpi))).convert("RGB")
    image.quantize(colours).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--parts", nargs="*", default=["samples", "opponents"])
    parser.add_argument("--recipes", nargs="*", default=list(MODELS))
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--epochs", type=int, default=40, help="of models with an opponent")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--models", type=Path, help="a folder to keep trained models in, and to take them from")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="where the figures go")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if "samples" in args.parts:
        found = {f"{name}: {recipe}": generated(name, recipe, args) for name in args.sets for recipe in args.recipes}
        sheets = sample_sheets({name: made for name, (made, _) in found.items()}, columns=len(args.recipes))
        small(sheets, args.pictures / "samples.png", dpi=100, colours=16)
        head = ["images", "recipe", "density", "coverage", "epochs", "processor s", "load"]
        report("samples", table(head, [row for _, row in found.values()]), args.write)
    if "opponents" in args.parts:
        runs = {recipe: [trained(recipe, seed, args.epochs) for seed in SEEDS] for recipe in OPPONENTS}
        small(opponents(runs), args.pictures / "opponents.png", dpi=100, colours=32)
        rows = [
            [recipe, spread([r["error"] for r in f], 3), spread([r["used"] for r in f], 0)]
            for recipe, f in runs.items()
        ]
        report("opponents", table(["recipe", "test error / that of the mean", "of 8 numbers in use"], rows), args.write)


def report(marker: str, made: str, write: bool) -> None:
    """Print a table, and put it into README.md if asked."""
    text = f"{made}\n\n{machine()}"
    print(text)
    if write:
        write_between(marker, text)


if __name__ == "__main__":
    main()
