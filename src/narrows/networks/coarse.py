"""A linear encoder and decoder of a coarser grid, for samples too large for linear maps of all their values.

z = W pool(x + E(x))        y = spread(V z)        x' = y + R(y)
"""

from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from narrows.core.contracts import Decoder, Encoder
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.entrance import Entrance
from narrows.networks.layers import linear
from narrows.networks.refined import Refiner


def coarse(shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    """A shape of at most so many values: the longest axes are halved until it is, the channels last of all.

    >>> coarse((3, 16, 64, 64), 1 << 18), coarse((3, 16, 64, 64), 1 << 14)
    ((3, 16, 64, 64), (3, 16, 16, 16))
    """
    channels, *grid = shape
    while channels * prod(grid) > most and max(grid) > 1:
        longest = grid.index(max(grid))
        grid[longest] = -(-grid[longest] // 2)
    return channels, *grid


class CoarseEncoder(Encoder):
    """W pool(x + E(x)), where pool takes means over the boxes of a coarser grid.

    Args:
        spec: What one sample is: channels on a grid of three axes.
        out_features: How many numbers the bottleneck takes.
        grid: The coarser shape, channels included.
        refiner: E.
    """

    def __init__(self, spec: SampleSpec, out_features: int, grid: tuple[int, ...], refiner: Refiner) -> None:
        super().__init__()
        self.out_features = out_features
        self.linear = None
        self.grid = grid
        self.entrance = Entrance(spec)
        self.refiner = refiner
        self.head = linear(prod(grid), out_features)

    def forward(self, view: View) -> Features:
        refined = view.x + self.refiner(self.entrance(view))
        time, height, width = self.grid[1:]
        return Features(self.head(F.adaptive_avg_pool3d(refined, (time, height, width)).flatten(1)))

    def silence(self) -> bool:
        return False


class CoarseDecoder(Decoder):
    """y + R(y), where y is V z on a coarser grid, spread out between its points.

    Args:
        latent_dim: The size of the code.
        params_shape: What the likelihood takes, p numbers for each value.
        grid: The coarser shape, channels included.
        refiner: R.
    """

    def __init__(self, latent_dim: int, params_shape: tuple[int, ...], grid: tuple[int, ...], refiner: Refiner) -> None:
        super().__init__()
        self.params_shape = params_shape
        self.linear = None
        self.grid = grid
        self.head = linear(latent_dim, prod(grid))
        self.refiner = refiner

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        y = F.interpolate(self.head(code.z).view(-1, *self.grid), size=self.params_shape[2:], mode="trilinear")
        correction = self.refiner(y).view(-1, *self.params_shape)
        return torch.cat([correction[:, :1] + y.unsqueeze(1), correction[:, 1:]], 1)

    def silence(self) -> bool:
        return False
