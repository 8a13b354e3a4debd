"""The promise, for series and video: never worse than PCA, nor below probabilistic PCA's bound."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

import narrows
from narrows.data.sources import split
from narrows.training.seeds import SPLIT, generator


def _series():
    draw = np.random.RandomState(0)
    time = np.arange(24) / 24
    phase, pitch = draw.rand(2, 150, 1)
    yield "waves", np.sin(6.3 * (time * (2 + pitch) + phase)) + 0.05 * draw.randn(150, 24)
    yield "noise", draw.randn(150, 17, 2)
    yield "units apart", draw.randn(150, 9, 3).cumsum(1) * [1, 1e3, 1e-3]
    yield "steps", (time[:, None] > phase[:, None]).astype(float) + 0.1 * draw.randn(150, 24, 2)
    yield "bytes", (80 * phase[:, :, None] + 60 * np.sin(9 * time[:, None] + 6 * pitch[:, None]) + 90).astype(np.uint8)


SERIES = dict(_series())


def parts(ae, X):
    """The rows that a fit with seed 0 trains on and those that judge it, as the model sees them, one vector each."""
    found = (X.astype(float)[..., None] if X.ndim == 2 else X.astype(float)).swapaxes(1, 2) - ae.schema_.shift
    flat = (found / ae.schema_.scale).reshape(len(X), -1)
    return tuple(flat[rows.numpy()] for rows in split(len(X), 0.1, generator(0, SPLIT)))


def best(ae):
    return ae.history_[ae.chosen_["best_epoch"]]


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("network", ["sequence", "recurrent"])
def test_a_plain_code_is_never_worse_than_pca(name, network):
    X = SERIES[name]
    options = {"network": network}
    ae = narrows.Autoencoder(
        recipe="sequence", latent_dim=2, epochs=4, random_state=0, verbose=0, recipe_options=options
    ).fit(X)
    train, held_out = parts(ae, X)
    pca = PCA(2).fit(train)
    error = np.square(held_out - pca.inverse_transform(pca.transform(held_out))).mean()
    assert best(ae)["held_out"]["error"] <= error * 1.001 + 1e-6


@pytest.mark.parametrize("name", SERIES)
def test_a_gaussian_code_is_never_below_probabilistic_pca(name):
    X = SERIES[name]
    ae = narrows.Autoencoder(recipe="sequence_variational", latent_dim=2, epochs=4, random_state=0, verbose=0).fit(X)
    train, held_out = parts(ae, X)
    exact = -PCA(2).fit(train).score(held_out)
    draws = 3 * train.shape[1] ** 0.5 / len(held_out) ** 0.5
    assert best(ae)["score"] <= exact + draws


@pytest.mark.parametrize("shape", [(60, 5, 6, 7), (60, 4, 6, 5, 3)], ids=str)
def test_video_is_never_worse_than_pca(shape):
    draw = np.random.RandomState(0)
    X = draw.randn(*shape[:2], *(1,) * (len(shape) - 2)) + 0.3 * draw.randn(*shape)
    ae = narrows.Autoencoder(recipe="video", latent_dim=2, epochs=3, random_state=0, verbose=0).fit(X)
    flat = ((X - ae.schema_.shift) / ae.schema_.scale).reshape(len(X), -1)
    train, held_out = (flat[rows.numpy()] for rows in split(len(X), 0.1, generator(0, SPLIT)))
    pca = PCA(2).fit(train)
    error = np.square(held_out - pca.inverse_transform(pca.transform(held_out))).mean()
    assert best(ae)["held_out"]["error"] <= error * 1.001 + 1e-6


@pytest.mark.parametrize("recipe", ["sequence", "video"])
def test_an_untrained_model_is_pca_itself(recipe):
    X = SERIES["steps"] if recipe == "sequence" else SERIES["steps"].reshape(150, 4, 6, 2)
    ae = narrows.Autoencoder(
        recipe=recipe, latent_dim=3, epochs=1, learning_rate=1e-12, random_state=0, verbose=0, validation_fraction=0
    ).fit(X)
    pca = PCA(3).fit(X.reshape(len(X), -1))
    expected = pca.inverse_transform(pca.transform(X.reshape(len(X), -1))).reshape(X.shape)
    assert np.allclose(ae.reconstruct(X), expected, atol=1e-3)


def test_real_heartbeats(real):
    X = np.load(real / "timeseries/mitbih_record100.npz")["beat_x"][:600]
    ae = narrows.Autoencoder(recipe="sequence", latent_dim=8, epochs=3, random_state=0, verbose=0).fit(X)
    train, held_out = parts(ae, X)
    pca = PCA(8).fit(train)
    error = np.square(held_out - pca.inverse_transform(pca.transform(held_out))).mean()
    assert best(ae)["held_out"]["error"] <= error * 1.001
