"""Importance-sampled likelihoods and the parts of the bound."""

import numpy as np
import pytest
import torch

import narrows
from narrows.core.errors import ChoiceError
from narrows.data.door import samples
from narrows.tasks.likelihood import bound_terms, log_likelihood


@pytest.fixture(scope="module")
def fitted():
    """A linear model of data from two causes: its likelihood has a closed form."""
    draw = np.random.RandomState(0)
    X = draw.randn(300, 2) @ draw.randn(2, 5) * 3 + draw.randn(300, 5) + 10
    return X, still(X)


def still(X):
    """A model that stays as it begins: probabilistic PCA."""
    options = {"latent_dim": 2, "epochs": 1, "learning_rate": 1e-9, "random_state": 0, "verbose": 0}
    return narrows.Autoencoder(recipe="variational", **options).fit(X)


def likelihood(ae, X, **options):
    return log_likelihood(ae.module_, ae.schema_, samples(X), **options)


def test_it_agrees_with_the_bound_and_exceeds_it(fitted):
    X, ae = fitted
    found = likelihood(ae, X, draws=100)
    terms = bound_terms(ae.module_, ae.schema_, samples(X))
    volume = float(ae.schema_.log_volumes.sum())
    assert found.shape == (300,)
    assert found.mean() >= terms["bound"] - volume - 1e-3
    assert found.mean() == pytest.approx(terms["bound"] - volume, abs=0.1), "the posterior of a linear model is exact"


def test_draws_are_exactly_as_many_as_asked(fitted, monkeypatch):
    X, ae = fitted
    asked = []
    bottleneck = ae.module_.bottleneck
    forward = type(bottleneck).forward

    def counted(self, features, rng):
        if rng is not None:
            asked.append(len(features.values))
        return forward(self, features, rng)

    monkeypatch.setattr(type(bottleneck), "forward", counted)
    for draws in (1, 7, 1000):
        asked.clear()
        likelihood(ae, X[:3], draws=draws)
        assert sum(asked) == draws * 1024, "a block of rows is padded to 1,024"


def test_it_is_the_same_each_time_and_for_each_beginning(fitted):
    X, ae = fitted
    found = likelihood(ae, X, draws=5, seed=1)
    assert np.array_equal(found, likelihood(ae, X, draws=5, seed=1))
    assert np.array_equal(found[:20], likelihood(ae, X[:20], draws=5, seed=1))
    assert not np.array_equal(found, likelihood(ae, X, draws=5, seed=2))


def test_more_draws_come_nearer(fitted):
    X, ae = fitted
    spoiled = still(X)
    with torch.no_grad():
        spoiled.module_.encoder.linear.bias[2:] += 0.5
    few, many = (likelihood(spoiled, X, draws=draws).mean() for draws in (1, 200))
    assert few < many - 0.1
    assert many == pytest.approx(likelihood(ae, X, draws=200).mean(), abs=0.2)


def test_missing_values_count_for_nothing(fitted):
    X, _ = fitted
    holes = X.copy()
    holes[:, 0] = np.nan
    holes[:150, 0] = X[:150, 0]
    gone = still(holes)
    found, other = likelihood(gone, holes, draws=10), likelihood(gone, X, draws=10)
    assert np.isfinite(found).all()
    assert np.allclose(found[:150], other[:150])
    assert not np.allclose(found[150:], other[150:])


@pytest.mark.parametrize("recipe", ["vamp", "ladder", "importance_weighted", "hyperspherical"])
def test_every_model_with_densities_has_a_likelihood(recipe, table):
    ae = narrows.Autoencoder(recipe=recipe, latent_dim=3, epochs=1, random_state=0, verbose=0).fit(table)
    assert np.isfinite(likelihood(ae, table, draws=3)).all()


def test_rates_fall_apart(fitted):
    X, ae = fitted
    terms = bound_terms(ae.module_, ae.schema_, samples(X))
    assert terms["bound"] == pytest.approx(-terms["distortion"] - terms["rate"])
    assert terms["rate"] == pytest.approx(terms["information"] + terms["marginal"], abs=1e-6)
    assert 0 < terms["information"] < np.log(300)
    assert abs(terms["marginal"]) < 0.5, "codes of a model that is right lie as the prior says"


@pytest.mark.parametrize("draws", [0, -1, 2.5, True])
def test_bad_numbers_of_draws_are_refused(fitted, draws):
    X, ae = fitted
    with pytest.raises(ChoiceError, match="draws is a whole number of at least 1"):
        likelihood(ae, X, draws=draws)


def test_codes_without_densities_are_refused(table):
    ae = narrows.Autoencoder(latent_dim=2, epochs=1, verbose=0).fit(table)
    with pytest.raises(ChoiceError, match="needs codes with a prior"):
        likelihood(ae, table)
    with pytest.raises(ChoiceError, match="where codes have densities"):
        bound_terms(ae.module_, ae.schema_, samples(table))
