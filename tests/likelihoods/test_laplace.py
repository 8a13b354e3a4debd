"""Absolute error as a log-density."""

import numpy as np
import pytest
import torch
from scipy import stats

import narrows
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Prediction, Trace, View
from narrows.likelihoods import Laplace, Normal


def followed(part, params, x, scored=None, steps=400):
    """The part after many steps on the same batch."""
    nothing = torch.zeros(len(x))
    trace = Trace(x, View(x, scored=scored), Code(nothing, nothing, nothing), Prediction(part, params))
    for _ in range(steps):
        part.after_step(trace, torch.Generator())
    return part


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_log_prob_is_that_of_torch(scale):
    m, x = torch.linspace(-50, 50, 41).view(41, 1, 1), torch.linspace(-5, 5, 41).view(41, 1)
    expected = torch.distributions.Laplace(m[:, 0], scale).log_prob(x)
    assert torch.allclose(Laplace(scale=scale).log_prob(m, x), expected, rtol=1e-5, atol=1e-5)


def test_samples_follow_the_distribution(rng):
    part = Laplace(scale=2.0)
    found = part.sample(torch.full((20_000, 1, 1), 3.0), rng).numpy().ravel()
    assert stats.kstest(found, stats.laplace(3.0, 2.0).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("kind", "fitted"), [(Laplace, "deviation"), (Normal, "variance")])
@pytest.mark.parametrize("scales", [(), (3,)])
def test_learned_scales_become_those_of_maximum_likelihood(kind, fitted, scales, rng):
    x = torch.randn(500, 3, generator=rng) * torch.tensor([0.5, 1.0, 4.0])
    params = torch.zeros(500, 1, 3)
    scored = torch.rand(500, 3, generator=rng) < 0.7
    part = followed(kind("learned", scales=scales), params, x, scored)
    errors = x.abs() if kind is Laplace else x.square()
    columns = [errors[:, i][scored[:, i]].mean() for i in range(3)]
    expected = torch.stack(columns) if scales else errors[scored].mean()
    assert torch.allclose(getattr(part, fitted), expected, rtol=2e-3)


def test_scales_have_a_floor_and_stay_where_nothing_is_scored():
    x = torch.zeros(8, 2)
    part = followed(
        Laplace("learned", floor=0.1, scales=(2,)), torch.zeros(8, 1, 2), x, torch.tensor([[True, False]] * 8)
    )
    assert part.deviation.tolist() == [pytest.approx(0.1, rel=5e-3), 1.0]


def test_start_takes_the_noise():
    part, told = Laplace("learned"), torch.zeros(3)
    part.start(told, told, torch.tensor(8.0))
    assert part.deviation.item() == 2.0
    fixed = Laplace(0.5)
    fixed.start(told, told, torch.tensor(8.0))
    assert fixed.deviation.item() == 0.5


def test_impossible_scale():
    with pytest.raises(ChoiceError, match="positive number or 'learned', got 0"):
        Laplace(scale=0)


def test_heavy_tails_are_better_described_than_by_a_normal_distribution():
    draw = np.random.RandomState(0)
    X = draw.randn(600, 2) @ draw.randn(2, 8) + 0.3 * draw.standard_t(2, (600, 8))
    nats = {}
    for name in ("laplace", "normal"):
        ae = narrows.Autoencoder(likelihood={"name": name, "scale": "learned"}, latent_dim=2, epochs=15, random_state=0)
        nats[name] = ae.set_params(verbose=0).fit(X[:500]).score(X[500:])
    assert nats["laplace"] > nats["normal"] + 1
