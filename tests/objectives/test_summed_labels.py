"""M2: the bound with a class in the code, against enumeration one class at a time and integrals on a grid."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, View
from narrows.recipes.assemble import assemble

CLASSES = 3
X = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))


def m2(latent_dim=5, **options):
    bottleneck = {"name": "class_code", "classes": CLASSES} | options
    spec = SampleSpec("vector", (5,))
    model = assemble(spec, latent_dim, bottleneck=bottleneck, objective="summed_labels", widths=(8,))
    torch.nn.init.normal_(model.bottleneck.of_class, generator=torch.Generator().manual_seed(2))
    return model


def by_hand(model, x):
    """-log p(x | a, y) + L(y) for each class, one at a time and nothing drawn, and q(y | x)."""
    part, features = model.bottleneck, model.encoder(View(x)).values
    own, costs = 2 * part.normal, []
    for y in torch.eye(CLASSES):
        mean, log_scale = (features[:, :own] + part.of_class[y.argmax()]).chunk(2, -1)
        z = torch.cat([mean, y.expand(len(x), -1)], 1)
        nothing = torch.zeros(len(x))
        distortion = -model.decode(Code(z, nothing, nothing)).log_prob(x).sum(1)
        kl = kl_divergence(Normal(mean, log_scale.exp()), Normal(0.0, 1.0)).sum(1)
        costs.append(distortion + kl - math.log(1 / CLASSES))
    return torch.stack(costs, 1), features[:, own:].softmax(1)


@torch.no_grad()
def test_a_missing_label_is_summed_over_and_a_known_one_is_not():
    model = m2(alpha=3.0)
    costs, share = by_hand(model, X)
    expected = sum(share[:, y] * (costs[:, y] + share[:, y].log()) for y in range(CLASSES))
    for context in (None, torch.zeros(6, CLASSES)):
        scalar, loss = model.loss(View(X, context=context))
        torch.testing.assert_close(loss.distortion + loss.rate, expected)
        torch.testing.assert_close(scalar, expected.mean())
    label, rows = torch.tensor([0, 1, 2, 2, 1, 0]), torch.arange(6)
    _, loss = model.loss(View(X, context=torch.eye(CLASSES)[label]))
    torch.testing.assert_close(loss.distortion + loss.rate, costs[rows, label])
    torch.testing.assert_close(loss.charge - loss.rate, -3 * share[rows, label].log())


@torch.no_grad()
def test_no_guess_beats_the_posterior_of_the_classes():
    model = m2()
    costs, _ = by_hand(model, X)
    _, loss = model.loss(View(X))
    assert (loss.distortion + loss.rate >= -(-costs).logsumexp(1) - 1e-4).all()


@torch.no_grad()
def test_bounds_lie_below_the_integrals():
    model = m2(CLASSES + 1)
    line = torch.linspace(-8, 8, 321)
    prior = Normal(0.0, 1.0).log_prob(line) + math.log(line[1] - line[0]) - math.log(CLASSES)
    exact = []
    for y in torch.eye(CLASSES):
        z, nothing = torch.cat([line.unsqueeze(1), y.expand(321, -1)], 1), torch.zeros(321)
        prediction = model.decode(Code(z, nothing, nothing))
        exact.append(torch.stack([(prediction.log_prob(x.expand(321, -1)).sum(1) + prior).logsumexp(0) for x in X]))
    exact = torch.stack(exact, 1)
    label = torch.arange(6) % CLASSES
    known = torch.eye(CLASSES)[label]
    for context, truth in ((None, exact.logsumexp(1)), (known, exact[torch.arange(6), label])):
        view = View(X, context=context).repeated(2000)
        _, loss = model.loss(view, torch.Generator().manual_seed(0))
        assert (-(loss.distortion + loss.rate).view(2000, 6).mean(0) < truth + 1e-3).all()


def test_codes_say_their_class():
    part = m2().bottleneck
    label = torch.tensor([2, 0, 1])
    codes = part.sample_given(torch.eye(CLASSES)[label], torch.Generator().manual_seed(0))
    assert part.guess(codes).argmax(1).tolist() == label.tolist()
    torch.testing.assert_close(part.log_prior(codes), Normal(0.0, 1.0).log_prob(codes[:, :2]).sum(1) - math.log(3))
    assert part.sample(500, torch.Generator().manual_seed(0))[:, 2:].mean(0).min() > 0.2


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(ChoiceError, match="choose the bottleneck 'class_code'"):
        assemble(SampleSpec("vector", (5,)), 3, bottleneck="gaussian", objective="summed_labels")
    for options, says in (
        ({"classes": 1}, "classes is a whole number of at least 2, got 1"),
        ({"classes": 9}, "needs latent_dim=9 or more, not 5"),
        ({"alpha": -1.0}, "alpha is a number of at least 0"),
    ):
        with pytest.raises(ChoiceError, match=says):
            m2(**options)
