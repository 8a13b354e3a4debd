"""The demo's work: every recipe on the digits that ship with scikit-learn, beside PCA and the mean, and a report.

All models have codes of eight numbers and as many epochs; errors and accuracies are of images that none has seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import narrows
from narrows import plots
from narrows.data.arrays import Array
from narrows.metrics import mean_squared_error, nearest_neighbour_accuracy
from narrows.plots.page import Picture, Section, Table, Text, page
from narrows.plots.style import png

CONNECTED = {"network": "mlp"}
RECIPES: dict[str, dict[str, Any]] = {
    "vanilla": {},
    "deep": {},
    "convolutional": {"widths": [32]},
    "sparse": CONNECTED,
    "sparse_kl": CONNECTED,
    "denoising": CONNECTED,
    "contractive": CONNECTED,
    "variational": CONNECTED,
}
"""The recipes and their options; those after `convolutional` share the fully connected network of `deep`."""
CODE = 8
NOISE = 0.2
HEADER = ("model", "test error", "1-NN accuracy", "seconds")


@dataclass(frozen=True)
class Digits:
    """Images (n, 8, 8) with values in [0, 1], and what they show, split in two."""

    train: Array
    test: Array
    train_labels: Array
    test_labels: Array

    @classmethod
    def load(cls) -> Digits:
        """The digits of scikit-learn, a fifth of them set aside by a fixed seed."""
        digits = load_digits()
        images = (digits.images / 16).astype(np.float32)
        order = np.random.default_rng(0).permutation(len(images))
        aside, rest = np.split(order, [len(images) // 5])
        return cls(images[rest], images[aside], digits.target[rest], digits.target[aside])

    def one_of_each(self) -> Array:
        """Where in the test set the first of each digit is."""
        return np.unique(self.test_labels, return_index=True)[1]


@dataclass(frozen=True)
class Row:
    """A line of the table: mean squared error per pixel, share of neighbours with the same label, and time."""

    name: str
    error: float
    accuracy: float
    seconds: float

    def cells(self) -> tuple[str, str, str, str]:
        """The row as text; what makes no sense for it is a dash."""
        accuracy = "-" if np.isnan(self.accuracy) else f"{self.accuracy:.1%}"
        return self.name, f"{self.error:.5f}", accuracy, f"{self.seconds:.1f}"


@dataclass(frozen=True)
class Showcase:
    """Everything that the demo found: the table, the models of eight numbers, and one of two for the map."""

    digits: Digits
    rows: list[Row]
    models: dict[str, narrows.Autoencoder]
    flat: narrows.Autoencoder
    pca: Array
    """Test images as rebuilt by PCA, (n, 8, 8)."""


def run(epochs: int, random_state: int, tell: Callable[[tuple[str, ...]], None]) -> Showcase:
    """Train everything.

    Args:
        epochs: Passes over the training images, the same for all.
        random_state: Where randomness comes from.
        tell: Called with the cells of each row of the table as soon as it is known.
    """
    digits = Digits.load()
    tell(HEADER)
    by_pca, pca = _pca(digits)
    rows = [_mean(digits), by_pca]
    for row in rows:
        tell(row.cells())
    models = {}
    for recipe in RECIPES:
        began = time.perf_counter()
        models[recipe] = _model(recipe, CODE, epochs, random_state).fit(digits.train)
        rows.append(_judged(models[recipe], digits, time.perf_counter() - began))
        tell(rows[-1].cells())
    flat = _model("deep", 2, epochs, random_state).fit(digits.train)
    return Showcase(digits, rows, models, flat, pca)


def _model(recipe: str, size: int, epochs: int, random_state: int) -> narrows.Autoencoder:
    return narrows.Autoencoder(
        recipe=recipe,
        latent_dim=size,
        recipe_options=RECIPES[recipe],
        epochs=epochs,
        random_state=random_state,
        verbose=0,
    )


def _judged(model: narrows.Autoencoder, digits: Digits, seconds: float) -> Row:
    error = mean_squared_error(digits.test, model.reconstruct(digits.test))
    return Row(model.recipe, error, _accuracy(digits, model.transform), seconds)


def _accuracy(digits: Digits, encode: Callable[[Array], Array]) -> float:
    known, asked = encode(digits.train), encode(digits.test)
    return nearest_neighbour_accuracy(known, digits.train_labels, asked, digits.test_labels)


def _mean(digits: Digits) -> Row:
    """Predicting the mean image for everything, the least that a model must beat."""
    rebuilt = np.broadcast_to(digits.train.mean(0), digits.test.shape)
    return Row("the mean", mean_squared_error(digits.test, rebuilt), np.nan, 0.0)


def _pca(digits: Digits) -> tuple[Row, Array]:
    """Principal component analysis with as many components, and the test images as it rebuilds them."""
    began = time.perf_counter()
    mean = digits.train.mean(0).ravel()
    axes = np.linalg.svd(digits.train.reshape(len(digits.train), -1) - mean, full_matrices=False)[2][:CODE]
    seconds = time.perf_counter() - began

    def encode(images: Array) -> Array:
        return (images.reshape(len(images), -1) - mean) @ axes.T

    rebuilt = (encode(digits.test) @ axes + mean).reshape(digits.test.shape)
    return Row("PCA", mean_squared_error(digits.test, rebuilt), _accuracy(digits, encode), seconds), rebuilt


def picture(found: Showcase) -> bytes:
    """The picture of the README, as PNG: digits, what eight numbers keep of them, and the map of two numbers."""
    rows, codes = _rows(found), found.flat.transform(found.digits.test)
    return png(plots.overview(rows, codes, found.digits.test_labels, f"digits, rebuilt from {CODE} numbers each"))


def report(found: Showcase) -> str:
    """The report, as one HTML page."""
    digits = found.digits
    return page(
        "narrows demo: eight numbers for a digit",
        f"{len(digits.train):,} images of 8 x 8 pixels to learn from, {len(digits.test)} to judge by, "
        f"and every recipe with a code of {CODE} numbers.",
        [
            _table(found),
            Section(
                "Originals and reconstructions",
                [
                    Picture(
                        plots.image_rows(_rows(found)), f"Test images, and what is left of them after {CODE} numbers."
                    )
                ],
            ),
            _map(found),
            _training(found),
            _noise(found),
        ],
    )


def _table(found: Showcase) -> Section:
    words = (
        "Test error is the mean squared error per pixel, black 0 and white 1. 1-NN accuracy is the share of test "
        "images whose nearest neighbour among the codes of training images shows the same digit. The recipes after "
        "convolutional share the fully connected network of deep."
    )
    return Section("Recipes, PCA and the mean", [Table(HEADER, [row.cells() for row in found.rows]), Text(words)])


def _map(found: Showcase) -> Section:
    figure = plots.code_map(found.flat.transform(found.digits.test), found.digits.test_labels)
    words = "Test images in a code of two numbers (recipe deep), which was learned without the labels."
    return Section("The learned code", [Picture(figure, words)])


def _training(found: Showcase) -> Section:
    figure = plots.curves({recipe: model.history_ for recipe, model in found.models.items()})
    words = (
        "Error on the training images that each recipe set aside, after each epoch. Models whose code can be linear "
        "begin as PCA."
    )
    return Section("Training", [Picture(figure, words)])


def _noise(found: Showcase) -> Section:
    clean = found.digits.test[found.digits.one_of_each()]
    noisy = clean + np.random.default_rng(0).normal(0, NOISE, clean.shape).astype(np.float32)
    cleaned = found.models["denoising"].reconstruct(noisy)
    words = (
        f"Test images with normal noise of {NOISE:g}, as cleaned by the recipe denoising: mean squared error "
        f"{mean_squared_error(noisy, clean):.3f} before and {mean_squared_error(cleaned, clean):.3f} after."
    )
    return Section("Noise and its removal", [Picture(plots.before_after(noisy.clip(0, 1), cleaned, clean), words)])


def _rows(found: Showcase) -> dict[str, Array]:
    """One test image of each digit, and its reconstructions."""
    first = found.digits.one_of_each()
    original = found.digits.test[first]
    rebuilt = {name: found.models[name].reconstruct(original) for name in ("variational", "convolutional", "deep")}
    return {"original": original, "PCA": found.pca[first], **rebuilt}
