"""What labels teach a trained autoencoder: first a head on its codes, then encoder and head together.

    head       min_A   mean cost(A z) + ridge |A|^2 / 2
    together   min     mean cost(A f(x))

Labelled rows that are set aside choose the ridge, and stop the training of both together; the head on frozen codes is
where that begins, so that what is kept is never worse than it on those rows. Where some samples have a class and others
have none, `self_training` goes on from the head.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import numpy as np
import torch
from torch import Generator, Tensor

from narrows.data.arrays import Array
from narrows.data.sources import GatheredSource
from narrows.model import AutoencoderModule
from narrows.networks.head import Head, Predictor
from narrows.training import rules
from narrows.training.checkpoint import copied, keep, put_back, weights
from narrows.training.optimisers import optimisers, rate_at, set_rate
from narrows.training.seeds import NOISE, ORDER, SPLIT, generator

RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Which ridges are tried."""
RATE = 1e-3
"""The learning rate of encoder and head together."""
LOOK = 50
"""Steps between two looks at the rows that are set aside."""
PATIENCE = 10
"""Looks without anything better before the training stops."""
OWN = 1
"""Tells the randomness of this stage from that of the autoencoder's."""


class Question(ABC):
    """What is asked of a sample.

    Args:
        outputs: How many numbers answer it.
    """

    outputs: int
    spreads: ClassVar[bool]
    """Whether it is answered by classes, which can be spread over samples that have none."""

    @abstractmethod
    def cost(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """What an answer costs in training, (n, outputs) and (n, outputs) to (n,)."""

    @abstractmethod
    def error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """How wrong an answer is, (n,)."""


@dataclass(frozen=True)
class WhichClass(Question):
    """Which class a sample is of; targets are probabilities.

    Args:
        outputs: How many classes there are.
    """

    outputs: int
    spreads = True

    def cost(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy in nats, (n,)."""
        return -(targets * outputs.log_softmax(1)).sum(1)

    def error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """1 where the most probable class is not that of the target, (n,)."""
        return (outputs.argmax(1) != targets.argmax(1)).to(outputs.dtype)


@dataclass(frozen=True)
class HowMuch(Question):
    """Which numbers belong to a sample; targets are standardised.

    Args:
        outputs: How many numbers.
    """

    outputs: int
    spreads = False

    def cost(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Half the squared error, (n,)."""
        return 0.5 * (outputs - targets).square().sum(1)

    def error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The same, (n,)."""
        return self.cost(outputs, targets)


@dataclass(frozen=True)
class Lesson:
    """Rows of a source, and what the answers are there.

    Args:
        rows: (r,).
        targets: (r, outputs).
    """

    rows: Tensor
    targets: Tensor

    @classmethod
    def of(cls, rows: Array, targets: Array) -> Lesson:
        """From arrays."""
        return cls(torch.from_numpy(rows), torch.from_numpy(targets).float())

    def at(self, places: Tensor) -> Lesson:
        """A part of it."""
        return Lesson(self.rows[places], self.targets[places])

    def shuffled(self, size: int, rng: Generator) -> Lesson:
        """So many of its rows, drawn at random."""
        return self.at(torch.randint(len(self.rows), (size,), generator=rng))


def teach(
    model: AutoencoderModule,
    source: GatheredSource,
    rows: Array,
    targets: Array,
    question: Question,
    seed: int,
    fraction: float = 0.1,
    deadline: float | None = None,
) -> Predictor:
    """A predictor from a trained autoencoder, whose encoder it goes on training.

    Args:
        model: The autoencoder.
        source: All samples.
        rows: Which of them have labels, (r,).
        targets: What the answers are there, (r, outputs): probabilities or standardised numbers.
        question: What is asked.
        seed: What rows, order and noise are drawn by.
        fraction: Share of the labelled rows that is set aside to judge by.
        deadline: The moment, by `time.monotonic`, at which training stops; None for none.
    """
    course = Course.of(source, rows, targets, question, seed, fraction)
    predictor = begun(model, course, question)
    _together(model, predictor, course, question, seed, deadline)
    return predictor.eval()


@dataclass(frozen=True)
class Course:
    """All that encoder and head learn from together.

    Args:
        source: All samples.
        lesson: Those with labels.
        judged: Those with labels that were set aside.
    """

    source: GatheredSource
    lesson: Lesson
    judged: Lesson

    @classmethod
    def of(
        cls, source: GatheredSource, rows: Array, targets: Array, question: Question, seed: int, fraction: float
    ) -> Course:
        """Labelled rows divided; arguments as in `teach`."""
        taught, aside = divided(targets, question, fraction, generator(seed, SPLIT, OWN))
        return cls(source, Lesson.of(rows[taught], targets[taught]), Lesson.of(rows[aside], targets[aside]))


def begun(model: AutoencoderModule, course: Course, question: Question) -> Predictor:
    """The encoder as it is, with a head on its codes."""
    codes, judged = (codes_at(model, course.source, part.rows) for part in (course.lesson, course.judged))
    head = fitted_head(codes, course.lesson.targets, judged, course.judged.targets, question)
    return Predictor(model.encoder, model.bottleneck, head.to(course.source.device))


def divided(targets: Array, question: Question, fraction: float, rng: Generator) -> tuple[Array, Array]:
    """Which of the labelled rows teach, and which judge; of each class at least one where there are three.

    Rows that are too few to set any aside judge themselves.
    """
    order = torch.randperm(len(targets), generator=rng).numpy()
    kinds = targets.argmax(1)[order] if question.spreads else np.zeros(len(order), int)
    aside = np.zeros(len(order), bool)
    for kind in np.unique(kinds):
        places = np.flatnonzero(kinds == kind)
        count = max(round(fraction * len(places)), int(len(places) >= 3)) if fraction else 0
        aside[places[:count]] = True
    judges = order[aside] if aside.any() else order
    return np.sort(order[~aside]), np.sort(judges)


@torch.no_grad()
def codes_at(model: AutoencoderModule, source: GatheredSource, rows: Tensor) -> Tensor:
    """Mean codes of some rows, (r, d)."""
    model.eval()
    return torch.cat([model.encode(source.take(part)).z for part in torch.split(rows, 1024)])


def fitted_head(codes: Tensor, targets: Tensor, judged: Tensor, truth: Tensor, question: Question) -> Head:
    """The head with the least mean cost plus ridge, of the ridge that is best on codes that are set aside.

    Args:
        codes: What it learns from, (r, d).
        targets: The answers there, (r, outputs).
        judged: What judges it, (s, d).
        truth: The answers there, (s, outputs).
        question: What is asked.
    """
    z, answers = codes.double().cpu(), targets.double()
    shift, scale = z.mean(0), z.std(0, correction=0)
    scale = torch.where(scale > 1e-8, scale, 1.0)
    best, least = None, (float("inf"), float("inf"))
    for ridge in RIDGES:
        matrix, bias = _minimised((z - shift) / scale, answers, question, ridge)
        outputs = ((judged.double().cpu() - shift) / scale) @ matrix.T + bias
        found = (
            float(question.error(outputs, truth.double()).mean()),
            float(question.cost(outputs, truth.double()).mean()),
        )
        if best is None or found < least:
            best, least = (matrix, bias), found
    assert best is not None
    head = Head(z.shape[1], question.outputs)
    with torch.no_grad():
        for place, value in (
            (head.shift, shift),
            (head.scale, scale),
            (head.map.weight, best[0]),
            (head.map.bias, best[1]),
        ):
            place.copy_(value)
    return head


def _minimised(z: Tensor, targets: Tensor, question: Question, ridge: float) -> tuple[Tensor, Tensor]:
    """Matrix and bias of the least mean cost plus ridge, by L-BFGS in double precision."""
    matrix = torch.zeros(targets.shape[1], z.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(targets.shape[1], dtype=torch.float64, requires_grad=True)
    method = torch.optim.LBFGS([matrix, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        method.zero_grad()
        value = question.cost(z @ matrix.T + bias, targets).mean() + 0.5 * ridge * matrix.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    method.step(loss)  # type: ignore[no-untyped-call]
    return matrix.detach(), bias.detach()


def _together(
    model: AutoencoderModule,
    predictor: Predictor,
    course: Course,
    question: Question,
    seed: int,
    deadline: float | None,
) -> None:
    """Train encoder and head, and keep the best moment, of which the beginning is one."""
    work = rules.operations(model)
    batch = rules.batch_size(len(course.lesson.rows), work, model.spec.sparse)
    affordable = int(rules.WORK / 4 / (3 * work * batch))
    steps = max(100, min(affordable, max(1000, min(10_000, 20 * ceil(len(course.lesson.rows) / batch)))))
    optimizers = optimisers("adamw", predictor, RATE, rules.weight_decay("adamw"))
    order, noise = generator(seed, ORDER, OWN, 1), generator(seed, NOISE, OWN, device=course.source.device)
    best, least, waited = copied(weights(predictor)), _judged(predictor, course, question), 0

    def cost(lesson: Lesson) -> Tensor:
        view = model.corruption(course.source.take(lesson.rows), noise)
        return question.cost(predictor(view), lesson.targets.to(course.source.device)).mean()

    for step in range(steps):
        if deadline is not None and time.monotonic() > deadline:
            break
        predictor.train()
        set_rate(optimizers, RATE * rate_at("cosine", step / steps, step, LOOK))
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = cost(course.lesson.shuffled(batch, order))
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            optimizer.step()
        if (step + 1) % LOOK == 0:
            found = _judged(predictor, course, question)
            if found < least:
                least, waited = found, 0
                keep(weights(predictor), best)
            elif (waited := waited + 1) >= PATIENCE:
                break
    put_back(predictor, best)
    predictor.zero_grad()


@torch.no_grad()
def _judged(predictor: Predictor, course: Course, question: Question) -> tuple[float, float]:
    """Mean error and mean cost on the rows that are set aside; less is better, the first before the second."""
    predictor.eval()
    judged = course.judged
    outputs = torch.cat([predictor(course.source.take(part)) for part in torch.split(judged.rows, 1024)]).cpu().double()
    truth = judged.targets.double()
    return float(question.error(outputs, truth).mean()), float(question.cost(outputs, truth).mean())
