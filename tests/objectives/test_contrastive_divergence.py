"""Restricted Boltzmann machines small enough to be enumerated: 12 visible units and 8 hidden ones."""

from itertools import product

import numpy as np
import pytest
import torch
from sklearn.neural_network import BernoulliRBM
from torch import Generator

import narrows
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, View
from narrows.objectives import ContrastiveDivergence
from narrows.objectives.energy import free_energy, gibbs, log_pseudo_likelihood
from narrows.recipes import rbm
from narrows.recipes.assemble import assemble
from narrows.tasks.partition import log_partition
from narrows.training.checkpoint import Checkpoint, weights


def states(n):
    """All rows of n bits, (2^n, n)."""
    return torch.tensor(list(product((0.0, 1.0), repeat=n)))


def machine(visible=12, hidden=8, seed=0, scale=0.7, **options):
    """A machine with random weights, and its W, b and c in float64."""
    rng = Generator().manual_seed(seed)
    model = rbm(SampleSpec("vector", (visible,), "unit"), hidden, **options)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(scale * torch.randn(weight.shape, generator=rng))
    W, c, (b,) = model.encoder.head.weight, model.encoder.head.bias, model.decoder.biases
    return model, W.detach().double(), b.detach().double(), c.detach().double()


def exact_log_z(W, b, c):
    """The log of the sum of exp(-E) over all visible and hidden states."""
    h = states(len(c)).double()
    return torch.logsumexp(h @ c + torch.nn.functional.softplus(b + h @ W).sum(1), 0)


def test_the_free_energy_is_minus_the_log_probability_up_to_the_partition_function():
    model, W, b, c = machine()
    v, h = states(12), states(8).double()
    joint = (v.double() @ b).unsqueeze(1) + h @ c + v.double() @ W.T @ h.T  # -E(v, h)
    constant = torch.nn.functional.softplus(b).sum()
    log_p = torch.logsumexp(joint, 1) - exact_log_z(W, b, c)
    ours = -free_energy(model, v).double() - (exact_log_z(W, b, c) - constant)
    assert torch.allclose(ours, log_p, atol=1e-4)
    assert ours.exp().sum().item() == pytest.approx(1.0, abs=1e-4)


def test_real_units_have_a_density_that_integrates_to_one():
    model = rbm(SampleSpec("vector", (1,)), 3, likelihood="normal")
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=Generator().manual_seed(1)))
    x = torch.linspace(-15, 15, 20_001).unsqueeze(1)
    total = torch.trapezoid((-free_energy(model, x)).exp(), x[:, 0])
    W, c, (b,) = model.encoder.head.weight, model.encoder.head.bias, model.decoder.biases
    h = states(3)
    m = b + h @ W  # given h, x is normal around m, so the integral over x is known
    expected = (h @ c + ((m.square() - b.square()) / 2).sum(1)).exp().sum()
    assert total.item() == pytest.approx(expected.item(), rel=1e-4)


def test_scores_are_minus_the_free_energy(digits):
    X = (digits.data > 7).astype(np.uint8)
    ae = narrows.Autoencoder(recipe="rbm", latent_dim=16, epochs=2, random_state=0, verbose=0).fit(X)
    expected = -free_energy(ae.module_, torch.tensor(X, dtype=torch.float32)).detach().numpy()
    assert np.allclose(ae.score_samples(X), expected, atol=1e-3)


def transitions(W, b, c):
    """p(v' | v) of one step of Gibbs sampling, (2^n, 2^n), by summing over the hidden states."""
    v, h = states(len(b)).double(), states(len(c)).double()
    to_h = torch.distributions.Bernoulli(logits=(v @ W.T + c).unsqueeze(1)).log_prob(h).sum(-1).exp()
    to_v = torch.distributions.Bernoulli(logits=(h @ W + b).unsqueeze(1)).log_prob(v).sum(-1).exp()
    return to_h @ to_v


@pytest.mark.parametrize("steps", [1, 3])
def test_the_gradient_of_contrastive_divergence_is_the_closed_form(steps):
    model, W, b, c = machine(6, 4, steps=steps)
    v = states(6)
    data = v[[3, 17, 40, 41, 60]]
    later = torch.linalg.matrix_power(transitions(W, b, c), steps)[[3, 17, 40, 41, 60]].mean(0)  # of x_k
    vd = v.double()
    p = (vd @ W.T + c).sigmoid()
    away = torch.zeros(len(v), dtype=torch.float64)
    away[[3, 17, 40, 41, 60]] = 0.2
    away = later - away
    closed = {"W": torch.einsum("n,nj,ni->ji", away, p, vd), "c": away @ p, "b": away @ vd}
    many = 6000
    rng = Generator().manual_seed(0)
    scalar, _ = model.loss(View(data.repeat(many, 1)), rng)
    scalar.backward()
    ours = {"W": model.encoder.head.weight.grad, "c": model.encoder.head.bias.grad, "b": model.decoder.biases[0].grad}
    for name, gradient in closed.items():
        assert torch.allclose(ours[name].double(), gradient, atol=4 * 0.5 / (5 * many) ** 0.5), name


def test_with_many_steps_it_is_the_gradient_of_the_exact_likelihood():
    model, W, b, c = machine(6, 4, scale=0.4)
    data = states(6)[[3, 17, 40, 41, 60]].double()
    for tensor in (W, b, c):
        tensor.requires_grad_()
    softplus = torch.nn.functional.softplus
    loss = exact_log_z(W, b, c) - (data @ b + softplus(data @ W.T + c).sum(1)).mean()
    exact = torch.autograd.grad(loss, [W, c, b])
    x = gibbs(model, data.float().repeat(6000, 1), 12, Generator().manual_seed(0))
    (free_energy(model, data.float()).mean() - free_energy(model, x).mean()).backward()
    ours = [model.encoder.head.weight.grad, model.encoder.head.bias.grad, model.decoder.biases[0].grad]
    for gradient, expected in zip(ours, exact, strict=True):
        assert torch.allclose(gradient.double(), expected, atol=0.02)


def test_gibbs_sampling_leaves_the_exact_distribution_as_it_is():
    model, W, b, c = machine(6, 4)
    p = (-free_energy(model, states(6))).softmax(0).double().detach()
    assert torch.allclose(p @ transitions(W, b, c), p, atol=1e-5)
    start = states(6)[torch.multinomial(p, 40_000, replacement=True, generator=Generator().manual_seed(0))]
    drawn = gibbs(model, start, 2, Generator().manual_seed(1))
    places = (drawn @ (2.0 ** torch.arange(5, -1, -1))).long()
    shares = places.bincount(minlength=64) / len(drawn)
    assert ((shares - p).abs() < 5 * (p / len(drawn)).sqrt() + 1e-4).all()


@pytest.mark.parametrize("seed", range(3))
def test_annealed_importance_sampling_finds_the_partition_function(seed):
    model, W, b, c = machine(seed=seed)
    exact = exact_log_z(W, b, c) - torch.nn.functional.softplus(b).sum()
    found = log_partition(model, Generator().manual_seed(seed))
    assert found.value == pytest.approx(exact.item(), abs=0.1)
    assert found.error < 0.05


def test_samples_of_the_model_have_its_means():
    model, W, _, c = machine(6, 4)
    p = (-free_energy(model, states(6))).softmax(0).double().detach()
    h = model.objective.codes(model, 4000, Generator().manual_seed(0))
    assert set(h.unique().tolist()) <= {0.0, 1.0}
    expected = p @ (states(6).double() @ W.T + c).sigmoid()
    assert torch.allclose(h.mean(0).double(), expected, atol=0.04)


def test_chains_go_on_where_they_stood():
    model, *_ = machine(6, 4, chains=20)
    x, rng = states(6), Generator().manual_seed(0)
    before = model.objective.samples.clone()
    model.loss(View(x), rng)
    after = model.objective.samples.clone()
    assert not torch.equal(before, after)
    model.eval()
    model.loss(View(x), rng)
    assert torch.equal(model.objective.samples, after), "judging moves no chain"


@pytest.mark.parametrize("options", [{}, {"chains": 32}])
def test_a_machine_resumes_in_the_same_bits_with_its_chains(options, digits, tmp_path, monkeypatch):
    X = (digits.data[:300] > 7).astype(np.uint8)

    def fitted(**others):
        given = {"latent_dim": 8, "recipe_options": options, "epochs": 4, "random_state": 0, "verbose": 0}
        return narrows.Autoencoder(recipe="rbm", **given | others).fit(X)

    whole = fitted()
    save, saves = Checkpoint.save, []

    def save_then_stop(self, *moment):
        save(self, *moment)
        saves.append(moment)
        if len(saves) == 2:
            raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_then_stop)
        with pytest.raises(InterruptedError):
            fitted(checkpoint=tmp_path)
    resumed = weights(fitted(checkpoint=tmp_path).module_)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in weights(whole.module_).items())
    assert whole.chosen_["best_epoch"] == 4, "losses of two epochs cannot be compared, so the last is kept"
    whole.save(tmp_path / "m.safetensors")
    assert np.array_equal(narrows.load(tmp_path / "m.safetensors").score_samples(X), whole.score_samples(X))


def test_it_is_no_worse_than_scikit_learn_s_at_the_same_number_of_passes(digits):
    X = (digits.data > 7).astype(np.float32)
    known, asked = X[:1000], torch.from_numpy(X[1000:1400])
    theirs = BernoulliRBM(64, random_state=0).fit(known)
    ours = narrows.Autoencoder(recipe="rbm", latent_dim=64, epochs=10, batch_size=10, random_state=0, verbose=0)
    ours.fit(known)
    model = rbm(SampleSpec("vector", (64,), "unit"), 64)
    with torch.no_grad():
        model.encoder.head.weight.copy_(torch.from_numpy(theirs.components_))
        model.encoder.head.bias.copy_(torch.from_numpy(theirs.intercept_hidden_))
        model.decoder.biases[0].copy_(torch.from_numpy(theirs.intercept_visible_))
    assert np.allclose(model.encode(View(asked)).z.detach(), theirs.transform(asked.numpy()), atol=1e-5)
    found = [log_pseudo_likelihood(one, asked).mean().item() for one in (ours.module_, model)]
    assert found[0] > found[1]


def test_the_pseudo_likelihood_is_that_of_the_exact_conditionals():
    model, *_ = machine(6, 4)
    v = states(6)
    p = (-free_energy(model, v)).softmax(0)
    place = 2 ** torch.arange(5, -1, -1)
    total = torch.zeros(64)
    for i in range(6):
        turned = v.clone()
        turned[:, i] = 1 - turned[:, i]
        total += (p / (p + p[(turned.long() @ place)])).log()
    assert torch.allclose(log_pseudo_likelihood(model, v), total, atol=1e-4)


def test_it_begins_by_decoding_the_mean(digits):
    X = (digits.data > 7).astype(np.uint8)
    ae = narrows.Autoencoder(recipe="rbm", latent_dim=8, epochs=1, learning_rate=1e-9, verbose=0).fit(X)
    nothing = torch.zeros(1, 8)
    decoded = ae.module_.decode(Code(nothing, nothing[:, 0], nothing[:, 0])).mean()[0].detach().numpy()
    assert np.abs(decoded - X.mean(0)).max() < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bottleneck": "plain"}, "needs a code of bits"),
        ({"bottleneck": "binary"}, "needs one tied layer"),
        ({"bottleneck": "binary", "likelihood": {"name": "normal", "scale": 0.5}}, "units of scale 1"),
        ({"objective": {"name": "contrastive_divergence", "steps": 0}}, "steps is a whole number of at least 1"),
    ],
)
def test_parts_that_make_no_energy_are_refused(options, message):
    with pytest.raises(ChoiceError, match=message):
        assemble(SampleSpec("vector", (6,)), 3, **{"objective": "contrastive_divergence"} | options)


def test_layers_that_a_machine_does_not_have_are_refused():
    with pytest.raises(ChoiceError, match="has no hidden layers: leave out widths"):
        rbm(SampleSpec("vector", (6,)), 3, likelihood="normal", widths=(8,))


def test_its_repr_tells_the_choice():
    assert repr(ContrastiveDivergence(2, 10, (4,))) == "ContrastiveDivergence(steps=2, chains=10)"
