"""Fully connected networks for samples of any shape, which they flatten."""

from dataclasses import dataclass
from math import prod

from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.entrance import entrance
from narrows.networks.layers import activation, affine, hidden, linear, silenced
from narrows.networks.sparse_mlp import SparseDecoder, SparseEncoder


class MLPEncoder(Encoder):
    """values -> widths -> features."""

    def __init__(self, spec: SampleSpec, out_features: int, widths: tuple[int, ...], act: str) -> None:
        super().__init__()
        self.out_features = out_features
        self.linear = None
        self.entrance = entrance(spec)
        sizes = [self.entrance.channels * prod(spec.shape[1:]), *widths]
        self.hidden = nn.Sequential(*hidden(sizes, act))
        self.head = linear(sizes[-1], out_features)

    def forward(self, view: View) -> Features:
        return Features(self.head(self.hidden(self.entrance(view).flatten(1))))

    def silence(self) -> bool:
        return silenced(self.head)


class MLPDecoder(Decoder):
    """code -> widths, mirrored -> the likelihood's numbers."""

    def __init__(self, latent_dim: int, params_shape: tuple[int, ...], widths: tuple[int, ...], act: str) -> None:
        super().__init__()
        self.params_shape = params_shape
        self.linear = None
        sizes = [latent_dim, *reversed(widths)]
        self.hidden = nn.Sequential(*hidden(sizes, act))
        self.head = linear(sizes[-1], prod(params_shape))

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        out: Tensor = self.head(self.hidden(code.z))
        return out.view(-1, *self.params_shape)

    def silence(self) -> bool:
        return silenced(self.head)


class TiedMLPDecoder(Decoder):
    """The encoder's own matrices, transposed, in reverse order; only the biases are new."""

    def __init__(self, layers: list[nn.Linear], params_shape: tuple[int, ...], act: str) -> None:
        super().__init__()
        if prod(params_shape) != layers[0].in_features:
            raise ChoiceError("tied weights need real values without gaps and a likelihood with one number per value")
        self.params_shape = params_shape
        self.linear = None
        self.layers = tuple(reversed(layers))  # registered once, with the encoder, so that models can be stacked
        self.biases = nn.ParameterList(
            [nn.Parameter(layer.weight.new_zeros(layer.in_features)) for layer in reversed(layers)]
        )
        self.activation = activation(act)
        self.transposes = len(layers) == 1

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        h = code.z
        for i, (layer, bias) in enumerate(zip(self.layers, self.biases, strict=True)):
            h = affine(self.activation(h) if i else h, layer.weight.T, bias)
        return h.view(-1, *self.params_shape)

    def begin_at(self, numbers: Tensor) -> None:
        self.biases[-1].copy_(numbers.flatten())

    def silence(self) -> bool:
        return False


@dataclass(frozen=True)
class MLP(Network):
    """A multilayer perceptron and its mirror image, for samples of any shape.

    Args:
        widths: Sizes of the hidden layers on the way in; None for two, from the number of values.
        activation: Name of the nonlinearity after each hidden layer.
        tied: Whether the decoder reuses the encoder's matrices, transposed.

    >>> encoder, decoder = MLP(widths=(16,)).pair(SampleSpec("vector", (8,)), 2, 2, (1, 8))
    >>> encoder.head
    Affine(in_features=16, out_features=2, bias=True)
    """

    kinds = ("vector", "image", "sequence", "video", "table")

    widths: tuple[int, ...] | None = None
    activation: str = "silu"
    tied: bool = False

    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        widths = self.default_widths(spec) if self.widths is None else tuple(self.widths)
        if any(not isinstance(w, int) or w < 1 for w in widths):
            raise ChoiceError(f"the widths of hidden layers are positive whole numbers, got {self.widths!r}")
        if spec.sparse:
            return self._sparse_pair(spec, features, latent_dim, params_shape, widths)
        encoder = MLPEncoder(spec, features, widths, self.activation)
        if self.tied:
            if features != latent_dim:
                raise ChoiceError("tied weights need a bottleneck whose code has as many numbers as its features")
            layers = [layer for layer in [*encoder.hidden, encoder.head] if isinstance(layer, nn.Linear)]
            return encoder, TiedMLPDecoder(layers, params_shape, self.activation)
        return encoder, MLPDecoder(latent_dim, params_shape, widths, self.activation)

    def _sparse_pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...], widths: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        if self.tied:
            raise ChoiceError("tied weights need dense samples: sparse rows have a first and a last layer of their own")
        encoder = SparseEncoder(spec, features, widths, self.activation)
        return encoder, SparseDecoder(latent_dim, params_shape, widths, self.activation)

    @staticmethod
    def default_widths(spec: SampleSpec) -> tuple[int, int]:
        """Two layers, the first about four times as wide as the sample, within 128 and 1,024, the second half of it.

        Of sparse samples, which have many columns and little in each, 256 and 128.

        >>> MLP.default_widths(SampleSpec("vector", (30,))), MLP.default_widths(SampleSpec("image", (1, 28, 28)))
        ((128, 64), (1024, 512))
        """
        if spec.sparse:
            return 256, 128
        first = min(1024, max(128, 1 << (4 * spec.size - 1).bit_length()))
        return first, first // 2
