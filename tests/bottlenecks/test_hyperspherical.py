"""Codes on a sphere against scipy's von Mises-Fisher distribution."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import ive
from scipy.stats import vonmises_fisher

from narrows.bottlenecks import Hyperspherical
from narrows.bottlenecks.hyperspherical import log_area
from narrows.core.errors import ChoiceError
from narrows.core.trace import Features

CASES = [(2, 1.0), (3, 0.5), (3, 20.0), (5, 3.0), (10, 100.0), (40, 400.0)]


def features(d, kappa, n=1):
    """Features of a posterior about the first axis, of this concentration."""
    raw = np.log(np.expm1(kappa - 1e-3)) if kappa < 30 else kappa - 1e-3
    direction = torch.zeros(n, d + 1)
    direction[:, 0], direction[:, -1] = 2.0, raw
    return Features(direction)


@pytest.mark.parametrize(("d", "kappa"), CASES)
def test_the_rate_is_scipys(d, kappa):
    mu = np.eye(d)[0]
    expected = log_area(d) - vonmises_fisher(mu, kappa).entropy()
    assert Hyperspherical(d)(features(d, kappa), None).rate == pytest.approx(expected, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(("d", "kappa"), CASES)
def test_densities_are_scipys(d, kappa, rng):
    part, z = Hyperspherical(d), F.normalize(torch.randn(6, d, generator=rng), dim=1)
    expected = vonmises_fisher(np.eye(d)[0], kappa).logpdf(z.double().numpy())
    found = part.log_posterior(features(d, kappa, 6), z)
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-2)
    assert np.allclose(part.log_prior(z), -log_area(d))


@pytest.mark.parametrize(("d", "kappa"), CASES)
def test_draws_are_scipys(d, kappa, rng):
    ours = Hyperspherical(d)(features(d, kappa, 4_000), rng).z
    theirs = vonmises_fisher(np.eye(d)[0], kappa).rvs(4_000, random_state=0)
    assert torch.allclose(ours.norm(dim=1), torch.ones(4_000), atol=1e-5)
    for moment in (lambda z: z, lambda z: z**2):
        found, expected = moment(ours.double().numpy()), moment(theirs)
        error = np.hypot(found.std(0), expected.std(0)) / 4_000**0.5
        assert (np.abs(found.mean(0) - expected.mean(0)) < 5 * error + 1e-6).all()


@pytest.mark.parametrize("kappa", [1.0, 15.0])
def test_gradients_of_draws_move_their_mean(kappa, rng):
    """The derivative of E[t] = I_{d/2}(kappa) / I_{d/2-1}(kappa) by kappa, through the draws."""
    d = 4
    given = features(d, kappa, 4_000)
    raw = given.values.clone().requires_grad_()
    t = Hyperspherical(d)(Features(raw), rng).z[:, 0]
    t.sum().backward()
    found = raw.grad[:, -1] / torch.sigmoid(given.values[:, -1])
    mean = ive(d / 2, kappa) / ive(d / 2 - 1, kappa)
    exact = 1 - mean**2 - (d - 1) / kappa * mean
    assert abs(found.mean() - exact) < 4 * found.std() / 4_000**0.5 + 0.01 * exact


def test_the_mean_code_is_the_direction():
    assert torch.allclose(Hyperspherical(3)(features(3, 5.0), None).z, torch.tensor([[1.0, 0.0, 0.0]]))


def test_any_concentration_stays_finite():
    raw = torch.tensor([[1.0, 0.0, 0.0, k] for k in (-50.0, 0.0, 1e3, 1e6)], requires_grad=True)
    code = Hyperspherical(3)(Features(raw), torch.Generator().manual_seed(0))
    (code.rate.sum() + code.z.sum()).backward()
    assert code.rate.isfinite().all()
    assert raw.grad.isfinite().all()


def test_a_sphere_needs_two_dimensions():
    with pytest.raises(ChoiceError, match="at least 2 dimensions"):
        Hyperspherical(1)
