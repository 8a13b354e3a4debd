"""Convolutional networks for images of any size, odd sizes too, and any number of channels."""

from dataclasses import dataclass

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.spec import SampleSpec
from narrows.networks.refined import RefinedDecoder, RefinedEncoder, u_shaped


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
        look, draw = u_shaped(spec, params_shape, widths, self.blocks, self.activation)
        return RefinedEncoder(spec, features, look), RefinedDecoder(latent_dim, params_shape, draw)

    @staticmethod
    def default_widths(spec: SampleSpec) -> tuple[int, ...]:
        """Channels of the default levels.

        >>> Conv.default_widths(SampleSpec("image", (3, 32, 32))), Conv.default_widths(SampleSpec("image", (1, 8, 8)))
        ((64, 64), (64,))
        """
        return (64, 64) if min(spec.shape[1:]) >= 16 else (64,)
