"""Quantised codes against brute force, scikit-learn and counting."""

from itertools import product

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

import narrows
from narrows import metrics
from narrows.bottlenecks import FSQ, Binary, ResidualQuantizer, VectorQuantizer
from narrows.bottlenecks.codebook import Codebook
from narrows.bottlenecks.fsq import levels_for
from narrows.core.errors import ChoiceError, InputError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.recipes.assemble import assemble
from narrows.training.checkpoint import Checkpoint, weights


def begun(part, rng, rows=400):
    part.start(torch.randn(rows, part.in_features, generator=rng), [], rng)
    return part


def test_a_code_is_the_nearest_row_of_its_codebook(rng):
    part = begun(VectorQuantizer(6, codes=20, groups=2), rng)
    values = torch.randn(50, 6, generator=rng)
    z, indices = part(Features(values), None).z, part.indices(Features(values))
    for group in range(2):
        rows = part.codebook.vectors[group]
        nearest = torch.cdist(values[:, group::2], rows).argmin(1)
        assert torch.equal(indices[:, group], nearest)
        assert torch.allclose(z[:, group::2], rows[nearest], atol=1e-6)


def test_cosine_codes_lie_in_the_nearest_direction(rng):
    part = begun(VectorQuantizer(4, codes=20, groups=1, cosine=True), rng)
    values = torch.randn(50, 4, generator=rng)
    likeness = torch.cosine_similarity(values.unsqueeze(1), part.codebook.vectors[0], dim=-1)
    assert torch.equal(part.indices(Features(values))[:, 0], likeness.argmax(1))
    assert torch.allclose(part(Features(values), None).z.norm(dim=1), torch.ones(50), atol=1e-5)


def test_the_encoder_gets_the_gradient_of_the_decoder_s_input(rng):
    model = assemble(SampleSpec("vector", (6,)), 4, bottleneck={"name": "vector_quantizer", "codes": 8}, rng=rng)
    x = torch.randn(9, 6, generator=rng)
    found = model.encoder(View(x)).values.detach().requires_grad_()
    code = model.bottleneck(Features(found), None)
    z = code.z.detach().requires_grad_()
    for entrance in (code.z, z):
        nothing = torch.zeros(9)
        model.decode(Code(entrance, nothing, nothing)).log_prob(x).sum().backward()
    assert torch.allclose(found.grad, z.grad)


def test_the_codebook_begins_as_k_means(digits, rng):
    X = torch.tensor(digits.data / 16, dtype=torch.float32)
    book = Codebook(1, 32, 64, memory=0.97, restart=True, cosine=False)
    book.start(X.unsqueeze(1), rng)
    ours = (X - book.values(book.nearest(X.unsqueeze(1))).squeeze(1)).square().sum().item()
    theirs = KMeans(32, n_init=1, max_iter=book.rounds, random_state=0).fit(X.numpy()).inertia_
    assert ours < 1.05 * theirs


def test_running_means_are_the_formula(rng):
    book = Codebook(1, 3, 2, memory=0.9, restart=False, cosine=False)
    x, frequencies, vectors = torch.randn(40, 1, 2, generator=rng), book.frequencies[0].clone(), book.vectors[0].clone()
    indices = book.nearest(x)
    book.follow(x, indices, rng)
    for k in range(3):
        mine = x[indices[:, 0] == k, 0]
        n = 0.9 * frequencies[k] + 0.1 * len(mine) / 40
        s = 0.9 * frequencies[k] * vectors[k] + 0.1 * mine.sum(0) / 40
        assert torch.allclose(book.frequencies[0, k], n)
        assert torch.allclose(book.vectors[0, k], s / n, atol=1e-5)


@pytest.mark.parametrize("restart", [True, False])
def test_dead_entries_begin_anew_only_if_they_may(restart, rng):
    book = Codebook(1, 16, 2, memory=0.9, restart=restart, cosine=False)
    book.vectors[0, 4:] = 1e3
    for _ in range(200):
        x = torch.randn(64, 1, 2, generator=rng)
        book.follow(x, book.nearest(x), rng)
    x = torch.randn(2000, 1, 2, generator=rng)
    used = len(book.nearest(x).unique())
    assert used == 16 if restart else used <= 4


def test_residuals_get_smaller_with_depth(rng):
    values = torch.randn(500, 4, generator=rng)
    errors = []
    for depth in (1, 2, 3):
        part = ResidualQuantizer(4, codes=16, depth=depth)
        part.start(values, [], torch.Generator().manual_seed(0))
        errors.append((part(Features(values), None).z - values).square().mean().item())
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


def test_one_residual_stage_is_a_vector_quantizer(rng):
    values = torch.randn(100, 4, generator=rng)
    parts = [ResidualQuantizer(4, codes=16, depth=1, groups=1), VectorQuantizer(4, codes=16, groups=1)]
    for part in parts:
        part.start(values, [], torch.Generator().manual_seed(0))
    one, other = (part(Features(values), None) for part in parts)
    assert torch.allclose(one.z, other.z)
    assert torch.allclose(one.rate, other.rate)
    assert torch.allclose(one.charge, other.charge)


@pytest.mark.parametrize("levels", [(2,), (5, 4, 3), (3, 3)])
def test_every_finite_code_has_one_index_and_back(levels):
    part = FSQ(len(levels), levels=levels)
    (size,) = part.sizes
    assert size == np.prod(levels)
    indices = torch.arange(size).unsqueeze(1)
    codes = part.values(indices)
    expected = product(*(np.arange(1, 2 * level, 2) / level - 1 for level in levels))
    assert {tuple(np.round(code, 5)) for code in codes.tolist()} == {tuple(np.round(code, 5)) for code in expected}
    assert torch.equal(part.indices(Features(codes.atanh())), indices)
    assert torch.allclose(part(Features(codes.atanh()), None).z, codes)
    assert torch.allclose(part(Features(codes), None).rate, torch.full((size,), float(np.log(size))))


@pytest.mark.parametrize("codes", [2, 7, 24, 25, 100, 256, 1000, 4096, 65536])
def test_levels_come_near_to_the_wanted_codebook(codes):
    assert codes / 2 <= np.prod(levels_for(codes)) <= codes


def test_bits_cost_their_divergence_from_a_coin(rng):
    logits = torch.randn(30, 5, generator=rng)
    coin = torch.distributions.Bernoulli(probs=torch.tensor(0.5))
    kl = torch.distributions.kl_divergence(torch.distributions.Bernoulli(logits=logits), coin).sum(1)
    assert torch.allclose(Binary(5)(Features(logits), None).rate, kl, atol=1e-5)
    part = Binary(5, prior="learned", beta=2.0)
    part.prior_logits.data = torch.linspace(-1, 1, 5)
    prior = torch.distributions.Bernoulli(logits=part.prior_logits.detach().expand(30, 5))
    kl = torch.distributions.kl_divergence(torch.distributions.Bernoulli(logits=logits), prior).sum(1)
    code = part(Features(logits), None)
    assert torch.allclose(code.rate, kl, atol=1e-5)
    assert torch.allclose(code.charge, 2 * kl, atol=1e-5)


def test_bits_are_drawn_with_their_probabilities(rng):
    logits = torch.tensor([[-1.0, 0.5]]).expand(40_000, 2)
    z = Binary(2)(Features(logits), rng).z
    assert set(z.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(z.mean(0), logits[0].sigmoid(), atol=0.01)
    undrawn = Binary(2, undrawn="probability")(Features(logits), None).z
    assert torch.allclose(undrawn, logits.sigmoid())


RECIPES = [("vq", {"codes": 16}), ("residual_vq", {"codes": 16}), ("fsq", {"codes": 16})]


def fitted(recipe, options, X, **others):
    given = {"latent_dim": 4, "recipe_options": {"widths": (16,), **options}, "epochs": 4, "random_state": 0}
    return narrows.Autoencoder(recipe=recipe, **given | others, verbose=0).fit(X)


@pytest.mark.parametrize(("recipe", "options"), RECIPES)
def test_codes_flatten_and_come_back(recipe, options, table, tmp_path):
    ae = fitted(recipe, options, table)
    Z, indices = ae.transform(table), ae.indices(table)
    assert np.allclose(ae.inverse_transform(Z), ae.reconstruct(table), atol=1e-5)
    assert np.allclose(ae.from_indices(indices), ae.reconstruct(table), atol=1e-4)
    assert len(np.unique(Z.round(4), axis=0)) == len(np.unique(indices, axis=0)) < len(table)
    ae.save(tmp_path / "m.safetensors")
    assert np.array_equal(narrows.load(tmp_path / "m.safetensors").indices(table), indices)


@pytest.mark.parametrize(("recipe", "options"), RECIPES)
def test_a_quantised_run_resumes_in_the_same_bits(recipe, options, table, tmp_path, monkeypatch):
    whole = fitted(recipe, options, table)
    save, saves = Checkpoint.save, []

    def save_then_stop(self, *moment):
        save(self, *moment)
        saves.append(moment)
        if len(saves) == 2:
            raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_then_stop)
        with pytest.raises(InterruptedError):
            fitted(recipe, options, table, checkpoint=tmp_path)
    resumed = weights(fitted(recipe, options, table, checkpoint=tmp_path).module_)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in weights(whole.module_).items())


def test_a_codebook_is_in_use(digits):
    ae = fitted("vq", {"codes": 64, "widths": (64,)}, digits.data, latent_dim=8, epochs=8)
    indices = ae.indices(digits.data)
    assert metrics.codebook_use(indices, ae.module_.bottleneck.sizes) > 0.95
    assert (metrics.perplexity(indices) > 32).all()


def test_a_codebook_larger_than_the_data_is_refused(table):
    for recipe in ("vq", "residual_vq"):
        with pytest.raises(ChoiceError, match="a codebook of 500 codes is larger than the data, 108 samples"):
            fitted(recipe, {"codes": 500}, table)
        assert fitted(recipe, {}, table, epochs=1).module_.bottleneck.sizes[0] == 256


@pytest.mark.parametrize(
    ("part", "options", "message"),
    [
        (VectorQuantizer, {"codes": 1}, "whole number of at least 2 codes, got codes=1"),
        (VectorQuantizer, {"groups": 5}, "has 1 to 4 groups, got groups=5"),
        (VectorQuantizer, {"commitment": -1.0}, "commitment is at least 0"),
        (ResidualQuantizer, {"depth": 0}, "depth is a whole number of at least 1"),
        (FSQ, {"levels": (1, 5)}, "levels are whole numbers of at least 2"),
        (FSQ, {"codes": 0}, "at least 2 codes"),
        (Binary, {"prior": "learnt"}, "did you mean 'learned'"),
        (Binary, {"beta": -1.0}, "beta is at least 0"),
    ],
)
def test_options_that_cannot_be_are_refused(part, options, message):
    with pytest.raises(ChoiceError, match=message):
        part(4, **options)


def test_symbols_that_cannot_be_are_refused(table):
    ae = fitted("vq", {"codes": 16}, table, epochs=1)
    with pytest.raises(InputError, match="symbols lie from 0 to 15 here, got 0 to 16"):
        ae.from_indices(np.array([[16], [0]]))
    with pytest.raises(InputError, match=r"whole numbers of shape \(n, 1\), got float64"):
        ae.from_indices(np.zeros((2, 1)))
    plain = narrows.Autoencoder(latent_dim=2, epochs=1, verbose=0).fit(table)
    with pytest.raises(ChoiceError, match="'plain' has no symbols"):
        plain.indices(table)
