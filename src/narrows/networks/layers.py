"""Building blocks that families share: layers without weights yet, and one way to give weights to all of them.

Layers come uninitialised, so that no global random state is touched; `initialise` fills a finished model from a
generator (He et al. 2015, uniform). On the meta device nothing is allocated at all.
"""

from math import prod, sqrt
from typing import Any

import torch
from torch import Generator, Tensor, nn

from narrows.core.errors import unknown

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


def linear(inputs: int, outputs: int) -> nn.Linear:
    """An affine map without weights yet."""
    made: nn.Linear = bare(nn.Linear, inputs, outputs)
    return made


@torch.no_grad()
def initialise(module: nn.Module, rng: Generator) -> None:
    """Draw every weight: uniform with variance 2 / fan-in, biases zero, norms at one."""
    for layer in module.modules():
        weight, bias = getattr(layer, "weight", None), getattr(layer, "bias", None)
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            assert isinstance(weight, Tensor)
            fan_in = prod(weight.shape[1:])
            if isinstance(layer, nn.ConvTranspose2d):
                fan_in = weight.shape[0] * prod(layer.kernel_size) // prod(layer.stride)
            bound = sqrt(6 / fan_in)
            weight.uniform_(-bound, bound, generator=rng)
        elif isinstance(weight, nn.Parameter):
            weight.fill_(1.0)
        if isinstance(bias, nn.Parameter):
            bias.zero_()


@torch.no_grad()
def silenced(head: nn.Module) -> bool:
    """Set a last affine map to zero, so that what runs beside it begins alone; True, since that worked."""
    for weight in head.parameters():
        weight.zero_()
    return True
