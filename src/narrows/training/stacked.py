r"""Many equal models trained as one: their weights are stacked, and a step of all of them is one pass.

    theta_m <- theta_m - step(loss(x_m; theta_m)),    m = 1 .. M, at once

Each member has its own beginning, its own order of rows and its own noise. With `kept` below 1 a member goes on, from
round to round, with the rows that it explains best: concentration steps, which leave out what does not belong.

Source: Rousseeuw and Van Driessen (1999) for the concentration steps, https://doi.org/10.1080/00401706.1999.10485670.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from narrows.core.errors import TrainingError
from narrows.core.trace import View
from narrows.data.sources import Source
from narrows.model import AutoencoderModule
from narrows.objectives.terms import distortion
from narrows.training.adam import FusedAdam
from narrows.training.checkpoint import put_back, weights
from narrows.training.optimisers import rate_at
from narrows.training.recording import recorded
from narrows.training.seeds import NOISE, ORDER, generator

BLOCK = 1024
"""Rows that all members look at together, at most."""
BLOCK_VALUES = 1 << 20
"""And how many values."""
WATCHED = 10
"""How often a run is watched, where anyone watches."""
RETRIES = 3
"""How often a run begins again, at a quarter of the learning rate, when a loss is not finite."""


@dataclass(frozen=True)
class StackPlan:
    """How a stack is trained.

    Args:
        steps: Steps of the whole run.
        batch_size: Rows of one step, of each member.
        learning_rate: At the beginning; it falls to zero along a cosine.
        kept: Share of the rows that each member learns from after the first round.
        rounds: How often members choose the rows that they keep.
        max_time: Seconds after which the run stops; None for no limit.
        seed: What order and noise are drawn from.
    """

    steps: int
    batch_size: int
    learning_rate: float = 2e-3
    kept: float = 1.0
    rounds: int = 3
    max_time: float | None = None
    seed: int = 0


class _Call(nn.Module):
    """A function of a model as a module, so that its weights can be put in from outside."""

    def __init__(self, model: AutoencoderModule, run: Callable[..., Any]) -> None:
        super().__init__()
        self.model = model
        self.run = run

    def forward(self, *inputs: Any) -> Any:
        return self.run(self.model, *inputs)


class Stack:
    """Models of one make whose weights lie in one tensor each.

    Args:
        make: A model of the make; its own weights count for nothing.
        tensors: Weights and buffers by name, (M, ...) each.
    """

    def __init__(self, make: AutoencoderModule, tensors: dict[str, Tensor]) -> None:
        self.make = copy.deepcopy(make).to("meta")
        self.tensors = tensors
        self.recordings: dict[Any, Callable[..., Any]] = {}

    @classmethod
    def of(cls, models: Sequence[AutoencoderModule]) -> Stack:
        """Stack models that have been built alike."""
        trained, running = stack_module_state(list(models))
        return cls(models[0], {name: tensor.detach() for name, tensor in {**trained, **running}.items()})

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def fits(self) -> bool:
        """Whether the tensors are those of models of this make."""
        of_make = {name: tuple(tensor.shape) for name, tensor in weights(self.make).items()}
        return of_make == {name: tuple(tensor.shape[1:]) for name, tensor in self.tensors.items()}

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(iter(self.tensors.values())).device

    def to(self, device: torch.device) -> Stack:
        """The same stack on another device."""
        return Stack(self.make, {name: tensor.to(device) for name, tensor in self.tensors.items()})

    def member(self, number: int) -> AutoencoderModule:
        """One of the models, with weights of its own."""
        model = copy.deepcopy(self.make).to_empty(device=self.device)
        put_back(model, {name: tensor[number] for name, tensor in self.tensors.items()})
        return model.eval()

    def each(self, run: Callable[..., Any], view: View, *, apart: bool = False, rng: Generator | None = None) -> Any:
        """What a function of a model, a view and a generator finds with each member.

        Args:
            run: `run(model, view, rng)`, a tensor, a tuple or dictionary of tensors.
            view: Samples (n, *s) that all members see, or with `apart` (M, n, *s), some for each.
            apart: Whether members see samples of their own.
            rng: Where noise comes from; None for none.
        """
        call = _Call(self.make, run)

        def one(tensors: dict[str, Tensor], x: Tensor, present: Tensor | None) -> Any:
            named = {f"model.{name}": tensor for name, tensor in tensors.items()}
            return functional_call(call, named, (View(x, present, present, present), rng))

        own = 0 if apart else None
        in_dims = (0, own, None if view.present is None else own)
        return vmap(one, in_dims, randomness="different")(self.tensors, view.x, view.present)

    def replayed(self, run: Callable[..., Any], view: View) -> Any:
        """What `each` finds at rest, from a recording of it, for views of one shape that come again and again.

        Args:
            run: `run(model, view, None)`, hashable, and the same for all values.
            view: Samples (n, *s) that all members see.
        """
        masks = () if view.present is None else (view.present,)
        key = run, view.x.shape, len(masks)
        if key not in self.recordings:

            def each(x: Tensor, *masks: Tensor) -> Any:
                present = masks[0] if masks else None
                return self.each(run, View(x, present, present, present))

            self.recordings[key] = recorded(each, view.x, *masks)
        return self.recordings[key](view.x, *masks)

    def __getstate__(self) -> dict[str, Any]:
        """Recordings are made anew where they are needed."""
        return self.__dict__ | {"recordings": {}}


def everything(source: Source, most: int, rng: Generator) -> View:
    """The samples of a source as one view; of more than `most`, some drawn at random."""
    some = source if len(source) <= most else source.some(most, rng)
    views = list(some.batches(BLOCK))
    x = torch.cat([view.x for view in views])
    if all(view.present is None for view in views):
        return View(x)
    seen = [torch.ones_like(view.x, dtype=torch.bool) if view.present is None else view.present for view in views]
    present = torch.cat(seen)
    return View(x, present, present, present)


def some_rows(view: View, rows: Tensor) -> View:
    """Samples of a view by their numbers, of whatever shape."""
    present = None if view.present is None else view.present[rows]
    return View(view.x[rows], present, present, present)


def blocks(view: View) -> list[View]:
    """A view in pieces that all members can look at."""
    size = max(1, min(BLOCK, BLOCK_VALUES // max(1, view.x[:1].numel())))
    return [some_rows(view, rows) for rows in torch.split(torch.arange(len(view), device=view.x.device), size)]


@torch.no_grad()
def costs(stack: Stack, view: View) -> Tensor:
    """Distortion and rate of every sample for every member, (M, n)."""

    def cost(model: AutoencoderModule, shown: View, rng: Generator | None) -> Tensor:
        trace = model(shown, rng)
        return distortion(trace) + trace.code.rate

    return torch.cat([stack.each(cost, block) for block in blocks(view)], 1)


def fit_stack(models: Sequence[AutoencoderModule], view: View, plan: StackPlan) -> Stack:
    """Train models of one make on the same samples.

    Args:
        models: Each as it begins.
        view: All samples, (n, *s), on the device to train on.
        plan: How to go about it.

    Raises:
        TrainingError: A loss was not finite, again and again.
    """
    rate = plan.learning_rate
    for _ in range(RETRIES + 1):
        stack = Run(Stack.of([model.train() for model in models]), view, plan, partial(_Alike, rate)).finished()
        if all(tensor.isfinite().all() for tensor in stack.tensors.values()):
            return stack
        rate /= 4
    raise TrainingError(
        f"the loss was not finite after {RETRIES} retries with a lower learning rate: look for extreme values in X"
    )


class Mover(Protocol):
    """What moves stacked weights along their gradients."""

    share: float
    """Of its learning rate, what the next step takes."""

    def zero_grad(self) -> None:
        """Forget the gradients."""

    def step(self) -> None:
        """Move every weight."""


class _Alike(FusedAdam):
    """One learning rate for all members."""

    def __init__(self, rate: float, leaves: dict[str, Tensor]) -> None:
        super().__init__([{"params": list(leaves.values()), "weight_decay": 0.0}], rate, decoupled=True)
        self.rate = rate

    @property
    def share(self) -> float:
        return float(self.param_groups[0]["lr"]) / self.rate

    @share.setter
    def share(self, share: float) -> None:
        self.param_groups[0]["lr"] = self.rate * share


class Run:
    """One run of a stack over its samples.

    Args:
        stack: Members, each as it begins.
        view: All samples, (n, *s), on the device to train on.
        plan: How to go about it.
        optimizer: What moves the stacked weights, those that learn; `share` of its rate is set before each step.
    """

    def __init__(
        self, stack: Stack, view: View, plan: StackPlan, optimizer: Callable[[dict[str, Tensor]], Mover]
    ) -> None:
        self.stack, self.view, self.plan = stack, view, plan
        self.noise = generator(plan.seed, NOISE, device=view.x.device)
        trained = dict(stack.make.named_parameters())
        leaves = {name: tensor.requires_grad_() for name, tensor in stack.tensors.items() if name in trained}
        self.optimizer = optimizer(leaves)
        self.rows = torch.arange(len(view)).expand(len(stack), -1)
        self.per_value = torch.full((len(stack),), 1 / stack.make.spec.size, device=view.x.device)

    def finished(self, watch: Callable[[Stack], None] | None = None) -> Stack:
        """Take all steps, and give the stack with its weights at rest; `watch` sees it on the way, now and then."""
        plan, began = self.plan, time.monotonic()
        turns = {round(plan.steps * turn / (plan.rounds + 1)) for turn in range(1, plan.rounds + 1)}
        watched = {round(plan.steps * turn / WATCHED) for turn in range(1, WATCHED)}
        order: list[Tensor] = []
        for step in range(plan.steps):
            done = step / plan.steps
            if plan.max_time is not None:
                spent = (time.monotonic() - began) / plan.max_time
                if spent >= 1:
                    break
                done = max(done, spent)
            if watch is not None and step in watched:
                watch(self._at_rest())
            if plan.kept < 1 and step in turns:
                self.rows, order = self._best(), []
            order = order or self._order(step)
            self._step(order.pop(), rate_at("cosine", done, step, min(100, plan.steps // 5)))
        found = self._at_rest()
        if watch is not None:
            watch(found)
        return found

    def _at_rest(self) -> Stack:
        """The stack as it is, without gradients."""
        found = Stack(self.stack.make, {name: tensor.detach() for name, tensor in self.stack.tensors.items()})
        found.make.eval()
        return found

    def _order(self, step: int) -> list[Tensor]:
        """The rows of each member once, in an order of its own, as batches (M, b); what is left over waits."""
        rng = generator(self.plan.seed, ORDER, step)
        shuffled = self.rows.gather(1, torch.rand(self.rows.shape, generator=rng).argsort(1))
        size = min(self.plan.batch_size, self.rows.shape[1])
        return [batch for batch in torch.split(shuffled, size, 1) if batch.shape[1] == size]

    def _step(self, rows: Tensor, share: float) -> None:
        self.optimizer.share = share
        batch = some_rows(self.view, rows.to(self.view.x.device))
        scalars, running = self.stack.each(_cost_and_state, batch, apart=True, rng=self.noise)
        self.optimizer.zero_grad()
        scalars.backward(self.per_value)
        self.optimizer.step()
        for name, state in running.items():
            self.stack.tensors[name].copy_(state)

    def _best(self) -> Tensor:
        """The rows that each member explains best, (M, kept n), in the order of the data."""
        count = max(1, round(self.plan.kept * len(self.view)))
        found = costs(self.stack, self.view).topk(count, dim=1, largest=False, sorted=False).indices
        return found.sort(1).values.cpu()


def _cost_and_state(model: AutoencoderModule, view: View, rng: Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """What a batch costs, and the running state after it, which gradients need as it was before."""
    trace = model(view, rng)
    scalar, _ = model.objective(trace, model, rng)
    prefixes = {id(part): name for name, part in model.named_modules()}
    running = {}
    for part in model.with_state:
        for name, inside in part.named_modules(prefix=prefixes[id(part)]):
            for called, state in inside._buffers.items():
                if state is not None:
                    inside._buffers[called] = running[f"{name}.{called}"] = state.clone()
    model.after_step(trace, rng)
    return scalar, running
