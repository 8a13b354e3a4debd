"""Hidden patches: whole blocks of values, always as many of them."""

from dataclasses import replace
from math import ceil, prod
from typing import Literal, get_args

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError, unknown
from narrows.core.spec import Values
from narrows.core.trace import View

Scored = Literal["all", "hidden"]


class PatchMasking(Corruption):
    """A share of the patches of each sample is hidden, drawn afresh each time (He et al. 2022).

    Patches are squares of images, and blocks along every axis but the channels' of anything else. Each sample has
    equally many of them hidden, the nearest whole number to the share, and at least one visible.

    Args:
        fraction: The share of patches that is hidden, in [0, 1).
        patch: How many values a patch has along each axis.
        scored: Where the distortion counts: `"all"`, or what is `"hidden"` alone.

    >>> import torch
    >>> view = PatchMasking(0.75, patch=2)(View(torch.ones(1, 1, 4, 4)), torch.Generator().manual_seed(0))
    >>> int(view.visible.sum())
    4
    """

    supports = get_args(Values)

    def __init__(self, fraction: float = 0.75, patch: int = 4, scored: Scored = "all") -> None:
        super().__init__()
        if not 0 <= fraction < 1:
            raise ChoiceError(f"the fraction of hidden patches lies in [0, 1), got {fraction!r}")
        if isinstance(patch, bool) or not isinstance(patch, int) or patch < 1:
            raise ChoiceError(f"a patch has a whole number of values along each axis, at least 1, got {patch!r}")
        if scored not in get_args(Scored):
            raise unknown("scored", scored, get_args(Scored))
        self.fraction = fraction
        self.patch = patch
        self.scored = scored

    def forward(self, view: View, rng: Generator) -> View:
        keep = self._keep(view.x, rng).expand(view.x.shape)
        visible = keep if view.visible is None else keep & view.visible
        scored = view.scored
        if self.scored == "hidden":
            scored = ~keep if scored is None else ~keep & scored
        return replace(view, x=view.x * visible, visible=visible, scored=scored)

    def _keep(self, x: Tensor, rng: Generator) -> Tensor:
        """Which values of each sample stay, (n, [1,] *grid) bool."""
        grid = x.shape[min(2, x.ndim - 1) :]
        counts = [ceil(size / self.patch) for size in grid]
        patches = prod(counts)
        hidden = min(patches - 1, round(self.fraction * patches))
        ranks = torch.rand(len(x), patches, generator=rng, device=x.device).argsort(1).argsort(1)
        keep = (ranks >= hidden).view(-1, *[1] * (x.ndim - 1 - len(grid)), *counts)
        for axis in range(-len(grid), 0):
            keep = keep.repeat_interleave(self.patch, axis).narrow(axis, 0, grid[axis])
        return keep

    def extra_repr(self) -> str:
        return f"fraction={self.fraction}, patch={self.patch}, scored={self.scored!r}"
