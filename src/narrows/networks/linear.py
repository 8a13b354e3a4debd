"""The linear path: a straight way beside a network, so that a model can begin as principal component analysis.

    z = W x + f(x)        x' = V z + g(z)        with f and g at zero in the beginning

A wrapper for any family that does not have such a path of its own.
"""

from math import prod

import torch
from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.layers import linear


class LinearPathEncoder(Encoder):
    """W x + f(x), where f is any encoder."""

    linear: nn.Linear

    def __init__(self, network: Encoder, spec: SampleSpec) -> None:
        super().__init__()
        self.out_features = network.out_features
        self.network = network
        self.linear = linear(spec.size, network.out_features)

    def silence(self) -> bool:
        return self.network.silence()

    def forward(self, view: View) -> Features:
        found = self.network(view)
        straight = self.linear(view.x.flatten(1))
        return Features(straight + found.values, found.side)


class LinearPathDecoder(Decoder):
    """V z + g(z), where g is any decoder; the straight way leads to the first of the p numbers for each value."""

    linear: nn.Linear

    def __init__(self, network: Decoder, latent_dim: int) -> None:
        super().__init__()
        self.params_shape = network.params_shape
        self.network = network
        self.linear = linear(latent_dim, prod(network.params_shape[1:]))

    def silence(self) -> bool:
        return self.network.silence()

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        params: Tensor = self.network(code, context)
        straight = self.linear(code.z).view(-1, *self.params_shape[1:])
        return torch.cat([(params[:, 0] + straight).unsqueeze(1), params[:, 1:]], 1)
