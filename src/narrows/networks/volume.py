"""Convolutions in space and time for video of any size, odd sizes too, and any number of channels."""

from dataclasses import dataclass

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.spec import SampleSpec
from narrows.networks.coarse import CoarseDecoder, CoarseEncoder, coarse
from narrows.networks.refined import RefinedDecoder, RefinedEncoder, u_shaped

MOST_WEIGHTS = 1 << 25
"""How many weights a linear map between a video and a code may have; training takes some twenty bytes for each."""


@dataclass(frozen=True)
class Volume(Network):
    """U-shaped 3-D convolutional networks around a linear encoder and decoder, for video of any size.

    The linear maps have a weight for each value of a video and each number of its code. Where those would be more than
    2^25 (134 MB), the maps are of the video averaged over small boxes; such a model does not begin as PCA.

    Args:
        widths: Channels of each level, each half the size of the one before; None for 8 and 16, or 8 alone for videos
            with a side of less than 8.
        blocks: Residual blocks on each level, on the way down and on the way up.
        activation: Name of the nonlinearity.

    >>> encoder, decoder = Volume(widths=(4,)).pair(SampleSpec("video", (1, 5, 9, 8)), 4, 4, (1, 1, 5, 9, 8))
    >>> decoder.params_shape
    (1, 1, 5, 9, 8)
    """

    kinds = ("video",)

    widths: tuple[int, ...] | None = None
    blocks: int = 1
    activation: str = "silu"

    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        widths = self.default_widths(spec) if self.widths is None else tuple(self.widths)
        look, draw = u_shaped(spec, params_shape, widths, self.blocks, self.activation)
        grid = coarse(spec.shape, MOST_WEIGHTS // max(features, latent_dim))
        if grid == spec.shape:
            return RefinedEncoder(spec, features, look), RefinedDecoder(latent_dim, params_shape, draw)
        return CoarseEncoder(spec, features, grid, look), CoarseDecoder(latent_dim, params_shape, grid, draw)

    @staticmethod
    def default_widths(spec: SampleSpec) -> tuple[int, ...]:
        """Channels of the default levels.

        >>> [Volume.default_widths(SampleSpec("video", (1, time, 64, 64))) for time in (16, 4)]
        [(8, 16), (8,)]
        """
        return (8, 16) if min(spec.shape[1:]) >= 8 else (8,)
