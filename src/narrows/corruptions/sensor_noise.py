"""The noise of a camera: counted light, and what reading it out adds."""

from dataclasses import replace

import torch
from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.trace import View
from narrows.corruptions.levels import Level, drawn, ends, level, shown


class SensorNoise(Corruption):
    r"""Normal noise whose variance grows with brightness.

        x~ = x + sqrt(scale^2 + gain * (x - dark)) * noise

    where dark is the darkest value of a sample.

    Source: Foi, Trimeche, Katkovnik and Egiazarian (2008), https://doi.org/10.1109/TIP.2008.2001399.

    Args:
        scale: Standard deviation in the dark, in units of the scaled data; two numbers for one drawn for each sample.
        gain: Variance for each unit of brightness; likewise.

    >>> SensorNoise(0.0, 0.0)(View(torch.ones(1, 2)), torch.Generator()).x
    tensor([[1., 1.]])
    """

    supports = ("real", "unit")
    kinds = ("vector", "image", "sequence", "video")

    def __init__(self, scale: Level = (0.0, 0.3), gain: Level = (0.0, 0.05)) -> None:
        super().__init__()
        self.scale = level("scale", scale)
        self.gain = level("gain", gain)

    def forward(self, view: View, rng: Generator) -> View:
        dark, _ = ends(view)
        scale, gain = drawn(self.scale, view.x, rng), drawn(self.gain, view.x, rng)
        deviation = (scale.square() + gain * (view.x - dark).clamp(min=0)).sqrt()
        noise = torch.randn(view.x.shape, generator=rng, device=view.x.device, dtype=view.x.dtype)
        return replace(view, x=shown(view, view.x + deviation * noise))

    def extra_repr(self) -> str:
        return f"scale={self.scale}, gain={self.gain}"
