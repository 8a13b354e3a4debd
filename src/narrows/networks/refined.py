"""A linear encoder and decoder with a network around each that corrects it, for samples that lie on a grid.

    z = W (x + E(x))        y = V z        x' = y + R(y)

E and R are samples in, samples out: refiners. With both at zero this is a linear autoencoder, so that training can
begin as PCA; R then learns to draw what PCA blurs. A family is a choice of refiner.
"""

from abc import ABC, abstractmethod
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.entrance import Entrance
from narrows.networks.layers import CONVOLUTIONS, TRANSPOSED, ResidualBlock, activation, bare, linear, silenced


class Refiner(nn.Module, ABC):
    """Channels on a grid in, a correction on the same grid out."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, *grid) to (n, out_channels, *grid)."""

    @abstractmethod
    def silence(self) -> bool:
        """Set the correction to zero; True, since that works."""


class UShaped(Refiner):
    """A U-shaped refiner (after Ronneberger et al. 2015, with sums for skips).

    Halve, correct, let a smaller refiner correct the half, correct again, double.

    Args:
        axes: How many axes the grid has, 1 to 3; of any sizes.
        channels, out_channels: Of what comes in and goes out.
        widths: Channels of each level, each half the size of the one before.
        blocks: Residual blocks on each level, on the way down and on the way up.
        act: Name of the nonlinearity.
    """

    def __init__(
        self, axes: int, channels: int, out_channels: int, widths: tuple[int, ...], blocks: int, act: str
    ) -> None:
        super().__init__()
        width, deeper = widths[0], widths[1:]
        self.down = bare(CONVOLUTIONS[axes], channels, width, 4, stride=2, padding=1)
        self.before = nn.Sequential(*(ResidualBlock(width, act, axes) for _ in range(blocks)))
        self.deeper = UShaped(axes, width, width, deeper, blocks, act) if deeper else None
        self.after = nn.Sequential(*(ResidualBlock(width, act, axes) for _ in range(blocks)), activation(act))
        self.up = bare(TRANSPOSED[axes], width, out_channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        grid = x.shape[2:]
        h = self.before(self.down(F.pad(x, [side for size in reversed(grid) for side in (0, size % 2)])))
        if self.deeper is not None:
            h = h + self.deeper(h)
        return self.up(self.after(h))[(..., *map(slice, grid))]

    def silence(self) -> bool:
        return silenced(self.up)


def u_shaped(
    spec: SampleSpec, params_shape: tuple[int, ...], widths: tuple[int, ...], blocks: int, act: str
) -> tuple[UShaped, UShaped]:
    """The refiners of an encoder and its decoder, E and R, U-shaped on the grid of the samples.

    Args:
        spec: What one sample is.
        params_shape: What the likelihood takes from the decoder.
        widths: As in `UShaped`.
        blocks: As in `UShaped`.
        act: As in `UShaped`.

    Raises:
        ChoiceError: Widths or blocks that cannot be.
    """
    if not widths or any(not isinstance(w, int) or w < 1 for w in widths):
        raise ChoiceError(f"the widths of levels are positive whole numbers, at least one, got {widths!r}")
    if not isinstance(blocks, int) or blocks < 0:
        raise ChoiceError(f"blocks is a whole number of at least 0, got {blocks!r}")
    axes, (per_value, channels) = len(spec.shape) - 1, params_shape[:2]
    look = UShaped(axes, Entrance(spec).channels, spec.shape[0], widths, blocks, act)
    return look, UShaped(axes, channels, per_value * channels, widths, blocks, act)


class RefinedEncoder(Encoder):
    """W (x + E(x)).

    Args:
        spec: What one sample is.
        out_features: How many numbers the bottleneck takes.
        refiner: E, from the channels of `Entrance(spec)` to those of the sample.
    """

    linear: nn.Linear

    def __init__(self, spec: SampleSpec, out_features: int, refiner: Refiner) -> None:
        super().__init__()
        self.out_features = out_features
        self.entrance = Entrance(spec)
        self.refiner = refiner
        self.linear = linear(spec.size, out_features)

    def forward(self, view: View) -> Features:
        return Features(self.linear((view.x + self.refiner(self.entrance(view))).flatten(1)))

    def silence(self) -> bool:
        return self.refiner.silence()


class RefinedDecoder(Decoder):
    """y + R(y), y = V z; with several numbers for each value, y is the first of them.

    Args:
        latent_dim: The size of the code.
        params_shape: What the likelihood takes, p numbers for each value.
        refiner: R, from the channels of the sample to p times as many.
    """

    linear: nn.Linear

    def __init__(self, latent_dim: int, params_shape: tuple[int, ...], refiner: Refiner) -> None:
        super().__init__()
        self.params_shape = params_shape
        self.linear = linear(latent_dim, prod(params_shape[1:]))
        self.refiner = refiner

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        y = self.linear(code.z).view(-1, *self.params_shape[1:])
        correction = self.refiner(y).view(-1, *self.params_shape)
        return torch.cat([correction[:, :1] + y.unsqueeze(1), correction[:, 1:]], 1)

    def silence(self) -> bool:
        return self.refiner.silence()
