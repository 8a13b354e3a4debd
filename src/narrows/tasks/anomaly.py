r"""How unusual samples are: what an ensemble of autoencoders cannot explain, and how far its codes lie from known ones.

    unusual(x) = log r(x) + w/2 log d(x),  w = 0.3,        higher is more anomalous

    d(x)  deviance: how many nats x is less probable than the value expected in its place, a mean over the members
    r(x)  distance of the code of x to the nearest of some known codes, a mean over members and groups of known codes

The deviance finds what breaks the relations between values, the distance what lies apart from everything known. Known
codes are a sample of limited size, so that time and memory grow with the rows in a straight line. From clean data they
are many; from contaminated data few in each of many groups, since then anomalies are not among their own kind, and the
members learn from the rows that they explain best.

Source: Bandaragoda et al. (2018) for nearest neighbours in small samples, https://doi.org/10.1111/coin.12156.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Generator, Tensor

from narrows.core.errors import unknown
from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.model import AutoencoderModule
from narrows.tasks.judging import Judge, codes
from narrows.tasks.known_codes import KnownCodes
from narrows.tasks.squash import LOOKED, Squash
from narrows.training.stacked import Stack, some_rows

BLOCK = 64
"""How many rows run at once, at most: few enough for one row to be quick, enough for many to be."""
BLOCK_VALUES = 1 << 16
"""And how many values."""
WEIGHT = 0.3
"""What the logarithm of the deviance weighs against that of the distance."""
PARTS = 4
"""In how many parts the columns of a table are hidden in turn."""
MOST_PARTS = 64
"""And in how many, at most, where samples are explained."""
EXAMPLES = 2_048
"""How many usual samples are kept to explain others by, at most."""
EXAMPLE_VALUES = 1 << 19
"""And how many values."""
LEAST = 1e-4
"""Share of a typical deviance or distance below which differences count for little."""


Tally = Callable[[Tensor, Tensor], Tensor]
"""How values (n, *s) and what codes cost (n,) become scores, see `Samples.tally`."""


@dataclass(frozen=True)
class Regime:
    """What the training data is taken for.

    Args:
        kept: Share of the rows that a member learns from after the first round.
        groups: Groups of known codes of each member.
        known: Known codes in a group, at most.
        turns: How often known codes are chosen anew among those of the least unusual rows.
        squashed: Whether wide tails of columns are drawn in.
        exemplary: Share of the rows, the least unusual ones, by which others are explained.
    """

    kept: float
    groups: int
    known: int
    turns: int
    squashed: bool
    exemplary: float


REGIMES = {"clean": Regime(1.0, 1, 2048, 0, False, 1.0), "contaminated": Regime(0.8, 16, 16, 2, True, 0.95)}
"""By the names that `AnomalyDetector(training=...)` takes."""


def regime(name: str) -> Regime:
    """A regime by name.

    Raises:
        ChoiceError: An unknown name, with the nearest known one.
    """
    if name not in REGIMES:
        raise unknown("training", name, REGIMES)
    return REGIMES[name]


@dataclass(frozen=True)
class Ensemble:
    """A trained stack and what it knows of usual samples.

    Args:
        stack: The members.
        known: Codes of usual samples, (M, groups, codes, latent_dim).
        floors: Added to every deviance and every distance before their logarithms are taken, (2,).
        squash: What draws in the tails of columns before members see them; None where nothing does.
        examples: Usual samples as members see them, (k, columns), by which tables of numbers are explained.
    """

    stack: Stack
    known: Tensor
    floors: Tensor
    squash: Squash | None
    examples: Tensor | None = None

    @classmethod
    def learn(cls, stack: Stack, squash: Squash | None, view: View, taken: Regime, rng: Generator) -> Ensemble:
        """Look at the samples that the members were trained on.

        Args:
            stack: Trained members.
            squash: What drew in the tails of the samples.
            view: The samples, (n, *s), drawn in already.
            taken: What they are taken for.
            rng: Which of them are known.
        """
        looked = some_rows(view, torch.randperm(len(view), generator=rng)[:LOOKED].to(view.x.device))
        usual = torch.arange(len(looked))
        found = cls(stack, torch.empty(0), torch.zeros(2), squash)
        for _ in range(taken.turns + 1):
            found = replace(found, known=_known(stack, looked, usual, taken, rng))
            deviance, distance = found.of_drawn_in(looked)
            typical = torch.stack([deviance.median(), distance.median()])
            found = replace(found, floors=(LEAST * typical).clamp(min=1e-12).cpu())
            order = found.score(deviance, distance).argsort()
            usual = _first(order, taken.kept)
        if not found.fills_in or stack.make.spec.kind != "vector":
            return found
        count = min(EXAMPLES, max(1, EXAMPLE_VALUES // stack.make.spec.size))
        return replace(found, examples=looked.x[_first(order, taken.exemplary)[:count]])

    def of_drawn_in(self, view: View) -> tuple[Tensor, Tensor]:
        """Mean deviance of the values of each sample and distance of its code, (n,) each, in float64."""
        parts = [self._parts(block) for block in blocks_of(view)]
        deviance = torch.cat([part[0].flatten(1).sum(1) for part in parts]).double()
        there = view.x[0].numel() if view.present is None else view.present.flatten(1).sum(1).clamp(min=1)
        return deviance / there, torch.cat([part[1] for part in parts]).double()

    def score(self, deviance: Tensor, distance: Tensor) -> Tensor:
        """The score of a mean deviance per value and a distance."""
        return (distance + self.floors[1]).log() + WEIGHT / 2 * (deviance + self.floors[0]).log()

    @classmethod
    def recalled(
        cls,
        make: AutoencoderModule,
        stack: dict[str, Tensor],
        known: Tensor,
        floors: Tensor,
        squash: Tensor | None,
        examples: Tensor | None,
    ) -> Ensemble:
        """An ensemble from the tensors of a file.

        Raises:
            ValueError: Tensors that are not those of a stack of this make.
        """
        found, fits = Stack(make, stack), known.ndim == 4 and known.shape[-1] == make.bottleneck.latent_dim
        fits = fits and (squash is None or squash.shape == (4, *make.spec.shape))
        fits = fits and (examples is None or (len(examples) > 0 and examples.shape[1:] == make.spec.shape))
        if not found.fits() or not fits or known.shape[0] != len(found) or floors.shape != (2,):
            raise ValueError("its stack is garbled")
        return cls(found, known, floors, None if squash is None else Squash(squash), examples)

    @cached_property
    def neighbours(self) -> KnownCodes:
        """The known codes, laid out."""
        return KnownCodes.of(self.known)

    @cached_property
    def fills_in(self) -> bool:
        """Whether the members have learned to fill in columns that are hidden."""
        make = self.stack.make
        shown = make.corruption(View(torch.zeros(1, *make.spec.shape)), torch.Generator())
        return len(make.spec.shape) == 1 and shown.visible is not None

    @property
    def judge(self) -> Judge:
        """What scores samples: of tables of several kinds, whose models copy what they are shown, in parts."""
        return Judge(PARTS if self.fills_in and self.stack.make.spec.kind == "table" else 0)

    @property
    def close_judge(self) -> Judge:
        """What explains them: a column at a time where that can be."""
        return Judge(min(MOST_PARTS, self.stack.make.spec.size) if self.fills_in else 0)

    def drawn_in(self, view: View) -> View:
        """Samples as the members see them."""
        return view if self.squash is None else self.squash.view(view)

    def to(self, device: torch.device) -> Ensemble:
        """The same ensemble on another device."""
        if self.stack.device == device:
            return self
        squash = None if self.squash is None else Squash(self.squash.numbers.to(device))
        examples = None if self.examples is None else self.examples.to(device)
        return Ensemble(self.stack.to(device), self.known.to(device), self.floors, squash, examples)

    def and_of(self, samples: Samples, schema: Schema, seen: int, rng: Generator) -> Ensemble:
        """The same ensemble, in which some samples take the places of some known ones, as many as is fair.

        Args:
            samples: Raw samples.
            schema: How they become tensors.
            seen: How many samples are behind those known.
            rng: Which take which places.
        """
        shown = [self.drawn_in(view) for view in blocks_from(samples, schema, self.stack.device)]
        with torch.inference_mode():
            found = [self.stack.each(codes, view.padded(block_rows(view.x)))[:, : len(view)].cpu() for view in shown]
        members, groups, count, width = self.known.shape
        new = torch.cat(found, 1)
        fair = new.shape[1] / (seen + new.shape[1])
        changed = torch.rand(members, groups * count, generator=rng) < fair
        drawn = torch.randint(new.shape[1], (members, groups * count), generator=rng)
        put = new.gather(1, drawn.unsqueeze(-1).expand(-1, -1, width))
        old = self.known.cpu().reshape(members, groups * count, width)
        known = put.where(changed.unsqueeze(-1), old).reshape(self.known.shape)
        if self.examples is None:
            return replace(self, known=known)
        changed = torch.rand(len(self.examples), generator=rng) < fair
        drawn = torch.randint(new.shape[1], (len(self.examples),), generator=rng)
        rows = torch.cat([view.x for view in shown]).cpu()[drawn]
        return replace(self, known=known, examples=rows.where(changed.unsqueeze(1), self.examples.cpu()))

    @torch.inference_mode()
    def parts(self, view: View) -> tuple[Tensor, Tensor]:
        """Deviance of each value, (n, *s), a mean over members, and distance of each code, (n,), a mean over groups.

        Args:
            view: At most `block_rows` samples; they are padded, so that numbers are rounded alike however many come.
        """
        return self._parts(self.drawn_in(view))

    @torch.inference_mode()
    def _parts(self, view: View) -> tuple[Tensor, Tensor]:
        count = len(view)
        deviance, _, found = self.stack.replayed(self.judge, view.padded(block_rows(view.x)))
        return deviance.mean(0)[:count], self.neighbours.distances(found, count).mean((0, 2))[:count]

    def unusual(self, views: Iterable[View], tally: Tally) -> Array:
        """How unusual samples are: (n,), or more as `tally` counts; NaN of those that have no values.

        Args:
            views: The samples, in blocks of at most `block_rows`.
            tally: As `Samples.tally`.
        """
        found = []
        for view in views:
            deviance, distance = self.parts(view)
            none = torch.zeros(len(view), dtype=torch.float64, device=deviance.device)
            there = torch.ones_like(deviance) if view.present is None else view.present
            values = tally(there.double(), none)  # how many count, of a sample or of each of its steps
            lost = -tally(-deviance.double(), none) / values
            score = self.score(lost, distance.double().reshape(-1, *[1] * (lost.ndim - 1)))
            found.append(score.where(values > 0, torch.nan).cpu().numpy())
        return np.concatenate(found) if found else np.empty(0)


def block_rows(x: Tensor) -> int:
    """How many samples of this size run at once.

    >>> block_rows(torch.zeros(1, 30)), block_rows(torch.zeros(1, 3, 32, 32))
    (64, 16)
    """
    fitting = max(1, BLOCK_VALUES // max(1, x.shape[1:].numel()))
    return max(8, min(BLOCK, 1 << (fitting.bit_length() - 1)))


def blocks_of(view: View) -> Iterator[View]:
    """A view in blocks."""
    for rows in torch.split(torch.arange(len(view), device=view.x.device), block_rows(view.x)):
        yield some_rows(view, rows)


def blocks_from(samples: Samples, schema: Schema, device: torch.device) -> Iterator[View]:
    """Raw samples in blocks."""
    size = block_rows(torch.empty(0, *schema.spec.shape))
    return samples.source(schema, device=device).batches(size)


def _first(order: Tensor, share: float) -> Tensor:
    """A share of some rows in an order, as they lie."""
    return order[: max(1, round(share * len(order)))].sort().values


@torch.inference_mode()
def _known(stack: Stack, view: View, pool: Tensor, taken: Regime, rng: Generator) -> Tensor:
    """The codes of some samples of a pool, groups of them for each member, (M, groups, codes, d)."""
    count, members = min(taken.known, len(pool)), len(stack)
    drawn = torch.rand(members * taken.groups, len(pool), generator=rng).topk(count, dim=1).indices
    rows = pool[drawn.to(pool.device)].reshape(members, taken.groups * count).to(view.x.device)
    found = stack.each(codes, some_rows(view, rows), apart=True).reshape(members, taken.groups, count, -1)
    return found.contiguous()  # as from a file, so that sums are rounded alike
