"""Layer after layer: what stages share with the whole, what they learn from, and that they resume."""

from itertools import product

import numpy as np
import pytest
import torch

import narrows
from narrows.core.errors import ChoiceError, InputError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, View
from narrows.objectives.energy import free_energy
from narrows.recipes import deep, deep_belief, rbm
from narrows.training.checkpoint import STAGE, Checkpoint, weights


def code(z):
    nothing = z.new_zeros(len(z))
    return Code(z, nothing, nothing)


def through(stages, x):
    """The layers one after another, up and down again."""
    h = View(x)
    for stage in stages:
        h = View(stage.model.encoder(h).values if stage.mirror is None else stage.model.encode(h).z)
    for stage in reversed(stages):
        params = stage.model.decoder(code(h.x), None)
        h = View(stage.model.likelihood.mean(params)) if stage is not stages[0] else View(params)
    return h.x


def test_autoencoders_of_layers_are_the_deep_one(rng):
    model = deep(SampleSpec("vector", (7,)), 3, widths=(6, 5), pretrain="layerwise", rng=rng)
    x = torch.randn(9, 7, generator=rng)
    assert [stage.model.bottleneck.latent_dim for stage in model.stages] == [6, 5, 3]
    assert torch.allclose(through(model.stages, x), model.decoder(model.encode(View(x)), None), atol=1e-5)


@pytest.mark.parametrize("likelihood", ["bernoulli", "normal"])
def test_machines_unroll_into_the_deep_autoencoder(likelihood, rng):
    values = "unit" if likelihood == "bernoulli" else "real"
    model = deep_belief(SampleSpec("vector", (7,), values), 3, widths=(6, 5), likelihood=likelihood, rng=rng)
    with torch.no_grad():
        for stage in model.stages:
            stage.model.decoder.biases[0].normal_(generator=rng)
            stage.unroll()
    x = torch.rand(9, 7, generator=rng).round()
    assert torch.allclose(through(model.stages, x), model.decoder(model.encode(View(x)), None), atol=1e-5)


@pytest.mark.parametrize("recipe", [deep_belief, lambda *a, **o: deep(*a, pretrain="layerwise", **o)])
def test_a_stage_learns_from_what_lies_below_it(recipe, rng):
    model = recipe(SampleSpec("vector", (7,)), 3, widths=(6, 5), rng=rng)
    x, above = torch.randn(9, 7, generator=rng), model.stages[2]
    h = View(x)
    for stage in model.stages[:2]:
        h = View(stage.model.encoder(h).values if stage.mirror is None else stage.model.encode(h).z)
    assert torch.allclose(above.below(View(x)), h.x, atol=1e-6)


def states(n):
    return torch.tensor(list(product((0.0, 1.0), repeat=n)))


def test_a_second_machine_that_is_the_first_transposed_leaves_the_model_as_it_is(rng):
    first = rbm(SampleSpec("vector", (6,), "unit"), 4)
    second = rbm(SampleSpec("vector", (4,), "unit"), 6)
    with torch.no_grad():
        for weight in first.parameters():
            weight.normal_(generator=rng)
        second.encoder.head.weight.copy_(first.encoder.head.weight.T)
        second.encoder.head.bias.copy_(first.decoder.biases[0])
        second.decoder.biases[0].copy_(first.encoder.head.bias)
        v, h = states(6), states(4)
        of_h = (-free_energy(second, h)).softmax(0)  # what the second machine says of the first one's hidden bits
        given = first.decode(code(h)).likelihood.log_prob(
            first.decoder(code(h), None).repeat_interleave(64, 0), v.repeat(16, 1)
        )
        of_v = of_h @ given.sum(1).exp().view(16, 64)
        assert torch.allclose(of_v, (-free_energy(first, v)).softmax(0), atol=1e-6)


BOTH = [
    ("deep", {"pretrain": "layerwise", "widths": (12, 8)}),
    ("deep_belief", {"widths": (12, 8)}),
]


def fitted(recipe, options, X, **others):
    given = {"latent_dim": 3, "recipe_options": options, "epochs": 8, "random_state": 0, "verbose": 0}
    return narrows.Autoencoder(recipe=recipe, **given | others).fit(X)


@pytest.mark.parametrize(("recipe", "options"), BOTH)
@pytest.mark.parametrize("after", [1, 3, 4, 6, 9])
def test_a_pretrained_run_resumes_in_the_same_bits(recipe, options, after, table, tmp_path, monkeypatch):
    whole = fitted(recipe, options, table)
    save, saves = Checkpoint.save, []

    def save_then_stop(self, *moment):
        save(self, *moment)
        saves.append(self.folder.name)
        if len(saves) == after:
            raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_then_stop)
        with pytest.raises(InterruptedError):
            fitted(recipe, options, table, checkpoint=tmp_path, random_state=0 if after > 1 else None)
    assert [name.startswith(STAGE) for name in saves[:3]] == [True, True, True][:after]
    again = fitted(recipe, options, table, checkpoint=tmp_path, random_state=0 if after > 1 else None)
    if after > 1:
        resumed = weights(again.module_)
        assert all(torch.equal(tensor, resumed[name]) for name, tensor in weights(whole.module_).items())


@pytest.mark.parametrize(("recipe", "options"), BOTH)
def test_stages_are_told_of_and_gone(recipe, options, table, tmp_path):
    ae = fitted(recipe, options, table)
    assert [stage["width"] for stage in ae.chosen_["pretraining"]] == [12, 8, 3]
    assert ae.module_.stages == ()
    ae.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    assert again.module_.stages == ()
    assert np.array_equal(again.transform(table), ae.transform(table))


def test_pretraining_begins_with_something_better_than_chance(digits):
    given = {"latent_dim": 16, "epochs": 24, "learning_rate": 2e-3}
    errors = []
    for how in ("none", "layerwise"):
        options = {"widths": (64, 32), "linear_path": False, "pretrain": how}
        ae = fitted("deep", options, digits.data[:1000], **given)
        errors.append(ae.history_[0]["held_out"]["error"])
    assert errors[1] < 0.6 * errors[0]


def test_what_cannot_be_stacked_is_refused(table):
    with pytest.raises(InputError, match="needs samples that are all there"):
        fitted("deep_belief", {}, np.where(table > 1, np.nan, table))
    with pytest.raises(ChoiceError, match="did you mean 'layerwise'"):
        fitted("deep", {"pretrain": "layers"}, table)
    with pytest.raises(ChoiceError, match="without tied weights"):
        fitted("deep", {"pretrain": "layerwise", "tied": True}, table)
    with pytest.raises(ChoiceError, match="without tied weights, conditions or a linear path"):
        fitted("deep", {"pretrain": "layerwise", "linear_path": True}, table)
