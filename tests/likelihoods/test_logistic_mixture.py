"""The mixture of discretised logistic distributions against sums over its levels and its single component."""

import pytest
import torch

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.likelihoods import DiscretizedLogistic, LogisticMixture

SPEC = SampleSpec("vector", (4,), "unit")


def levels(bits, n):
    return torch.arange(2**bits).view(-1, 1).expand(2**bits, n) / (2**bits - 1)


def numbers(part, rng, scale=1.0):
    return scale * torch.randn(1, *part.params_shape(SPEC), generator=rng)


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("scale", [0.3, 3.0, 30.0])
def test_probabilities_sum_to_one_over_the_levels(bits, scale, rng):
    part = LogisticMixture(bits=bits)
    params = numbers(part, rng, scale).expand(2**bits, -1, -1).double()
    total = part.log_prob(params, levels(bits, 4).double()).exp().sum(0)
    assert torch.allclose(total, torch.ones(4, dtype=torch.float64), atol=1e-6)


def test_tails_are_finite_and_have_gradients():
    part = LogisticMixture()
    params = torch.zeros(3, *part.params_shape(SPEC))
    params[0, 0], params[1, 0], params[2, 5:10] = 1e4, -1e4, -50.0
    params.requires_grad_()
    found = part.log_prob(params, torch.tensor([0.0, 1.0, 0.5, 0.25]).expand(3, 4))
    found.sum().backward()
    assert found.isfinite().all()
    assert params.grad.isfinite().all()
    assert found.min() < -1e3, "and far out they fall on"


def test_one_component_is_the_logistic_distribution(rng):
    mixture, single = LogisticMixture(components=1), DiscretizedLogistic()
    for part in (mixture, single):
        part.start(torch.rand(4), torch.rand(4), torch.tensor(0.02))
    params, x = torch.randn(7, 3, 4, generator=rng), torch.rand(7, 4, generator=rng)
    scales = params[:, 1] + mixture.usual - single.usual  # either counts from its own start
    alike = torch.stack([params[:, 0], scales], 1)
    assert torch.allclose(mixture.log_prob(params, x), single.log_prob(alike, x), atol=1e-4)
    assert torch.allclose(mixture.mean(params), single.mean(alike), atol=1e-6)
    assert torch.equal(mixture.median(params), single.median(alike))


def test_median_and_mode_by_counting(rng):
    part = LogisticMixture(bits=4)
    params = numbers(part, rng, 1.0)
    logs = part.log_prob(params.expand(16, -1, -1), levels(4, 4))
    half = (logs.exp().cumsum(0) >= 0.5).float().argmax(0) / 15
    assert torch.allclose(part.median(params)[0], half)
    assert torch.allclose(part.mode(params)[0], logs.argmax(0) / 15)


def test_it_begins_with_the_mean_and_variance_that_it_is_told():
    part = LogisticMixture()
    part.start(torch.full((4,), 0.5), torch.full((4,), 0.01), torch.tensor(0.01))
    params = torch.zeros(20_000, *part.params_shape(SPEC))
    params[:, 0] = 0.5
    x = part.sample(params, torch.Generator().manual_seed(0))
    assert x.mean().item() == pytest.approx(0.5, abs=0.005)
    assert x.var().item() == pytest.approx(0.01, rel=0.05)
    assert part.mean(params).mean().item() == pytest.approx(0.5, abs=1e-3)


def test_two_values_cost_less_than_a_single_component_can_say(rng):
    x = torch.randint(0, 2, (500, 4), generator=rng).float()
    two = LogisticMixture(components=2)
    params = torch.tensor([0.0, 1.0, -20.0, -20.0, 0.0, 0.0]).view(1, 6, 1).expand(500, 6, 4)
    assert -two.log_prob(params, x).mean().item() == pytest.approx(0.693, abs=0.05)


@pytest.mark.parametrize("option", [{"components": 0}, {"bits": 9}, {"bits": 1.5}])
def test_impossible_options_are_refused(option):
    with pytest.raises(ChoiceError, match="of a logistic mixture are a whole number from 1 to"):
        LogisticMixture(**option)
