r"""Networks on the grid of an image's blocks: a linear map of every block, and convolutions across blocks beside it.

    y = W b + E(b)        b' = V y + v + R(y)        b the c s^2 values of a block of s x s pixels

The code has a channel for each row of W at each place of the grid, channels first. Everything runs on the coarse grid,
so that large steps are cheap, and nothing depends on where a block lies, so that what is learned of small images holds
for those of any size.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, prod

import torch.nn.functional as F
from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.entrance import Entrance
from narrows.networks.layers import bare, linear, silenced

SIDE = 4
"""How many pixels a block is wide and high, unless there would be more blocks than the code has numbers."""
SHRINK = 0.25
"""What convolutions see of a code, whose unit is the step of a rounding: about as much as of normalised values."""


class Tiling:
    """How an image falls into blocks, the last ones filled up with the pixels at the edge.

    Args:
        size: Height and width of the image.
        side: Height and width of a block.

    >>> Tiling((9, 5), 4).counts
    (3, 2)
    """

    def __init__(self, size: tuple[int, ...], side: int) -> None:
        self.size, self.side = size, side
        self.counts = tuple(ceil(length / side) for length in size)
        self.places = prod(self.counts)

    @classmethod
    def of(cls, size: tuple[int, ...], latent_dim: int, side: int | None = None) -> "Tiling":
        """Blocks of a side, or of the least power of two from `SIDE` on of which there are not too many."""
        if side is not None:
            return cls(size, side)
        found = cls(size, SIDE)
        while found.places > latent_dim:
            found = cls(size, 2 * found.side)
        return found

    def cut(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, c s^2, rows, columns)."""
        (rows, columns), (height, width), s = self.counts, self.size, self.side
        if (rows * s, columns * s) != (height, width):
            x = F.pad(x, (0, columns * s - width, 0, rows * s - height), mode="replicate")
        return F.pixel_unshuffle(x, s)

    def joined(self, blocks: Tensor) -> Tensor:
        """(n, c s^2, rows, columns) to (n, c, h, w)."""
        return F.pixel_shuffle(blocks, self.side)[..., : self.size[0], : self.size[1]]


@dataclass(frozen=True)
class Blocks(Network):
    """A linear map of every block of an image, and convolutions across blocks beside it.

    A code of d numbers for g blocks has ceil(d / g) channels, of which the last may lack places.

    Args:
        side: Height and width of a block; None for 4, or more where there would be more blocks than numbers.
        widths: Channels between the convolutions, of three by three blocks each.

    Source: Ballé, Laparra and Simoncelli (2017), https://arxiv.org/abs/1611.01704, for convolutions that are trained
    for rate and distortion; Shi et al. (2016), https://arxiv.org/abs/1609.05158, for drawing on the coarse grid.

    >>> encoder, decoder = Blocks(widths=(8,)).pair(SampleSpec("image", (3, 9, 5)), 12, 12, (1, 3, 9, 5))
    >>> encoder.path
    Affine(in_features=48, out_features=2, bias=True)
    """

    kinds = ("image",)

    side: int | None = None
    widths: tuple[int, ...] = (64, 64)

    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        if self.side is not None and (not isinstance(self.side, int) or self.side < 1):
            raise ChoiceError(f"the side of blocks is a whole number of at least 1, got {self.side!r}")
        if not self.widths or any(not isinstance(w, int) or w < 1 for w in self.widths):
            raise ChoiceError(f"the widths of blocks are positive whole numbers, at least one, got {self.widths!r}")
        tiling = Tiling.of(spec.shape[1:], features, self.side)
        back = Tiling(spec.shape[1:], tiling.side)
        widths = tuple(self.widths)
        return BlockEncoder(spec, features, tiling, widths), BlockDecoder(latent_dim, params_shape, back, widths)


def _convolutions(channels: list[int]) -> nn.Sequential:
    """Convolutions of three by three through these channels, rectified in between."""
    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [bare(nn.Conv2d, before, after, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _mapped(path: nn.Linear, grid: Tensor) -> Tensor:
    """A linear map of what lies at each place, (n, a, rows, columns) to (n, b, rows, columns)."""
    return F.conv2d(grid, path.weight[:, :, None, None], path.bias)


class BlockEncoder(Encoder):
    """W b + E(b).

    Args:
        spec: What one sample is; an image.
        out_features: How many numbers the bottleneck takes.
        tiling: The blocks.
        widths: As in `Blocks`.
    """

    path: nn.Linear
    refiner: nn.Sequential

    def __init__(self, spec: SampleSpec, out_features: int, tiling: Tiling, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.out_features = out_features
        self.linear = None
        self.entrance = Entrance(spec)
        self.tiling = tiling
        values, channels = self.entrance.channels * tiling.side**2, ceil(out_features / tiling.places)
        self.path = linear(spec.shape[0] * tiling.side**2, channels)
        self.refiner = _convolutions([values, *widths, channels])

    def forward(self, view: View) -> Features:
        return Features(self.grid(view).flatten(1)[:, : self.out_features])

    def grid(self, view: View) -> Tensor:
        """What is found at each place, of images of any size, (n, channels of the code, rows, columns)."""
        tiling = Tiling(tuple(view.x.shape[2:]), self.tiling.side)
        return _mapped(self.path, tiling.cut(view.x)) + self.refiner(tiling.cut(self.entrance(view)))

    def silence(self) -> bool:
        return silenced(self.refiner[-1])

    def block_path(self) -> nn.Linear | None:
        return self.path

    def cut_blocks(self, x: Tensor) -> Tensor:
        return self.tiling.cut(x).movedim(1, -1).flatten(0, 2)


class BlockDecoder(Decoder):
    """V y + v + R(y), for each of the numbers of a likelihood.

    Args:
        latent_dim: The size of the code.
        params_shape: What the likelihood takes, p numbers for each value.
        tiling: The blocks.
        widths: As in `Blocks`.
    """

    path: nn.Linear
    refiner: nn.Sequential

    def __init__(self, latent_dim: int, params_shape: tuple[int, ...], tiling: Tiling, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.params_shape = params_shape
        self.linear = None
        self.tiling = tiling
        self.channels = ceil(latent_dim / tiling.places)
        values = prod(params_shape[:2]) * tiling.side**2
        self.path = linear(self.channels, values)
        self.refiner = _convolutions([self.channels, *widths[::-1], values])

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        lacking = self.channels * self.tiling.places - code.z.shape[1]
        grid = F.pad(code.z, (0, lacking)).view(-1, self.channels, *self.tiling.counts)
        blocks = _mapped(self.path, grid) + self.refiner(SHRINK * grid)
        return self.tiling.joined(blocks).reshape(-1, *self.params_shape)

    def silence(self) -> bool:
        return silenced(self.refiner[-1])

    def block_path(self) -> nn.Linear | None:
        return self.path
