"""Convolutional networks for images of any size, odd sizes too, and any number of channels."""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.layers import activation, bare, linear, silenced


def pyramid(height: int, width: int, levels: int) -> list[tuple[int, int]]:
    """The sizes of an image halved `levels` times, each half rounded up.

    >>> pyramid(28, 45, 3)
    [(28, 45), (14, 23), (7, 12), (4, 6)]
    """
    sizes = [(height, width)]
    for _ in range(levels):
        height, width = -(-height // 2), -(-width // 2)
        sizes.append((height, width))
    return sizes


class ConvEncoder(Encoder):
    """image -> levels of half the size each -> features."""

    def __init__(self, spec: SampleSpec, out_features: int, widths: tuple[int, ...], act: str) -> None:
        super().__init__()
        self.out_features = out_features
        self.linear = None
        channels, height, width = spec.shape
        layers: list[nn.Module] = []
        for a, b in pairwise([channels, *widths]):
            layers += [bare(nn.Conv2d, a, b, 3, stride=2, padding=1), activation(act)]
        self.hidden = nn.Sequential(*layers)
        height, width = pyramid(height, width, len(widths))[-1]
        self.head = linear(widths[-1] * height * width, out_features)

    def forward(self, view: View) -> Features:
        return Features(self.head(self.hidden(view.x).flatten(1)))

    def silence(self) -> bool:
        return silenced(self.head)


class ConvDecoder(Decoder):
    """code -> the smallest level -> levels of twice the size each -> the likelihood's numbers."""

    def __init__(self, latent_dim: int, params_shape: tuple[int, ...], widths: tuple[int, ...], act: str) -> None:
        super().__init__()
        self.params_shape = params_shape
        self.linear = None
        per_value, channels, height, width = params_shape
        sizes = pyramid(height, width, len(widths))
        self.small = (widths[-1], *sizes[-1])
        self.grow = linear(latent_dim, widths[-1] * sizes[-1][0] * sizes[-1][1])
        layers: list[nn.Module] = [activation(act)]
        down = [per_value * channels, *widths]
        for level in reversed(range(len(widths))):
            odd = tuple(1 - n % 2 for n in sizes[level])
            layers.append(
                bare(nn.ConvTranspose2d, down[level + 1], down[level], 3, stride=2, padding=1, output_padding=odd)
            )
            layers.append(activation(act))
        self.hidden = nn.Sequential(*layers[:-2])
        self.head = layers[-2]

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        small = self.grow(code.z).view(-1, *self.small)
        out: Tensor = self.head(self.hidden(small))
        return out.view(-1, *self.params_shape)

    def silence(self) -> bool:
        return silenced(self.head)


@dataclass(frozen=True)
class Conv(Network):
    """Strided convolutions and their transposes, for images of any size.

    Args:
        widths: Channels of each level, each half the size of the one before; None for as many levels as leave at least
            four pixels, at 32, 64, 128, ... channels.
        activation: Name of the nonlinearity.

    >>> encoder, decoder = Conv(widths=(8, 16)).pair(SampleSpec("image", (1, 28, 45)), 4, 4, (1, 1, 28, 45))
    >>> decoder.params_shape
    (1, 1, 28, 45)
    """

    kinds = ("image",)

    widths: tuple[int, ...] | None = None
    activation: str = "silu"

    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        widths = self.default_widths(spec) if self.widths is None else tuple(self.widths)
        if not widths or any(not isinstance(w, int) or w < 1 for w in widths):
            raise ChoiceError(f"the widths of levels are positive whole numbers, at least one, got {self.widths!r}")
        return (
            ConvEncoder(spec, features, widths, self.activation),
            ConvDecoder(latent_dim, params_shape, widths, self.activation),
        )

    @staticmethod
    def default_widths(spec: SampleSpec) -> tuple[int, ...]:
        """Channels of the default levels.

        >>> Conv.default_widths(SampleSpec("image", (3, 32, 32))), Conv.default_widths(SampleSpec("image", (1, 8, 8)))
        ((32, 64, 128), (32,))
        """
        levels = max(1, (min(spec.shape[1:]) // 4).bit_length() - 1)
        return tuple(min(256, 32 << level) for level in range(levels))
