"""Networks that foretell every pixel from those before it: above, to the left, and channel by channel."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Likelihood, Network
from narrows.core.errors import ChoiceError
from narrows.core.raster import TURN, part, slanted, steps
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.entrance import Entrance
from narrows.networks.layers import hidden, linear, silenced

LOOK = 128
"""Hidden units of the map by which the whole is looked at."""
AT_ONCE = 1 << 17
"""So many pixels are looked at at once."""

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Causal(Network):
    """Every pixel from those before it: x' = (W + N) / 2 + A c + R(c), with c what lies around it, and the code.

    W and N are the pixels to the left and above, and c are those up to `reach` rows above and columns to either side,
    less (W + N) / 2, the channels of the same pixel that come before, the place in the image, and the code. Here what
    is decoded is handed to the decoder, past the bottleneck: every pixel for those that come after it alone. So an
    image's likelihood is that of its code and of all its pixels, each given those before, as a lossless code needs it.
    A code alone stands for an image of which every pixel is what those before let expect; one that is drawn, pixel by
    pixel, is more like those that were learned from.

    Args:
        widths: Hidden units.
        reach: How many rows above and columns to either side are seen; None for 5, of colours 3.
        activation: Name of the nonlinearity.

    Source: van den Oord, Kalchbrenner and Kavukcuoglu (2016), https://arxiv.org/abs/1601.06759; with a code beside,
    Gulrajani et al. (2017), https://arxiv.org/abs/1611.05013.

    >>> encoder, decoder = Causal(widths=(8,)).pair(SampleSpec("image", (1, 9, 8)), 2, 2, (1, 1, 9, 8))
    >>> decoder.reach, len(decoder.places)
    (5, 60)
    """

    kinds = ("image",)

    widths: tuple[int, ...] = (64, 64)
    reach: int | None = None
    activation: str = "relu"

    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        reach = (5 if spec.shape[0] == 1 else 3) if self.reach is None else self.reach
        if not isinstance(reach, int) or isinstance(reach, bool) or reach < 1:
            raise ChoiceError(f"the reach of a causal network is a whole number of at least 1, got {reach!r}")
        encoder = CausalEncoder(spec, features, self.activation)
        return encoder, CausalDecoder(spec, latent_dim, params_shape, tuple(self.widths), reach, self.activation)


class CausalEncoder(Encoder):
    """A few numbers about the whole image; beside them the image.

    Args:
        spec: What one sample is.
        out_features: How many numbers the bottleneck takes.
        act: Name of the nonlinearity.
    """

    def __init__(self, spec: SampleSpec, out_features: int, act: str) -> None:
        super().__init__()
        self.out_features = out_features
        self.linear = None
        self.entrance = Entrance(spec)
        size = self.entrance.channels * prod(spec.shape[1:])
        self.look = nn.Sequential(*hidden([size, LOOK], act))
        self.head = linear(LOOK, out_features)

    def forward(self, view: View) -> Features:
        return Features(self.head(self.look(self.entrance(view).flatten(1))), (view.x,))

    def silence(self) -> bool:
        return silenced(self.head)


class CausalDecoder(Decoder):
    """(W + N) / 2 + A c + R(c); of likelihoods with several numbers for each value, only R(c) makes the others.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        params_shape: What the likelihood takes, p numbers for each value.
        widths: Hidden units.
        reach: How far is seen.
        act: Name of the nonlinearity.
    """

    foretells = True

    def __init__(
        self,
        spec: SampleSpec,
        latent_dim: int,
        params_shape: tuple[int, ...],
        widths: tuple[int, ...],
        reach: int,
        act: str,
    ) -> None:
        super().__init__()
        self.params_shape = params_shape
        self.linear = None
        self.reach = reach
        self.gain = 4.0 if spec.values == "unit" else 1.0
        """What makes differences of values fit for affine maps."""
        self.middle = 0.5 if spec.values == "unit" else 0.0
        self.places = steps(reach)
        """What is seen around a pixel, as steps downwards and to the right."""
        channels, numbers = spec.shape[0], params_shape[0]
        inputs = [self._inputs(channels, channel, latent_dim) for channel in range(channels)]
        self.paths = nn.ModuleList([linear(count, 1) for count in inputs])
        self.refiners = nn.ModuleList(
            [nn.Sequential(*hidden([count, *widths], act), linear((count, *widths)[-1], numbers)) for count in inputs]
        )

    def _inputs(self, channels: int, channel: int, latent_dim: int) -> int:
        return channels * (len(self.places) + 1) + 2 + channel + latent_dim

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        if not code.side:
            expected = self._filled(code.z, lambda numbers: numbers[:, 0])
            return self._foretold(expected, code.z)
        (x,) = code.side
        step = max(1, AT_ONCE // prod(self.params_shape[2:]))
        parts = [slice(start, start + step) for start in range(0, max(1, len(x)), step)]
        return torch.cat([self._foretold(x[some], code.z[some]) for some in parts])

    def _foretold(self, x: Tensor, z: Tensor) -> Tensor:
        """The numbers of all pixels (n, c, h, w), each from those before it."""
        _, channels, height, width = x.shape
        y, column = (axis.reshape(-1) for axis in np.mgrid[:height, :width])
        around = self.padded(x)
        found = [self._at(around, y, column, channel, z) for channel in range(channels)]
        return torch.stack(found, 1).movedim(3, 1).reshape(-1, *self.params_shape)

    @torch.no_grad()
    def drawn(self, code: Code, context: Tensor | None, likelihood: Likelihood, rng: Generator) -> Tensor:
        return self._filled(code.z, partial(likelihood.sample, rng=rng))

    def _filled(self, z: Tensor, told: Callable[[Tensor], Tensor]) -> Tensor:
        """Images (n, c, h, w) whose pixels are what is told by their numbers, (n, p, pixels) to (n, pixels)."""
        channels, height, width = self.params_shape[1:]
        padded = self.padded(z.new_zeros(len(z), channels, height, width))
        for line in slanted(height, width, self.reach):
            y, x = map(np.array, line)
            for channel in range(channels):
                values = told(self._at(padded, y, x, channel, z).movedim(2, 1))
                padded[:, y + self.reach, x + self.reach, channel] = values.to(padded.dtype)
        return padded[:, self.reach :, self.reach : -self.reach].movedim(3, 1)

    def padded(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, reach + h, reach + w + reach, c), zeros around."""
        return F.pad(x, (self.reach, self.reach, self.reach, 0)).movedim(1, 3).contiguous()

    def seen(self, padded: Tensor, y: Whole, x: Whole, channel: int, z: Tensor) -> tuple[Tensor, Tensor]:
        """What the network of a channel is told of some pixels, (n, pixels, inputs), and (W + N) / 2, (n, pixels, c).

        Args:
            padded: As `padded` gives it.
            y: Rows of the pixels.
            x: Their columns.
            channel: Which channel.
            z: The codes, (n, latent_dim).
        """
        n, rows, columns, _ = padded.shape
        reach, flat = self.reach, padded.flatten(1, 2)
        here = torch.from_numpy((y + reach) * columns + x + reach).to(padded.device)
        away = torch.tensor([dy * columns + dx for dy, dx in self.places], device=padded.device)
        around = flat[:, here[:, None] + away]
        near = (flat[:, here - 1] + flat[:, here - columns]) / 2
        place = np.stack([part(y, rows - reach), part(x, columns - 2 * reach)], 1) / TURN
        known = [
            ((around - near.unsqueeze(2)) * self.gain).flatten(2),
            (near - self.middle) * self.gain,
            torch.from_numpy(place).to(padded).expand(n, -1, -1),
            (flat[:, here, :channel] - near[..., :channel]) * self.gain,
            z.unsqueeze(1).expand(-1, len(here), -1),
        ]
        return torch.cat(known, 2), near

    def _at(self, padded: Tensor, y: Whole, x: Whole, channel: int, z: Tensor) -> Tensor:
        """The numbers of a channel of some pixels, (n, pixels, p)."""
        seen, near = self.seen(padded, y, x, channel, z)
        found = self.refiners[channel](seen)
        with torch.autocast(padded.device.type, enabled=False):
            first = (self.paths[channel](seen.float()) + found[..., :1].float()) / self.gain
            first = first + near[..., channel : channel + 1]
        return torch.cat([first, found[..., 1:].float()], 2)

    @torch.no_grad()
    def calm(self, share: float) -> None:
        """Begin near (W + N) / 2: without A, and with weights of R that are a share of their usual size."""
        for path in self.paths:
            silenced(path)
        for last, refiner in zip(self._last(), self.refiners, strict=True):
            for layer in (*refiner.children(), last):
                if isinstance(layer, nn.Linear):
                    layer.weight.mul_(share)

    def silence(self) -> bool:
        silent = [silenced(last) for last in self._last()]
        return all(silent)

    def _last(self) -> list[nn.Module]:
        """The last map of every channel's network."""
        return [list(refiner.children())[-1] for refiner in self.refiners]
