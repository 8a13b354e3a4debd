"""The bottleneck with a label: rates against enumeration and sampling, bounds against integrals on a grid."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from narrows.bottlenecks import Gaussian, Labelled
from narrows.bottlenecks.labels import summed
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.layers import initialise
from narrows.recipes.assemble import assemble

CLASSES = 3


def made(latent_dim=4, **options):
    """A bottleneck in which classes and the code above make a difference."""
    rng = torch.Generator().manual_seed(1)
    part = Labelled(latent_dim, CLASSES, width=8, **options)
    initialise(part, rng)
    with torch.no_grad():
        part.gain.normal_(generator=rng)
        part.log_scale.normal_(generator=rng).mul_(0.3)
        part.enter_class.weight.normal_(generator=rng)
    return part


def features(n=6, latent_dim=4, context=None):
    rng = torch.Generator().manual_seed(2)
    return Features(0.7 * torch.randn(n, 2 * latent_dim, generator=rng), context=context)


def by_hand(part, found):
    """L(y) of each class and q(y | x), one class at a time, by torch's own distributions; nothing drawn."""
    mean, log_scale = found.values.chunk(2, -1)
    q_z, costs = Normal(mean, log_scale.exp()), []
    for y in range(CLASSES):
        label = torch.eye(CLASSES)[y]
        raw = (part.seen(mean) + part.of_class(label)) * part.gain[part.latent_dim :]
        q_a = Normal(raw[:, : part.above], raw[:, part.above :].exp())
        hidden = torch.nn.functional.silu(part.enter(q_a.mean) + part.enter_class(label))
        expected = part.leave(hidden) * part.gain[: part.latent_dim]
        p_z = Normal(expected, part.log_scale[y].exp())
        above = kl_divergence(q_a, Normal(0.0, 1.0)).sum(1)
        costs.append(kl_divergence(q_z, p_z).sum(1) + above - math.log(1 / CLASSES))
    return torch.stack(costs, 1), part.guess(mean).softmax(1)


@torch.no_grad()
def test_a_missing_label_is_summed_over():
    part, found = made(), features()
    costs, share = by_hand(part, found)
    expected = sum(share[:, y] * (costs[:, y] + share[:, y].log()) for y in range(CLASSES))
    torch.testing.assert_close(part(found, None).rate, expected)
    nothing_known = features(context=torch.zeros(6, CLASSES))
    torch.testing.assert_close(part(nothing_known, None).rate, expected)
    torch.testing.assert_close(part(nothing_known, None).charge, expected)


@torch.no_grad()
def test_a_known_label_costs_its_own_rate_and_the_surprise():
    part = made(alpha=7.0)
    label = torch.tensor([0, 1, 2, 2, 1, 0])
    found = features(context=torch.eye(CLASSES)[label])
    costs, share = by_hand(part, found)
    code, rows = part(found, None), torch.arange(6)
    torch.testing.assert_close(code.rate, costs[rows, label])
    torch.testing.assert_close(code.charge - code.rate, -7 * share[rows, label].log())


@torch.no_grad()
def test_the_best_guess_makes_the_bound_tight():
    """With q(y | x) in proportion to exp(-L(y)) the rate is -log sum_y exp(-L(y)), and no guess does better."""
    part, found = made(), features()
    rates, _ = by_hand(part, found)
    at_best = summed((-rates).softmax(1), rates)
    torch.testing.assert_close(at_best, -(-rates).logsumexp(1))
    assert (part(found, None).rate >= at_best).all()


@torch.no_grad()
def test_divergences_are_what_draws_find():
    part, n = made(), 200_000
    one = features(1)
    mean, log_scale = one.values.chunk(2, -1)
    rng = torch.Generator().manual_seed(3)
    exact = part.rates(mean.expand(n, -1), log_scale.expand(n, -1), mean.expand(n, -1), rng).mean(0)
    z = mean + log_scale.exp() * torch.randn(n, 4, generator=rng)
    m, log_s = part._above(mean)
    for y in range(CLASSES):
        q_a = Normal(m[0, y], log_s[0, y].exp())
        a = q_a.mean + q_a.stddev * torch.randn(n, part.above, generator=rng)
        p_z = Normal(part._expected(part._each(part.enter_class)[y], a), part.log_scale[y].exp())
        found = (Normal(mean, log_scale.exp()).log_prob(z) - p_z.log_prob(z)).sum(1) + math.log(CLASSES)
        found += (q_a.log_prob(a) - Normal(0.0, 1.0).log_prob(a)).sum(1)
        assert abs(found.mean() - exact[y]) < 5 * found.std() / n**0.5 + 1e-3


@torch.no_grad()
def test_in_the_beginning_it_is_the_gaussian_one_and_a_guess():
    part, found = Labelled(4, CLASSES), features(context=torch.eye(CLASSES)[[0, 1, 2, 0, 1, 2]])
    initialise(part, torch.Generator().manual_seed(0))
    torch.testing.assert_close(part(found, None).rate, Gaussian(4)(found, None).rate + math.log(CLASSES))
    start, other = (b.linear_start(torch.tensor([2.0, 1.0]), torch.tensor(0.1)) for b in (part, Gaussian(4)))
    assert torch.equal(start.features, other.features)


def on_a_grid(part, model, x):
    """Log p(x, y) for each class by sums over a grid of z and a, one number each, (n, classes)."""
    line = torch.linspace(-8, 8, 321)
    step = math.log(line[1] - line[0])
    nothing = torch.zeros(len(line))
    prediction = model.decode(Code(line.unsqueeze(1), nothing, nothing))
    log_likelihood = torch.stack([prediction.log_prob(row.expand(len(line), -1)).sum(1) for row in x])  # n, z
    found = []
    for y in range(CLASSES):
        mu = part._expected(part._each(part.enter_class)[y], line.unsqueeze(1))
        given = Normal(mu, part.log_scale[y].exp()).log_prob(line)  # a, z
        prior = (given + Normal(0.0, 1.0).log_prob(line).unsqueeze(1)).logsumexp(0) + step
        found.append((log_likelihood + prior).logsumexp(1) + step - math.log(CLASSES))
    return torch.stack(found, 1)


@torch.no_grad()
def test_bounds_lie_below_the_integrals():
    bottleneck = {"name": "labelled", "classes": CLASSES, "width": 8}
    model = assemble(SampleSpec("vector", (2,)), 1, bottleneck=bottleneck, widths=(8,))
    part = model.bottleneck
    part.load_state_dict(made(1).state_dict())
    x = torch.randn(8, 2, generator=torch.Generator().manual_seed(4))
    exact = on_a_grid(part, model, x)
    label = torch.arange(8) % CLASSES
    for context, truth in (
        (None, exact.logsumexp(1)),
        (torch.eye(CLASSES)[label], exact[torch.arange(8), label]),
    ):
        view = View(x.repeat(4000, 1), context=None if context is None else context.repeat(4000, 1))
        trace = model(view, torch.Generator().manual_seed(5))
        cost = trace.prediction.distortion(trace.x, None) + trace.code.rate
        assert (-cost.view(4000, 8).mean(0) < truth + 1e-3).all()
    drawn = part.sample_given(torch.eye(CLASSES)[1].expand(50_000, -1), torch.Generator().manual_seed(6)).squeeze(1)
    mu = part._expected(part._each(part.enter_class)[1], torch.linspace(-8, 8, 321).unsqueeze(1)).squeeze(1)
    weight = torch.linspace(-8, 8, 321).square().mul(-0.5).softmax(0)
    assert abs(drawn.mean() - (weight * mu).sum()) < 5 * drawn.std() / 50_000**0.5


@torch.no_grad()
def test_codes_of_a_class_are_guessed_as_that_class_once_it_is_learned():
    part = made(2)
    part.enter_class.weight.mul_(4)
    given = torch.eye(CLASSES).repeat_interleave(500, 0)
    codes = part.sample_given(given, torch.Generator().manual_seed(0)).view(CLASSES, 500, 2)
    middle = part.sample(20_000, torch.Generator().manual_seed(1)).mean(0)
    torch.testing.assert_close(codes.mean((0, 1)), middle, atol=0.1, rtol=0)
    assert (codes.mean(1) - middle).norm(dim=1).min() > 0.1


def test_bad_choices_are_refused_in_a_sentence():
    for options, says in (
        ({"classes": 1}, "classes is a whole number of at least 2, got 1"),
        ({"above": 0}, "above is a whole number of at least 1, got 0"),
        ({"width": 2.5}, "width is a whole number of at least 1, got 2.5"),
        ({"alpha": -1}, "alpha is a number of at least 0, got -1"),
        ({"beta": -1}, "beta is a number of at least 0, got -1"),
    ):
        with pytest.raises(ChoiceError, match=says):
            Labelled(4, **options)
