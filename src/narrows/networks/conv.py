"""Convolutional networks for images of any size, odd sizes too, and any number of channels.

    z = W (x + E(x))        y = V z        x' = y + R(y)

E and R are images in, images out: small U-shaped networks that correct what the linear maps W and V do. With both at
zero this is a linear autoencoder, so that training can begin as PCA; R then learns to draw what PCA blurs.
"""

from dataclasses import dataclass
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.entrance import Entrance
from narrows.networks.layers import ResidualBlock, activation, bare, linear, silenced


class Refiner(nn.Module):
    """A U-shaped network, image in, correction out (after Ronneberger et al. 2015, with sums for skips).

    Halve, correct, let a smaller refiner correct the half, correct again, double.
    """

    def __init__(self, channels: int, out_channels: int, widths: tuple[int, ...], blocks: int, act: str) -> None:
        super().__init__()
        width, deeper = widths[0], widths[1:]
        self.down = bare(nn.Conv2d, channels, width, 4, stride=2, padding=1)
        self.before = nn.Sequential(*(ResidualBlock(width, act) for _ in range(blocks)))
        self.deeper = Refiner(width, width, deeper, blocks, act) if deeper else None
        self.after = nn.Sequential(*(ResidualBlock(width, act) for _ in range(blocks)), activation(act))
        self.up = bare(nn.ConvTranspose2d, width, out_channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        h = self.before(self.down(F.pad(x, (0, width % 2, 0, height % 2))))
        if self.deeper is not None:
            h = h + self.deeper(h)
        return self.up(self.after(h))[..., :height, :width]

    def silence(self) -> bool:
        """Set the correction to zero."""
        return silenced(self.up)


class ConvEncoder(Encoder):
    """W (x + E(x))."""

    linear: nn.Linear

    def __init__(self, spec: SampleSpec, out_features: int, widths: tuple[int, ...], blocks: int, act: str) -> None:
        super().__init__()
        self.out_features = out_features
        self.entrance = Entrance(spec)
        self.refiner = Refiner(self.entrance.channels, spec.shape[0], widths, blocks, act)
        self.linear = linear(spec.size, out_features)

    def forward(self, view: View) -> Features:
        return Features(self.linear((view.x + self.refiner(self.entrance(view))).flatten(1)))

    def silence(self) -> bool:
        return self.refiner.silence()


class ConvDecoder(Decoder):
    """y + R(y), y = V z; with several numbers for each value, y is the first of them."""

    linear: nn.Linear

    def __init__(
        self, latent_dim: int, params_shape: tuple[int, ...], widths: tuple[int, ...], blocks: int, act: str
    ) -> None:
        super().__init__()
        self.params_shape = params_shape
        per_value, channels = params_shape[:2]
        self.linear = linear(latent_dim, prod(params_shape[1:]))
        self.refiner = Refiner(channels, per_value * channels, widths, blocks, act)

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        y = self.linear(code.z).view(-1, *self.params_shape[1:])
        correction = self.refiner(y).view(-1, *self.params_shape)
        return torch.cat([correction[:, :1] + y.unsqueeze(1), correction[:, 1:]], 1)

    def silence(self) -> bool:
        return self.refiner.silence()


@dataclass(frozen=True)
class Conv(Network):
    """U-shaped convolutional networks around a linear encoder and decoder, for images of any size.

    Args:
        widths: Channels of each level, each half the size of the one before; None for two levels of 64, or one for
            images of less than 16 pixels.
        blocks: Residual blocks on each level, on the way down and on the way up.
        activation: Name of the nonlinearity.

    >>> encoder, decoder = Conv(widths=(8, 16)).pair(SampleSpec("image", (1, 28, 45)), 4, 4, (1, 1, 28, 45))
    >>> decoder.params_shape
    (1, 1, 28, 45)
    """

    kinds = ("image",)

    widths: tuple[int, ...] | None = None
    blocks: int = 1
    activation: str = "silu"

    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        widths = self.default_widths(spec) if self.widths is None else tuple(self.widths)
        if not widths or any(not isinstance(w, int) or w < 1 for w in widths):
            raise ChoiceError(f"the widths of levels are positive whole numbers, at least one, got {self.widths!r}")
        if not isinstance(self.blocks, int) or self.blocks < 0:
            raise ChoiceError(f"blocks is a whole number of at least 0, got {self.blocks!r}")
        return (
            ConvEncoder(spec, features, widths, self.blocks, self.activation),
            ConvDecoder(latent_dim, params_shape, widths, self.blocks, self.activation),
        )

    @staticmethod
    def default_widths(spec: SampleSpec) -> tuple[int, ...]:
        """Channels of the default levels.

        >>> Conv.default_widths(SampleSpec("image", (3, 32, 32))), Conv.default_widths(SampleSpec("image", (1, 8, 8)))
        ((64, 64), (64,))
        """
        return (64, 64) if min(spec.shape[1:]) >= 16 else (64,)
