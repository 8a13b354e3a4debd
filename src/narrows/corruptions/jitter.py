"""Pictures held a little differently."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.trace import View
from narrows.corruptions.levels import ends, shown


class Jitter(Corruption):
    """Each picture is moved, turned, stretched and lit a little differently, as if it had been taken again.

    Each by a number that is drawn evenly up to the one that is told, either way. Beyond its edge a picture goes on as
    it ends there.

    Args:
        shift: How far it is moved along each axis, as a share of its side.
        turn: How far it is turned and slanted, in radians.
        stretch: By what share it is stretched along each axis.
        light: By what share its values are further from, or nearer to, the least of them.
        mirror: Whether half of the pictures are mirrored, left to right.

    >>> view = View(torch.eye(5).view(1, 1, 5, 5))
    >>> Jitter(turn=0, stretch=0, light=0, mirror=True)(view, torch.Generator().manual_seed(0)).x.shape
    torch.Size([1, 1, 5, 5])
    """

    supports = ("real", "unit")
    kinds = ("image",)

    def __init__(
        self, shift: float = 0.04, turn: float = 0.1, stretch: float = 0.1, light: float = 0.3, mirror: bool = False
    ) -> None:
        super().__init__()
        told = {"shift": shift, "turn": turn, "stretch": stretch, "light": light}
        for name, value in told.items():
            if not 0 <= value < 1:
                raise ChoiceError(f"{name} is a number of at least 0 and less than 1, got {value!r}")
        self.told = told
        self.mirror = mirror

    def forward(self, view: View, rng: Generator) -> View:
        x = view.x
        grid = F.affine_grid(self._maps(x, rng), list(x.shape), align_corners=False)
        moved = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
        light = 1 + self.told["light"] * _either(x, rng, 1).view(-1, 1, 1, 1)
        low, _ = ends(view)
        return replace(view, x=shown(view, low + (moved - low) * light))

    def _maps(self, x: Tensor, rng: Generator) -> Tensor:
        """Where each picture is looked at, as maps of its plane, (n, 2, 3)."""
        angle, slant = (self.told["turn"] * _either(x, rng, 2)).unbind(1)
        along = 1 + self.told["stretch"] * _either(x, rng, 2)
        moves = 2 * self.told["shift"] * _either(x, rng, 2)
        across = torch.stack([along[:, 0] * angle.cos(), slant - angle.sin(), moves[:, 0]], 1)
        down = torch.stack([angle.sin(), along[:, 1] * angle.cos(), moves[:, 1]], 1)
        if self.mirror:
            across = across * torch.where(_either(x, rng, 1) < 0, -1, 1)
        return torch.stack([across, down], 1)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in [*self.told.items(), ("mirror", self.mirror)])


def _either(x: Tensor, rng: Generator, count: int) -> Tensor:
    """Numbers for each sample, even within -1 and 1, (n, count)."""
    return 2 * torch.rand(len(x), count, generator=rng, device=x.device, dtype=x.dtype) - 1
