"""Additive normal noise, drawn afresh each time."""

from dataclasses import replace

import torch
from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.trace import View
from narrows.corruptions.levels import Level, drawn, level


class GaussianNoise(Corruption):
    """x + scale * noise, as in the denoising autoencoder of Vincent et al. (2008).

    Args:
        scale: Standard deviation of the noise, in units of the scaled data; two numbers for one drawn for each sample.

    >>> import torch
    >>> GaussianNoise(0.0)(View(torch.ones(1, 2)), torch.Generator()).x
    tensor([[1., 1.]])
    """

    supports = ("real", "unit")

    def __init__(self, scale: Level = 0.3) -> None:
        super().__init__()
        self.scale = scale
        self.bounds = level("scale of noise", scale)

    def forward(self, view: View, rng: Generator) -> View:
        noise = torch.randn(view.x.shape, generator=rng, device=view.x.device, dtype=view.x.dtype)
        if view.visible is not None:
            noise = noise * view.visible
        return replace(view, x=view.x + drawn(self.bounds, view.x, rng) * noise)

    def extra_repr(self) -> str:
        return f"scale={self.scale}"
