"""Optimisers by name, and schedules: how the learning rate goes with the progress of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import cos, pi
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Optimizer

from narrows.core.errors import ChoiceError, unknown
from narrows.training.adam import FusedAdam

DEFAULT_RATES = {"adam": 2e-3, "adamw": 2e-3, "sgd": 0.1, "muon": 2e-3}
"""The learning rate of each optimiser unless another is asked for."""
SETTLED = 1.0
"""Learning rate, relative to their size, of weights that begin where they are already good."""


@dataclass(frozen=True)
class Weights:
    """The weights of a module by how they learn.

    Args:
        matrices: Weights of two axes and more.
        others: Biases and scales, which do not decay.
        settled: A linear path that began as PCA: its rate is relative to its size, lest the first steps undo it.
    """

    matrices: list[nn.Parameter]
    others: list[nn.Parameter]
    settled: list[nn.Parameter]

    @classmethod
    def of(cls, module: nn.Module, settled: Iterable[nn.Parameter]) -> Weights:
        """Sort the weights of a module."""
        slow = list(settled)
        found = [p for p in module.parameters() if p.requires_grad and not any(p is q for q in slow)]
        return cls([p for p in found if p.ndim > 1], [p for p in found if p.ndim < 2], slow)

    def groups(self, decay: float, decay_others: float = 0.0) -> list[dict[str, Any]]:
        """Parameter groups for an optimiser, each with its share of the rate."""
        sorts = [(self.matrices, decay, 1.0), (self.others, decay_others, 1.0)]
        if decay == decay_others:
            sorts = [(self.matrices + self.others, decay, 1.0)]
        sorts += [([p], 0.0, SETTLED * p.detach().square().mean().sqrt().item()) for p in self.settled]
        return [{"params": p, "weight_decay": d, "share": share} for p, d, share in sorts if p]


def _adam(weights: Weights, rate: float, decay: float) -> list[Optimizer]:
    return [FusedAdam(weights.groups(decay, decay), rate, decoupled=False)]


def _adamw(weights: Weights, rate: float, decay: float) -> list[Optimizer]:
    return [FusedAdam(weights.groups(decay), rate, decoupled=True)]


def _sgd(weights: Weights, rate: float, decay: float) -> list[Optimizer]:
    return [SGD(weights.groups(decay, decay), lr=rate, momentum=0.9, nesterov=True, fused=True)]


def _muon(weights: Weights, rate: float, decay: float) -> list[Optimizer]:
    """Orthogonalised momentum (Jordan et al. 2024) for matrices, AdamW for everything else."""
    if not hasattr(torch.optim, "Muon"):
        raise ChoiceError("the optimizer 'muon' needs torch 2.9 or later, choose 'adam' or 'adamw'")
    square = [p for p in weights.matrices if p.ndim == 2]
    rest = replace(weights, matrices=[p for p in weights.matrices if p.ndim != 2])
    groups = [{"params": square, "share": 1.0}]
    muon = [torch.optim.Muon(groups, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")] if square else []
    return [*muon, *_adamw(rest, rate, decay)]


OPTIMISERS: dict[str, Callable[[Weights, float, float], list[Optimizer]]] = {
    "adam": _adam,
    "adamw": _adamw,
    "sgd": _sgd,
    "muon": _muon,
}


def optimisers(
    name: str, module: nn.Module, rate: float, decay: float, settled: Iterable[nn.Parameter] = ()
) -> list[Optimizer]:
    """The optimisers that together move every weight of a module.

    Args:
        name: `"adam"`, `"adamw"`, `"sgd"` (Nesterov momentum 0.9) or `"muon"`.
        module: What to train.
        rate: The learning rate.
        decay: Weight decay; decoupled, and on matrices only, for `"adamw"` and `"muon"`.
        settled: Weights that begin where they are already good, and learn slowly.
    """
    if name not in OPTIMISERS:
        raise unknown("optimizer", name, OPTIMISERS)
    return OPTIMISERS[name](Weights.of(module, settled), rate, decay)


def set_rate(optimizers: list[Optimizer], rate: float) -> None:
    """Set the learning rate of a step, each group's share of it."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group["share"]


def cosine(progress: float) -> float:
    """Half a cosine, from 1 to a hundredth."""
    return 0.01 + 0.99 * 0.5 * (1 + cos(pi * progress))


def one_cycle(progress: float) -> float:
    """Up from a twenty-fifth in the first three tenths, then down to nothing (Smith and Topin 2017)."""
    if progress < 0.3:
        return 1 - 0.96 * 0.5 * (1 + cos(pi * progress / 0.3))
    return 0.5 * (1 + cos(pi * (progress - 0.3) / 0.7))


def constant(progress: float) -> float:  # noqa: ARG001 (every schedule takes the progress)
    """The same throughout."""
    return 1.0


SCHEDULES: dict[str, Callable[[float], float]] = {"cosine": cosine, "one_cycle": one_cycle, "constant": constant}


def rate_at(schedule: str, progress: float, step: int, warmup: int) -> float:
    """The share of the learning rate at a point of the run.

    Args:
        schedule: `"cosine"`, `"one_cycle"` or `"constant"`.
        progress: How much of the run is behind, 0 to 1.
        step: How many steps are behind.
        warmup: Over how many steps the rate first climbs in a straight line.

    >>> rate_at("cosine", 0.0, 49, 100), rate_at("cosine", 0.0, 500, 100), rate_at("cosine", 1.0, 500, 100)
    (0.5, 1.0, 0.01)
    """
    climbed = min(1.0, (step + 1) / warmup) if warmup else 1.0
    return climbed * SCHEDULES[schedule](progress)


def all_state(optimizers: list[Optimizer]) -> dict[str, torch.Tensor]:
    """The moments of optimisers as named tensors."""
    return {
        f"{i}.{index}.{key}": value
        for i, optimizer in enumerate(optimizers)
        for index, entries in optimizer.state_dict()["state"].items()
        for key, value in entries.items()
        if isinstance(value, torch.Tensor)
    }


def restore_state(optimizers: list[Optimizer], tensors: dict[str, torch.Tensor]) -> None:
    """Put back what `all_state` gave."""
    for i, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            owner, index, key = name.split(".", 2)
            if owner == str(i):
                state.setdefault(int(index), {})[key] = value.clone()
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
