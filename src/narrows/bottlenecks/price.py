r"""What training pays for a rate: the rate itself, or less, or more.

charge = beta(t) * sum_j max(free_bits, mean over the batch of KL_j)         beta(t) grows to beta
charge = beta * | mean over the batch of sum_j KL_j - capacity(t) |          capacity(t) grows to capacity
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from narrows.core.contracts import Part
from narrows.core.errors import ChoiceError

MOST = 0.5
"""Share of a run that a warm-up counted in steps takes at most, so that no run ends before its price is whole."""


class Price(Part):
    """The charge for a divergence.

    Args:
        beta: What a nat costs.
        free_bits: Nats in each dimension that are not charged for.
        capacity: Nats that the rate is drawn to, from either side; None for none.
        warmup: Over which part of a run the price, or the capacity where there is one, grows from nothing: a share of
            the run, less than 1, or so many steps, at most half of the run. Scores are at the whole price.

    Raises:
        ChoiceError: A number out of range.

    >>> Price(beta=4.0)(torch.tensor([[1.0, 2.0]]))
    tensor([12.])
    """

    grown: Tensor

    def __init__(
        self, beta: float = 1.0, free_bits: float = 0.0, capacity: float | None = None, warmup: float = 0
    ) -> None:
        super().__init__()
        for name, value in (("beta", beta), ("free_bits", free_bits), ("capacity", capacity), ("warmup", warmup)):
            if value is not None and not (_is_number(value) and value >= 0):
                raise ChoiceError(f"{name} is a number of at least 0, got {value!r}")
        if warmup > 1 and warmup != int(warmup):
            raise ChoiceError(f"warmup is a share of the run, less than 1, or a whole number of steps, got {warmup!r}")
        if capacity is not None and free_bits:
            raise ChoiceError("free_bits and capacity both say how many nats are free: choose one of them")
        self.beta = beta
        self.free_bits = free_bits
        self.capacity = capacity
        self.warmup = warmup
        if warmup:
            self.register_buffer("grown", torch.ones(()))

    @property
    def of_its_own(self) -> bool:
        """Whether training ever pays anything but the rate itself."""
        return self.beta != 1 or self.free_bits != 0 or self.capacity is not None or self.warmup != 0

    def forward(self, kl: Tensor) -> Tensor:
        """What training pays for divergences (n, d), or (n, 1) where they do not fall apart by dimension; (n,)."""
        paid = kl.sum(-1)
        grown = self.grown if self.warmup and self.training else 1.0
        if self.capacity is not None:
            return self.beta * (paid.mean() - self.capacity * grown).abs().expand_as(paid)
        if self.free_bits:
            paid = kl.mean(0).clamp(min=self.free_bits).sum().expand_as(paid)
        return self.beta * grown * paid

    def proceed(self, step: int, progress: float) -> None:
        if self.warmup:
            share = progress / self.warmup if self.warmup < 1 else max(step / self.warmup, progress / MOST)
            self.grown.fill_(min(1.0, share))

    def arrives(self, steps: int) -> float:
        return self.warmup if self.warmup < 1 else min(MOST, self.warmup / max(1, steps))

    def options(self) -> str:
        """Those that are not at rest, for a `repr`."""
        own = {"capacity": self.capacity, "warmup": self.warmup}
        return f"beta={self.beta}, free_bits={self.free_bits}" + "".join(f", {k}={v}" for k, v in own.items() if v)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
