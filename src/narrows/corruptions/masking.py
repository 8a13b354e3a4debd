"""Hidden values: set to zero, and marked as not visible."""

from dataclasses import replace
from typing import get_args

import torch
from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.spec import Values
from narrows.core.trace import View
from narrows.corruptions.levels import Level, drawn, level


class Masking(Corruption):
    """Each value is hidden with the same probability (masking noise, Vincent et al. 2010).

    Args:
        fraction: The probability that a value is hidden; two numbers for one drawn for each sample. A hidden value
            reads 0, the mean of centred data.

    >>> import torch
    >>> view = Masking(0.5)(View(torch.ones(1, 4)), torch.Generator().manual_seed(0))
    >>> bool((view.x == view.visible).all())
    True
    """

    supports = get_args(Values)

    def __init__(self, fraction: Level = 0.3) -> None:
        super().__init__()
        self.fraction = fraction
        self.bounds = level("fraction of hidden values", fraction, most=1.0)
        if self.bounds[1] == 1:
            raise ChoiceError(f"the fraction of hidden values lies in [0, 1), got {fraction!r}")

    def forward(self, view: View, rng: Generator) -> View:
        keep = torch.rand(view.x.shape, generator=rng, device=view.x.device) >= drawn(self.bounds, view.x, rng)
        visible = keep if view.visible is None else keep & view.visible
        return replace(view, x=view.x * visible, visible=visible)

    def extra_repr(self) -> str:
        return f"fraction={self.fraction}"
