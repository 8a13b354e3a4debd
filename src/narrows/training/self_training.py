r"""What samples without a label teach: a student learns what is believed of them, and teaches the next.

    teacher    p(c | x) ~ prod_k p_k(c | x)^w_k,    w >= 0 of the most probable labels where no p_k was shown them
    student    min  mean cost(A f(s x + (1 - s) x'), s t + (1 - s) t'),    s ~ Beta(1/2, 1/2)

The first teacher pools two: labels spread along the graph of the codes, and networks trained on the labels alone, each
without one fold of them. So what is spread counts for much where classes are clusters, and for little where they are
not; where either alone is clearly better on held-out labels, it teaches alone. Half of the samples of a step have
labels; the others bear a teacher's, sharpened; all are mixed two by two and then corrupted as the autoencoder's are.

Source: Genest and Zidek (1986), "Combining probability distributions", for the logarithmic pool; Zhang, Cisse, Dauphin
and Lopez-Paz (2018), https://arxiv.org/abs/1710.09412, for mixtures; Xie, Luong, Hovy and Le (2020),
https://arxiv.org/abs/1911.04252, for students that teach.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import ceil, pi

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax
from torch import Generator, Tensor

from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.sources import GatheredSource
from narrows.model import AutoencoderModule
from narrows.networks.head import Predictor
from narrows.training import rules
from narrows.training.checkpoint import copied, put_back, weights
from narrows.training.optimisers import optimisers, rate_at, set_rate
from narrows.training.seeds import NOISE, ORDER, SPLIT, generator
from narrows.training.spreading import graph_system, shares
from narrows.training.supervised import LOOK, OWN, RATE, Course, Lesson, Question, begun, codes_at, fitted_head

FOLDS = 5
"""In how many parts labels are held out."""
GENERATIONS = 3
"""How many students there are, one after another."""
STEPS = (200, 1000)
"""Of a student, within which passes over samples without a label keep; a network without one fold takes half."""
PASSES = 12
"""Over samples without a label, a student's."""
FEWEST = 50
"""Of a student in any case."""
BATCH = 128
"""Labelled samples of a step, and as many others; a quarter of them where a sample is heavy work."""
OTHERS = 20_000
"""How many samples without a label take part, at most."""
DOUBT = 0.01
"""The least that a teacher says of any class, shared by all."""
SHARPER = 2.0
"""To which power a student's probabilities teach the next."""


def self_taught(
    model: AutoencoderModule,
    source: GatheredSource,
    rows: Array,
    targets: Array,
    question: Question,
    seed: int,
    fraction: float = 0.1,
    deadline: float | None = None,
) -> Predictor:
    """A predictor from a trained autoencoder, by samples with labels and samples without.

    Arguments are as in `supervised.teach`, of classes. It is the head on the codes as they were where the last student
    is clearly worse on samples with labels: by more than two standard errors.
    """
    predictor = begun(model, Course.of(source, rows, targets, question, seed, fraction), question)
    tutor = Tutor(model, predictor, source, Lesson.of(rows, targets), question, seed, deadline)
    start = copied(weights(predictor))
    before = _wrong(tutor.says(tutor.lesson.rows), targets)
    network, spread = tutor.teachers()
    taught = best_of(pooled([network, spread], targets), [network, spread], targets).bare
    for generation in range(GENERATIONS):
        put_back(predictor, start)
        others = Lesson(tutor.bare, (SHARPER * torch.from_numpy(taught)).softmax(1).float())
        tutor.train(tutor.lesson, others, 1.0, GENERATIONS - generation)
        taught = tutor.says(tutor.bare)
    if clearly_more(_wrong(tutor.says(tutor.lesson.rows), targets), before):
        put_back(predictor, start)
    predictor.zero_grad()
    return predictor.eval()


@dataclass(frozen=True)
class Teacher:
    """What is said of samples: logarithms of probabilities.

    Args:
        known: Of those with labels, by what was not shown those, (r, c).
        bare: Of those without, (u, c).
    """

    known: Array
    bare: Array


def pooled(teachers: list[Teacher], targets: Array) -> Teacher:
    """What teachers say together, each believed as far as makes the labels most probable.

    >>> right, wrong = np.log([[0.9, 0.1], [0.2, 0.8]]), np.log([[0.1, 0.9], [0.8, 0.2]])
    >>> found = pooled([Teacher(right, right), Teacher(wrong, wrong)], np.eye(2))
    >>> found.bare.argmax(1).tolist()
    [0, 1]
    """
    said = np.stack([_doubted(teacher.known) for teacher in teachers])

    def surprise(trust: Array) -> float:
        return _cost(np.tensordot(trust, said, 1), targets)

    trust = minimize(surprise, np.full(len(said), 0.5), bounds=[(0.0, 4.0)] * len(said)).x
    bare = np.stack([_doubted(teacher.bare) for teacher in teachers])
    return Teacher(log_softmax(np.tensordot(trust, said, 1), 1), log_softmax(np.tensordot(trust, bare, 1), 1))


def best_of(together: Teacher, alone: list[Teacher], targets: Array) -> Teacher:
    """What teachers say together, unless it is clearly worse than one of them alone."""
    wrong = _wrong(together.known, targets)
    better = [one for one in alone if clearly_more(wrong, _wrong(one.known, targets))]
    return min(better, key=lambda one: _wrong(one.known, targets).mean(), default=together)


def clearly_more(one: Array, other: Array) -> bool:
    """Whether the mean of one is greater by more than two standard errors of their differences, pair by pair.

    >>> clearly_more(np.ones(100), np.zeros(100)), clearly_more(np.eye(2)[0], np.eye(2)[1])
    (True, False)
    """
    more = one - other
    return bool(more.mean() > 2 * more.std() / np.sqrt(len(more)))


def folded(targets: Array, rng: Generator) -> Array:
    """In which fold each labelled sample is, (r,); -1, in none, where it is the only one of its class."""
    order, folds = torch.randperm(len(targets), generator=rng).numpy(), np.full(len(targets), -1)
    kinds = targets.argmax(1)[order]
    for kind in np.unique(kinds):
        places = order[kinds == kind]
        if len(places) > 1:
            folds[places] = (np.arange(len(places)) + kind) % FOLDS
    return folds


def mixed(view: View, targets: Tensor, rng: Generator) -> tuple[View, Tensor]:
    """Samples and answers mixed two by two, where values are numbers of one kind; otherwise as they are.

    Args:
        view: (n, *s).
        targets: (n, c).
        rng: Draws partners and shares.
    """
    partners = torch.randperm(len(view), generator=rng).to(view.x.device)
    share = (0.5 * pi * torch.rand(len(view), generator=rng)).sin().square().to(view.x.device)  # Beta(1/2, 1/2)

    def mixture(values: Tensor) -> Tensor:
        part = share.reshape(-1, *(1,) * (values.ndim - 1))
        return part * values + (1 - part) * values[partners]

    masks = (view.present, view.visible, view.scored)
    present, visible, scored = (None if mask is None else mask & mask[partners] for mask in masks)
    context = None if view.context is None else mixture(view.context)
    shown = replace(view, x=mixture(view.x), present=present, visible=visible, scored=scored, context=context)
    return shown, mixture(targets)


class Tutor:
    """Trains a predictor, again and again, and asks it.

    Args:
        model: The autoencoder.
        predictor: Its encoder, with a head.
        source: All samples.
        lesson: Those with labels.
        question: What is asked.
        seed: What samples, folds, order and noise are drawn by.
        deadline: The moment, by `time.monotonic`, at which training stops; None for none.
    """

    def __init__(
        self,
        model: AutoencoderModule,
        predictor: Predictor,
        source: GatheredSource,
        lesson: Lesson,
        question: Question,
        seed: int,
        deadline: float | None,
    ) -> None:
        self.model, self.predictor, self.source = model, predictor, source
        self.lesson, self.question, self.seed, self.deadline = lesson, question, seed, deadline
        work = rules.operations(model)
        self.batch = BATCH if work < rules.HEAVY else BATCH // 4
        affordable = rules.WORK / 4 / work
        most = min(OTHERS, max(BATCH, int(affordable / (FOLDS + GENERATIONS))))
        bare = torch.from_numpy(np.setdiff1d(np.arange(len(source)), lesson.rows.numpy()))
        self.bare = bare[torch.randperm(len(bare), generator=generator(seed, ORDER, OWN))[:most].sort().values]
        over = PASSES * ceil(len(self.bare) / self.batch)
        wanted = max(STEPS[0], min(STEPS[1], over), min(rules.STEPS, 20 * ceil(len(lesson.rows) / self.batch)))
        seen = (0.5 * FOLDS + 2 * GENERATIONS) * self.batch
        self.steps = max(FEWEST, min(wanted, int(affordable / (3 * seen))))
        self.order = generator(seed, ORDER, OWN, 1)
        self.noise = generator(seed, NOISE, OWN, device=source.device)
        self.mixes = model.spec.values in ("real", "unit") and not model.spec.sparse

    def teachers(self) -> tuple[Teacher, Teacher]:
        """Networks on labels alone, and labels spread along the graph of the codes."""
        lesson, count = self.lesson, len(self.lesson.rows)
        codes = codes_at(self.model, self.source, torch.cat([lesson.rows, self.bare])).cpu()
        system, truth = graph_system(codes.numpy()), lesson.targets.double().numpy()
        start, folds = copied(weights(self.predictor)), self._folds()
        network, spread = (np.full(truth.shape, -np.log(truth.shape[1])) for _ in range(2))
        said = np.zeros((len(self.bare), truth.shape[1]))
        for place, (taught, aside) in enumerate(folds):
            part, judged = lesson.at(taught), lesson.at(aside)
            begins = fitted_head(codes[taught], part.targets, codes[aside], judged.targets, self.question)
            put_back(self.predictor, start)
            self.predictor.head.load_state_dict(begins.state_dict())
            self.train(part, None, 0.5, len(folds) - place + 2 * GENERATIONS)
            network[aside] = self.says(judged.rows)
            said += self.says(self.bare) / len(folds)
            spread[aside] = _logarithms(shares(system, taught.numpy(), truth[taught])[aside])
        put_back(self.predictor, start)
        everywhere = _logarithms(shares(system, np.arange(count), truth)[count:])
        return Teacher(network, said), Teacher(spread, everywhere)

    def train(self, lesson: Lesson, others: Lesson | None, share: float, left: float) -> None:
        """Train the predictor on samples with labels, and others with what is believed of them.

        Args:
            lesson: Samples with labels.
            others: Those without; None for none.
            share: Which share of a student's steps it takes.
            left: How many times as long as this there is still to be trained, this time counted in.
        """
        steps, began = max(FEWEST, int(share * self.steps)), time.monotonic()
        time_for = float("inf") if self.deadline is None else max(0.0, self.deadline - began) / left
        optimizers = optimisers("adamw", self.predictor, RATE, rules.weight_decay("adamw"))
        self.predictor.train()
        for step in range(steps):
            spent = time.monotonic() - began
            if spent >= time_for:
                break
            set_rate(optimizers, RATE * rate_at("cosine", max(step / steps, spent / time_for), step, LOOK))
            for optimizer in optimizers:
                optimizer.zero_grad()
            parts = [part.shuffled(self.batch, self.order) for part in (lesson, others) if part is not None]
            view, targets = self._shown(torch.cat([p.rows for p in parts]), torch.cat([p.targets for p in parts]))
            self.question.cost(self.predictor(view), targets).mean().backward()  # type: ignore[no-untyped-call]
            for optimizer in optimizers:
                optimizer.step()

    @torch.no_grad()
    def says(self, rows: Tensor) -> Array:
        """Logarithms of the probabilities of classes, (r, c)."""
        self.predictor.eval()
        outputs = [self.predictor(self.source.take(part)) for part in torch.split(rows, 1024)]
        return torch.cat(outputs).double().log_softmax(1).cpu().numpy()

    def _shown(self, rows: Tensor, answers: Tensor) -> tuple[View, Tensor]:
        """Samples as a step sees them, and the answers."""
        view, targets = self.source.take(rows), answers.to(self.source.device)
        if self.mixes:
            view, targets = mixed(view, targets, self.order)
        return self.model.corruption(view, self.noise), targets

    def _folds(self) -> list[tuple[Tensor, Tensor]]:
        """Which labelled samples teach, and which of them are held out, fold by fold."""
        folds = folded(self.lesson.targets.numpy(), generator(self.seed, SPLIT, OWN, 1))
        return [
            (torch.from_numpy(np.flatnonzero(folds != fold)), torch.from_numpy(np.flatnonzero(folds == fold)))
            for fold in range(FOLDS)
            if (folds == fold).any()
        ]


def _wrong(said: Array, targets: Array) -> Array:
    """1 where the most probable class is another, (r,)."""
    return (said.argmax(1) != targets.argmax(1)).astype(np.float64)


def _cost(said: Array, targets: Array) -> float:
    """Mean cross-entropy in nats."""
    return float(-(log_softmax(said, 1) * targets).sum(1).mean())


def _logarithms(probabilities: Array) -> Array:
    return np.log(np.maximum(probabilities, 1e-12))


def _doubted(said: Array) -> Array:
    """Logarithms of probabilities of which a small part is shared by all classes."""
    return np.log((1 - DOUBT) * np.exp(said) + DOUBT / said.shape[1])
