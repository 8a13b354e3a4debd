"""The ladder: one level is the Gaussian code, several are a density of what was drawn."""

import pytest
import torch

from narrows.bottlenecks import Gaussian, Ladder
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Features, View
from narrows.networks.layers import initialise
from narrows.recipes.assemble import assemble


def ladder(latent_dim=4, levels=(2, 1, 1), **options):
    """A ladder whose levels know of each other."""
    part = Ladder(latent_dim, levels=levels, width=8, **options)
    rng = torch.Generator().manual_seed(0)
    initialise(part, rng)
    with torch.no_grad():
        for step in part.steps:
            step.gain.copy_(0.5 * torch.randn(step.gain.shape, generator=rng))
    return part


@torch.no_grad()
def test_one_level_is_the_variational_autoencoder(rng):
    spec, x = SampleSpec("vector", (6,)), torch.randn(9, 6, generator=rng)
    one = assemble(spec, 3, bottleneck={"name": "ladder", "levels": 1})
    plain = assemble(spec, 3, bottleneck="gaussian")
    assert torch.equal(*(m.loss(View(x), torch.Generator().manual_seed(1))[0] for m in (one, plain)))
    assert torch.equal(*(m(View(x)).code.rate for m in (one, plain)))
    z = torch.randn(5, 3, generator=rng)
    assert torch.allclose(one.bottleneck.log_prior(z), plain.bottleneck.log_prior(z))
    drawn = [m.bottleneck.sample(5, torch.Generator().manual_seed(2)) for m in (one, plain)]
    assert torch.equal(*drawn)


@torch.no_grad()
def test_it_begins_as_one_level(rng):
    many = Ladder(7, levels=3, width=8)
    initialise(many, rng)
    features = torch.randn(5, many.in_features, generator=rng)
    one = Gaussian(7)(Features(features[:, :14]), torch.Generator().manual_seed(1))
    ours = many(Features(features), torch.Generator().manual_seed(1))
    assert torch.allclose(ours.z, one.z)
    assert torch.allclose(ours.rate, one.rate, rtol=1e-5)


@pytest.mark.parametrize(
    ("latent_dim", "levels", "sizes"),
    [(14, 3, (8, 4, 2)), (3, 3, (1, 1, 1)), (40, 3, (23, 11, 6)), (9, [5, 4], (5, 4))],
)
def test_levels_share_the_code(latent_dim, levels, sizes):
    assert Ladder(latent_dim, levels=levels).sizes == sizes


@torch.no_grad()
def test_the_rate_is_the_mean_of_the_densities(rng):
    """KL = E[log q(z | x) - log p(z)], with the densities worked out from the codes alone."""
    part = ladder()
    features = Features(torch.randn(1, part.in_features, generator=rng).expand(10_000, -1))
    code = part(features, rng)
    drawn = part.log_posterior(features, code.z) - part.log_prior(code.z)
    error = (drawn - code.rate).std() / 100
    assert abs(drawn.mean() - code.rate.mean()) < 4 * error


@torch.no_grad()
def test_both_densities_integrate_to_one(rng):
    part = ladder(2, (1, 1))
    axis = torch.linspace(-12, 12, 241)
    grid = torch.cartesian_prod(axis, axis)
    assert part.log_prior(grid).double().exp().sum() * 0.1**2 == pytest.approx(1, abs=2e-3)
    features = Features(torch.randn(1, part.in_features, generator=rng).expand(len(grid), -1))
    assert part.log_posterior(features, grid).double().exp().sum() * 0.1**2 == pytest.approx(1, abs=2e-3)


@torch.no_grad()
def test_draws_follow_the_prior(rng):
    part = ladder(2, (1, 1))
    drawn = part.sample(10_000, rng)
    axis = torch.linspace(-12, 12, 241)
    grid = torch.cartesian_prod(axis, axis)
    density = part.log_prior(grid).double().exp().unsqueeze(1) * 0.1**2
    for f in (torch.tanh, torch.cos):
        found = f(drawn)
        assert ((found.mean(0) - (f(grid) * density).sum(0)).abs() < 4 * found.std(0) / 100 + 2e-3).all()


@torch.no_grad()
def test_the_mean_code_goes_down_the_ladder_without_noise(rng):
    part = ladder()
    features = Features(torch.randn(3, part.in_features, generator=rng))
    z = part(features, None).z
    above = part.log_posterior(features, z)
    for i in range(4):
        moved = z.clone()
        moved[:, i] += 0.1
        if i < 2:  # the bottom level's mode, given those above
            assert (part.log_posterior(features, moved) < above).all()


@pytest.mark.parametrize("levels", [0, 5, (2, 1), (3, 0, 1), "two", True])
def test_bad_levels_are_refused_in_a_sentence(levels):
    with pytest.raises(ChoiceError, match="ladder"):
        Ladder(4, levels=levels)
