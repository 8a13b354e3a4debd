"""Contests: the step of a penalty's opponent, which follows the model's own.

model:     min  distortion + rate + penalty(model, opponent)      the opponent at rest
opponent:  min  opponent_loss(opponent, model)                    the model at rest
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Penalty
from narrows.core.registry import snake_case
from narrows.core.trace import Trace
from narrows.model import AutoencoderModule
from narrows.training.adam import FusedAdam

OPPONENT = "opponent of "
"""How the loss of an opponent is called in the history, before the name of its penalty; no part of the model's loss."""


class Contest:
    """A penalty with an opponent, and the optimiser that moves the opponent: Adam with a short memory.

    Args:
        penalty: One that has an opponent.
        rate: The learning rate.
    """

    betas = (0.5, 0.999)
    """The first is shorter than usual, since what the opponent learns changes (Radford, Metz and Chintala 2016)."""

    def __init__(self, penalty: Penalty, rate: float) -> None:
        assert penalty.opponent is not None, "a contest is between two"
        self.name = OPPONENT + snake_case(type(penalty).__name__)
        self.penalty = penalty
        self.opponent = penalty.opponent
        self.weights = list(self.opponent.parameters())
        self.optimizer = FusedAdam([{"params": self.weights, "share": 1.0}], rate, decoupled=False, betas=self.betas)

    def step(
        self, trace: Trace, model: AutoencoderModule, rng: Generator, casting: AbstractContextManager[Any]
    ) -> Tensor:
        """Move the opponent's weights, and no others.

        Args:
            trace: The pass that the model has just learned from.
            model: Which now rests.
            rng: What the opponent's loss draws from.
            casting: The precision that the loss is worked out in.

        Returns:
            What the opponent paid.
        """
        self.opponent.requires_grad_(True)
        with casting:
            loss = self.penalty.opponent_loss(trace, model, rng)
        for weight, gradient in zip(self.weights, torch.autograd.grad(loss, self.weights), strict=True):
            weight.grad = gradient
        self.opponent.requires_grad_(False)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()


def contests(model: AutoencoderModule, rate: float) -> list[Contest]:
    """A contest for each penalty of a model that has an opponent."""
    penalties = (part for part in model.penalties if isinstance(part, Penalty))
    return [Contest(penalty, rate) for penalty in penalties if penalty.opponent is not None]
