"""Opponents: each side moves in its own step alone, and both are kept, resumed and taken back together."""

from itertools import pairwise

import numpy as np
import pytest
import torch

import narrows
from narrows.penalties import Adversarial
from narrows.recipes.assemble import PENALTIES
from narrows.training.checkpoint import Checkpoint, copied, weights
from narrows.training.contest import OPPONENT
from narrows.training.loop import Loop, judged_by

CONTESTED = {"adversarial": "adversarial", "factor": "total_correlation"}
"""Recipes whose penalty has an opponent, and the penalty."""


def fitted(X, **options):
    return narrows.Autoencoder(**{"latent_dim": 2, "epochs": 6, "random_state": 0, "verbose": 0} | options).fit(X)


def same_weights(a, b):
    first, second = weights(a.module_), weights(b.module_)
    return all(torch.equal(first[name], second[name]) for name in first)


class Stop(Exception):
    pass


def split(tensors):
    """What belongs to opponents, and what does not."""
    theirs = {name: tensor for name, tensor in tensors.items() if ".opponent." in name}
    return theirs, {name: tensor for name, tensor in tensors.items() if name not in theirs}


def moved(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("recipe", CONTESTED)
def test_each_side_moves_in_its_own_step_alone(table, monkeypatch, recipe):
    steps = []
    own = Loop._opponents

    def watched(self, trace):
        between = copied(weights(self.model))
        paid = own(self, trace)
        steps.append((between, copied(weights(self.model))))
        return paid

    monkeypatch.setattr(Loop, "_opponents", watched)
    fitted(table, recipe=recipe, epochs=1)
    assert len(steps) > 1
    for (between, after), (later, _) in pairwise(steps):
        theirs, ours = split(between)
        assert moved(between, after) == set(theirs), "all of the opponent moves in its step, and nothing else"
        assert moved(after, later) <= set(ours), "the opponent rests in the model's step"
        assert moved(after, later), "and the model moves"


def test_one_optimiser_for_each_opponent(table, monkeypatch):
    seen = []
    fresh = Loop._fresh_optimisers

    def watched(self):
        fresh(self)
        seen.append(self)

    monkeypatch.setattr(Loop, "_fresh_optimisers", watched)
    both = {"bottleneck": "gaussian", "penalties": ["adversarial", "total_correlation"]}
    fitted(table, recipe="composed", recipe_options=both, epochs=1)
    loop = seen[0]
    groups = [[p for group in optimizer.param_groups for p in group["params"]] for optimizer in loop.optimisers]
    assert len(groups) == len(loop.own) + 2
    assert sum(map(len, groups)) == len({id(p) for group in groups for p in group}), "no weight has two optimisers"
    assert {id(p) for group in groups for p in group} == {id(p) for p in loop.model.parameters()}


@pytest.mark.parametrize("recipe", CONTESTED)
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_resumed_contest_ends_in_the_same_bits(table, tmp_path, monkeypatch, recipe, optimizer):
    whole = fitted(table, recipe=recipe, optimizer=optimizer)
    save, saves = Checkpoint.save, []

    def save_then_stop(self, *moment):
        save(self, *moment)
        saves.append(1)
        if len(saves) == 3:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_then_stop)
        with pytest.raises(Stop):
            fitted(table, recipe=recipe, optimizer=optimizer, checkpoint=tmp_path)
    resumed = fitted(table, recipe=recipe, optimizer=optimizer, checkpoint=tmp_path)
    assert same_weights(resumed, whole)
    assert [row["train"] for row in resumed.history_] == [row["train"] for row in whole.history_]


class Faint(Adversarial):
    """An opponent whose loss is once not finite."""

    left = 1

    def opponent_loss(self, trace, model, rng):
        loss = super().opponent_loss(trace, model, rng)
        type(self).left -= 1
        return loss * float("nan") if self.left == 0 else loss


def test_a_loss_that_is_not_finite_takes_both_sides_back(table, monkeypatch):
    monkeypatch.setattr(PENALTIES, "_entries", {**PENALTIES._entries, "faint": Faint})
    Faint.left = 10
    backs = []
    go_back = Loop._go_back

    def watched(self):
        before = copied(weights(self.model))
        go_back(self)
        backs.append((before, copied(weights(self.model)), copied(self.best)))

    monkeypatch.setattr(Loop, "_go_back", watched)
    ae = fitted(table, recipe="composed", recipe_options={"penalties": ["faint"]})
    ((before, after, best),) = backs
    assert any(tensor.isnan().any() for tensor in split(before)[0].values()), "the opponent had lost its weights"
    assert moved(after, best) == set()
    assert all(tensor.isfinite().all() for tensor in weights(ae.module_).values())
    assert len(ae.history_) == 7


def test_the_opponent_is_no_part_of_the_loss_and_does_not_judge(table):
    ae = fitted(table, recipe="adversarial")
    assert judged_by(ae.module_) == ("distortion", "rate")
    for row in ae.history_[1:]:
        paid = row["train"][OPPONENT + "adversarial"]
        terms = row["train"]
        assert terms["loss"] == pytest.approx(terms["distortion"] + terms["rate"] + terms["adversarial"])
        assert paid > 0
        assert row["score"] == pytest.approx(row["held_out"]["distortion"] + row["held_out"]["rate"])
    assert ae.chosen_["best_epoch"] > 0, "the beginning, which no opponent has played against, does not count"


def test_models_without_opponents_are_judged_as_before(table):
    judged = {recipe: judged_by(fitted(table, recipe=recipe, epochs=1).module_) for recipe in ("deep", "wasserstein")}
    assert judged == {"deep": ("error",), "wasserstein": ("loss",)}


def test_a_contest_goes_on_batch_by_batch(table, tmp_path):
    ae = narrows.Autoencoder(recipe="adversarial", latent_dim=2, random_state=0, verbose=0)
    before = copied(weights(ae.partial_fit(table).module_))
    ae.partial_fit(table).save(tmp_path / "m.safetensors")
    assert set(split(before)[0]) <= moved(before, weights(ae.module_))
    again = narrows.load(tmp_path / "m.safetensors")
    assert same_weights(again, ae)
    assert np.isfinite(again.partial_fit(table).transform(table)).all()
