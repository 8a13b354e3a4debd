"""Values thrown to either end of the range."""

from dataclasses import replace

import torch
from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.trace import View


class SaltAndPepper(Corruption):
    """Each value is replaced, with the same probability, by the least or the greatest value of its batch.

    Args:
        fraction: The probability that a value is replaced; half of those become the least, half the greatest.

    >>> import torch
    >>> view = SaltAndPepper(0.5)(View(torch.rand(1, 8)), torch.Generator().manual_seed(0))
    >>> view.x.shape
    torch.Size([1, 8])
    """

    supports = ("real", "unit")

    def __init__(self, fraction: float = 0.1) -> None:
        super().__init__()
        if not 0 <= fraction <= 1:
            raise ChoiceError(f"the fraction of replaced values lies in [0, 1], got {fraction!r}")
        self.fraction = fraction

    def forward(self, view: View, rng: Generator) -> View:
        x = view.x
        dice = torch.rand(x.shape, generator=rng, device=x.device)
        x = torch.where(dice < self.fraction / 2, x.amin(), x)
        x = torch.where(dice > 1 - self.fraction / 2, view.x.amax(), x)
        return replace(view, x=x if view.visible is None else x * view.visible)

    def extra_repr(self) -> str:
        return f"fraction={self.fraction}"
