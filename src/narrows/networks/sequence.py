"""Temporal convolutions for series of any length and any number of channels."""

from dataclasses import dataclass
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.networks.entrance import Entrance
from narrows.networks.layers import ResidualBlock, activation, bare, silenced
from narrows.networks.refined import RefinedDecoder, RefinedEncoder, Refiner


class Dilated(Refiner):
    """Residual blocks of dilated convolutions at a fraction of the rate (after Bai, Kolter and Koltun 2018).

    Take `stride` steps at a time, look 1, 2, 4, ... places to both sides, and spread the correction out again. Past and
    future are both looked at: a code is of the whole series.

    Args:
        channels, out_channels: Of what comes in and goes out.
        widths: Channels of each block.
        stride: Steps of the series to one place of the blocks.
        act: Name of the nonlinearity.
    """

    def __init__(self, channels: int, out_channels: int, widths: tuple[int, ...], stride: int, act: str) -> None:
        super().__init__()
        self.stride = stride
        self.down = bare(nn.Conv1d, channels, widths[0], 2 * stride + 1, stride=stride, padding=stride)
        blocks: list[nn.Module] = [ResidualBlock(widths[0], act, axes=1)]
        for level, (before, after) in enumerate(pairwise(widths), 1):
            if before != after:
                blocks.append(bare(nn.Conv1d, before, after, 1))
            blocks.append(ResidualBlock(after, act, axes=1, dilation=2**level))
        self.blocks = nn.Sequential(*blocks, activation(act))
        self.up = bare(nn.ConvTranspose1d, widths[-1], out_channels, 2 * stride + 1, stride=stride, padding=stride)

    def forward(self, x: Tensor) -> Tensor:
        time = x.shape[-1]
        h = self.blocks(self.down(F.pad(x, (0, -(time - 1) % self.stride))))  # places 0, stride, ... beyond the end
        found: Tensor = self.up(h)[..., :time]
        return found

    def silence(self) -> bool:
        return silenced(self.up)


@dataclass(frozen=True)
class Sequence(Network):
    """Dilated temporal convolutions around a linear encoder and decoder, for series of any length.

    Args:
        widths: Channels of each residual block, each looking twice as far as the one before; None for 32, in as many
            blocks as see the whole series from its middle, up to six.
        stride: Steps of the series to one place of the blocks; None for 4, or fewer for less than 64 steps.
        activation: Name of the nonlinearity.

    >>> encoder, decoder = Sequence(widths=(8, 16)).pair(SampleSpec("sequence", (3, 101)), 4, 4, (1, 3, 101))
    >>> decoder.params_shape
    (1, 3, 101)
    """

    kinds = ("sequence",)

    widths: tuple[int, ...] | None = None
    stride: int | None = None
    activation: str = "silu"

    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        stride = self.default_stride(spec) if self.stride is None else self.stride
        if not isinstance(stride, int) or stride < 1:
            raise ChoiceError(f"the stride of a sequence network is a whole number of at least 1, got {self.stride!r}")
        widths = self.default_widths(spec, stride) if self.widths is None else tuple(self.widths)
        if not widths or any(not isinstance(w, int) or w < 1 for w in widths):
            raise ChoiceError(f"the widths of blocks are positive whole numbers, at least one, got {self.widths!r}")
        per_value, channels = params_shape[:2]
        look = Dilated(Entrance(spec).channels, spec.shape[0], widths, stride, self.activation)
        draw = Dilated(channels, per_value * channels, widths, stride, self.activation)
        return RefinedEncoder(spec, features, look), RefinedDecoder(latent_dim, params_shape, draw)

    @staticmethod
    def default_stride(spec: SampleSpec) -> int:
        """Steps to one place: 4, or 2 for less than 64 steps, or 1 for less than 16.

        >>> [Sequence.default_stride(SampleSpec("sequence", (1, time))) for time in (8, 16, 128)]
        [1, 2, 4]
        """
        time = spec.shape[1]
        return 4 if time >= 64 else 2 if time >= 16 else 1

    @staticmethod
    def default_widths(spec: SampleSpec, stride: int) -> tuple[int, ...]:
        """Channels of the default blocks, which together see at least 2^blocks places to both sides.

        >>> Sequence.default_widths(SampleSpec("sequence", (8, 128)), 4)
        (32, 32, 32, 32)
        """
        places = -(-spec.shape[1] // stride)
        return (32,) * max(1, min(6, (places - 1).bit_length() - 1))
