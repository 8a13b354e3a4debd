"""What codes are worth: squared error, nearest neighbours and groups, beside PCA of the same size.

    python benchmarks/codes.py [--data ../shared/data] [--rows mnist-2 faces-16 ...] [--codes contrastive] [--epochs 20]

Each row is a data set and a size of the code: the narrows recipes that are made for it, and PCA (of faces: eigenfaces).
Squared error of test images with pixels in [0, 1]; 1- and 5-nearest-neighbour accuracy of test codes among training
codes; V-measure of k-means of the test codes, with as many groups as there are labels. Faces: half of each person's
pictures are known, the others are asked about, over several splits. The largest sets take up to half an hour a row on
two cores: `--train` looks at some of the images alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

import narrows
from common import DATA, cifar10, load, machine, table, write_between
from narrows import metrics

SPLITS = 5
"""Over how many splits faces are told apart."""


@dataclass(frozen=True)
class Row:
    """A data set, a size of the code, and what is trained on it.

    Args:
        data: The name of the set.
        size: Of the code.
        models: Recipes by what they are called in the table, with their options.
    """

    data: str
    size: int
    models: dict[str, dict[str, Any]] = field(default_factory=dict)


PLAIN = {"deep": {"recipe": "deep"}}
CONVOLUTIONAL = {"convolutional": {"recipe": "convolutional", "epochs": 15}}


def contrastive(**jitter: Any) -> dict[str, dict[str, Any]]:
    """Convolutions of half the usual width, taught to know pictures again that are held differently."""
    views = {"name": "jitter", **jitter}
    return {
        "contrastive": {"recipe": "contrastive", "epochs": 12, "recipe_options": {"widths": [32, 64], "views": views}}
    }


NOISE = {"name": "gaussian_noise", "scale": 0.5}
NEAR = {
    "neighbour_preserving": {
        "recipe": "neighbour_preserving",
        "recipe_options": {"widths": [1024, 512], "corruption": NOISE, "blur": 1 / 28},
        "epochs": 35,
    }
}
FACES = {
    recipe: {
        "recipe": recipe,
        "epochs": 60,
        "recipe_options": {"widths": [256, 128]} | ({"network": "mlp"} if recipe != "deep" else {}),
    }
    for recipe in ("deep", "denoising", "variational")
}
ROWS = {
    "mnist-2": Row("mnist", 2, NEAR),
    "mnist-10": Row("mnist", 10, NEAR | {"clustering": {"recipe": "clustering"}}),
    "mnist-64": Row("mnist", 64, CONVOLUTIONAL | contrastive()),
    "fashion-64": Row("fashion", 64, CONVOLUTIONAL | contrastive(mirror=True)),
    "cifar10-64": Row("cifar10", 64, contrastive(mirror=True)),
    "faces-16": Row("faces", 16, FACES),
    "faces-40": Row("faces", 40, FACES),
}

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def images(name: str, data: Path, train: int | None) -> Iterator[Split]:
    """Training images and labels, test images and labels: uint8."""
    if name == "faces":
        found = np.load(data / "faces" / "olivetti.npz")
        for seed in range(SPLITS):
            rng = np.random.default_rng(seed)
            known = np.concatenate([rng.permutation(np.flatnonzero(found["y"] == who))[:5] for who in range(40)])
            asked = np.setdiff1d(np.arange(len(found["y"])), known)
            yield found["x"][known], found["y"][known], found["x"][asked], found["y"][asked]
    elif name == "cifar10":
        labels = [
            np.load(data / "images" / "cifar10" / f"cifar10_{part}_jpegbytes.npz")["y"]
            for part in ("train_20k", "test_5k")
        ]
        yield cifar10(data)[:train], labels[0][:train], cifar10(data, "test_5k"), labels[1]
    else:
        file = {"mnist": "mnist", "fashion": "fashion_mnist"}[name]
        found = np.load(data / "images" / f"{file}.npz")
        most = min(50_000, train or 50_000)
        yield found["x_train"][:most], found["y_train"][:most], found["x_test"], found["y_test"]


def figures(codes: tuple[np.ndarray, np.ndarray], rebuilt: np.ndarray, split: Split) -> list[float]:
    """Error, 1-NN, 5-NN and V-measure of the codes of known and asked images."""
    _, y, x_test, y_test = split
    z, z_test = codes
    groups = metrics.k_means(z_test, len(np.unique(y_test)), 0)
    return [
        float(np.square(rebuilt - x_test / 255).mean()),
        *(metrics.nearest_neighbour_accuracy(z, y, z_test, y_test, k) for k in (1, 5)),
        metrics.v_measure(y_test, groups),
    ]


def by_pca(size: int, split: Split) -> list[float]:
    x, _, x_test, _ = split
    flat, flat_test = x.reshape(len(x), -1) / np.float32(255), x_test.reshape(len(x_test), -1) / np.float32(255)
    began = time.process_time()
    pca = PCA(size, svd_solver="randomized", random_state=0).fit(flat)
    spent = time.process_time() - began
    z, z_test = pca.transform(flat), pca.transform(flat_test)
    return [*figures((z, z_test), pca.inverse_transform(z_test).reshape(x_test.shape), split), spent]


def by_recipe(options: dict[str, Any], size: int, epochs: int | None, split: Split) -> list[float]:
    x, _, x_test, _ = split
    usual = {"latent_dim": size, "random_state": 0, "verbose": 0, "device": "cpu"}
    ae = narrows.Autoencoder(**usual | options | ({} if epochs is None else {"epochs": epochs}))
    began = time.process_time()
    ae.fit(x)
    spent = time.process_time() - began
    return [*figures((ae.transform(x), ae.transform(x_test)), ae.reconstruct(x_test) / 255, split), spent]


def lines(row: Row, given: argparse.Namespace) -> Iterator[list[str]]:
    """A line of the table for PCA and for each recipe."""
    splits = list(images(row.data, given.data, given.train))
    called = "eigenfaces" if row.data == "faces" else "PCA"
    asked = {name: options for name, options in row.models.items() if given.codes is None or name in given.codes}
    for name, options in {called: None, **asked}.items():
        found = [
            by_pca(row.size, split) if options is None else by_recipe(options, row.size, given.epochs, split)
            for split in splits
        ]
        error, one, five, groups, spent = (median(column) for column in zip(*found, strict=True))
        count = f"{len(splits[0][0]):,}"
        shares = [f"{share:.3f}" for share in (one, five, groups)]
        yield [row.data, count, str(row.size), name, f"{error:.4f}", *shares, f"{spent:.0f}"]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, default=DATA)
    asked.add_argument("--rows", nargs="+", choices=ROWS, default=["mnist-2", "faces-16", "faces-40"])
    asked.add_argument("--codes", nargs="+", help="of each row these alone, beside PCA")
    asked.add_argument("--train", type=int, default=None)
    asked.add_argument("--epochs", type=int, default=None)
    given = asked.parse_args()
    if not (given.data / "images").is_dir():
        print(f"skipped: there is no {given.data.name}")
        return
    head = ["images", "known", "dimensions", "code", "squared error", "1-NN", "5-NN", "V-measure", "processor s"]
    for name in given.rows:
        rows = []
        for line in lines(ROWS[name], given):
            rows.append(line)
            print(*line, sep="  ", flush=True)
        over = f"medians of {SPLITS} splits" if ROWS[name].data == "faces" else "one seed"
        write_between(f"codes-{name}", f"{machine()}; load {load()} at the end; {over}.\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()
