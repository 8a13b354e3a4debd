"""A price on samples whose codes are far from those of their neighbours, or near those of strangers."""

from __future__ import annotations

from functools import lru_cache
from math import log
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import curve_fit
from torch import Generator, Tensor

from narrows.core.contracts import Penalty
from narrows.core.errors import ChoiceError
from narrows.core.trace import Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule

NEAREST = 1e-3
"""What is added to squared distances, so that the price of strangers in one place stays finite."""
STEEPEST = 4.0
"""How far one neighbour or stranger moves a place along each axis, at most."""
EPOCHS = 200
"""How often each arrow is looked at as places are laid out, the weightiest each time."""
AT_ONCE = 2
"""Into how many parts as many arrows are cut as there are places, so that no place is moved by many at once."""


@lru_cache
def curve(min_dist: float) -> tuple[float, float]:
    """The a and b of q(d) = 1 / (1 + a d^(2 b)) that come nearest to 1 below `min_dist` and exp(min_dist - d) beyond.

    >>> [round(one, 3) for one in curve(0.1)]
    [1.577, 0.895]
    """
    d = np.linspace(0, 3, 300)
    wanted = np.where(d < min_dist, 1.0, np.exp(min_dist - d))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), d, wanted)
    return float(a), float(b)


class NeighbourPreserving(Penalty):
    r"""The cross-entropy of UMAP between neighbours among the samples and nearness among their codes.

        weight * size * [-mean log q(z, u_near) - strangers * mean log(1 - q(z, u_other))]
        q(z, u) = 1 / (1 + a |z - u|^2b)

    Before training the training samples are laid out by this cross-entropy alone, as UMAP does, each at a place u. The
    encoder then learns to put each sample where it costs least: near the places of its neighbours (`View.near`), away
    from those of others. Places are cheap to move, codes are not: a layout takes a hundredth of the time in which an
    encoder would find one. Where a batch knows of no neighbours, as of a stream, the nearest other code of the batch is
    taken for one.

    The price is per value of a sample, of which there are `size`, as the distortion is a sum over them.

    Source: McInnes, Healy and Melville (2018), https://arxiv.org/abs/1802.03426, for the cross-entropy and the layout;
    Sainburg, McInnes and Gentner (2021), https://arxiv.org/abs/2009.12981, for encoders that learn by it.

    Args:
        weight: Nats per value for each nat of cross-entropy.
        neighbours: How many neighbours of each sample are looked at.
        min_dist: How near neighbours may be at no price, about.
        strangers: How many strangers a neighbour is weighed against.
        blur: How far pictures are blurred before they are compared, as a share of their shorter side, so that a little
            shift makes a little distance; 0 for not at all.
    """

    needs_dense = True

    def __init__(
        self,
        weight: float = 1.0,
        neighbours: int = 15,
        min_dist: float = 0.1,
        strangers: int = 5,
        blur: float = 0.025,
    ) -> None:
        super().__init__()
        for name, value in (("neighbours", neighbours), ("strangers", strangers)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ChoiceError(f"{name} is a whole number of at least 1, got {value!r}")
        if not (isinstance(min_dist, int | float) and 0 <= min_dist <= 2):
            raise ChoiceError(f"min_dist is a number within 0 and 2, got {min_dist!r}")
        if not (isinstance(blur, int | float) and 0 <= blur <= 0.5):
            raise ChoiceError(f"blur is a share of the side of a picture within 0 and 0.5, got {blur!r}")
        self.weight = weight
        self.neighbours = neighbours
        self.min_dist = min_dist
        self.strangers = strangers
        self.blur = blur

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        z = trace.code.z.float()
        itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
        if trace.view.near is None:
            apart = self._apart(z.unsqueeze(1), z)
            near = apart.masked_fill(itself, torch.inf).min(1, keepdim=True).values if len(z) > 1 else apart
        else:
            apart = self._apart(z.unsqueeze(1), trace.view.near[:, 0])
            near = self._apart(z.unsqueeze(1), trace.view.near)
        others = F.softplus(-apart).masked_fill(itself, 0).sum(1) / max(1, len(z) - 1)
        return self.weight * model.spec.size * (F.softplus(near).mean(1) + self.strangers * others)

    def _apart(self, one: Tensor, other: Tensor) -> Tensor:
        """The log-odds log (1 - q) / q that two places are not near, over the last axis."""
        a, b = curve(self.min_dist)
        return log(a) + b * ((one - other).square().sum(-1) + NEAREST).log()

    @torch.no_grad()
    def lay_out(self, arrows: Tensor, weights: Tensor, begin: Tensor, rng: Generator) -> Tensor:
        n, places, chance = len(begin), begin.clone(), weights / weights.max()
        for epoch in range(EPOCHS):
            chosen = (torch.rand(len(chance), generator=rng) < chance).nonzero().squeeze(1)
            chosen = chosen[torch.randperm(len(chosen), generator=rng)]
            for one, other in (arrows[:, part] for part in torch.split(chosen, max(1, n // AT_ONCE))):
                strangers = torch.randint(n, (len(one), self.strangers), generator=rng)
                pull = self._pull(places[one] - places[other])
                push = self._push(places[one].unsqueeze(1) - places[strangers]).sum(1)
                step = 1 - epoch / EPOCHS
                places.index_add_(0, one, push - pull, alpha=step)
                places.index_add_(0, other, pull, alpha=step)
        return places

    def _pull(self, away: Tensor) -> Tensor:
        """The gradient of -log q for places so far apart, (..., d), cut off where it is steep."""
        a, b = curve(self.min_dist)
        squared = away.square().sum(-1, keepdim=True)
        slope = 2 * a * b * squared.clamp(min=1e-12) ** (b - 1) / (1 + a * squared**b)
        return (slope * away).clamp(-STEEPEST, STEEPEST)

    def _push(self, away: Tensor) -> Tensor:
        """Minus the gradient of -log(1 - q) for places so far apart, (..., d), cut off where it is steep."""
        a, b = curve(self.min_dist)
        squared = away.square().sum(-1, keepdim=True)
        slope = 2 * b / ((NEAREST + squared) * (1 + a * squared**b))
        return (slope * away).clamp(-STEEPEST, STEEPEST)

    def extra_repr(self) -> str:
        own = f"weight={self.weight}, neighbours={self.neighbours}"
        return f"{own}, min_dist={self.min_dist}, strangers={self.strangers}, blur={self.blur}"
