r"""The simplest things that fill a gap: the conditional mean of a normal distribution, or each value's own mean.

    E[x_h | x_o] = m_h + S_ho S_oo^-1 (x_o - m_o)

A column of levels is seen as an indicator for each, and its guess is the level whose indicator is expected highest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from narrows.core.spec import SampleSpec

MOST_INDICATORS = 128
"""Up to how many numbers and indicators a covariance is learned of."""
MOST_LEVELS = 33
"""Up to how many levels a column is seen as indicators."""
ROWS = 3_000
"""How many rows a covariance is learned from, at most."""
ROUNDS = 8
"""Rounds of expectation and maximisation."""
RIDGE = 1e-2
"""What is added to every variance, of 1, so that columns that repeat each other can be inverted."""
BLOCK = 1 << 22
"""How many entries of covariances are in memory at once, about."""


@dataclass(frozen=True)
class Design:
    """How columns are seen as numbers: a number as itself, a level as indicators, standardised.

    Args:
        owner: The column of each number or indicator, (k,).
        level: The level that an indicator stands for, -1 for a number, (k,).
        mean, deviation: Of each, (k,) float64.
    """

    owner: Tensor
    level: Tensor
    mean: Tensor
    deviation: Tensor

    @classmethod
    def learn(cls, spec: SampleSpec, values: Tensor, present: Tensor) -> Self:
        """Find out what is seen, and its moments.

        Args:
            spec: What one sample is.
            values: Samples, (n, values of a sample).
            present: Where they are there.
        """
        owner, level = [], []
        for place, levels in enumerate(_levels(spec)):
            seen = [-1] if levels == 0 else list(range(1, levels)) if levels <= MOST_LEVELS else []
            owner += [place] * len(seen)
            level += seen
        blank = torch.zeros(len(owner), dtype=torch.float64)
        design = cls(torch.tensor(owner), torch.tensor(level), blank, blank + 1)
        seen_values, there = design.seen(values, present)
        count = there.sum(0).clamp(min=1)
        mean = seen_values.sum(0) / count
        deviation = (((seen_values - mean) * there).square().sum(0) / count).sqrt()
        return cls(design.owner, design.level, mean, torch.where(deviation > 1e-9, deviation, 1.0))

    def seen(self, values: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised numbers and indicators, 0 where missing, and where they are there; (n, k) each."""
        there = present[:, self.owner].double()
        x = values.double()[:, self.owner]
        x = torch.where(self.level < 0, x, (x == self.level).double())
        return (x - self.mean) / self.deviation * there, there

    def told(self, found: Tensor, values: Tensor) -> Tensor:
        """Standardised numbers and indicators as columns; columns that are not seen keep their values."""
        x = found * self.deviation + self.mean
        filled = values.double().clone()
        numbers = self.level < 0
        filled[:, self.owner[numbers]] = x[:, numbers]
        for place in sorted(set(self.owner[~numbers].tolist())):
            mine = (self.owner == place).nonzero().flatten()
            filled[:, place] = self.level[mine[x[:, mine].argmax(1)]].double()
        return filled


class Guess(ABC):
    """What fills a gap where no network does.

    Args:
        design: How columns are seen as numbers.
        common: The most frequent level or the mean of each column, (values of a sample,).
    """

    def __init__(self, design: Design, common: Tensor) -> None:
        self.design = design
        self.common = common

    def fill(self, values: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Values with their gaps filled, and the standard deviation of each number around its guess.

        Args:
            values: Samples, (n, values of a sample).
            present: Where they are there.

        Returns:
            (n, values of a sample) float64 each; the deviation of a column of levels reads 1.
        """
        there, blank = present.bool(), torch.where(present.bool(), values.double(), self.common)
        seen, shown = self.design.seen(blank, there)
        guessed, spread = self.expect(seen, shown)
        told = self.design.told(guessed, blank)
        deviation = torch.ones_like(told)
        numbers = self.design.level < 0
        deviation[:, self.design.owner[numbers]] = (spread * self.design.deviation)[:, numbers]
        return torch.where(there, blank, told), deviation

    @abstractmethod
    def expect(self, seen: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
        """Expectation and standard deviation of standardised numbers, (n, k) each, given those that are shown."""

    @abstractmethod
    def moments(self) -> dict[str, Tensor]:
        """What was learned besides the design, to be saved."""

    @abstractmethod
    def scores(self, shown: Tensor, rng: torch.Generator) -> Tensor:
        """Normal scores of the numbers that are not shown, correlated as they are given those that are, (n, k)."""


class MeanGuess(Guess):
    """Each column's own mean, or its most frequent level."""

    def expect(self, seen: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(seen), torch.ones_like(seen)

    def moments(self) -> dict[str, Tensor]:
        return {}

    def scores(self, shown: Tensor, rng: torch.Generator) -> Tensor:
        return torch.randn(shown.shape, generator=rng, dtype=torch.float64)


class LinearGuess(Guess):
    """The conditional mean of a normal distribution.

    Args:
        design, common: As in `Guess`.
        mean, covariance: Of the standardised numbers, (k,) and (k, k).
    """

    def __init__(self, design: Design, common: Tensor, mean: Tensor, covariance: Tensor) -> None:
        super().__init__(design, common)
        self.mean = mean
        self.covariance = covariance

    def expect(self, seen: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
        found = [
            (self.mean + mean, covariance.diagonal(dim1=1, dim2=2).clamp(min=1e-6).sqrt())
            for mean, covariance in self._conditionals(seen, shown)
        ]
        return torch.cat([mean for mean, _ in found]), torch.cat([spread for _, spread in found])

    def moments(self) -> dict[str, Tensor]:
        return {"centre": self.mean, "covariance": self.covariance}

    def scores(self, shown: Tensor, rng: torch.Generator) -> Tensor:
        found = []
        for _, covariance in self._conditionals(torch.zeros_like(shown), shown):
            spread = covariance.diagonal(dim1=1, dim2=2).clamp(min=1e-6).sqrt()
            correlation = covariance / spread.unsqueeze(1) / spread.unsqueeze(2)
            own = torch.eye(correlation.shape[1], dtype=torch.float64)
            root = torch.linalg.cholesky(0.999 * correlation * (1 - own) + own)
            draws = torch.randn(spread.shape, generator=rng, dtype=torch.float64)
            found.append((root @ draws.unsqueeze(2)).squeeze(2))
        return torch.cat(found)

    def _conditionals(self, seen: Tensor, shown: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Mean, less `self.mean`, and covariance given what is shown, in blocks of rows: (b, k) and (b, k, k)."""
        k, found = len(self.mean), []
        rows = max(1, BLOCK // (k * k))
        for first in range(0, max(1, len(seen)), rows):
            there = shown[first : first + rows]
            inner = self.covariance * there.unsqueeze(1) * there.unsqueeze(2)
            root = torch.linalg.cholesky(inner + torch.diag_embed(1 - there))
            onto = torch.cholesky_solve(there.unsqueeze(2) * self.covariance, root)  # S_oo^-1 S_o.
            centred = (seen[first : first + rows] - self.mean) * there
            mean = (centred.unsqueeze(1) @ onto).squeeze(1)
            found.append((mean, self.covariance - (self.covariance * there.unsqueeze(1)) @ onto))
        return found


def learn_guess(spec: SampleSpec, values: Tensor, present: Tensor, common: Tensor) -> Guess:
    """Learn the simplest thing that fills gaps, by expectation and maximisation where values are few.

    Source: Dempster, Laird and Rubin (1977), https://doi.org/10.1111/j.2517-6161.1977.tb01600.x.

    Args:
        spec: What one sample is.
        values: Samples, (n, values of a sample).
        present: Where they are there.
        common: The most frequent level or the mean of each column.
    """
    design = Design.learn(spec, values, present)
    if len(design.owner) > MOST_INDICATORS:
        return MeanGuess(design, common)
    seen, shown = design.seen(values, present)
    mean, covariance = torch.zeros_like(design.mean), torch.eye(len(design.mean), dtype=torch.float64)
    guess = LinearGuess(design, common, mean, covariance)
    for _ in range(ROUNDS):
        filled, squares = [], torch.zeros_like(covariance)
        first = 0
        for expected, spread in guess._conditionals(seen, shown):
            there = shown[first : first + len(expected)]
            rows = torch.where(there > 0, seen[first : first + len(expected)], guess.mean + expected)
            hidden = 1 - there
            squares += rows.T @ rows + (spread * hidden.unsqueeze(1) * hidden.unsqueeze(2)).sum(0)
            filled.append(rows)
            first += len(expected)
        mean = torch.cat(filled).mean(0)
        covariance = squares / len(seen) - mean.outer(mean)
        ridge = RIDGE + 1.0 / len(seen)
        guess = LinearGuess(design, common, mean, (covariance + covariance.T) / 2 + ridge * torch.eye(len(mean)))
    return guess


def _levels(spec: SampleSpec) -> list[int]:
    """How many levels each value of a sample has, 0 for numbers."""
    return [column.levels for column in spec.columns] if spec.kind == "table" else [0] * spec.size
