"""One layer of a fully connected pair as a pair of its own, which shares its weights with the whole.

    u_i = A_i s(u_{i-1})        u'_{i-1} = D_i s(u_i)

With samples u, the values before the nonlinearity s, the whole network is the layers one after another.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features, View
from narrows.networks.entrance import Entrance, TableEntrance
from narrows.networks.layers import silenced
from narrows.networks.mlp import MLPDecoder, MLPEncoder


class LayerEncoder(Encoder):
    """A s(x).

    Args:
        entrance: How samples come in.
        act: The nonlinearity s.
        layer: A.
    """

    def __init__(self, entrance: Entrance | TableEntrance, act: nn.Module, layer: nn.Linear) -> None:
        super().__init__()
        self.out_features = layer.out_features
        self.linear = None
        self.entrance = entrance
        self.activation = act
        self.layer = layer

    def forward(self, view: View) -> Features:
        return Features(self.layer(self.activation(self.entrance(view).flatten(1))))

    def silence(self) -> bool:
        return silenced(self.layer)


class LayerDecoder(Decoder):
    """D s(z).

    Args:
        act: The nonlinearity s.
        layer: D.
        params_shape: What the likelihood takes.
    """

    def __init__(self, act: nn.Module, layer: nn.Linear, params_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.params_shape = params_shape
        self.linear = None
        self.activation = act
        self.layer = layer

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        out: Tensor = self.layer(self.activation(code.z))
        return out.view(-1, *self.params_shape)

    def silence(self) -> bool:
        return silenced(self.layer)


class Below(nn.Module):
    """The layers under one, from samples to what it learns from: with the last nonlinearity or without."""

    def __init__(self, entrance: Entrance | TableEntrance, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.entrance = entrance
        self.layers = nn.Sequential(*layers)

    def forward(self, view: View) -> Tensor:
        """(n, *s) to (n, width)."""
        out: Tensor = self.layers(self.entrance(view).flatten(1))
        return out


def stacked(encoder: Encoder, decoder: Decoder) -> tuple[MLPEncoder, MLPDecoder]:
    """The two halves, which must be layers one after another.

    Raises:
        ChoiceError: They are not, or share their weights.
    """
    if not isinstance(encoder, MLPEncoder) or not isinstance(decoder, MLPDecoder):
        raise ChoiceError(
            "layers are trained one after another in fully connected networks of dense samples, without tied weights, "
            "conditions or a linear path: choose another network, or no pretraining"
        )
    return encoder, decoder


def affine_maps(half: MLPEncoder | MLPDecoder) -> list[nn.Linear]:
    """The affine maps of one half, in the order that they are passed through."""
    return [layer for layer in [*half.hidden, half.head] if isinstance(layer, nn.Linear)]
