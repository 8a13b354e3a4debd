"""The promise: on held-out rows never worse than PCA, than probabilistic PCA's bound, or than the mean."""

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from sklearn import datasets
from sklearn.decomposition import PCA

import narrows
from narrows.data.sources import split
from narrows.training.seeds import SPLIT, generator


def _tables():
    draw = np.random.RandomState(0)
    yield "iris", datasets.load_iris().data
    yield "wine", datasets.load_wine().data
    yield "cancer", datasets.load_breast_cancer().data
    yield "diabetes", datasets.load_diabetes().data
    yield "digits", datasets.load_digits().images
    yield "digits as table", datasets.load_digits().data
    yield "standardised digits", (lambda X: (X - X.mean(0)) / (X.std(0) + 1e-9))(datasets.load_digits().data)
    yield "binary digits", (datasets.load_digits().data > 7).astype(np.uint8)
    yield "noise", draw.randn(300, 12)
    yield "wide noise", draw.randn(40, 90)
    yield "coins", draw.rand(200, 15) < 0.3
    yield "heavy tails", draw.standard_t(2, (400, 8))
    yield "counts", draw.poisson(3, (300, 10))
    yield "low rank", draw.randn(200, 3) @ draw.randn(3, 20)
    yield "s curve", datasets.make_s_curve(500, random_state=0)[0]
    yield "swiss roll", datasets.make_swiss_roll(500, random_state=0)[0]
    yield "clusters", datasets.make_blobs(400, 9, random_state=0)[0]
    yield "units apart", draw.randn(300, 6) * 10.0 ** np.arange(6)
    yield "noise images", draw.rand(120, 9, 7, 3)
    yield "few rows", draw.randn(12, 5)
    yield "uint8 images", (datasets.load_digits().images * 15.9).astype(np.uint8)


TABLES = dict(_tables())


def epochs(X):
    """Enough to leave the beginning; images cost more, and the promise is one about every moment."""
    return 15 if X.ndim == 2 and len(X) < 1000 else 4


def parts(X):
    """The rows that a fit with seed 0 trains on and those that judge it."""
    train, held_out = split(len(X), 0.1, generator(0, SPLIT))
    return X[train.numpy()], X[held_out.numpy()]


def in_the_models_units(ae, X):
    """Values as the model sees them, so that PCA and model are judged alike."""
    schema = ae.schema_
    return (X.astype(np.float64) - schema.shift) / schema.scale


def error_on_held_out(ae, X):
    """Asked with floats, so that nothing is rounded."""
    held_out = parts(X)[1].astype(np.float64)
    return np.square(in_the_models_units(ae, ae.reconstruct(held_out)) - in_the_models_units(ae, held_out)).mean()


def pca_error(train, held_out, k):
    train, held_out = train.reshape(len(train), -1), held_out.reshape(len(held_out), -1)
    pca = PCA(min(k, *train.shape)).fit(train)
    return np.square(held_out - pca.inverse_transform(pca.transform(held_out))).mean()


@pytest.mark.parametrize("name", TABLES)
def test_a_plain_code_is_never_worse_than_pca(name):
    X = TABLES[name]
    ae = narrows.Autoencoder(latent_dim=2, epochs=epochs(X), random_state=0, verbose=0).fit(X)
    train, held_out = (in_the_models_units(ae, part) for part in parts(X))
    assert error_on_held_out(ae, X) <= pca_error(train, held_out, 2) * 1.001 + 1e-6


@pytest.mark.parametrize("name", [n for n in TABLES if n not in ("coins", "binary digits")])
def test_a_gaussian_code_is_never_below_probabilistic_pca(name):
    X = TABLES[name]
    ae = narrows.Autoencoder(recipe="variational", latent_dim=2, epochs=epochs(X), random_state=0, verbose=0).fit(X)
    train, held_out = (in_the_models_units(ae, part).reshape(len(part), -1) for part in parts(X))
    if len(train) <= train.shape[1]:
        pytest.skip("the closed form needs more rows than columns")
    exact = -PCA(2).fit(train).score(held_out)
    draws = 3 * train.shape[1] ** 0.5 / len(held_out) ** 0.5
    assert ae.history_[ae.chosen_["best_epoch"]]["score"] <= exact + draws


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("recipe", ["deep", "variational", pytest.param("sparse", marks=pytest.mark.slow)])
def test_a_learned_scale_is_never_worse_than_the_mean(name, recipe):
    X = TABLES[name]
    likelihood = {"name": "normal", "scale": "learned"}
    ae = narrows.Autoencoder(
        recipe=recipe, latent_dim=2, epochs=epochs(X), random_state=0, verbose=0, likelihood=likelihood
    ).fit(X)
    train, held_out = (in_the_models_units(ae, part) for part in parts(X))
    mean_error = np.square(held_out - train.mean(0)).mean()
    assert error_on_held_out(ae, X) <= mean_error * 1.01 + 1e-6


@pytest.mark.parametrize("name", ["adbench/38_thyroid.npz", "adbench/2_annthyroid.npz", "adbench/45_wine.npz"])
def test_real_tables(real, name):
    X = np.load(real / name)["X"]
    ae = narrows.Autoencoder(latent_dim=3, epochs=10, random_state=0, verbose=0).fit(X)
    train, held_out = (in_the_models_units(ae, part) for part in parts(X))
    assert ae.history_[ae.chosen_["best_epoch"]]["held_out"]["error"] <= pca_error(train, held_out, 3) * 1.001


def test_real_images(real):
    file = np.load(real / "images/cifar10/cifar10_test_5k_jpegbytes.npz")
    ends = file["offset"][:601]
    X = np.stack([np.asarray(Image.open(io.BytesIO(file["jpeg"][a:b].tobytes()))) for a, b in pairwise(ends)])
    ae = narrows.Autoencoder(latent_dim=16, epochs=2, random_state=0, verbose=0).fit(X)
    train, held_out = (in_the_models_units(ae, part) for part in parts(X))
    assert ae.history_[ae.chosen_["best_epoch"]]["held_out"]["error"] <= pca_error(train, held_out, 16) * 1.002
