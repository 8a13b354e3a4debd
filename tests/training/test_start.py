"""Principal components, exact and by subspace iteration."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from narrows.data.conditions import ConditionedSource
from narrows.data.schema import ArraySchema
from narrows.data.sources import ArraySource
from narrows.data.statistics import Statistics
from narrows.recipes.assemble import assemble
from narrows.training import start
from narrows.training.start import begin, effects, moments, principal_components


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


def labelled(rows=240):
    """Rows of three classes, whose means differ by more than what varies within them, and their labels as numbers."""
    draw = np.random.RandomState(0)
    y = np.arange(rows) % 3
    X = (4 * draw.randn(3, 12))[y] + draw.randn(rows, 2) @ draw.randn(2, 12) + 0.1 * draw.randn(rows, 12)
    return X, y, ConditionedSource(source(X), torch.eye(3)[torch.from_numpy(y)])


def test_effects_of_classes_are_what_their_means_differ_by(rng):
    X, y, given = labelled()
    found = effects(given, 3, rng)
    assert np.allclose(found.T, [X[y == k].mean(0) - X.mean(0) for k in range(3)], atol=1e-4)


def test_a_condition_that_never_changes_has_no_effect(rng):
    X, _, given = labelled()
    same = ConditionedSource(given.of, torch.ones(len(X), 2))
    assert effects(same, 2, rng).abs().max() < 1e-4


def test_components_with_effects_are_those_of_what_classes_leave(rng):
    X, y, given = labelled()
    within = X - np.array([X[y == k].mean(0) for k in range(3)])[y]
    found = principal_components(given, 2, rng, effects(given, 3, rng))
    assert np.allclose(found.variances, PCA(2).fit(within).explained_variance_ * (len(X) - 1) / len(X), rtol=1e-3)


@pytest.mark.parametrize("bottleneck", ["plain", "gaussian"])
def test_conditional_models_begin_by_drawing_the_mean_of_a_class(bottleneck, rng):
    X, y, given = labelled()
    spec = replace(given.of.spec, context=3)
    model = assemble(spec, 2, bottleneck=bottleneck)
    assert begin(model, given, principal_components(given, 2, rng, effects(given, 3, rng)), rng)
    view = next(given.batches(len(X)))
    error = (model(view).prediction.mean() - view.x).square().mean()
    assert error < 0.05, "two numbers hold what varies within classes"
    code = model.bottleneck(model.encoder(view), None).z
    assert (code[y == 0].mean(0) - code[y == 1].mean(0)).abs().max() < 0.2
