"""Noise of counted light: the brighter, the more."""

from dataclasses import replace

import torch
from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.trace import View
from narrows.corruptions.levels import Level, drawn, ends, level, shown


class PoissonNoise(Corruption):
    r"""Photon noise: what lies above the darkest value of a sample is counted in lumps of `gain`.

        x~ = dark + gain * k,    k ~ Poisson((x - dark) / gain),    so that Var[x~] = gain * (x - dark)

    Args:
        gain: What one count is worth, in units of the scaled data; two numbers for one drawn for each sample.

    >>> view = View(torch.tensor([[0.0, 1.0, 2.0]]))
    >>> noisy = PoissonNoise(0.5)(view, torch.Generator().manual_seed(0)).x
    >>> bool((noisy / 0.5 == (noisy / 0.5).round()).all())
    True
    """

    supports = ("real", "unit")
    kinds = ("vector", "image", "sequence", "video")

    def __init__(self, gain: Level = 0.05) -> None:
        super().__init__()
        self.gain = level("gain", gain)

    def forward(self, view: View, rng: Generator) -> View:
        gain = drawn(self.gain, view.x, rng).clamp(min=1e-6)
        dark, _ = ends(view)
        counts = torch.poisson((view.x - dark).clamp(min=0) / gain, generator=rng)
        return replace(view, x=shown(view, dark + gain * counts))

    def extra_repr(self) -> str:
        return f"gain={self.gain}"
