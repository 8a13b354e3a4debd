"""Critics: networks that tell real from made, the opponents of adversarial penalties."""

from dataclasses import dataclass
from math import prod

from torch import Tensor, nn

from narrows.core.contracts import Critic, Critics
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.networks.entrance import Entrance
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
        channels: Of what comes in.
        grid: Height and width.
        widths: Channels of each level.
    """

    def __init__(self, channels: int, grid: tuple[int, ...], widths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in widths:
            layers += [bare(nn.Conv2d, channels, width, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
            channels, grid = width, tuple((size + 1) // 2 for size in grid)
        self.levels = nn.Sequential(*layers)
        self.head = linear(channels * prod(grid), 1)

    def features(self, x: Tensor) -> Tensor:
        found: Tensor = self.levels(x)
        return found.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        odds: Tensor = self.head(self.features(x))
        return odds.squeeze(1)


class SampleCritic(Critic):
    """Samples, as any network sees them -> a critic of values.

    Args:
        spec: What one sample is.
        critic: What judges them.
    """

    def __init__(self, spec: SampleSpec, critic: Critic) -> None:
        super().__init__()
        self.entrance = Entrance(spec)
        self.critic = critic

    def features(self, x: Tensor) -> Tensor:
        return self.critic.features(self.entrance(View(x)))

    def forward(self, x: Tensor) -> Tensor:
        odds: Tensor = self.critic(self.entrance(View(x)))
        return odds


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
        if self.spec.kind == "table" or self.spec.sparse:
            raise ChoiceError(
                f"a critic of samples needs dense numbers, and samples of kind {self.spec.kind!r} are none"
            )
        channels, *grid = Entrance(self.spec).channels, *self.spec.shape[1:]
        if self.spec.kind == "image":
            return SampleCritic(self.spec, ConvCritic(channels, tuple(grid), _checked(widths, (32, 64))))
        return SampleCritic(self.spec, MLPCritic(channels * prod(grid), _checked(widths, (256, 256))))


def _checked(widths: tuple[int, ...] | None, usual: tuple[int, ...]) -> tuple[int, ...]:
    if widths is None:
        return usual
    if not widths or any(not isinstance(w, int) or w < 1 for w in widths):
        raise ChoiceError(f"the widths of a critic are positive whole numbers, at least one, got {widths!r}")
    return tuple(widths)
