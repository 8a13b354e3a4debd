"""The loop: batches in, better weights out.

Nothing in a step waits for the device: the terms of the loss stay tensors and are read every `LOOK` steps, when the
clock, the checkpoint and the finiteness of the loss are looked at too.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from math import ceil, inf, isfinite
from typing import Any

import torch
from torch import Generator, Tensor, nn

from narrows.core.errors import ChoiceError, TrainingError, unknown
from narrows.core.trace import Loss, Trace, View
from narrows.data.sources import Source
from narrows.model import AutoencoderModule
from narrows.training.checkpoint import Checkpoint, Moment, Progress, copied, keep, put_back, weights
from narrows.training.contest import OPPONENT, contests
from narrows.training.optimisers import SCHEDULES, all_state, optimisers, rate_at, restore_state, set_rate
from narrows.training.report import Reports
from narrows.training.seeds import NOISE, ORDER, VALIDATION, generator

LOOK = 50
"""Steps between two looks at the losses."""
SAVE_SECONDS = 30.0
"""Seconds between two checkpoints inside an epoch."""
JUDGED = 1 << 22
"""How many values are judged at once, at most, unless a training batch has more."""
RETRIES = 3
"""How often a run goes back to its best state after a loss that is not finite."""
NOTHING: Mapping[str, Tensor] = {}


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run besides the model and the data.

    Args:
        epochs: Passes over the training rows, at most.
        batch_size: Rows of one step.
        optimizer, learning_rate, weight_decay: See `optimisers`.
        schedule: See `rate_at`.
        warmup: Steps over which the learning rate climbs, at most a fifth of the run.
        gradient_clip: The largest norm of the gradient, of the loss per value; None for no limit.
        patience: Epochs without a better score before the run stops; None for never.
        max_time: Seconds after which the run stops; the schedule ends with them.
        precision: `"float32"` or `"bfloat16"`.
        seed: What order and noise are drawn from.
    """

    epochs: int
    batch_size: int
    optimizer: str = "adam"
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    schedule: str = "cosine"
    warmup: int = 100
    gradient_clip: float | None = None
    patience: int | None = None
    max_time: float | None = None
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise unknown("schedule", self.schedule, SCHEDULES)
        for name in ("epochs", "batch_size", "learning_rate", "gradient_clip", "patience", "max_time"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and value > 0):
                raise ChoiceError(f"{name} is a number greater than 0, got {value!r}")
        for name in ("warmup", "weight_decay"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and value >= 0):
                raise ChoiceError(f"{name} is a number of at least 0, got {value!r}")


@dataclass
class Terms:
    """Sums of the terms of the loss over the samples of an epoch, in float64 on the device."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    waiting: list[tuple[int, dict[str, Tensor]]] = field(default_factory=list)

    def add(self, loss: Loss, rows: int, opponents: Mapping[str, Tensor] = NOTHING) -> None:
        """Note a batch, and what opponents paid; nothing is computed yet."""
        terms = loss.terms() | {name: term.detach() for name, term in opponents.items()}
        self.waiting.append((rows, terms))

    def settle(self) -> bool:
        """Add up what waits; False when something is not finite."""
        for name in self.waiting[0][1] if self.waiting else ():
            found = [(rows, terms[name]) for rows, terms in self.waiting]
            if found[0][1].ndim == 0:
                found = [(rows, term.expand(rows)) for rows, term in found]
            self._raise(name, torch.cat([term for _, term in found]).double().sum())
        if self.waiting:
            self._raise("rows", torch.tensor(float(sum(rows for rows, _ in self.waiting)), dtype=torch.float64))
        self.waiting.clear()
        return all(isfinite(total.item()) for total in self.sums.values())

    def _raise(self, name: str, amount: Tensor) -> None:
        self.sums[name] = self.sums[name] + amount if name in self.sums else amount

    def means(self) -> dict[str, float]:
        """Means over the samples, by name, and the sum of what the model pays as `loss`."""
        rows = float(self.sums["rows"])
        found = {name: float(total) / rows for name, total in self.sums.items() if name != "rows"}
        unpaid = {"rate"} if "charge" in found else set()
        paid = [value for name, value in found.items() if name not in unpaid and not name.startswith(OPPONENT)]
        return {"loss": sum(paid), **found}


class Loop:
    """One run: a model, its data, and a plan.

    Args:
        model: What to train, in place.
        train, held_out: Where batches come from, and what judges the model.
        plan: How to go about it.
        checkpoint: Where to write moments and resume from; None for nowhere.
        started: The moment, by `time.monotonic`, from which `max_time` counts.
        settled: Weights that begin where they are already good, and learn slowly.
    """

    def __init__(
        self,
        model: AutoencoderModule,
        train: Source,
        held_out: Source,
        plan: Plan,
        checkpoint: Checkpoint | None = None,
        started: float | None = None,
        settled: Iterable[nn.Parameter] = (),
    ) -> None:
        self.model = model
        self.train = train
        self.held_out = held_out
        self.plan = plan
        self.checkpoint = checkpoint
        self.device = train.device
        self.progress = Progress()
        self.settled = list(settled)
        self._fresh_optimisers()
        self.noise = generator(plan.seed, NOISE, device=self.device)
        half = plan.precision == "bfloat16"
        self.casting = torch.autocast(self.device.type, torch.bfloat16) if half else nullcontext()
        self.per_value = torch.tensor(1 / model.spec.size, device=self.device)
        self.terms = Terms()
        self.best: dict[str, Tensor] = {}
        self.started = time.monotonic() if started is None else started
        self.saved = time.monotonic()
        self.judging = 0.0
        self.total_steps = plan.epochs * ceil(len(train) / plan.batch_size)
        """Steps of the whole run, if nothing stops it early."""
        self.paced = True
        self.warmup = min(plan.warmup, self.total_steps // 5)
        self.judged_by = judged_by(model)
        self.comparable = model.objective.comparable and all(penalty.comparable for penalty in model.penalties)
        self.by_error = self.judged_by == ("error",)
        self.resumed = self._resume()

    def _fresh_optimisers(self) -> None:
        plan = self.plan
        self.own = optimisers(plan.optimizer, self.model, plan.learning_rate, plan.weight_decay, self.settled)
        self.contests = contests(self.model, plan.learning_rate)
        self.optimisers = [*self.own, *(contest.optimizer for contest in self.contests)]

    def run(self, report: Reports) -> list[dict[str, Any]]:
        """Train until the plan ends, patience does, or time does; leave the best weights in the model.

        Returns:
            The history: a row for each epoch, the first for the model as it began.

        Raises:
            TrainingError: The loss was not finite, again and again.
        """
        now = self.progress
        arrival = ceil(self.plan.epochs * self.model.arrives(self.total_steps))  # until then, patience is not tried
        if not self.resumed:
            self._judge(0.0, {})
        while now.epoch < self.plan.epochs and not now.finished:
            if self._epoch(report):
                self._judge(self._rate(), self.terms.means())
                report.steps(now.step)
                report.epoch(now.history[-1])
                now.epoch, now.batch, self.terms = now.epoch + 1, 0, Terms()
                waited = now.epoch - max(now.best_epoch, arrival)
                now.finished = self.plan.patience is not None and waited >= self.plan.patience
                self._save(always=True)
                if self._late():  # a later run may be given more time
                    break
            else:
                self._go_back()
        put_back(self.model, self.best)
        self.model.zero_grad()
        return now.history

    def one_pass(self, since: Moment | None) -> Moment:
        """Train on the rows once, going on from the moments of an earlier pass, and keep whatever comes.

        Returns:
            What the next pass goes on from, without the weights: they stay where they are, in the model.
        """
        self.best = copied(weights(self.model))
        self.paced = False  # passes go on without an end that progress could be measured by
        if since is not None:
            restore_state(self.optimisers, since.optimisers)
            self.noise.set_state(since.noise)
        while not self._epoch(Reports()):
            self._go_back()
        return Moment({}, all_state(self.optimisers), self.noise.get_state())

    def _epoch(self, report: Reports) -> bool:
        """Go on with the present epoch, to its end or to the end of the time; False when the loss blew up."""
        now = self.progress
        order = generator(self.plan.seed, ORDER, now.epoch)
        self.model.train()
        for view in self.train.batches(self.plan.batch_size, order, now.batch):
            self._step(view)
            now.batch += 1
            now.step += 1
            if now.batch % LOOK == 0:
                if not self.terms.settle():
                    return False
                report.steps(now.step)
                self._save()
            if self._late():
                break
        return self.terms.settle()

    def _step(self, view: View) -> None:
        set_rate(self.optimisers, self._rate())
        if self.paced:
            self.model.proceed(self.progress.step, self._share())
        for optimizer in self.own:
            optimizer.zero_grad()
        with self.casting:
            trace = self.model(view, self.noise)
            scalar, loss = self.model.objective(trace, self.model, self.noise)
        scalar.backward(self.per_value)
        if self.plan.gradient_clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.gradient_clip)
        for optimizer in self.own:
            optimizer.step()
        self.model.after_step(trace, self.noise)
        self.terms.add(loss, len(view.x), self._opponents(trace) if self.contests else NOTHING)

    def _opponents(self, trace: Trace) -> dict[str, Tensor]:
        """The step of each opponent, against the pass that the model learned from; what they paid, by name."""
        return {contest.name: contest.step(trace, self.model, self.noise, self.casting) for contest in self.contests}

    def _rate(self) -> float:
        """The learning rate of this step."""
        share = rate_at(self.plan.schedule, self._share(), self.progress.step, self.warmup)
        return self.plan.learning_rate * share * self.progress.rate_scale

    def _share(self) -> float:
        """How much of the run is behind, from 0 to 1."""
        progress = self.progress.step / self.total_steps
        if self.plan.max_time is not None:  # schedules end when the time does
            progress = max(progress, self._elapsed() / self.plan.max_time)
        return min(1.0, progress)

    def _elapsed(self) -> float:
        return self.progress.elapsed + time.monotonic() - self.started

    def _late(self) -> bool:
        """Whether the time that is left is only enough to judge the model once more."""
        return self.plan.max_time is not None and self._elapsed() + self.judging >= self.plan.max_time

    @torch.no_grad()
    def _judge(self, rate: float, train: Mapping[str, float]) -> None:
        """Score the model on held-out rows, keep it if it is the best so far, and write a row of the history."""
        now = self.progress
        began = time.monotonic()
        held_out = judge(self.model, self.held_out, self.plan.batch_size, self.plan.seed)
        self.judging = time.monotonic() - began
        score = sum(held_out[name] for name in self.judged_by)
        if not isfinite(score) and not train:
            raise TrainingError("the loss of the held-out samples is not finite: look for extreme values in them")
        epoch = now.epoch + 1 if train else 0
        if not isfinite(score) and all(isfinite(row["score"]) for row in now.history):
            warnings.warn(
                f"the loss of the held-out samples was not finite after epoch {epoch}, which is therefore not kept: "
                "look for extreme values in them, or lower the learning rate",
                stacklevel=2,
            )
        newest = isfinite(score) and not self.comparable
        if score < now.best_score or not self.best or newest:
            now.best_score, now.best_epoch = score, epoch
            keep(weights(self.model), self.best)
        if self.contests and not train:  # the beginning cannot win a contest that has not begun
            now.best_score = inf
        row = {"epoch": epoch, "step": now.step, "seconds": self._elapsed(), "learning_rate": rate, "score": score}
        now.history.append(row | {"train": dict(train), "held_out": held_out})

    def _go_back(self) -> None:
        """Return to the best state so far, with fresh optimisers and a lower learning rate."""
        now = self.progress
        now.failures += 1
        if now.failures > RETRIES:
            raise TrainingError(
                f"the loss was not finite in epoch {now.epoch + 1} after {RETRIES} retries with a lower learning rate: "
                f"try learning_rate={self.plan.learning_rate / 100:.1g} or look for extreme values in the data"
            )
        now.rate_scale /= 4
        now.step -= now.batch
        now.batch, self.terms = 0, Terms()
        put_back(self.model, self.best)
        self._fresh_optimisers()

    def _save(self, always: bool = False) -> None:
        """Write a checkpoint, at the end of an epoch or when the last one is old."""
        if self.checkpoint is None:
            return
        if not always and time.monotonic() - self.saved < SAVE_SECONDS:
            return
        now = Progress(**vars(self.progress) | {"elapsed": self._elapsed()})
        present = Moment.of(self.model, self.optimisers, self.noise)
        self.checkpoint.save(now, present, self.best, self.terms.sums)
        self.saved = time.monotonic()

    def _resume(self) -> bool:
        """Take up a checkpoint where there is one."""
        found = self.checkpoint.load() if self.checkpoint is not None else None
        if found is None:
            return False
        self.progress, present, self.best, self.terms.sums = found
        present.restore(self.model, self.optimisers, self.noise)
        return True


def judged_by(model: AutoencoderModule) -> tuple[str, ...]:
    """The terms that together judge a model on held-out rows.

    The error of reconstruction where the code is free and nothing else is paid for, or else the whole loss; but without
    penalties where one of them has an opponent, since a penalty falls too when its opponent plays badly.
    """
    if model.bottleneck.free and not model.penalties and model.spec.values in ("real", "unit"):
        return ("error",)
    contested = any(penalty.opponent is not None for penalty in model.penalties)
    return ("distortion", "rate") if contested else ("loss",)


@torch.no_grad()
def judge(model: AutoencoderModule, source: Source, batch_size: int, seed: int) -> dict[str, float]:
    """The mean terms of the loss over a source, and `error`, the mean squared error per value, in float32.

    The same noise is drawn each time, so that two scores differ by the weights alone.
    """
    model.eval()
    rng: Generator = generator(seed, VALIDATION, device=source.device)
    mean = model.likelihood.mean

    def squared_error(params: Tensor, x: Tensor) -> Tensor:
        return (x - mean(params)).square()

    terms, squares, scored = Terms(), torch.zeros((), dtype=torch.float64, device=source.device), 0
    for view in source.batches(max(batch_size, min(256, JUDGED // model.spec.size))):
        trace: Trace = model(view, rng)
        _, loss = model.objective(trace, model, rng)
        terms.add(loss, len(view.x))
        counts = trace.view.scored  # a corruption may score fewer values than there are
        squares += trace.prediction.total(squared_error, trace.x, counts).double().sum()
        scored += view.x.numel() if counts is None else int(counts.sum())
    terms.settle()
    return {**terms.means(), "error": float(squares) / max(1, scored)}
