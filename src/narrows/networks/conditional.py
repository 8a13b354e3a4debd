"""Networks that are told a condition: a label, or anything else that is known of a sample beside its values.

    f(x) + U c        g([z, c])        with c a row of zeros where the condition is not known

Wrappers for any family. A condition that never changes only shifts biases, so that such a model is one without it.
"""

import torch
from torch import Generator, Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Likelihood, Readout
from narrows.core.trace import Code, Features, View
from narrows.networks.layers import bare, silenced


class ConditionalEncoder(Encoder):
    """f(x) + U c, where f is any encoder.

    Args:
        network: f.
        context: How many numbers a condition has.
    """

    def __init__(self, network: Encoder, context: int) -> None:
        super().__init__()
        self.out_features = network.out_features
        self.network = network
        self.shift: nn.Linear = bare(nn.Linear, context, network.out_features, bias=False)

    @property
    def linear(self) -> nn.Linear | None:  # type: ignore[override]
        """The linear path inside, which is registered there."""
        return self.network.linear

    def forward(self, view: View) -> Features:
        found: Features = self.network(view)
        if view.context is None:
            return found
        return Features(found.values + self.shift(view.context), found.side)

    def silence(self) -> bool:
        return self.network.silence() and silenced(self.shift)

    def condition_path(self) -> nn.Linear | None:
        return self.shift


class ConditionalDecoder(Decoder):
    """g([z, c]), where g is any decoder of codes that much longer.

    Args:
        network: g.
        context: How many numbers a condition has.
    """

    def __init__(self, network: Decoder, context: int) -> None:
        super().__init__()
        self.params_shape = network.params_shape
        self.network = network
        self.context = context

    @property
    def linear(self) -> nn.Linear | None:  # type: ignore[override]
        """The linear path inside, which is registered there."""
        return self.network.linear

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        params: Tensor = self.network(self._joined(code, context), None)
        return params

    @property
    def foretells(self) -> bool:  # type: ignore[override]
        """As of the decoder inside."""
        return self.network.foretells

    def drawn(self, code: Code, context: Tensor | None, likelihood: Likelihood, rng: Generator) -> Tensor:
        return self.network.drawn(self._joined(code, context), None, likelihood, rng)

    def readout(self, code: Code, context: Tensor | None) -> Readout:
        return self.network.readout(self._joined(code, context), None)

    def begin_at(self, numbers: Tensor) -> None:
        self.network.begin_at(numbers)

    def silence(self) -> bool:
        return self.network.silence()

    def _joined(self, code: Code, context: Tensor | None) -> Code:
        known = code.z.new_zeros(len(code.z), self.context) if context is None else context.to(code.z.dtype)
        return Code(torch.cat([code.z, known], 1), code.rate, code.charge, code.side)
