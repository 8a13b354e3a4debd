"""Hidden regions: boxes and strokes, the same for all channels."""

from dataclasses import replace
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.spec import Values
from narrows.core.trace import View


def hidden(view: View, gone: Tensor) -> View:
    """A view in which some values, (n, 1, ...) or (n, *s) bool, are hidden too: they read 0 and are not visible."""
    keep = ~gone.expand_as(view.x)
    visible = keep if view.visible is None else keep & view.visible
    return replace(view, x=view.x * visible, visible=visible)


def share(fraction: float) -> float:
    """A share of values to hide.

    Raises:
        ChoiceError: It does not lie in [0, 1).
    """
    if not 0 <= fraction < 1:
        raise ChoiceError(f"the fraction of hidden values lies in [0, 1), got {fraction!r}")
    return fraction


class BlockMask(Corruption):
    """A box is hidden in each sample: a stretch of a series, a rectangle of a picture, a box in space and time.

    Args:
        fraction: The share of the values that it holds, about.

    >>> view = BlockMask(0.25)(View(torch.ones(1, 1, 8, 8)), torch.Generator().manual_seed(0))
    >>> int((~view.visible).sum())
    16
    """

    supports = get_args(Values)
    kinds = ("image", "sequence", "video")

    def __init__(self, fraction: float = 0.25) -> None:
        super().__init__()
        self.fraction = share(fraction)

    def forward(self, view: View, rng: Generator) -> View:
        n, grid = len(view.x), view.x.shape[2:]
        side = self.fraction ** (1 / len(grid))
        gone = torch.ones((n, 1) + (1,) * len(grid), dtype=torch.bool, device=view.x.device)
        for axis, size in enumerate(grid):
            length = round(side * size)
            first = torch.randint(0, size - length + 1, (n, 1), generator=rng, device=view.x.device)
            place = torch.arange(size, device=view.x.device)
            inside = (place >= first) & (place < first + length)
            gone = gone & inside.view(n, 1, *(size if i == axis else 1 for i in range(len(grid))))
        return hidden(view, gone)

    def extra_repr(self) -> str:
        return f"fraction={self.fraction}"


class FreeFormMask(Corruption):
    """Blots of any shape are hidden: where smooth noise, drawn afresh for each sample, is greatest.

    Args:
        fraction: The share of the pixels that is hidden.
        size: How many pixels a blot is wide, about.

    >>> view = FreeFormMask(0.25)(View(torch.ones(2, 1, 16, 16)), torch.Generator().manual_seed(0))
    >>> (~view.visible).float().mean().item()
    0.25
    """

    supports = get_args(Values)
    kinds = ("image", "video")

    def __init__(self, fraction: float = 0.25, size: int = 4) -> None:
        super().__init__()
        self.fraction = share(fraction)
        if not isinstance(size, int) or size < 1:
            raise ChoiceError(f"the size of a blot is a whole number of pixels, at least 1, got {size!r}")
        self.size = size

    def forward(self, view: View, rng: Generator) -> View:
        n, height, width = len(view.x), *view.x.shape[-2:]
        coarse = (n, 1, -(-height // self.size) + 1, -(-width // self.size) + 1)
        noise = torch.randn(coarse, generator=rng, device=view.x.device)
        smooth = F.interpolate(noise, size=(height, width), mode="bicubic").flatten(1)
        order = smooth.argsort(dim=1, descending=True).argsort(dim=1)
        gone = (order < round(self.fraction * height * width)).view(n, 1, *(1,) * (view.x.ndim - 4), height, width)
        return hidden(view, gone)

    def extra_repr(self) -> str:
        return f"fraction={self.fraction}, size={self.size}"
