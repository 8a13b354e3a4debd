"""What parts exchange: typed, frozen objects, one for each moment of a pass.

    View -> Features -> Code -> Prediction -> Trace -> Loss

Shapes: n samples in a batch, `*s` the shape of one sample, d the size of the code, p numbers per value.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

if TYPE_CHECKING:
    from narrows.core.contracts import Likelihood, Readout

Term = Callable[[Tensor, Tensor], Tensor]
"""A function of the numbers of values and of the values, (n, p, *s) and (n, *s) to (n, *s)."""
COLUMNS = 2048
"""How many columns of sparse rows are scored at once where all of them are."""


def csr(starts: Tensor, columns: Tensor, values: Tensor, width: int) -> Tensor:
    """Sparse rows as a CSR tensor, (n, width), on trust that the indices are right."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch says once that CSR tensors are young
        return torch.sparse_csr_tensor(starts, columns, values, (len(starts) - 1, width), check_invariants=False)


@dataclass(frozen=True)
class Share:
    """A share of the zeros of sparse rows that stands for all of them.

    Row i is scored at the columns j with j = i + shift (mod parts): every row at as many columns, every column in as
    many rows, so that none goes long unseen; and any zero with a chance of 1 / parts, over shifts.

    Args:
        parts: How many zeros each one that is scored stands for.
        shift: From 0 to parts - 1.
    """

    parts: int
    shift: int

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Rows and columns that are scored together."""
        for first in range(self.parts):
            yield slice(first, None, self.parts), slice((first + self.shift) % self.parts, None, self.parts)


@dataclass(frozen=True)
class View:
    """A batch as the encoder may see it. A mask left out (`None`) means: everywhere.

    Args:
        x: Values, corrupted or not, (n, *s); of sparse samples a CSR tensor.
        present: Where the data has a value at all, (n, *s) bool.
        visible: What the encoder is shown, (n, *s) bool.
        scored: Where the distortion counts, (n, *s) bool.
        context: Labels or other conditions, (n, c); zeros, or None for all of them, where they are not known.
        share: Which zeros of sparse rows are scored; all of them without.
        near: Where some neighbours of each sample lie in a layout, (n, m, d); None where no neighbours are known.
        target: What is to be rebuilt, (n, *s), where a corruption says so; None for the values before corruption.
    """

    x: Tensor
    present: Tensor | None = None
    visible: Tensor | None = None
    scored: Tensor | None = None
    context: Tensor | None = None
    share: Share | None = None
    near: Tensor | None = None
    target: Tensor | None = None

    @classmethod
    def with_gaps(cls, x: Tensor) -> View:
        """A view of values of which some are NaN: those are absent, not shown, not scored, and read 0."""
        present = x.isfinite()
        return cls(torch.where(present, x, 0), present, present, present)

    def __len__(self) -> int:
        return len(self.x)

    @property
    def sparse(self) -> bool:
        """Whether the values are a CSR tensor."""
        return self.x.layout == torch.sparse_csr

    def repeated(self, times: int) -> View:
        """The same samples, so many times one after another."""
        if self.sparse:
            starts, steps = self.x.crow_indices(), self.x.crow_indices().diff()
            starts = torch.cat([starts[:1], steps.repeat(times).cumsum(0)])
            columns, values = self.x.col_indices().repeat(times), self.x.values().repeat(times)
            return View(
                csr(starts, columns, values, self.x.shape[1]), context=_tiled(self.context, times), share=self.share
            )
        masks = (self.present, self.visible, self.scored, self.context)
        present, visible, scored, context = (_tiled(mask, times) for mask in masks)
        return View(self.x.repeat(times, *(1,) * (self.x.ndim - 1)), present, visible, scored, context)

    def part(self, first: int, last: int) -> View:
        """Some samples of a dense view, without a copy."""
        masks = (self.present, self.visible, self.scored, self.context)
        present, visible, scored, context = (None if mask is None else mask[first:last] for mask in masks)
        return View(self.x[first:last], present, visible, scored, context)

    def padded(self, size: int) -> View:
        """The same samples and copies of the first (of sparse ones, empty rows), `size` in all."""
        missing = size - len(self.x)
        if missing == 0:
            return self
        if self.sparse:
            starts = self.x.crow_indices()
            starts = torch.cat([starts, starts[-1:].expand(missing)])
            x = csr(starts, self.x.col_indices(), self.x.values(), self.x.shape[1])
            return View(x, context=_longer(self.context, missing), share=self.share)
        masks = (self.present, self.visible, self.scored, self.context)
        present, visible, scored, context = (_longer(mask, missing) for mask in masks)
        return View(
            torch.cat([self.x, self.x[:1].expand(missing, *self.x.shape[1:])]), present, visible, scored, context
        )


def _tiled(rows: Tensor | None, times: int) -> Tensor | None:
    """Rows, so many times one after another."""
    return None if rows is None else rows.repeat(times, *(1,) * (rows.ndim - 1))


def _longer(rows: Tensor | None, missing: int) -> Tensor | None:
    """Rows and so many copies of the first."""
    return None if rows is None else torch.cat([rows, rows[:1].expand(missing, *rows.shape[1:])])


@dataclass(frozen=True)
class Features:
    """What an encoder found, and what is known besides.

    Args:
        values: For the bottleneck, (n, f).
        side: For the decoder (skips, positions).
        context: Labels or other conditions, as in `View`, for bottlenecks that have a part for them.
    """

    values: Tensor
    side: tuple[Tensor, ...] = ()
    context: Tensor | None = None

    def repeated(self, times: int) -> Features:
        """The features of the same samples, so many times one after another."""
        side = tuple(part.repeat(times, *(1,) * (part.ndim - 1)) for part in self.side)
        return Features(self.values.repeat(times, 1), side, _tiled(self.context, times))


@dataclass(frozen=True)
class Code:
    """What the bottleneck let through.

    Args:
        z: The code, (n, d).
        rate: What it costs in nats, (n,).
        charge: What training pays for it, (n,): the rate, weighted and relieved (beta, free bits).
        side: What the encoder handed past the bottleneck.
        features: What the bottleneck was handed, where its running state learns from that, (n, f).
    """

    z: Tensor
    rate: Tensor
    charge: Tensor
    side: tuple[Tensor, ...] = ()
    features: Tensor | None = None


@dataclass(frozen=True)
class Prediction:
    """A likelihood with the decoder's numbers filled in: a distribution over each value of a sample."""

    likelihood: Likelihood
    params: Tensor

    def total(self, term: Term, x: Tensor, scored: Tensor | None) -> Tensor:
        """The sum of a term over the scored values of each sample, (n,)."""
        found = term(self.params, x)
        if scored is not None:
            found = found * scored
        return found.flatten(1).sum(1)

    def distortion(self, x: Tensor, scored: Tensor | None) -> Tensor:
        """-log p(x | z) of each sample in nats, (n,): summed over the values that are scored."""
        if scored is None:
            return self.likelihood.distortion(self.params, x)
        return -self.total(self.likelihood.log_prob, x, scored)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of each value in nats, (n, *s)."""
        return self.likelihood.log_prob(self.params, x)

    def mean(self) -> Tensor:
        """Expectation of each value, (n, *s)."""
        return self.likelihood.mean(self.params)

    def median(self) -> Tensor:
        """Median of each value, (n, *s): the point estimate that narrows hands out."""
        return self.likelihood.median(self.params)

    def mode(self) -> Tensor:
        """Most probable value, (n, *s)."""
        return self.likelihood.mode(self.params)

    def sample(self, rng: Generator) -> Tensor:
        """One draw of each value, (n, *s)."""
        return self.likelihood.sample(self.params, rng)


@dataclass(frozen=True)
class SparsePrediction:
    r"""A distribution over each value of sparse rows, worked out no further than it is asked.

    A sum over the values of a row is one over its entries and one over all columns as if they were zero,

        sum_j t(p_j, x_j) = sum_{j: x_j != 0} [t(p_j, x_j) - t(p_j, 0)] + sum_j t(p_j, 0),

    of which a share of the zeros gives the second without bias (reconstruction sampling; Dauphin, Glorot and Bengio
    2011, who draw columns; here every column is in every share).

    Args:
        likelihood: Whose numbers the decoder gives.
        readout: The decoder's numbers, where they are asked for.
        view: The rows that were coded, and which of their zeros are scored.
    """

    likelihood: Likelihood
    readout: Readout
    view: View

    @cached_property
    def _shared(self) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The numbers at the entries, (1, p, e), and in each block of the share."""
        return self.readout.at_entries(self.view.x, self.view.share)

    def total(self, term: Term, x: Tensor, scored: Tensor | None) -> Tensor:
        """The sum of a term over the values of each sample, (n,); an estimate where a share is scored."""
        assert x is self.view.x, "the rows are those that were predicted"
        assert scored is None, "sparse rows have no gaps"
        at_entries, blocks = self._shared
        values = x.values().unsqueeze(0)
        excess = (term(at_entries, values) - term(at_entries, torch.zeros_like(values))).squeeze(0)
        starts = x.crow_indices()
        rows = torch.arange(len(x), device=starts.device).repeat_interleave(starts.diff())
        found = excess.new_zeros(len(x)).index_add(0, rows, excess)
        if self.view.share is not None:
            for (rows_of, _), block in zip(self.view.share.blocks(), blocks, strict=True):
                found[rows_of] += self.view.share.parts * self._at_zero(term, block).sum(1)
            return found
        for first in range(0, x.shape[1], COLUMNS):
            found = found + self._at_zero(term, self.readout.at_columns(slice(first, first + COLUMNS))).sum(1)
        return found

    def distortion(self, x: Tensor, scored: Tensor | None) -> Tensor:
        """-log p(x | z) of each sample in nats, (n,); an estimate where a share is scored."""
        return -self.total(self.likelihood.log_prob, x, scored)

    @staticmethod
    def _at_zero(term: Term, params: Tensor) -> Tensor:
        return term(params, params.new_zeros(()).expand(len(params), params.shape[2]))

    def dense(self) -> Prediction:
        """The distribution over all values, worked out."""
        return Prediction(self.likelihood, self.readout.at_columns(slice(None)))

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of each value of the rows, zeros included, in nats, (n, columns)."""
        return self.dense().log_prob(x.to_dense())

    def mean(self) -> Tensor:
        """Expectation of each value, (n, columns)."""
        return self.dense().mean()

    def median(self) -> Tensor:
        """Median of each value, (n, columns)."""
        return self.dense().median()


@dataclass(frozen=True)
class Trace:
    """One pass from end to end: the clean target, what was shown, what came through, what was predicted."""

    x: Tensor
    view: View
    code: Code
    prediction: Prediction | SparsePrediction


@dataclass(frozen=True)
class Loss:
    """What a batch cost, in nats: per sample, before any mean.

    Args:
        distortion: -log p(x | z), summed over the scored values of a sample, (n,).
        rate: What the code cost, (n,).
        penalties: By name; a scalar or (n,) each, weight included.
        charge: What training pays for the code, (n,); None where that is the rate itself.
    """

    distortion: Tensor
    rate: Tensor
    penalties: Mapping[str, Tensor] = field(default_factory=dict)
    charge: Tensor | None = None

    def terms(self) -> dict[str, Tensor]:
        """All of them by name, without gradients; the charge only where it is not the rate."""
        paid = {} if self.charge is None else {"charge": self.charge}
        found = {"distortion": self.distortion, "rate": self.rate, **paid, **self.penalties}
        return {name: term.detach() for name, term in found.items()}

    def means(self) -> dict[str, Tensor]:
        """Batch means by name, still on the device."""
        return {name: term.mean() for name, term in self.terms().items()}
