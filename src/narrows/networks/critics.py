"""Critics: networks that tell real from made, the opponents of adversarial penalties."""

from dataclasses import dataclass
from math import prod

from torch import Tensor, nn

from narrows.core.contracts import Critic, Critics
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.networks.layers import bare, hidden, linear

ACTIVATION = "leaky_relu"
"""With a slope on either side, so that a critic that is sure still says where to go (Radford et al. 2016)."""


class MLPCritic(Critic):
    """Values of any shape -> widths -> log-odds.

    Args:
        size: How many values come in.
        widths: Sizes of the hidden layers.
    """

    def __init__(self, size: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.hidden = nn.Sequential(*hidden([size, *widths], ACTIVATION))
        self.head = linear(widths[-1], 1)

    def features(self, x: Tensor) -> Tensor:
        found: Tensor = self.hidden(x.flatten(1))
        return found

    def forward(self, x: Tensor) -> Tensor:
        odds: Tensor = self.head(self.features(x))
        return odds.squeeze(1)


class ConvCritic(Critic):
    """Images -> convolutions, each on a grid of half the size -> log-odds.

    Args:
        shape: Of one image, (channels, height, width).
        widths: Channels of each level.
    """

    def __init__(self, shape: tuple[int, ...], widths: tuple[int, ...]) -> None:
        super().__init__()
        channels, *grid = shape
        layers: list[nn.Module] = []
        for width in widths:
            layers += [bare(nn.Conv2d, channels, width, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
            channels, grid = width, [(size + 1) // 2 for size in grid]
        self.levels = nn.Sequential(*layers)
        self.head = linear(channels * prod(grid), 1)

    def features(self, x: Tensor) -> Tensor:
        found: Tensor = self.levels(x)
        return found.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        odds: Tensor = self.head(self.features(x))
        return odds.squeeze(1)


@dataclass(frozen=True)
class FittingCritics(Critics):
    """Critics for the codes and samples of one model: fully connected, and convolutional for images.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.

    >>> FittingCritics(SampleSpec("vector", (8,)), 2).of_codes((16,)).head
    Affine(in_features=16, out_features=1, bias=True)
    """

    spec: SampleSpec
    latent_dim: int

    def of_codes(self, widths: tuple[int, ...] | None) -> Critic:
        return MLPCritic(self.latent_dim, _checked(widths, (256, 256)))

    def of_samples(self, widths: tuple[int, ...] | None) -> Critic:
        if self.spec.kind == "image":
            return ConvCritic(self.spec.shape, _checked(widths, (32, 64)))
        return MLPCritic(self.spec.size, _checked(widths, (256, 256)))


def _checked(widths: tuple[int, ...] | None, usual: tuple[int, ...]) -> tuple[int, ...]:
    if widths is None:
        return usual
    if not widths or any(not isinstance(w, int) or w < 1 for w in widths):
        raise ChoiceError(f"the widths of a critic are positive whole numbers, at least one, got {widths!r}")
    return tuple(widths)
