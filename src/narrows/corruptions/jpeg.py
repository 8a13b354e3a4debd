"""Blocks and ringing, as a JPEG file has them."""

from dataclasses import replace
from math import cos, pi, sqrt

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.trace import View
from narrows.corruptions.levels import ends, shown

SIZE = 8
"""How many pixels a block is wide."""
STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""How coarsely each frequency of brightness is kept at quality 50, of 255 levels (annex K of the standard)."""


class Jpeg(Corruption):
    """The cosine transform of each block of 8 by 8 pixels, rounded to coarse steps, channel by channel.

    The range of a sample is taken for 255 levels. No gradient comes through.

    Source: Wallace (1992), https://doi.org/10.1109/30.125072.

    Args:
        quality: From 1 to 100, as writers of JPEG files count it; two numbers for one drawn for each sample.

    >>> view = View(torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    >>> rough = Jpeg(5)(view, torch.Generator()).x
    >>> bool((rough - view.x).square().mean() > 0.01)
    True
    """

    supports = ("real", "unit")
    kinds = ("image", "video")

    def __init__(self, quality: int | tuple[int, int] = (10, 60)) -> None:
        super().__init__()
        pair = (quality, quality) if isinstance(quality, int) else tuple(quality)
        if len(pair) != 2 or not 1 <= pair[0] <= pair[1] <= 100:
            raise ChoiceError(f"the quality is 1 to 100, or two such numbers, the smaller first, got {quality!r}")
        self.quality = pair
        rows = [[cos(pi * (2 * i + 1) * k / (2 * SIZE)) for i in range(SIZE)] for k in range(SIZE)]
        basis = torch.tensor(rows) * sqrt(2 / SIZE)
        basis[0] /= sqrt(2)
        self.register_buffer("basis", basis)
        self.register_buffer("steps", torch.tensor(STEPS, dtype=torch.float32))

    basis: Tensor
    steps: Tensor

    @torch.no_grad()
    def forward(self, view: View, rng: Generator) -> View:
        x = view.x
        height, width = x.shape[-2:]
        low, high = ends(view)
        unit = (high - low).clamp(min=1e-6) / 255
        planes = ((x - low) / unit - 128).reshape(-1, 1, height, width)
        planes = F.pad(planes, (0, -width % SIZE, 0, -height % SIZE), mode="replicate")
        blocks = planes.unfold(2, SIZE, SIZE).unfold(3, SIZE, SIZE)
        found = self.basis @ blocks @ self.basis.T
        steps = self._steps(len(x), rng).repeat_interleave(len(planes) // max(1, len(x)), 0)
        blocks = self.basis.T @ ((found / steps).round() * steps) @ self.basis
        planes = blocks.transpose(3, 4).reshape(planes.shape)[..., :height, :width]
        return replace(view, x=shown(view, (planes.clamp(-128, 127).reshape(x.shape) + 128) * unit + low))

    def _steps(self, n: int, rng: Generator) -> Tensor:
        """The steps of each sample, (n, 1, 1, 1, 8, 8)."""
        least, most = self.quality
        quality = torch.randint(least, most + 1, (n, 1, 1, 1, 1, 1), generator=rng, device=self.steps.device).float()
        percent = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
        return ((self.steps * percent + 50) / 100).floor().clamp(1, 255)

    def extra_repr(self) -> str:
        return f"quality={self.quality}"
