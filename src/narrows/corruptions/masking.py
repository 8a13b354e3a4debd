"""Hidden values: set to zero, and marked as not visible."""

from dataclasses import replace
from typing import get_args

import torch
from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.spec import Values
from narrows.core.trace import View


class Masking(Corruption):
    """Each value is hidden with the same probability (masking noise, Vincent et al. 2010).

    Args:
        fraction: The probability that a value is hidden. It then reads 0, the mean of centred data.

    >>> import torch
    >>> view = Masking(0.5)(View(torch.ones(1, 4)), torch.Generator().manual_seed(0))
    >>> bool((view.x == view.visible).all())
    True
    """

    supports = get_args(Values)

    def __init__(self, fraction: float = 0.3) -> None:
        super().__init__()
        if not 0 <= fraction < 1:
            raise ChoiceError(f"the fraction of hidden values lies in [0, 1), got {fraction!r}")
        self.fraction = fraction

    def forward(self, view: View, rng: Generator) -> View:
        keep = torch.rand(view.x.shape, generator=rng, device=view.x.device) >= self.fraction
        visible = keep if view.visible is None else keep & view.visible
        return replace(view, x=view.x * visible, visible=visible)

    def extra_repr(self) -> str:
        return f"fraction={self.fraction}"
