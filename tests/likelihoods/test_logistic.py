"""A logistic distribution, rounded to the levels of a pixel."""

import numpy as np
import pytest
import torch
from scipy import stats

import narrows
from narrows.core.errors import ChoiceError
from narrows.likelihoods import DiscretizedLogistic

LOCATIONS = [-50.0, -0.3, 0.0, 0.001, 0.25, 0.5, 0.77, 1.0, 1.4, 50.0]
LOG_SCALES = [-50.0, -7.0, -5.0, -3.0, -1.0, 1.0, 50.0]


def params_of(locations, log_scales):
    m, s = np.meshgrid(locations, log_scales)
    return torch.tensor(np.stack([m.ravel(), s.ravel()], 1), dtype=torch.float32).unsqueeze(-1)


def levels_of(part):
    return torch.arange(part.top + 1) / part.top


def probabilities(part, params):
    """(n, levels), float64."""
    return part.log_prob(params.expand(-1, -1, int(part.top) + 1), levels_of(part)).double().exp()


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_probabilities_sum_to_one(bits):
    total = probabilities(DiscretizedLogistic(bits), params_of(LOCATIONS, LOG_SCALES)).sum(1)
    assert torch.allclose(total, torch.ones_like(total), atol=2e-4)


def test_log_prob_is_a_difference_of_scipys_distribution_function():
    part, params = DiscretizedLogistic(), params_of([0.0, 0.2, 0.5, 0.9], [-4.0, -2.0, 0.0])
    m, s = params[:, :1, 0].double().numpy(), params[:, 1:, 0].double().exp().numpy()
    edges = (np.arange(257) - 0.5) / 255
    edges[0], edges[-1] = -np.inf, np.inf
    cdf, sf = stats.logistic(m, s).cdf(edges), stats.logistic(m, s).sf(edges)
    expected = np.where(edges[1:] > m, sf[:, :-1] - sf[:, 1:], cdf[:, 1:] - cdf[:, :-1])
    assert np.allclose(probabilities(part, params), expected, rtol=2e-3, atol=1e-12)


def test_tails_are_exact_where_probabilities_vanish_in_float32():
    s = 0.002
    params = torch.tensor([[[0.0], [np.log(s)]]])
    found = DiscretizedLogistic().log_prob(params, torch.ones(1, 1)).item()
    assert found == pytest.approx(-(1 - 0.5 / 255) / s, rel=1e-4)


def test_everything_is_finite_at_the_extremes():
    part = DiscretizedLogistic()
    params = params_of(LOCATIONS, LOG_SCALES).expand(-1, -1, 256).clone().requires_grad_()
    found = part.log_prob(params, levels_of(part))
    found.sum().backward()
    assert found.isfinite().all()
    assert (found <= 1e-6).all()
    assert params.grad.isfinite().all()


@pytest.mark.parametrize("bits", [3, 8])
def test_point_estimates_are_those_of_the_levels(bits):
    part = DiscretizedLogistic(bits)
    params = params_of([-0.3, 0.013, 0.25, 0.503, 0.77, 1.4], [-9.0, -5.0, -3.0, -1.0, 1.0])
    p, levels = probabilities(part, params), levels_of(part).double()
    median = levels[(p.cumsum(1) < 0.5 - 1e-5).sum(1)]
    assert torch.allclose(part.median(params)[:, 0].double(), median, atol=1e-6)
    mode = part.mode(params)[:, 0].double().mul(part.top).round().long()
    assert torch.allclose(p.gather(1, mode.unsqueeze(1))[:, 0], p.max(1).values, rtol=1e-3)


@pytest.mark.parametrize("bits", [3, 8])
def test_the_mean_is_within_half_a_level_and_near_where_the_scale_is_a_level(bits):
    part = DiscretizedLogistic(bits)
    params = params_of(np.linspace(-0.2, 1.2, 29), np.linspace(-12, 3, 16))
    error = part.mean(params)[:, 0].double() - probabilities(part, params) @ levels_of(part).double()
    assert error.abs().max() <= 0.5001 / part.top
    wide = params[:, 1, 0].exp() >= 1 / part.top
    assert error[wide].abs().max() <= 0.0105 / part.top + 1e-5


def test_samples_have_the_probabilities(rng):
    part, params = DiscretizedLogistic(2), params_of([0.4], [-1.0])
    found = (part.sample(params.expand(-1, -1, 30_000), rng) * part.top).round().long()
    shares = found.flatten().bincount(minlength=4) / found.numel()
    assert torch.allclose(shares, probabilities(part, params)[0].float(), atol=0.01)


def test_values_between_levels_count_as_the_nearest():
    part, params = DiscretizedLogistic(), params_of([0.3], [-3.0])
    at, near = (part.log_prob(params, torch.full((1, 1), x / 255)) for x in (100, 100.4))
    assert torch.equal(at, near)


def test_start_is_as_wide_as_the_noise():
    part, told = DiscretizedLogistic(), torch.zeros(3)
    part.start(told, told, torch.tensor(0.01))
    drawn = part.sample(torch.stack([torch.full((20_000,), 0.5), torch.zeros(20_000)])[None], torch.Generator())
    assert drawn.var().item() == pytest.approx(0.01, rel=0.1)
    part.start(told, told, torch.tensor(0.0))
    assert part.usual.exp().item() == pytest.approx(1 / 255)


@pytest.mark.parametrize("bits", [0, 17, 2.5])
def test_impossible_bits(bits):
    with pytest.raises(ChoiceError, match="from 1 to 16"):
        DiscretizedLogistic(bits)


@pytest.mark.parametrize("recipe", ["deep", "convolutional", "variational"])
def test_pixels_are_described_better_than_level_by_level(recipe, digits):
    X = (digits.images * 15.9).astype(np.uint8)
    ae = narrows.Autoencoder(recipe=recipe, likelihood="discretized_logistic", epochs=4, random_state=0, verbose=0)
    ae.fit(X[:600])
    scores = ae.score_samples(X[600:700])
    assert np.isfinite(scores).all()
    assert (scores < 0).all(), "probabilities, not densities"
    assert scores.mean() > -64 * np.log(256) * 0.7
    assert ae.reconstruct(X[:5]).dtype == np.uint8
