"""The code that says the class apart, and the bound that goes over all classes."""

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Normal, kl_divergence

import narrows
from narrows.bottlenecks import LabelledGaussian
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.objectives.terms import distortion
from narrows.recipes import semi_supervised


@pytest.fixture
def model(rng):
    return semi_supervised(SampleSpec("vector", (6,), context=3), 5, label_weight=7.0, widths=(8,), rng=rng)


def test_the_rate_is_two_divergences(rng):
    part = LabelledGaussian(6, classes=3)
    torch.nn.init.normal_(part.shift, generator=rng)
    values = torch.randn(4, part.in_features, generator=rng)
    code = part(Features(values), None)
    q = Categorical(logits=values[:, :3])
    mean = values[:, 3:6] + q.probs @ part.shift.T
    expected = kl_divergence(q, Categorical(logits=torch.zeros(4, 3)))
    expected = expected + kl_divergence(Normal(mean, values[:, 6:].exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(code.rate, expected)
    torch.testing.assert_close(code.z, torch.cat([q.probs, mean], 1))


def test_an_unknown_label_is_summed_over_and_a_known_one_is_not(model, rng):
    """Against the two equations of the paper, a class at a time, with z at its mean."""
    torch.nn.init.normal_(model.bottleneck.shift, generator=rng)
    x = torch.randn(4, 6, generator=rng)
    known = torch.zeros(4, 3)
    known[0, 2] = known[3, 1] = 1
    scalar, loss = model.loss(View(x, context=known))
    features = model.encoder(View(x)).values
    log_q = features[:, :3].log_softmax(1)
    each = []
    for y in range(3):
        one = torch.eye(3)[[y] * 4]
        mean, log_scale = (features[:, 3:] + torch.cat([one @ model.bottleneck.shift.T, torch.zeros(4, 2)], 1)).chunk(
            2, 1
        )
        kl = kl_divergence(Normal(mean, log_scale.exp()), Normal(0.0, 1.0)).sum(1) + np.log(3)
        code = Code(torch.cat([one, mean], 1), kl, kl)
        params = model.decoder(code, None)
        each.append(-model.likelihood.log_prob(params, x).sum(1) + kl)
    costs = torch.stack(each, 1)
    unknown = (log_q.exp() * (costs + log_q)).sum(1)
    told = costs[range(4), known.argmax(1)] - 7.0 * log_q[range(4), known.argmax(1)]
    expected = torch.where(known.sum(1) > 0, told, unknown)
    torch.testing.assert_close(scalar, expected.mean())
    torch.testing.assert_close((loss.distortion + loss.rate)[1:3], unknown[1:3])


def test_a_code_without_branches_has_the_mean_bound(rng):
    spec = SampleSpec("vector", (6,))
    one, two = (
        narrows.recipes.composed(spec, 2, bottleneck="gaussian", objective=name, rng=torch.Generator().manual_seed(0))
        for name in ("mean_bound", "marginal_bound")
    )
    x = View(torch.randn(5, 6, generator=rng))
    torch.testing.assert_close(one.loss(x)[0], two.loss(x)[0])
    torch.testing.assert_close(distortion(two(x)), two.loss(x)[1].distortion)


def test_a_classifier_learns_with_it(digits, tmp_path):
    y = np.where(np.arange(600) < 60, digits.target[:600], -1)
    made = narrows.PretrainedClassifier(recipe="semi_supervised", latent_dim=16, epochs=30, random_state=0, verbose=0)
    made.set_params(recipe_options={"widths": [64]}).fit(digits.data[:600], y)
    assert made.predict_proba(digits.data[600:900]).shape == (300, 10)
    assert made.score(digits.data[600:900], digits.target[600:900]) > 0.8
    made.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    assert np.array_equal(again.predict(digits.data[:50]), made.predict(digits.data[:50]))


def test_what_does_not_fit_is_refused(digits):
    with pytest.raises(ValueError, match="a number for each of 2 classes or more, got 4 and latent_dim=3"):
        LabelledGaussian(3, classes=4)
    with pytest.raises(ValueError, match="label_weight is a number of at least 0"):
        LabelledGaussian(3, label_weight=-1)
    with pytest.raises(ValueError, match="needs labels of some samples"):
        narrows.Autoencoder(recipe="semi_supervised", verbose=0).fit(digits.images)
