"""Trials of one shape as one stacked model: what differs is how fast each learns, and how much its weights decay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Penalty
from narrows.core.trace import View
from narrows.data.samples import Samples
from narrows.model import AutoencoderModule
from narrows.training import rules
from narrows.training.adam import MembersAdam
from narrows.training.fit import Request, plan_for, prepare
from narrows.training.optimisers import SETTLED
from narrows.training.seeds import ORDER, SPLIT, START, generator
from narrows.training.stacked import Run, Stack, StackPlan, blocks, everything
from narrows.training.start import begin, principal_components

DIFFER = ("learning_rate", "weight_decay")
"""What trials of one shape differ in."""
MOST_VALUES = 1 << 24
"""How many values the samples of stacked trials have, at most: small tables, which a step hardly feels."""


def can_be_stacked(samples: Samples, asked: Request) -> bool:
    """Whether trials of a model can be trained together: small dense rows, a fully connected network, and AdamW."""
    model, schema, _ = prepare(samples, replace(asked, latent_dim=1))
    spec = schema.spec
    alone = any(_needs_the_loop(penalty) for penalty in model.penalties if isinstance(penalty, Penalty))
    return (
        spec.kind in ("vector", "table")
        and not (spec.sparse or spec.context or samples.condition or model.stages or alone)
        and model.objective.comparable
        and model.bottleneck.start_rows == 0
        and model.arrives(1) == 0
        and asked.optimizer == "adamw"
        and asked.schedule == "cosine"
        and len(samples) * spec.size <= MOST_VALUES
    )


def _needs_the_loop(penalty: Penalty) -> bool:
    return bool(penalty.opponent is not None or penalty.neighbours or penalty.groups)


def errors_together(samples: Samples, asked: Sequence[Request]) -> list[float]:
    """The least squared error per value of each trial on held-out samples; infinite where a trial blew up.

    Args:
        samples: Raw samples, from which the same are held out as in `fit`.
        asked: A trial each, that differ in learning rate and weight decay alone, which are numbers.
    """
    first = asked[0]
    model, schema, _ = prepare(samples, first)
    device = rules.device(first.device)
    train, judges = samples.split(schema, first.validation_fraction, generator(first.seed, SPLIT), device)
    numbers = schema.spec.values in ("real", "unit") and first.options.get("linear_path", True)
    found = principal_components(train, model.bottleneck.latent_dim, generator(first.seed, START)) if numbers else None
    begun = begin(model.to(device), train, found, generator(first.seed, START))
    whole = plan_for(first, model, len(train), device)
    stack = Stack.of([model.train()] * len(asked))
    steps = whole.epochs * ceil(len(train) / whole.batch_size)
    plan = StackPlan(steps, whole.batch_size, max_time=whole.max_time, seed=first.seed)
    rates, decays = (torch.tensor([float(getattr(one, of)) for one in asked], device=device) for of in DIFFER)

    def optimizer(leaves: dict[str, Tensor]) -> MembersAdam:
        slow = {
            place: SETTLED * leaf.detach().flatten(1).square().mean(1).sqrt()
            for place, (name, leaf) in enumerate(leaves.items())
            if begun and name.split(".")[:2] in (["encoder", "linear"], ["decoder", "linear"])
        }
        return MembersAdam(list(leaves.values()), rates, decays, slow)

    known, asked_about = (everything(source, len(source), generator(first.seed, ORDER)) for source in (train, judges))
    least = _errors(stack, asked_about)

    def watch(now: Stack) -> None:
        least.copy_(torch.fmin(least, _errors(now, asked_about)))

    Run(stack, known, plan, optimizer).finished(watch)
    return [float(error) for error in least.nan_to_num(torch.inf)]


@torch.no_grad()
def _errors(stack: Stack, view: View) -> Tensor:
    """The mean squared error per value of each member, (M,) float64."""

    def squares(model: AutoencoderModule, shown: View, rng: Generator | None) -> Tensor:
        trace = model(shown, rng)
        apart = (shown.x - trace.prediction.mean()).square()
        return (apart if shown.scored is None else apart * shown.scored).flatten(1).sum(1)

    scored = view.x.numel() if view.scored is None else int(view.scored.sum())
    total = torch.cat([stack.each(squares, block) for block in blocks(view)], 1).double().sum(1)
    return total / max(1, scored)
