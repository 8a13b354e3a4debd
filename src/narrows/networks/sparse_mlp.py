"""Fully connected networks for sparse rows: the first and the last layer cost as much as there are non-zeros."""

import torch
from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Readout
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.layers import activation, bare, hidden, linear, silenced
from narrows.networks.rows import LinearReadout, RowsLinear


class SparseEncoder(Encoder):
    """Sparse rows -> widths -> features. Counts are seen as log(1 + x), which leaves zeros what they are."""

    def __init__(self, spec: SampleSpec, out_features: int, widths: tuple[int, ...], act: str) -> None:
        super().__init__()
        sizes = [*widths, out_features]
        self.out_features = out_features
        self.linear = None
        self.counts = spec.values == "count"
        self.first: RowsLinear = bare(RowsLinear, spec.size, sizes[0])
        self.hidden = nn.Sequential(activation(act), *hidden(list(widths), act)) if widths else nn.Identity()
        self.head = linear(sizes[-2], out_features) if widths else nn.Identity()

    def forward(self, view: View) -> Features:
        x = view.x.log1p() if self.counts else view.x
        return Features(self.head(self.hidden(self.first(x))))

    def silence(self) -> bool:
        return False


class SparseDecoder(Decoder):
    """code -> widths, mirrored -> the likelihood's numbers: all of them, or those that are asked for."""

    def __init__(self, latent_dim: int, params_shape: tuple[int, ...], widths: tuple[int, ...], act: str) -> None:
        super().__init__()
        sizes = [latent_dim, *reversed(widths)]
        self.params_shape = params_shape
        self.linear = None
        self.hidden = nn.Sequential(*hidden(sizes, act))
        self.heads = nn.ModuleList([linear(sizes[-1], params_shape[1]) for _ in range(params_shape[0])])

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        h = self.hidden(code.z)
        return torch.stack([head(h) for head in self.heads], 1)

    def readout(self, code: Code, context: Tensor | None) -> Readout:
        return LinearReadout(self.hidden(code.z), tuple(self.heads))  # type: ignore[arg-type]  # a list of linear maps

    @torch.no_grad()
    def begin_at(self, numbers: Tensor) -> None:
        silenced(self.heads)
        for head, bias in zip(self.heads, numbers, strict=True):
            assert isinstance(head, nn.Linear)
            head.bias.copy_(bias)

    def silence(self) -> bool:
        return False
