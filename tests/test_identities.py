"""Mathematics against closed forms and independent references."""

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.func import jacrev, vmap

import narrows
from narrows import bottlenecks, likelihoods
from narrows.core.spec import SampleSpec
from narrows.core.trace import Features, View
from narrows.penalties import Contractive, KLSparsity
from narrows.recipes.assemble import assemble


def test_gaussian_kl_is_that_of_torch(rng):
    features = torch.randn(50, 8, generator=rng)
    mean, log_scale = features.chunk(2, -1)
    ours = bottlenecks.Gaussian(4)(Features(features), None).rate
    theirs = kl_divergence(Normal(mean, log_scale.exp()), Normal(0.0, 1.0)).sum(-1)
    assert torch.allclose(ours, theirs, rtol=1e-5)


def test_gaussian_draws_have_the_posterior_moments(rng):
    features = torch.tensor([[0.5, -1.0, -0.5, 0.3]]).expand(200_000, 4)
    z = bottlenecks.Gaussian(2)(Features(features), rng).z
    assert torch.allclose(z.mean(0), torch.tensor([0.5, -1.0]), atol=0.02)
    assert torch.allclose(z.std(0), torch.tensor([-0.5, 0.3]).exp(), rtol=0.02)


def test_kl_is_zero_exactly_where_the_posterior_is_the_prior():
    assert bottlenecks.Gaussian(4)(Features(torch.zeros(3, 8)), None).rate.eq(0).all()


def test_beta_prices_the_rate_and_leaves_the_report_honest(rng):
    features = Features(torch.randn(5, 8, generator=rng))
    plain, dear = bottlenecks.Gaussian(4)(features, None), bottlenecks.Gaussian(4, beta=4.0)(features, None)
    assert torch.equal(plain.rate, dear.rate)
    assert torch.allclose(4 * plain.charge, dear.charge)


def test_free_bits_are_not_charged_for(rng):
    features = Features(0.01 * torch.randn(5, 8, generator=rng))
    code = bottlenecks.Gaussian(4, free_bits=0.25)(features, None)
    assert torch.allclose(code.charge, torch.full((5,), 1.0))


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_normal_log_prob_is_that_of_torch(scale, rng):
    m, x = torch.randn(2, 20, 1, 7, generator=rng)
    ours = likelihoods.Normal(scale).log_prob(m, x.squeeze(1))
    assert torch.allclose(ours, Normal(m, scale).log_prob(x).squeeze(1), rtol=1e-4, atol=1e-4)


def test_bernoulli_log_prob_is_that_of_torch(rng):
    logits = torch.randn(20, 1, 7, generator=rng)
    x = torch.rand(20, 7, generator=rng).round()
    ours = likelihoods.Bernoulli().log_prob(logits, x)
    assert torch.allclose(ours, Bernoulli(logits=logits.squeeze(1)).log_prob(x), atol=1e-5)


def test_contractive_penalty_is_the_jacobian():
    model = assemble(SampleSpec("vector", (6,)), 4, network={"name": "mlp", "widths": (9,)})
    x = torch.randn(5, 6)
    ours = Contractive(0.7, probes=None)(model(View(x)), model, None)
    jacobian = vmap(jacrev(lambda one: model.encode(View(one[None])).z[0]))(x)
    assert torch.allclose(ours, 0.7 * jacobian.square().sum((1, 2)), rtol=1e-4)


def test_contractive_probes_are_unbiased(rng):
    model = assemble(SampleSpec("vector", (6,)), 4, network={"name": "mlp", "widths": (9,)})
    trace = model(View(torch.randn(2, 6)))
    exact = Contractive(1.0, probes=None)(trace, model, rng)
    drawn = torch.stack([Contractive(1.0, probes=1)(trace, model, rng) for _ in range(2000)]).detach()
    error = drawn.std(0) / 2000**0.5
    assert ((drawn.mean(0) - exact).abs() < 4 * error).all()


def test_kl_sparsity_is_zero_at_its_target():
    model = assemble(SampleSpec("vector", (6,)), 3, bottleneck={"name": "plain", "squash": "sigmoid"})
    trace = model(View(torch.randn(400, 6)))
    active = trace.code.z.mean(0)
    penalty = KLSparsity(rho=0.2, beta=1.0)
    expected = (0.2 * (0.2 / active).log() + 0.8 * (0.8 / (1 - active)).log()).sum()
    assert torch.allclose(penalty(trace, model, None), expected, rtol=1e-5)


def test_zero_noise_is_the_plain_autoencoder(rng):
    spec, x = SampleSpec("vector", (6,)), torch.randn(9, 6)
    clean = assemble(spec, 3)
    noisy = assemble(spec, 3, corruption={"name": "gaussian_noise", "scale": 0.0})
    assert torch.equal(clean.loss(View(x), rng)[0], noisy.loss(View(x), rng)[0])


def test_linear_autoencoder_converges_to_pca():
    draw = np.random.RandomState(1)
    X = draw.randn(400, 10) @ np.diag([5, 4, 3, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]) @ np.linalg.qr(draw.randn(10, 10))[0]
    ae = narrows.Autoencoder(
        recipe="composed",
        latent_dim=3,
        recipe_options={"network": {"name": "mlp", "widths": (), "activation": "identity"}, "linear_path": False},
        likelihood="normal",
        scaling="shared",
        epochs=3000,
        batch_size=400,
        learning_rate=0.02,
        patience=None,
        random_state=0,
        verbose=0,
    )
    ae.fit(X, validation_data=X)
    pca = PCA(3).fit(X)
    axes = ae.inverse_transform(np.eye(3)) - ae.inverse_transform(np.zeros((1, 3)))
    assert np.degrees(subspace_angles(axes.T, pca.components_.T).max()) < 1.0
    error = np.square(X - ae.reconstruct(X)).sum(1).mean()
    discarded = np.linalg.eigvalsh(np.cov(X.T, bias=True))[:7].sum()
    assert error == pytest.approx(discarded, rel=1e-2)


def test_the_start_is_pca(table):
    ae = narrows.Autoencoder(recipe="deep", latent_dim=2, scaling="none", epochs=1, learning_rate=1e-12, verbose=0)
    ae.fit(table, validation_data=table)
    pca = PCA(2).fit(table)
    expected = pca.inverse_transform(pca.transform(table))
    assert np.allclose(ae.reconstruct(table), expected, atol=1e-4)


def test_the_variational_start_is_probabilistic_pca(table):
    starts = []
    for seed in range(40):  # each judges by one draw of the code for each row
        options = {"latent_dim": 2, "scaling": "none", "epochs": 1, "learning_rate": 1e-12}
        ae = narrows.Autoencoder(recipe="variational", **options, random_state=seed, verbose=0)
        starts.append(ae.fit(table, validation_data=table).history_[0]["held_out"]["loss"])
    exact = -PCA(2).fit(table).score(table)
    error = np.std(starts) / len(starts) ** 0.5
    assert np.mean(starts) == pytest.approx(exact, abs=4 * error + 6 / len(table)), "the bound is tight"
