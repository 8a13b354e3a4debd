"""Counts: negative binomial, with and without zeros of their own kind."""

import numpy as np
import pytest
import torch
from scipy import stats

import narrows
from narrows.data.sources import split
from narrows.likelihoods import NegativeBinomial, ZeroInflatedNegativeBinomial
from narrows.likelihoods.counts import MOST_LOG_MEAN, quantile
from narrows.training.seeds import SPLIT, generator

BOTH = [NegativeBinomial, ZeroInflatedNegativeBinomial]


def grid(*axes):
    """Every combination of the values of some axes, flat."""
    return [torch.tensor(a.ravel(), dtype=torch.float32) for a in np.meshgrid(*axes)]


def scipys(m, r):
    m, r = m.double().numpy(), r.double().numpy()
    return stats.nbinom(r, r / (r + m))


def as_params(*numbers):
    """Parameters (n, p, 1)."""
    return torch.stack(numbers, 1).unsqueeze(-1)


def test_log_prob_is_that_of_scipy():
    m, r, x = grid(np.geomspace(1e-3, 1e6, 19), np.geomspace(1e-3, 1e5, 17), np.r_[0:6, 10, 99, 1e3, 1e4, 1e5, 1e6])
    found = NegativeBinomial().log_prob(as_params(m.log(), r.log()), x.unsqueeze(1))[:, 0].double().numpy()
    expected = scipys(m.log().double().exp(), r.log().double().exp()).logpmf(x.double().numpy())
    assert np.allclose(found, expected, rtol=2e-5, atol=2e-4)


def test_counts_in_the_millions_keep_their_precision():
    x = torch.linspace(0.9e6, 1.1e6, 21).round()
    params = as_params(torch.full((21,), 1e6).log(), torch.full((21,), 1e4).log())
    expected = scipys(params[:, 0, 0].double().exp(), params[:, 1, 0].double().exp()).logpmf(x.double().numpy())
    assert np.allclose(NegativeBinomial().log_prob(params, x.unsqueeze(1))[:, 0], expected, atol=0.02)


@pytest.mark.parametrize("kind", BOTH)
def test_probabilities_sum_to_one(kind):
    m, r, gate = grid([0.1, 3.0, 100.0], [0.3, 2.0, 1e3], [-4.0, 0.0, 3.0])
    params = as_params(m.log(), r.log(), gate)[:, : 2 if kind is NegativeBinomial else 3]
    total = kind().log_prob(params.expand(-1, -1, 6000), torch.arange(6000.0)).double().exp().sum(1)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-4)


@pytest.mark.parametrize("kind", BOTH)
def test_samples_have_mean_and_variance(kind, rng):
    m, r = torch.tensor([0.5, 20.0, 5000.0]), torch.tensor([0.5, 3.0, 50.0])
    rows = [m.log(), r.log(), torch.tensor([-1.0, 0.0, 1.0])]
    params = torch.stack(rows[:2] if kind is NegativeBinomial else rows).expand(40_000, -1, 3)
    found, mean = kind().sample(params, rng).double(), kind().mean(params)[0].double()
    assert torch.allclose(found.mean(0), mean, rtol=0.05)
    if kind is NegativeBinomial:
        assert torch.allclose(found.var(0), (m + m.square() / r).double(), rtol=0.1)
    assert torch.equal(found, found.round())


def test_median_is_within_a_count_of_scipys_and_nearly_always_equal():
    m, r = grid(np.geomspace(0.01, 1e5, 57), np.geomspace(0.02, 1e5, 53))
    found = NegativeBinomial().median(as_params(m.log(), r.log()))[:, 0].numpy()
    expected = scipys(m, r).median()
    near = np.abs(found - expected) <= np.maximum(1, 2e-5 * expected)
    assert near.all()
    assert (found == expected)[expected < 1000].mean() > 0.98


@pytest.mark.parametrize("level", [0.4, 0.2, 0.02])
def test_quantiles_are_near_those_of_scipy(level):
    m, r = grid(np.geomspace(0.1, 1e4, 31), np.geomspace(0.1, 1e4, 29))
    found = quantile(m, r, torch.full_like(m, level)).numpy()
    expected = scipys(m, r).ppf(level)
    assert np.abs(found - expected).max() <= 1
    assert (found == expected).mean() > 0.98


def test_mode_is_the_most_probable_count():
    m, r, gate = grid(np.geomspace(0.1, 150, 15), np.geomspace(0.1, 100, 13), [-5.0, -1.0, 1.0])
    counts = np.arange(400)[:, None]
    pmf = scipys(m, r).pmf(counts)
    plain = NegativeBinomial().mode(as_params(m.log(), r.log()))[:, 0].long().numpy()
    assert np.allclose(pmf[plain, np.arange(len(m))], pmf.max(0), rtol=1e-3)
    q = gate.sigmoid().double().numpy()
    mixed = q * (counts == 0) + (1 - q) * pmf
    params = as_params(m.log(), r.log(), gate - ZeroInflatedNegativeBinomial.usual_gate)
    inflated = ZeroInflatedNegativeBinomial().mode(params)[:, 0].long().numpy()
    assert np.allclose(mixed[inflated, np.arange(len(m))], mixed.max(0), rtol=1e-3)


def test_zero_inflation_is_a_mixture():
    m, r, gate, x = grid([0.5, 30.0], [0.5, 20.0], [-30.0, -2.0, 2.0, 30.0], [0.0, 1.0, 25.0])
    params = as_params(m.log(), r.log(), gate - ZeroInflatedNegativeBinomial.usual_gate)
    part = ZeroInflatedNegativeBinomial()
    q = gate.double().sigmoid().numpy()
    zero = np.where(x == 0, np.log(q), -np.inf)
    expected = np.logaddexp(zero, np.log1p(-q) + scipys(m, r).logpmf(x.double().numpy()))
    assert np.allclose(part.log_prob(params, x.unsqueeze(1))[:, 0], expected, rtol=1e-3, atol=1e-3)
    cumulated = q + (1 - q) * scipys(m, r).cdf(part.median(params)[:, 0].double().numpy())
    assert (cumulated > 0.495).all()
    assert (part.median(params)[:, 0][gate > 0] == 0).all()


@pytest.mark.parametrize("kind", BOTH)
def test_everything_is_finite_at_the_extremes(kind):
    ends = [-50.0, -20.0, -1.0, 0.0, 1.0, 20.0, 50.0]
    a, b, c, x = grid(ends, ends, ends, [0.0, 1.0, 30.0, 1e6])
    params = as_params(a, b, c)[:, : 2 if kind is NegativeBinomial else 3].clone().requires_grad_()
    part = kind()
    found = part.log_prob(params, x.unsqueeze(1))
    found.sum().backward()
    assert found.isfinite().all()
    assert (found <= 1e-3).all()
    assert params.grad.isfinite().all()
    numbers = params.detach()
    for read in (part.mean(numbers), part.median(numbers), part.mode(numbers), part.sample(numbers, torch.Generator())):
        assert read.isfinite().all()
        assert (read >= 0).all()
        assert part.mean(numbers).max() <= np.exp(MOST_LOG_MEAN) * 1.001


def test_the_gradient_is_the_closed_form():
    m, r, x = grid(np.geomspace(1e-2, 1e4, 13), np.geomspace(0.1, 1e3, 9), [0.0, 1.0, 7.0, 500.0])
    params = as_params(m.log(), r.log()).requires_grad_()
    NegativeBinomial().log_prob(params, x.unsqueeze(1)).sum().backward()
    m, r, x = m.double(), r.double(), x.double()
    by_log_m = (x - m) * r / (r + m)
    by_log_r = r * (torch.digamma(x + r) - torch.digamma(r) + torch.log(r / (r + m)) + 1 - (x + r) / (r + m))
    assert torch.allclose(params.grad[:, 0, 0].double(), by_log_m, rtol=1e-3, atol=1e-3)
    assert torch.allclose(params.grad[:, 1, 0].double(), by_log_r, rtol=1e-2, atol=5e-3)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("shape", [(), (4,)])
def test_start_is_what_is_usual(kind, shape):
    draw = np.random.RandomState(0)
    m = np.array([0.02, 1.0, 40.0, 6000.0])
    X = torch.from_numpy(draw.negative_binomial(2, 2 / (2 + m), (20_000, 4))).float()
    part = kind(shape)
    part.start(X.mean(0), X.var(0), torch.tensor(1.0))
    nothing = torch.zeros(1, 2 if kind is NegativeBinomial else 3, 4)
    expected = X.mean(0) if shape else X.mean().expand(4)
    assert torch.allclose(part.mean(nothing)[0], expected, rtol=1e-3)


def structured(rows=1500):
    """Counts of 15 columns, of means from one to thousands, from 2 causes."""
    draw = np.random.RandomState(0)
    m = np.exp(draw.randn(rows, 2) @ draw.randn(2, 15) * 0.6 + np.log(np.geomspace(1, 4000, 15)))
    return draw.negative_binomial(5, 5 / (5 + m))


@pytest.mark.parametrize("recipe", ["deep", "variational"])
def test_a_model_begins_at_the_columns_own_distributions_and_beats_them(recipe):
    X = structured()
    ae = narrows.Autoencoder(recipe=recipe, likelihood="negative_binomial", latent_dim=2, epochs=25, random_state=0)
    ae.set_params(verbose=0).fit(X[:1200])
    rows, held_out = (X[:1200][part.numpy()] for part in split(1200, 0.1, generator(0, SPLIT)))
    columns = stats.nbinom(*by_moments(rows))
    assert ae.history_[0]["held_out"]["loss"] == pytest.approx(-columns.logpmf(held_out).sum(1).mean(), rel=1e-3)
    assert ae.score(X[1200:]) > columns.logpmf(X[1200:]).sum(1).mean() + 5
    assert np.abs(ae.reconstruct(X[1200:]) - X[1200:]).mean() < 0.8 * np.abs(np.median(rows, 0) - X[1200:]).mean()
    assert ae.reconstruct(X[:5]).dtype == X.dtype


def by_moments(X):
    m, v = X.mean(0), X.var(0)
    r = m**2 / np.maximum(v - m, 1e-6)
    return r, r / (r + m)


def test_gaps_are_left_out():
    X = structured(400).astype(float)
    X[::3, 2] = np.nan
    ae = narrows.Autoencoder(likelihood="negative_binomial", latent_dim=2, epochs=2, random_state=0, verbose=0).fit(X)
    assert ae.module_.likelihood.usual[0, 2].exp().item() == pytest.approx(np.nanmean(X[:, 2]), rel=0.1)
    assert np.isfinite(ae.score_samples(X)).all()
    assert np.isfinite(ae.reconstruct(X)).all()
