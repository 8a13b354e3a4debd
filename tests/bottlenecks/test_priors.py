"""Priors against closed forms, quadrature and automatic differentiation."""

import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal
from torch.func import jacrev, vmap

from narrows.bottlenecks import Gaussian, normal
from narrows.bottlenecks.gaussian import PRIORS
from narrows.bottlenecks.priors import Flow, Mixture, Standard
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Features, View
from narrows.networks.layers import initialise
from narrows.recipes.assemble import assemble

NAMES = ["standard", "mixture", "vamp", "flow"]
AXIS = torch.linspace(-20, 20, 401)
GRID = torch.cartesian_prod(AXIS, AXIS)
AREA = 0.1**2


def few(name):
    """A prior of few components, where it has any."""
    return {"name": name, **({"components": 5} if name in ("mixture", "vamp") else {})}


def model(prior, spec=None, **options):
    """A model with a prior, whose parameters are moved from where they begin."""
    made = assemble(
        spec or SampleSpec("vector", (6,)), 2, bottleneck={"name": "gaussian", "prior": prior, **options}, widths=(8,)
    )
    rng = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in made.bottleneck.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=rng) / weight.shape[-1] ** 0.5)
        for weight in made.encoder.parameters():
            weight.mul_(0.5)
    return made


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_the_density_integrates_to_one(name):
    prior = model(few(name)).bottleneck.prior
    assert prior.log_prob(GRID).double().exp().sum() * AREA == pytest.approx(1, abs=2e-3)


@torch.no_grad()
def test_a_mixture_in_one_dimension_integrates_to_one():
    prior = Mixture(1, components=7)
    initialise(prior, torch.Generator().manual_seed(0))
    axis = torch.linspace(-15, 15, 20_001).unsqueeze(1)
    assert torch.trapezoid(prior.log_prob(axis).double().exp(), axis[:, 0].double()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_draws_follow_the_density(name, rng):
    """The mean of a bounded function over draws is its integral."""
    prior = model(few(name)).bottleneck.prior
    drawn, density = prior.sample(10_000, rng), prior.log_prob(GRID).double().exp().unsqueeze(1) * AREA
    for f in (torch.tanh, torch.cos):
        found = f(drawn)
        assert ((found.mean(0) - (f(GRID) * density).sum(0)).abs() < 4 * found.std(0) / 100 + 2e-3).all()


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_the_drawn_rate_has_the_divergence_as_its_mean(name, rng):
    part = model(few(name)).bottleneck
    features = Features(torch.tensor([[0.4, -1.0, -0.5, 0.2]]).expand(10_000, 4))
    drawn = part(features, rng).rate
    log_q = Independent(Normal(*_moments(features.values[:1])), 1).log_prob(GRID)
    exact = (log_q.exp() * (log_q - part.prior.log_prob(GRID))).sum() * AREA
    assert abs(drawn.mean() - exact) < 4 * drawn.std() / 100 + 2e-3
    still = float(part(Features(features.values[:1]), None).rate - exact)
    assert abs(still) < {"standard": 1e-3, "flow": 0.1}.get(name, 1.0)
    assert still > -1e-3 or name == "flow", "without draws a mixture's rate is bounded from above"


def _moments(values):
    mean, log_scale = values.chunk(2, -1)
    return mean, log_scale.exp()


def test_densities_of_mixtures_are_those_of_torch(rng):
    prior = model({"name": "mixture", "components": 3}).bottleneck.prior
    z = torch.randn(5, 2, generator=rng)
    apart = [
        MultivariateNormal(m, torch.diag(s.exp().square())).log_prob(z)
        for m, s in zip(prior.means.weight, prior.log_scales, strict=True)
    ]
    expected = (torch.stack(apart) + prior.logits.log_softmax(0).unsqueeze(1)).logsumexp(0)
    assert torch.allclose(prior.log_prob(z), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["mixture", "vamp"])
def test_one_component_at_the_standard_normal_is_the_standard_prior(name, rng):
    spec = SampleSpec("vector", (6,))
    prior = {"name": name, "components": 1}
    made = assemble(spec, 3, bottleneck={"name": "gaussian", "prior": prior}, linear_path=False)
    plain = assemble(spec, 3, bottleneck="gaussian", linear_path=False)
    plain.load_state_dict(made.state_dict(), strict=False)
    with torch.no_grad():
        if name == "mixture":
            made.bottleneck.prior.means.weight.zero_()
        else:  # an encoder that says nothing of any sample
            made.encoder.silence()
            plain.encoder.silence()
            for part in (made, plain):
                part.encoder.head.bias.zero_()
    x = torch.randn(9, 6, generator=rng)
    ours, theirs = (m(View(x), torch.Generator().manual_seed(1)) for m in (made, plain))
    assert torch.equal(ours.code.z, theirs.code.z)
    assert torch.allclose(ours.code.rate, theirs.code.rate, atol=1e-5)
    assert torch.allclose(made.bottleneck.log_prior(x[:, :3]), plain.bottleneck.log_prior(x[:, :3]), atol=1e-5)


def test_vamp_is_the_mean_of_posteriors_of_its_inputs(rng):
    made = model({"name": "vamp", "components": 4})
    prior, z = made.bottleneck.prior, torch.randn(5, 2, generator=rng)
    mean, scale = _moments(made.encoder(View(prior.pseudo_inputs())).values)
    expected = Independent(Normal(mean, scale), 1).log_prob(z.unsqueeze(1)).logsumexp(1) - math.log(4)
    assert torch.allclose(prior.log_prob(z), expected, atol=1e-4)


def test_vamp_learns_its_inputs(rng):
    made = model({"name": "vamp", "components": 4})
    made.loss(View(torch.randn(8, 6, generator=rng)), rng)[0].backward()
    assert made.bottleneck.prior.inputs.weight.grad.abs().sum() > 0
    names = [name for name, _ in made.named_parameters()]
    assert len(names) == len({id(weight) for weight in made.parameters()}), "the encoder is registered once"


def test_a_flow_knows_its_jacobian(rng):
    prior = Flow(4, steps=3, width=8)
    initialise(prior, rng)
    with torch.no_grad():
        for step in prior.steps:
            step.gain.copy_(torch.randn(step.gain.shape, generator=rng))
    u = torch.randn(6, 4, generator=rng)

    def forwards(one):
        z = one.unsqueeze(0)
        for step in prior.steps:
            z = step(z)
        return z[0]

    z = vmap(forwards)(u)
    log_det = vmap(jacrev(forwards))(u).slogdet().logabsdet
    assert torch.allclose(prior.log_prob(z), Standard(4).log_prob(u) - log_det, atol=1e-3)


def test_a_flow_begins_as_the_standard_prior(rng):
    prior = Flow(3)
    initialise(prior, rng)
    z = torch.randn(5, 3, generator=rng)
    assert torch.allclose(prior.log_prob(z), Standard(3).log_prob(z), atol=1e-6)
    mean, log_scale = torch.randn(2, 5, 3, generator=rng)
    exact = normal.divergence(mean, log_scale).sum(1, keepdim=True)
    assert torch.allclose(prior.divergence(mean, log_scale, None), exact, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_prior_is_an_option_that_changes_the_result(name):
    x = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    rates = [model(prior)(View(x), torch.Generator().manual_seed(1)).code.rate for prior in ("standard", name)]
    assert torch.equal(*rates) == (name == "standard")


def test_vamp_of_unit_values_learns_inputs_within_them():
    made = model("vamp", SampleSpec("image", (1, 4, 4), "unit"))
    inputs = made.bottleneck.prior.pseudo_inputs()
    assert inputs.shape == (100, 1, 4, 4)
    assert ((inputs > 0) & (inputs < 1)).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"prior": "vampire"}, "unknown prior 'vampire', did you mean 'vamp'"),
        ({"prior": {"name": "vamp", "components": 0}}, "components is a whole number of at least 1, got 0"),
        ({"prior": {"name": "flow", "steps": 1.5}}, "steps is a whole number"),
        ({"prior": "mixture", "free_bits": 0.1}, "the prior 'standard' alone"),
    ],
)
def test_bad_priors_are_refused_in_a_sentence(options, says):
    with pytest.raises(ChoiceError, match=says):
        Gaussian(3, **options)


def test_vamp_refuses_what_cannot_be_learned():
    with pytest.raises(ChoiceError, match="not level values"):
        model("vamp", SampleSpec("vector", (6,), "level", levels=3))
    with pytest.raises(ChoiceError, match="too short"):
        Gaussian(1, prior="flow")


def test_every_prior_can_be_asked_for_by_name():
    assert sorted(PRIORS) == sorted(NAMES)


@pytest.mark.parametrize("values", ["real", "unit", "count"])
def test_vamp_begins_with_samples(values, rng):
    made = model({"name": "vamp", "components": 5}, SampleSpec("vector", (6,), values))
    x = torch.rand(3, 6, generator=rng) * 0.8 + 0.1
    made.bottleneck.start(torch.zeros(3, made.bottleneck.in_features), [x[:2], x[2:]], rng)
    assert torch.allclose(made.bottleneck.prior.pseudo_inputs(), x[[0, 1, 2, 0, 1]], atol=1e-5)
