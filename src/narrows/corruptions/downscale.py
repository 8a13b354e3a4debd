"""Fewer pixels, spread out to the old size again."""

from dataclasses import replace

import torch.nn.functional as F
from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.trace import View
from narrows.corruptions.levels import shown


class Downscale(Corruption):
    """Means over boxes of `factor` by `factor` pixels, enlarged again by bicubic interpolation.

    Args:
        factor: How many pixels become one, along each side.

    >>> import torch
    >>> view = View(torch.rand(1, 1, 9, 8, generator=torch.Generator().manual_seed(0)))
    >>> Downscale(2)(view, torch.Generator()).x.shape
    torch.Size([1, 1, 9, 8])
    """

    supports = ("real", "unit")
    kinds = ("image", "video")

    def __init__(self, factor: int = 2) -> None:
        super().__init__()
        if not isinstance(factor, int) or factor < 1:
            raise ChoiceError(f"the factor is a whole number of at least 1, got {factor!r}")
        self.factor = factor

    def forward(self, view: View, rng: Generator) -> View:
        x = view.x
        height, width = x.shape[-2:]
        planes = x.reshape(-1, 1, height, width)
        planes = F.pad(planes, (0, -width % self.factor, 0, -height % self.factor), mode="replicate")
        small = F.avg_pool2d(planes, self.factor)
        large = F.interpolate(small, scale_factor=self.factor, mode="bicubic", align_corners=False)
        return replace(view, x=shown(view, large[..., :height, :width].reshape(x.shape)))

    def extra_repr(self) -> str:
        return f"factor={self.factor}"
