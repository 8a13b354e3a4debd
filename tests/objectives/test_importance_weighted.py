"""Importance-weighted bounds: identities of weights, bounds and gradients."""

import math
from itertools import pairwise

import pytest
import torch
from torch.distributions import MultivariateNormal

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, View
from narrows.objectives.terms import weigh
from narrows.recipes.assemble import assemble


def model(objective="mean_bound", bottleneck="gaussian", values="real", likelihood="normal", **options):
    spec = SampleSpec("vector", (6,), values)
    return assemble(spec, 3, bottleneck=bottleneck, objective=objective, likelihood=likelihood, widths=(8,), **options)


def weighted(draws, **options):
    return model({"name": "importance_weighted", "draws": draws}, **options)


X = torch.randn(40, 6, generator=torch.Generator().manual_seed(5))


def bounds(made, repeats, view=None):
    """The bound of a batch over many draws."""
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        return torch.stack([-made.loss(view or View(X), rng)[0] for _ in range(repeats)])


@pytest.mark.parametrize("bottleneck", ["gaussian", "ladder", "hyperspherical", {"name": "gaussian", "prior": "vamp"}])
def test_the_bound_grows_with_the_draws(bottleneck):
    found = [bounds(weighted(draws, bottleneck=bottleneck), 50) for draws in (1, 4, 16)]
    for fewer, more in pairwise(found):
        error = math.hypot(fewer.std(), more.std()) / 50**0.5
        assert more.mean() > fewer.mean() - 2 * error
    assert found[2].mean() > found[0].mean()


def test_one_draw_is_the_mean_bound():
    one, mean = bounds(weighted(1), 300), bounds(model(), 300)
    assert abs(one.mean() - mean.mean()) < 4 * math.hypot(one.std(), mean.std()) / 300**0.5


def test_with_gaps_only_what_is_there_counts():
    gone = torch.rand(X.shape, generator=torch.Generator().manual_seed(1)) < 0.3
    view = View.with_gaps(torch.where(gone, torch.nan, X))
    made = weighted(4)
    trace = made(view, torch.Generator().manual_seed(0))
    found = weigh(trace, made, 4, torch.Generator().manual_seed(1))
    for k in range(4):
        z = found.z.view(4, 40, 3)[k]
        nothing = torch.zeros(40)
        log_prob = made.decode(Code(z, nothing, nothing)).log_prob(view.x)
        assert torch.allclose(-found.distortions[k], (log_prob * ~gone).sum(1), atol=1e-4)


def test_terms_add_up_to_the_loss():
    scalar, loss = weighted(8).loss(View(X), torch.Generator().manual_seed(0))
    assert torch.allclose(loss.distortion.mean() + loss.rate.mean(), scalar)
    assert not loss.distortion.requires_grad


def test_many_draws_find_the_exact_likelihood_of_a_linear_model(rng):
    """x = W z + b + noise has a closed form, and the mean bound stays below it."""
    made = weighted(2000, linear_path=True)
    with torch.no_grad():
        made.encoder.silence()
        made.decoder.silence()
        made.decoder.linear.weight.copy_(0.7 * torch.randn(6, 3, generator=rng))
        made.encoder.linear.weight.zero_()
        made.encoder.linear.bias.zero_()
    weight, bias = made.decoder.linear.weight.detach(), made.decoder.linear.bias.detach()
    exact = MultivariateNormal(bias, weight @ weight.T + torch.eye(6)).log_prob(X).mean()
    assert bounds(made, 5).mean() == pytest.approx(float(exact), abs=0.1)
    assert bounds(weighted(1), 50).mean() < exact


def at_its_posterior(made):
    """A linear model with orthogonal directions, whose posterior is diagonal, and an encoder that gives it."""
    rng = torch.Generator().manual_seed(0)
    directions = torch.linalg.qr(torch.randn(6, 3, generator=rng)).Q * torch.tensor([2.0, 1.0, 0.5])
    variance = 1 / (1 + directions.square().sum(0))
    with torch.no_grad():
        made.encoder.silence()
        made.decoder.silence()
        made.decoder.linear.weight.copy_(directions)
        made.encoder.linear.weight.zero_()
        made.encoder.linear.weight[:3] = variance.unsqueeze(1) * directions.T
        made.encoder.linear.bias.zero_()
        made.encoder.linear.bias[3:] = 0.5 * variance.log()
    return made


def test_the_mean_bound_is_tight_at_the_true_posterior():
    made = at_its_posterior(model(linear_path=True))
    directions = made.decoder.linear.weight.detach()
    exact = MultivariateNormal(torch.zeros(6), directions @ directions.T + torch.eye(6)).log_prob(X).mean()
    found = bounds(made, 400)
    assert abs(found.mean() - exact) < 4 * found.std() / 400**0.5
    with torch.no_grad():
        made.encoder.linear.bias[3:] += 0.3
    assert bounds(made, 200).mean() < exact - 0.05


@pytest.mark.slow
@pytest.mark.parametrize("bottleneck", ["gaussian", {"name": "ladder", "levels": 2, "width": 4}])
def test_doubly_reparametrised_gradients_have_the_same_mean(bottleneck):
    gradients = {}
    for name in ("importance_weighted", "doubly_reparametrized"):
        made, rng = model({"name": name, "draws": 8}, bottleneck=bottleneck), torch.Generator().manual_seed(0)
        with torch.no_grad():
            for weight in made.bottleneck.parameters():
                weight.add_(0.2 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)))
        found = []
        for _ in range(300):
            made.zero_grad()
            made.loss(View(X[:10]), rng)[0].backward()
            halves = (made.encoder, made.decoder)
            found.append([torch.cat([w.grad.flatten() for w in half.parameters()]) for half in halves])
        gradients[name] = [torch.stack(half) for half in zip(*found, strict=True)]
    for ours, theirs in zip(*gradients.values(), strict=True):
        error = (ours.var(0) + theirs.var(0)).div(300).sqrt()
        away = (ours.mean(0) - theirs.mean(0)).abs() / error.clamp(min=1e-6)
        assert away.max() < 6
        assert away.square().mean() < 1.6


def test_at_the_true_posterior_doubly_reparametrised_gradients_have_no_noise(rng):
    """There all weights are equal and do not move with the code, so that nothing is left of the encoder's gradient."""
    found = {}
    for name in ("importance_weighted", "doubly_reparametrized"):
        made = at_its_posterior(model({"name": name, "draws": 8}, linear_path=True))
        made.loss(View(X), torch.Generator().manual_seed(0))[0].backward()
        found[name] = made.encoder.linear.weight.grad.abs().max()
    assert found["doubly_reparametrized"] < 1e-4 < 1e-2 < found["importance_weighted"]


@pytest.mark.parametrize("name", ["importance_weighted", "doubly_reparametrized"])
def test_bad_choices_are_refused_in_a_sentence(name):
    with pytest.raises(ChoiceError, match="draws is a whole number of at least 1, got 0"):
        model({"name": name, "draws": 0})
    with pytest.raises(ChoiceError, match="need codes with densities"):
        model(name, bottleneck="plain")
    with pytest.raises(ChoiceError, match="leave beta, free_bits, capacity and warmup alone"):
        model(name, bottleneck={"name": "gaussian", "beta": 2.0})
