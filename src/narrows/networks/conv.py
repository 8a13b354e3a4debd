"""Convolutional networks for images of any size, odd sizes too, and any number of channels."""

from dataclasses import dataclass

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.networks.entrance import Entrance
from narrows.networks.refined import RefinedDecoder, RefinedEncoder, UShaped


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
        per_value, channels = params_shape[:2]
        look = UShaped(2, Entrance(spec).channels, spec.shape[0], widths, self.blocks, self.activation)
        draw = UShaped(2, channels, per_value * channels, widths, self.blocks, self.activation)
        return RefinedEncoder(spec, features, look), RefinedDecoder(latent_dim, params_shape, draw)

    @staticmethod
    def default_widths(spec: SampleSpec) -> tuple[int, ...]:
        """Channels of the default levels.

        >>> Conv.default_widths(SampleSpec("image", (3, 32, 32))), Conv.default_widths(SampleSpec("image", (1, 8, 8)))
        ((64, 64), (64,))
        """
        return (64, 64) if min(spec.shape[1:]) >= 16 else (64,)
