"""Networks that restore: U-shaped convolutions beside a copy of what was shown, for grids of any size."""

from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.between import interpolated
from narrows.networks.entrance import Entrance
from narrows.networks.layers import CONVOLUTIONS, activation, bare, linear, silenced
from narrows.networks.refined import UShaped

LOOK = 16
"""Channels of the convolution by which the whole is looked at, at most: it runs at full size."""


@dataclass(frozen=True)
class Restoring(Network):
    """What was shown, plus a correction by U-shaped convolutions: x' = x~ + R(x~, z).

    Numbers that are hidden begin as what lies between those that are shown. Here a skip connection passes the
    bottleneck by: the decoder is handed all that the encoder was shown, and the code z tells it only what is true of
    the whole sample, such as how strong the noise is. So such a model restores, and its code is no summary from which a
    sample could be rebuilt. No weight depends on the size of a sample, and a trained model takes samples of any size.

    Args:
        widths: Channels of each level, each half the size of the one before.
        blocks: Residual blocks on each level, on the way down and on the way up.
        activation: Name of the nonlinearity.

    >>> encoder, decoder = Restoring(widths=(4,)).pair(SampleSpec("image", (1, 9, 8)), 4, 4, (1, 1, 9, 8))
    >>> encoder(View(torch.zeros(2, 1, 20, 30))).side[0].shape
    torch.Size([2, 1, 20, 30])
    """

    kinds = ("image", "sequence", "video")

    widths: tuple[int, ...] = (32, 48)
    blocks: int = 2
    activation: str = "silu"

    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        return (
            RestoringEncoder(spec, features, min(LOOK, self.widths[0]), self.activation),
            RestoringDecoder(spec, latent_dim, params_shape, tuple(self.widths), self.blocks, self.activation),
        )


class RestoringEncoder(Encoder):
    """A few numbers about the whole sample; beside them all that was shown.

    Args:
        spec: What one sample is.
        out_features: How many numbers the bottleneck takes.
        width: Channels of the convolution whose mean over the sample they are read off.
        act: Name of the nonlinearity.
    """

    def __init__(self, spec: SampleSpec, out_features: int, width: int, act: str) -> None:
        super().__init__()
        self.out_features = out_features
        self.linear = None
        self.entrance = Entrance(spec)
        self.guesses = spec.gaps and spec.values == "real"
        axes = len(spec.shape) - 1
        self.look = nn.Sequential(
            bare(CONVOLUTIONS[axes], self.entrance.channels, width, 3, padding=1), activation(act)
        )
        self.head = linear(width, out_features)

    def forward(self, view: View) -> Features:
        if self.guesses and view.visible is not None:
            view = replace(view, x=interpolated(view.x, view.visible))
        seen = self.entrance(view)
        return Features(self.head(self.look(seen).flatten(2).mean(2)), (view.x, seen))

    def silence(self) -> bool:
        return silenced(self.head)


class RestoringDecoder(Decoder):
    """x~ + R(x~, z); of likelihoods with several numbers for each value, x~ is added to the first.

    The code may also be told place by place, z of shape (n, *grid, latent_dim), such as where noise is how strong.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        params_shape: What the likelihood takes, p numbers for each value.
        widths: As in `UShaped`, as are the others.
        blocks: Residual blocks on each level.
        act: Name of the nonlinearity.
    """

    def __init__(
        self,
        spec: SampleSpec,
        latent_dim: int,
        params_shape: tuple[int, ...],
        widths: tuple[int, ...],
        blocks: int,
        act: str,
    ) -> None:
        super().__init__()
        self.params_shape = params_shape
        self.linear = None
        self.shown = Entrance(spec).channels
        self.copies = spec.values == "real"
        axes = len(spec.shape) - 1
        self.told = linear(latent_dim, self.shown)
        self.refiner = UShaped(axes, 2 * self.shown, prod(params_shape[:2]), widths, blocks, act)

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        told = self.told(code.z).movedim(-1, 1)
        if code.side:
            x, seen = code.side
        else:  # a code alone stands for a flat sample
            x = told.new_zeros(len(told), *self.params_shape[1:])
            seen = told.new_zeros(len(told), self.shown, *self.params_shape[2:])
        grid = x.shape[2:]
        everywhere = told.view(*told.shape, *(1,) * (x.ndim - told.ndim)).expand(-1, -1, *grid)
        found = self.refiner(torch.cat([seen, everywhere], 1)).view(-1, *self.params_shape[:2], *grid)
        return torch.cat([found[:, :1] + x.unsqueeze(1), found[:, 1:]], 1) if self.copies else found

    def silence(self) -> bool:
        return self.refiner.silence()
