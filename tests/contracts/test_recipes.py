"""What every recipe must satisfy, found by walking the registry: a new recipe is tested because it is exported."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.utils import Bunch
from torch.func import functional_call, stack_module_state, vmap

import narrows
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.corruptions import Clean
from narrows.recipes import RECIPES
from narrows.recipes.catalogue import build, kind_of, takes_conditions
from narrows.training.checkpoint import weights

SPECS = {
    None: SampleSpec("image", (1, 8, 8)),
    "sequence": SampleSpec("sequence", (8, 8)),
    "video": SampleSpec("video", (1, 2, 4, 8)),
}


def spec_of(name):
    """What a recipe takes."""
    return replace(SPECS[kind_of(name)], context=2 if takes_conditions(name) else 0)


def view_of(name, x):
    """Samples as a recipe takes them."""
    return View(x, context=torch.arange(2 * len(x)).view(-1, 2) % 3 / 2) if takes_conditions(name) else View(x)


def labels_of(name, X):
    """Labels for recipes that take them, of which the first is missing."""
    return [None, *(f"class {i % 2}" for i in range(1, len(X)))] if takes_conditions(name) else None


def samples_of(name, digits):
    """Raw samples that a recipe takes."""
    return digits.images.reshape(-1, 2, 4, 8) if kind_of(name) == "video" else digits.images


OTHERS = {
    "negative_binomial": ({"values": "count"}, torch.poisson(torch.full((16, 64), 30.0), generator=torch.Generator())),
    "discretized_logistic": ({"values": "unit"}, torch.rand(16, 64, generator=torch.Generator())),
    "categorical": (
        {"values": "level", "levels": 3},
        torch.randint(0, 3, (16, 64), generator=torch.Generator()).float(),
    ),
}
"""Likelihoods of other values than real ones, with what a spec says of them, and samples of 64 values."""


UNITS = ("deep_belief", "rbm")
"""Recipes whose values are units of an energy, so that they refuse other likelihoods."""


def make(name, latent_dim=3, seed=0, **options):
    rng = torch.Generator().manual_seed(seed)
    likelihood = {"name": "normal", "scale": "learned"}
    return build(name, spec_of(name), latent_dim, likelihood=likelihood, options=options, rng=rng)


@pytest.mark.parametrize("name", RECIPES)
class TestRecipes:
    def test_docstring_has_equation_and_source(self, name):
        doc = inspect.getdoc(RECIPES[name])
        assert "loss" in doc
        assert "Source:" in doc
        assert ">>>" in doc

    def test_shapes(self, name, rng):
        model = make(name)
        x = torch.randn(5, *spec_of(name).shape)
        trace = model(view_of(name, x), rng)
        assert trace.code.z.shape == (5, 3)
        assert trace.code.rate.shape == (5,)
        for found in (trace.prediction.mean(), trace.prediction.median(), trace.prediction.sample(rng)):
            assert found.shape == x.shape
        scalar, loss = model.loss(view_of(name, x), rng)
        assert scalar.shape == ()
        assert loss.distortion.shape == (5,)

    def test_every_weight_gets_a_finite_gradient(self, name, rng):
        model = make(name)
        for weight, tensor in model.named_parameters():
            if weight.endswith(".gain"):  # a gate that begins closed
                tensor.data.fill_(0.1)
        model.loss(view_of(name, torch.randn(16, *spec_of(name).shape)), rng)[0].backward()
        for weight, tensor in model.named_parameters():
            if ".opponent." in weight:
                assert tensor.grad is None, "an opponent rests while the model learns"
                continue
            assert tensor.grad is not None, weight
            assert tensor.grad.isfinite().all(), weight
            assert tensor.grad.abs().sum() > 0, weight

    @pytest.mark.parametrize("likelihood", OTHERS)
    def test_other_likelihoods_fit_in(self, name, likelihood, rng):
        said, x = OTHERS[likelihood]
        if name == "vamp" and said["values"] == "level":
            pytest.skip("a prior cannot learn samples of levels")
        spec = replace(spec_of(name), **said)
        x = x.view(-1, *spec.shape)
        if name in UNITS:
            with pytest.raises(ChoiceError):
                build(name, spec, 3, likelihood=likelihood, options={}, rng=rng)
            return
        model = build(name, spec, 3, likelihood=likelihood, options={}, rng=rng)
        model.likelihood.start(x.mean(0), x.var(0), x.var(0).mean())
        assert model(View(x)).prediction.median().shape == x.shape
        scalar, loss = model.loss(view_of(name, x), rng)
        scalar.backward()
        assert loss.distortion.isfinite().all()
        assert all(weight.grad.isfinite().all() for weight in model.parameters() if weight.requires_grad)

    def test_counts_survive_save_and_load(self, name, tmp_path):
        if name in UNITS:
            pytest.skip("counts are no units of an energy")
        X = np.random.RandomState(0).poisson(np.geomspace(0.1, 500, 64), (80, 64)).reshape(80, 64)
        X = samples_of(name, Bunch(images=X.reshape(80, 8, 8)))
        ae = narrows.Autoencoder(recipe=name, latent_dim=3, likelihood="negative_binomial", epochs=2, random_state=0)
        ae.set_params(verbose=0).fit(X, labels_of(name, X)).save(tmp_path / "m.safetensors")
        assert ae.reconstruct(X).dtype == X.dtype
        assert np.array_equal(narrows.load(tmp_path / "m.safetensors").score_samples(X), ae.score_samples(X))

    def test_distortion_falls(self, name, digits):
        ae = narrows.Autoencoder(recipe=name, latent_dim=4, epochs=8, random_state=0, verbose=0, patience=None)
        ae.set_params(recipe_options={"linear_path": False})
        X = samples_of(name, digits)[:500]
        ae.fit(X, labels_of(name, X))
        first, last = ae.history_[0]["held_out"], ae.history_[-1]["held_out"]
        assert last["distortion"] < first["distortion"]
        assert last["error"] < first["error"]

    def test_evaluation_is_deterministic(self, name):
        model = make(name)
        x = View(torch.randn(5, *spec_of(name).shape))
        assert torch.equal(model(x).prediction.mean(), model(x).prediction.mean())

    def test_same_seed_same_weights(self, name):
        first, same, other = (weights(make(name, seed=seed)) for seed in (0, 0, 1))
        assert all(torch.equal(first[k], same[k]) for k in first)
        assert not all(torch.equal(first[k], other[k]) for k in first)

    def test_survives_save_and_load(self, name, digits, tmp_path):
        X = samples_of(name, digits)[:60]
        ae = narrows.Autoencoder(recipe=name, latent_dim=3, epochs=1, random_state=0, verbose=0)
        ae.fit(X, labels_of(name, X)).save(tmp_path / "m.safetensors")
        again = narrows.load(tmp_path / "m.safetensors")
        assert np.array_equal(ae.transform(X), again.transform(X))
        assert np.array_equal(ae.reconstruct(X), again.reconstruct(X))
        assert np.array_equal(ae.score_samples(X), again.score_samples(X))

    def test_overcomplete_code_works(self, name, digits):
        ae = narrows.Autoencoder(recipe=name, latent_dim=80, epochs=1, random_state=0, verbose=0)
        X = samples_of(name, digits)[:40]
        if regularised(make(name)):
            ae.fit(X, labels_of(name, X))
        else:
            with pytest.warns(UserWarning, match="nothing regularises"):
                ae.fit(X)
        assert ae.transform(X[:3]).shape == (3, 80)

    def test_models_can_be_stacked(self, name):
        models = [make(name, seed=seed) for seed in range(3)]
        params, buffers = stack_module_state(models)
        x = torch.randn(6, *spec_of(name).shape)

        def codes(p, b):
            return functional_call(Encode(models[0]), ({f"model.{k}": v for k, v in {**p, **b}.items()},), (x,))

        stacked = vmap(codes, randomness="different")(params, buffers)
        apart = torch.stack([model.encode(View(x)).z for model in models])
        assert torch.allclose(stacked, apart, atol=1e-4)

    def test_unknown_option_names_the_nearest(self, name):
        with pytest.raises(ChoiceError, match="did you mean 'likelihood'"):
            make(name, liklihood="normal")


def regularised(model):
    """Whether anything keeps a large code from being a copy of the input."""
    return not model.bottleneck.free or len(model.penalties) > 0 or not isinstance(model.corruption, Clean)


class Encode(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model.encode(View(x)).z


def test_unknown_recipe_names_the_nearest():
    with pytest.raises(ChoiceError, match="unknown recipe 'variation', did you mean 'variational'"):
        narrows.Autoencoder(recipe="variation", verbose=0).fit(np.random.RandomState(0).rand(10, 3))


def test_a_recipe_of_ones_own_joins_by_registering(table, monkeypatch):
    monkeypatch.setattr(RECIPES, "_entries", dict(RECIPES._entries))

    @RECIPES.register
    def shouting(spec, latent_dim, **options):
        """A test's own recipe."""
        return RECIPES["deep"](spec, latent_dim, **{"widths": (8,)} | options)

    ae = narrows.Autoencoder(recipe="shouting", latent_dim=2, epochs=1, verbose=0).fit(table)
    assert ae.chosen_["recipe"] == "shouting"


def test_networks_refuse_kinds_they_do_not_take(table):
    with pytest.raises(ChoiceError, match="takes samples of kind image, not 'vector'"):
        narrows.Autoencoder(recipe="convolutional", verbose=0).fit(table)
