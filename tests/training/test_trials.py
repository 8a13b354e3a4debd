"""Trials trained as one: each learns at its own rate, as it would alone, in a fraction of the time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from narrows.data.door import samples
from narrows.training.adam import FusedAdam, MembersAdam
from narrows.training.fit import Request, fit
from narrows.training.trials import can_be_stacked, errors_together

ASKED = Request(
    recipe="deep",
    latent_dim=2,
    options={"widths": (16,)},
    epochs=20,
    seed=0,
    patience=None,
    learning_rate=2e-3,
    weight_decay=0.1,
)


def rows(n=300, columns=8):
    draw = np.random.RandomState(0)
    return np.tanh(draw.randn(n, 2) @ draw.randn(2, columns)) + 0.1 * draw.randn(n, columns)


def test_each_member_moves_as_it_would_alone(rng):
    begin = [torch.randn(3, 4, 5, generator=rng), torch.randn(3, 5, generator=rng), torch.randn(3, 4, 4, generator=rng)]
    rates, decays, slow = torch.tensor([0.1, 0.01, 0.03]), torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0.5, 0.2, 1.0])
    together = [tensor.clone() for tensor in begin]
    apart = [[tensor[m].clone() for tensor in begin] for m in range(3)]
    mine = MembersAdam(together, rates, decays, {2: slow})
    others = [
        FusedAdam(
            [
                {"params": [apart[m][0]], "weight_decay": float(decays[m])},
                {"params": [apart[m][1]], "weight_decay": 0.0},
                {"params": [apart[m][2]], "weight_decay": 0.0, "lr": float(rates[m] * slow[m])},
            ],
            float(rates[m]),
            decoupled=True,
        )
        for m in range(3)
    ]
    for _ in range(20):
        pulls = [torch.randn(tensor.shape, generator=rng) for tensor in begin]
        for tensor, pull in zip(together, pulls, strict=True):
            tensor.grad = pull
        mine.step()
        for m, other in enumerate(others):
            for tensor, pull in zip(apart[m], pulls, strict=True):
                tensor.grad = pull[m].clone()
            other.step()
    for place, tensor in enumerate(together):
        assert torch.allclose(tensor, torch.stack([apart[m][place] for m in range(3)]), atol=1e-5)


def test_errors_are_those_of_trials_alone_but_for_the_order_of_rows():
    given = samples(rows(), 10)
    asked = [replace(ASKED, learning_rate=rate, weight_decay=0.01) for rate in (3e-5, 3e-3)]
    alone = [min(row["held_out"]["error"] for row in fit(given, one).history) for one in asked]
    together = errors_together(given, asked)
    assert together == pytest.approx(alone, rel=0.15)
    assert together[1] < together[0]
    assert together == errors_together(given, asked), "one seed, one result"


def test_a_trial_that_blows_up_leaves_the_others_alone():
    given = samples(rows(), 10)
    asked = [replace(ASKED, epochs=3, learning_rate=rate) for rate in (1e30, 1e-3)]
    wild, tame = errors_together(given, asked)
    assert tame == pytest.approx(errors_together(given, asked[1:])[0], rel=0.05)
    assert np.isinf(wild) or wild >= tame  # the beginning counts too


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        ({}, True),
        ({"recipe": "denoising"}, True),
        ({"recipe": "variational"}, True),
        ({"recipe": "adversarial"}, False),
        ({"recipe": "clustering"}, False),
        ({"recipe": "vq"}, False),
        ({"optimizer": "sgd"}, False),
    ],
)
def test_what_needs_the_loop_is_left_to_it(options, fits):
    assert can_be_stacked(samples(rows(30), 10), replace(ASKED, **options)) == fits


def test_trials_of_a_price_that_changes_are_not_stacked():
    X = np.random.RandomState(0).randn(60, 4)
    asked = Request(recipe="variational", latent_dim=2)
    assert can_be_stacked(samples(X), asked)
    assert not can_be_stacked(samples(X), replace(asked, options={"warmup": 0.5}))
