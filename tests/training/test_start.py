"""Principal components, exact and by subspace iteration."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from narrows.data.schema import ArraySchema
from narrows.data.sources import ArraySource
from narrows.data.statistics import Statistics
from narrows.recipes.assemble import assemble
from narrows.training import start
from narrows.training.start import moments, principal_components


def source(X):
    return ArraySource(X, ArraySchema.learn(X, Statistics.of(X), "real", "none"))


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("shape", [(300, 40), (50, 90), (7, 5)])
def test_components_are_those_of_scikit_learn(exact, shape, monkeypatch, rng):
    monkeypatch.setattr(start, "EXACT", 1_000 if exact else 0)
    monkeypatch.setattr(start, "BLOCK", 32)
    draw = np.random.RandomState(0)
    X = draw.randn(*shape) * np.geomspace(3, 0.3, shape[1]) + 2
    k = 4
    found, pca = principal_components(source(X), k, rng), PCA(k).fit(X)
    assert np.allclose(found.mean, pca.mean_, atol=1e-4)
    assert np.allclose(found.variances, pca.explained_variance_ * (len(X) - 1) / len(X), rtol=2e-3)
    alike = np.abs((found.axes.numpy() * pca.components_).sum(1))
    assert (alike > 0.98).all()
    rest = X.var(0).sum() - found.variances.sum().item()
    assert found.noise.item() == pytest.approx(rest / (shape[1] - k), rel=1e-3, abs=1e-5)


def test_no_more_components_than_there_are(rng):
    found = principal_components(source(np.random.RandomState(0).randn(3, 8)), 6, rng)
    assert found.axes.shape == (2, 8)


def test_constant_data(rng):
    found = principal_components(source(np.ones((9, 4))), 2, rng)
    assert found.variances.tolist() == [0, 0]
    assert torch.isfinite(found.axes).all()


def test_moments_leave_gaps_out(rng):
    X = np.random.RandomState(0).randn(50, 3)
    X[::2, 1] = np.nan
    schema = ArraySchema.learn(X, Statistics.of(X), "real", "none")
    mean, variance = moments(ArraySource(X, schema, gaps=True), rng)
    assert np.allclose(mean, np.nanmean(X, 0), atol=1e-6)
    assert np.allclose(variance, np.nanvar(X, 0), atol=1e-6)


def test_components_know_the_variance_of_each_value(rng):
    X = np.random.RandomState(0).randn(50, 3) * [1, 2, 3]
    assert np.allclose(principal_components(source(X), 1, rng).spread, X.var(0), rtol=1e-4)


@pytest.mark.parametrize(("bottleneck", "silent"), [("plain", False), ("gaussian", True)])
def test_counts_begin_as_one_distribution_for_all_samples(bottleneck, silent, rng):
    X = np.random.RandomState(0).poisson([1.0, 30.0, 4000.0], (200, 3)).astype(float)
    counts = ArraySource(X, ArraySchema.learn(X, Statistics.of(X), "count", "none"))
    model = assemble(counts.spec, 2, bottleneck=bottleneck, likelihood="negative_binomial", rng=rng)
    assert not start.begin(model, counts, None, rng)
    trace = model(counts.take(torch.arange(9)))
    assert np.allclose(trace.prediction.mean().detach(), X.mean(0), rtol=1e-3)
    assert (trace.code.z == 0).all() == silent
