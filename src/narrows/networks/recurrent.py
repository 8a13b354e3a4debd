"""Recurrent networks for series of any length and any number of channels."""

from dataclasses import dataclass

from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.networks.entrance import Entrance
from narrows.networks.layers import bare, linear, silenced
from narrows.networks.refined import RefinedDecoder, RefinedEncoder, Refiner


class Gated(Refiner):
    """Gated recurrent units, once forwards and once backwards, and an affine map of both at each step.

    Args:
        channels, out_channels: Of what comes in and goes out.
        width: Units in each direction.
        layers: How many, one upon the other.
    """

    def __init__(self, channels: int, out_channels: int, width: int, layers: int) -> None:
        super().__init__()
        self.units = bare(nn.GRU, channels, width, layers, bidirectional=True, batch_first=True)
        self.up = linear(2 * width, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.up(self.units(x.mT)[0]).mT
        return found

    def silence(self) -> bool:
        return silenced(self.up)


@dataclass(frozen=True)
class Recurrent(Network):
    """Gated recurrent units (Cho et al. 2014) around a linear encoder and decoder, for series of any length.

    A step waits for the one before it, so that on a CPU it takes several times as long as `Sequence`.

    Args:
        width: Units in each direction.
        layers: How many layers of them.

    >>> encoder, decoder = Recurrent(width=8).pair(SampleSpec("sequence", (3, 25)), 4, 4, (1, 3, 25))
    >>> decoder.params_shape
    (1, 3, 25)
    """

    kinds = ("sequence",)

    width: int = 32
    layers: int = 1

    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        for name, size in (("width", self.width), ("layers", self.layers)):
            if not isinstance(size, int) or size < 1:
                raise ChoiceError(f"the {name} of a recurrent network is a whole number of at least 1, got {size!r}")
        per_value, channels = params_shape[:2]
        look = Gated(Entrance(spec).channels, spec.shape[0], self.width, self.layers)
        draw = Gated(channels, per_value * channels, self.width, self.layers)
        return RefinedEncoder(spec, features, look), RefinedDecoder(latent_dim, params_shape, draw)
