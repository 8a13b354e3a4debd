"""What parts exchange: typed, frozen objects, one for each moment of a pass.

    View -> Features -> Code -> Prediction -> Trace -> Loss

Shapes: n samples in a batch, `*s` the shape of one sample, d the size of the code, p numbers per value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

if TYPE_CHECKING:
    from narrows.core.contracts import Likelihood


@dataclass(frozen=True)
class View:
    """A batch as the encoder may see it. A mask left out (`None`) means: everywhere.

    Args:
        x: Values, corrupted or not, (n, *s).
        present: Where the data has a value at all, (n, *s) bool.
        visible: What the encoder is shown, (n, *s) bool.
        scored: Where the distortion counts, (n, *s) bool.
        context: Labels or other conditions, (n, c).
    """

    x: Tensor
    present: Tensor | None = None
    visible: Tensor | None = None
    scored: Tensor | None = None
    context: Tensor | None = None

    @classmethod
    def with_gaps(cls, x: Tensor) -> View:
        """A view of values of which some are NaN: those are absent, not shown, not scored, and read 0."""
        present = x.isfinite()
        return cls(torch.where(present, x, 0), present, present, present)

    def __len__(self) -> int:
        return len(self.x)

    def padded(self, size: int) -> View:
        """The same samples and copies of the first, `size` in all."""
        missing = size - len(self.x)
        if missing == 0:
            return self
        masks = (self.present, self.visible, self.scored, self.context)
        first = [None if t is None else torch.cat([t, t[:1].expand(missing, *t.shape[1:])]) for t in masks]
        return View(torch.cat([self.x, self.x[:1].expand(missing, *self.x.shape[1:])]), *first)


@dataclass(frozen=True)
class Features:
    """What an encoder found: `values` (n, f) for the bottleneck, `side` for the decoder (skips, positions)."""

    values: Tensor
    side: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Code:
    """What the bottleneck let through.

    Args:
        z: The code, (n, d).
        rate: What it costs in nats, (n,).
        charge: What training pays for it, (n,): the rate, weighted and relieved (beta, free bits).
        side: What the encoder handed past the bottleneck.
    """

    z: Tensor
    rate: Tensor
    charge: Tensor
    side: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Prediction:
    """A likelihood with the decoder's numbers filled in: a distribution over each value of a sample."""

    likelihood: Likelihood
    params: Tensor

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
class Trace:
    """One pass from end to end: the clean target, what was shown, what came through, what was predicted."""

    x: Tensor
    view: View
    code: Code
    prediction: Prediction


@dataclass(frozen=True)
class Loss:
    """What a batch cost, in nats: per sample, before any mean.

    Args:
        distortion: -log p(x | z), summed over the scored values of a sample, (n,).
        rate: What the code cost, (n,).
        penalties: By name; a scalar or (n,) each, weight included.
    """

    distortion: Tensor
    rate: Tensor
    penalties: Mapping[str, Tensor] = field(default_factory=dict)

    def means(self) -> dict[str, Tensor]:
        """Batch means by name, still on the device."""
        terms = {"distortion": self.distortion, "rate": self.rate, **self.penalties}
        return {name: term.detach().mean() for name, term in terms.items()}
