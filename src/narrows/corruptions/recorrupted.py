"""Noise on top of noise, so that a network can learn from noisy samples alone."""

from dataclasses import replace

import torch
from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.trace import View


class Recorrupted(Corruption):
    r"""More noise for the encoder, and the same noise taken from what is to be rebuilt.

        shown = x + alpha sigma e,    to be rebuilt: x - sigma e / alpha,    e ~ N(0, 1)

    Where x is a clean sample with normal noise of standard deviation sigma, the noise of both is independent, so that
    the mean squared error is that of clean samples and a constant: the noise itself cannot be learned.

    Source: Pang, Zheng, Quan and Ji (2021), "Recorrupted-to-Recorrupted: Unsupervised Deep Learning for Image
    Denoising", CVPR.

    Args:
        scale: The standard deviation sigma of the noise that samples have, in units of the scaled data.
        alpha: How much of it is added. The less, the more the rebuilt samples are spoilt.

    >>> view = Recorrupted(1.0, alpha=0.5)(View(torch.zeros(1, 2)), torch.Generator().manual_seed(0))
    >>> torch.allclose(view.x, -0.25 * view.target)
    True
    """

    supports = ("real", "unit")
    kinds = ("image", "sequence", "video")

    def __init__(self, scale: float = 0.3, alpha: float = 0.5) -> None:
        super().__init__()
        if not scale >= 0:
            raise ChoiceError(f"the scale of noise is at least 0, got {scale!r}")
        if not alpha > 0:
            raise ChoiceError(f"alpha is a number greater than 0, got {alpha!r}")
        self.scale = float(scale)
        self.alpha = float(alpha)

    def forward(self, view: View, rng: Generator) -> View:
        noise = self.scale * torch.randn(view.x.shape, generator=rng, device=view.x.device, dtype=view.x.dtype)
        if view.visible is not None:
            noise = noise * view.visible
        return replace(view, x=view.x + self.alpha * noise, target=view.x - noise / self.alpha)

    def extra_repr(self) -> str:
        return f"scale={self.scale}, alpha={self.alpha}"
