"""Detail that is smeared out."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.trace import View
from narrows.corruptions.levels import shown


class Blur(Corruption):
    """Each value becomes a weighted mean of those around it: of a picture, or of each frame of a video.

    Args:
        width: Standard deviation of a round, normal kernel, in pixels.
        kernel: The weights themselves, rows of an odd number of numbers, instead of `width`; they are made to sum to 1.

    >>> view = View(torch.eye(5).view(1, 1, 5, 5))
    >>> Blur(kernel=[[0, 0, 0], [1, 1, 1], [0, 0, 0]])(view, torch.Generator()).x[0, 0, 2]
    tensor([0.0000, 0.3333, 0.3333, 0.3333, 0.0000])
    """

    supports = ("real", "unit")
    kinds = ("image", "video")

    def __init__(self, width: float = 1.5, kernel: Sequence[Sequence[float]] | None = None) -> None:
        super().__init__()
        if width <= 0:
            raise ChoiceError(f"the width of a blur is greater than 0, got {width!r}")
        self.width = width
        if kernel is None:
            reach = torch.arange(-ceil(3 * width), ceil(3 * width) + 1).float()
            line = (-0.5 * (reach / width).square()).exp()
            weights = line[:, None] * line
        else:
            if len({len(row) for row in kernel}) != 1 or len(kernel) % 2 == 0 or len(kernel[0]) % 2 == 0:
                raise ChoiceError(f"a kernel has an odd number of rows, each of the same odd length, got {kernel!r}")
            if not sum(map(sum, kernel)) > 0:
                raise ChoiceError("the weights of a kernel sum to more than 0")
            weights = torch.tensor(kernel, dtype=torch.float32)
        self.register_buffer("kernel", weights / weights.sum())

    kernel: Tensor

    def forward(self, view: View, rng: Generator) -> View:
        x = view.x
        high, wide = (size // 2 for size in self.kernel.shape)
        planes = F.pad(x.reshape(-1, 1, *x.shape[-2:]), (wide, wide, high, high), mode="replicate")
        blurred = F.conv2d(planes, self.kernel.to(x.dtype)[None, None]).view(x.shape)
        return replace(view, x=shown(view, blurred))

    def extra_repr(self) -> str:
        return f"kernel={tuple(self.kernel.shape)}"
