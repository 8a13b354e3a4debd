"""Nats of MNIST under variational autoencoders: importance-sampled log-likelihood of the test images.

Static binarisation: every pixel of every image is drawn once, with its intensity / 255 as the chance of a one, by
`numpy.random.default_rng(0)` over the 60,000 training images and then the 10,000 test images, and never again. All
60,000 training images are trained on but the last 5,000, which choose the best epoch; figures are of test images alone.

Models are fully connected but for the ladder, which is convolutional; see `MODELS`. The bars are figures that other
projects reached on the same kind of data, with the number of draws that they used.

    python benchmarks/likelihood.py --recipes variational --minutes 60
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import narrows
from common import DATA, load, machine, table, write_between
from narrows.data.door import samples
from narrows.tasks.likelihood import log_likelihood

MODELS: dict[str, dict[str, Any]] = {
    "variational": {
        "latent_dim": 40,
        "recipe_options": {"network": "mlp", "widths": [400]},
        "learning_rate": 4e-3,
        "epochs": 250,
    },
    "importance_weighted": {
        "latent_dim": 40,
        "recipe_options": {"network": "mlp", "widths": [512, 256], "draws": 10},
        "learning_rate": 4e-3,
        "epochs": 55,
    },
    "vamp": {
        "latent_dim": 40,
        "recipe_options": {"network": "mlp", "widths": [300, 300], "components": 500},
        "learning_rate": 4e-3,
        "epochs": 120,
    },
    "ladder": {
        "latent_dim": 56,
        "recipe_options": {"network": "conv", "widths": [16, 32], "levels": [32, 16, 8], "width": 256, "warmup": 0.2},
        "learning_rate": 2e-3,
        "epochs": 120,
    },
}
"""Sizes as in the papers that the bars are from, but for the ladder, which is convolutional."""
BARS = {"variational": (89.9, 200), "importance_weighted": (86.8, 5000), "vamp": (85.8, 5000), "ladder": (82.0, 1000)}
"""Nats, and draws."""


def binarised(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Training and test images of zeros and ones, each pixel drawn once."""
    found = np.load(data / "images" / "mnist.npz")
    rng = np.random.default_rng(0)
    return tuple(  # type: ignore[return-value]
        (rng.random(images.shape, dtype=np.float32) < images / np.float32(255)).astype(np.uint8)
        for images in (found["x_train"], found["x_test"])
    )


def measure(recipe: str, data: Path, args: argparse.Namespace) -> list[str]:
    """Train a recipe and score test images."""
    train, test = binarised(data)
    asked = {"learning_rate": args.learning_rate, "epochs": args.epochs}
    options = MODELS[recipe] | {name: value for name, value in asked.items() if value is not None}
    ae = narrows.Autoencoder(
        recipe=recipe,
        optimizer="adam",
        batch_size=args.batch_size,
        precision=args.precision,
        max_time=60 * args.minutes,
        patience=None,
        random_state=args.seed,
        verbose=args.verbose,
        checkpoint=args.checkpoint,
        **options,
    )
    began, worked = time.perf_counter(), time.process_time()
    ae.fit(train[:-5000], validation_data=train[-5000:])
    minutes, worked = (time.perf_counter() - began) / 60, (time.process_time() - worked) / 60
    best = next(row for row in ae.history_ if row["epoch"] == ae.chosen_["best_epoch"])
    bar, draws = BARS[recipe]
    draws = args.draws or draws
    began = time.perf_counter()
    found = log_likelihood(ae.module_, ae.schema_, samples(test[: args.test]), draws=draws, seed=0)
    scoring = (time.perf_counter() - began) / 60
    error = found.std() / len(found) ** 0.5
    bound = -ae.score(test[: args.test]) if recipe == "variational" else float("nan")
    row = [
        recipe,
        f"{-found.mean():.2f} ± {error:.2f}",
        str(draws),
        f"{bar}",
        f"{best['epoch']} of {len(ae.history_) - 1}",
        f"{minutes:.1f}",
        f"{worked:.1f}",
        f"{best['score']:.2f}",
        load(),
    ]
    print(f"{row} scored in {scoring:.1f} min, at the mean code {bound:.2f}", flush=True)
    if args.models:
        ae.save(Path(args.models) / f"{recipe}.safetensors")
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--recipes", nargs="*", default=list(MODELS))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--epochs", type=int, help="instead of a model's own")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, help="likewise")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--draws", type=int, help="instead of those of the bars")
    parser.add_argument("--test", type=int, default=10_000, help="how many test images are scored")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--verbose", type=int, default=0)
    parser.add_argument("--checkpoint", help="a folder to resume from; of one recipe")
    parser.add_argument("--models", help="a folder for the trained models")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = [measure(recipe, args.data, args) for recipe in args.recipes]
    head = [
        "recipe",
        "nats, test",
        "draws",
        "bar",
        "best epoch",
        "minutes",
        "processor minutes",
        "held-out bound",
        "load",
    ]
    made = table(head, rows) + f"\n\n{machine()}"
    print(made)
    if args.write:
        write_between("likelihood", made)


if __name__ == "__main__":
    main()
