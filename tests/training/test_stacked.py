"""Stacks: many models trained as one are the models trained apart; concentration leaves out what does not belong."""

import pytest
import torch

from narrows.core.errors import TrainingError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.objectives.terms import distortion
from narrows.recipes.catalogue import build
from narrows.training.stacked import Stack, StackPlan, costs, fit_stack

SPEC = SampleSpec("vector", (6,))
LEARNED = {"name": "normal", "scale": "learned", "scales": [6]}


def models(count, corruption="clean"):
    options = {"widths": (8,), "corruption": corruption}
    made = [
        build("denoising", SPEC, 2, likelihood=LEARNED, options=options, rng=torch.Generator().manual_seed(seed))
        for seed in range(count)
    ]
    return [model.train() for model in made]


def rows(count=200, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(count, 2, generator=rng) @ torch.randn(2, 6, generator=torch.Generator().manual_seed(9))


def test_a_member_of_a_stack_is_the_model_trained_alone():
    """The order of rows is drawn for all members together, so one batch of all rows makes it count for nothing."""
    plan = StackPlan(steps=20, batch_size=200)
    together = fit_stack(models(3), View(rows()), plan)
    for number, model in enumerate(models(3)):
        alone = fit_stack([model], View(rows()), plan).member(0)
        for mine, stacked in zip(
            alone.state_dict().values(), together.member(number).state_dict().values(), strict=True
        ):
            assert torch.allclose(mine, stacked, atol=1e-4)


def test_training_lowers_every_members_costs():
    view = View(rows())
    begun = costs(Stack.of(models(4)), view).mean(1)
    trained = costs(fit_stack(models(4), view, StackPlan(steps=100, batch_size=32)), view).mean(1)
    assert (trained < begun - 1).all()


def test_each_finds_what_members_find_apart():
    stack, view = Stack.of([model.eval() for model in models(3)]), View(rows(50))
    found = stack.each(lambda model, shown, rng: distortion(model(shown, rng)), view)
    apart = torch.stack([distortion(stack.member(number)(view)) for number in range(3)])
    assert torch.allclose(found, apart, atol=1e-4)


def test_one_seed_one_result_and_noise_differs_between_members():
    noisy = {"name": "gaussian_noise", "scale": 0.5}
    plan, view = StackPlan(steps=10, batch_size=16, seed=3), View(rows())
    one, two = (fit_stack(models(2, noisy), view, plan) for _ in range(2))
    assert all(torch.equal(one.tensors[name], two.tensors[name]) for name in one.tensors)
    twins = [model for model in models(1, noisy) for _ in range(2)]
    found = fit_stack(twins, view, plan)
    assert not torch.equal(*found.tensors["likelihood.variance"])


def test_members_leave_out_rows_that_do_not_belong():
    usual = rows(300)
    strange = 3 * torch.randn(30, 6, generator=torch.Generator().manual_seed(1))
    view = View(torch.cat([usual, strange]))
    every, kept = (fit_stack(models(2), view, StackPlan(200, 64, kept=share)) for share in (1.0, 0.8))
    ratio = [(costs(stack, View(strange)).mean() - costs(stack, View(usual)).mean()) for stack in (every, kept)]
    assert ratio[1] > 1.5 * ratio[0], "what was left out costs more than what was learned"


def test_values_that_are_missing_count_for_nothing():
    x = rows(100)
    x[::3, 2] = torch.nan
    filled = x.where(x.isfinite(), 1e6)
    present = x.isfinite()
    view = View(torch.where(present, filled, 0), present, present, present)
    stack = fit_stack(models(2), view, StackPlan(steps=20, batch_size=32))
    assert costs(stack, view).isfinite().all()


def test_a_loss_that_blows_up_is_told_in_one_sentence():
    with pytest.raises(TrainingError, match="not finite after 3 retries"):
        fit_stack(models(1), View(torch.full((50, 6), 1e30)), StackPlan(steps=3, batch_size=8))
