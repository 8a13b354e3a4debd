"""Building blocks that families share: layers without weights yet, and one way to give weights to all of them.

Layers come uninitialised, so that no global random state is touched; `initialise` fills a finished model from a
generator (He et al. 2015, uniform). On the meta device nothing is allocated at all.
"""

from itertools import pairwise
from math import prod, sqrt
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from narrows.core.errors import unknown
from narrows.networks.rows import RowsLinear

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


def activation(name: str) -> nn.Module:
    """A fresh activation by name.

    >>> activation("relu")
    ReLU()
    """
    if name not in ACTIVATIONS:
        raise unknown("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]()


def bare(layer: type[nn.Module], *args: Any, **kwargs: Any) -> Any:
    """A layer whose weights are allocated on the default device, but not drawn."""
    with torch.device("meta"):
        made = layer(*args, **kwargs)
    return made.to_empty(device=torch.get_default_device())


NARROW = 16
"""Below so many outputs a product's rounding may depend on where in a batch a row stands."""


def affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The map x W^T + b, each row with the same rounding wherever in the batch it stands.

    Matrix products treat the last rows of a narrow result apart; with the rows as columns they do not.
    """
    if len(weight) >= NARROW:
        return F.linear(x, weight, bias)
    return (weight @ x.mT).mT + bias


class Affine(nn.Linear):
    """`affine` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_features) to (n, out_features); in training, where no row is asked for twice, the quick way."""
        return F.linear(x, self.weight, self.bias) if self.training else affine(x, self.weight, self.bias)


def linear(inputs: int, outputs: int) -> nn.Linear:
    """An affine map without weights yet."""
    made: nn.Linear = bare(Affine if outputs < NARROW else nn.Linear, inputs, outputs)
    return made


CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
"""Convolutions by the number of axes they run along."""
TRANSPOSED: dict[int, type[nn.Module]] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
"""Their transposes."""


def hidden(sizes: list[int], act: str) -> list[nn.Module]:
    """Affine maps through the sizes, an activation after each."""
    return [layer for a, b in pairwise(sizes) for layer in (linear(a, b), activation(act))]


class ResidualBlock(nn.Module):
    """x + conv(act(conv(act(x)))), the pre-activation block of He et al. (2016), small in the beginning.

    Args:
        channels: Of what comes in and goes out.
        act: Name of the nonlinearity.
        axes: How many axes the convolutions run along.
        dilation: How far apart the three places lie that the first convolution takes in.
    """

    start = 0.1
    """Share of its usual size that the last convolution begins with, so that a deep stack begins near the identity."""

    def __init__(self, channels: int, act: str, axes: int = 2, dilation: int = 1) -> None:
        super().__init__()
        conv = CONVOLUTIONS[axes]
        self.activation = activation(act)
        self.first: nn.Module = bare(conv, channels, channels, 3, padding=dilation, dilation=dilation)
        self.second: nn.Module = bare(conv, channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, *grid) to the same."""
        return x + self.second(self.activation(self.first(self.activation(x))))


@torch.no_grad()
def initialise(module: nn.Module, rng: Generator) -> None:
    """Draw every weight: uniform with variance 2 / fan-in, embeddings normal, biases zero, norms at one.

    Recurrent layers are uniform within one over the root of their width, as is customary.
    """
    for layer in module.modules():
        weight, bias = getattr(layer, "weight", None), getattr(layer, "bias", None)
        if isinstance(layer, (nn.Linear, *CONVOLUTIONS.values(), *TRANSPOSED.values())):
            assert isinstance(weight, Tensor)
            fan_in = prod(weight.shape[1:])
            if isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
                fan_in = weight.shape[0] * prod(layer.kernel_size) // prod(layer.stride)
            bound = sqrt(6 / fan_in)
            weight.uniform_(-bound, bound, generator=rng)
        elif isinstance(layer, RowsLinear):
            bound = sqrt(6 / len(layer.weight))
            layer.weight.uniform_(-bound, bound, generator=rng)
        elif isinstance(layer, nn.GRU):
            for entry in layer.parameters():
                entry.uniform_(-1 / sqrt(layer.hidden_size), 1 / sqrt(layer.hidden_size), generator=rng)
        elif isinstance(layer, nn.Embedding):
            layer.weight.normal_(generator=rng)
        elif isinstance(weight, nn.Parameter):
            weight.fill_(1.0)
        if isinstance(bias, nn.Parameter):
            bias.zero_()
    for block in module.modules():
        if isinstance(block, ResidualBlock):
            assert isinstance(block.second.weight, Tensor)
            block.second.weight.mul_(block.start)


@torch.no_grad()
def silenced(head: nn.Module) -> bool:
    """Set a last affine map to zero, so that what runs beside it begins alone; True, since that worked."""
    for weight in head.parameters():
        weight.zero_()
    return True
