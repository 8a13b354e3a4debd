"""The mixture over codes against scikit-learn's density and known moments."""

import math

import pytest
import torch
from sklearn.mixture import GaussianMixture

from narrows.core.errors import InputError
from narrows.tasks.mixture import choose_mixture, fit_mixture


@pytest.fixture
def clusters(rng):
    middles = torch.tensor([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    return middles[torch.arange(900) % 3] + torch.randn(900, 2, generator=rng) @ torch.tensor([[1.0, 0.5], [0.0, 0.5]])


def test_the_density_is_that_of_the_components(rng, clusters):
    fitted = fit_mixture(clusters, 3, rng)
    other = GaussianMixture(3).fit(clusters.numpy())
    other.weights_, other.means_ = fitted.weights.numpy(), fitted.means.numpy()
    covariances = fitted.factors @ fitted.factors.mT
    other.precisions_cholesky_ = torch.linalg.inv(fitted.factors).mT.numpy()
    assert torch.allclose(
        fitted.log_density(clusters), torch.from_numpy(other.score_samples(clusters.double().numpy()))
    )
    assert torch.linalg.eigvalsh(covariances).min() > 0


def test_the_fit_is_as_good_as_that_of_scikit_learn(rng, clusters):
    ours = fit_mixture(clusters, 3, rng).log_density(clusters).mean().item()
    assert ours == pytest.approx(GaussianMixture(3, random_state=0).fit(clusters.numpy()).score(clusters), abs=0.02)


def test_the_number_of_components_is_that_of_the_clusters(rng, clusters):
    assert len(choose_mixture(clusters, rng).weights) in (2, 4), "sizes that are tried, around three clusters"
    assert len(choose_mixture(torch.randn(2000, 3, generator=rng), rng).weights) == 1


def test_draws_have_the_moments_of_the_codes(rng, clusters):
    drawn = choose_mixture(clusters, rng).sample(20_000, rng)
    assert torch.allclose(drawn.mean(0), clusters.double().mean(0), atol=0.15)
    assert torch.allclose(drawn.T.cov(), clusters.double().T.cov(), atol=0.6)


def test_a_temperature_narrows_each_component(rng, clusters):
    fitted = fit_mixture(clusters, 3, rng)
    cold = fitted.sample(500, rng, temperature=0.0)
    assert len(cold.round(decimals=6).unique(dim=0)) == 3
    assert torch.cdist(cold, fitted.means).min(1).values.max() < 1e-9


@pytest.mark.parametrize("codes", [torch.zeros(50, 3), torch.eye(3), torch.randn(2, 30)])
def test_codes_without_spread_or_number_still_have_a_density(codes, rng):
    fitted = choose_mixture(codes, rng)
    assert math.isfinite(fitted.log_density(codes).sum())
    assert fitted.sample(4, rng).isfinite().all()


def test_one_code_is_too_few(rng):
    with pytest.raises(InputError, match="at least 2 of them, got 1"):
        choose_mixture(torch.zeros(1, 3), rng)
