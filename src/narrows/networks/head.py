"""What stands on an encoder to answer a question about a sample: one affine map of its code, each entry standardised.

outputs = A (z - shift) / scale + b
"""

import torch
from torch import Tensor, nn

from narrows.core.contracts import Answer, Bottleneck, Encoder
from narrows.core.trace import View
from narrows.networks.layers import linear


class Head(Answer):
    """One affine map of standardised codes.

    Args:
        latent_dim: The size of the code.
        outputs: How many numbers answer the question.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, latent_dim: int, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.register_buffer("shift", torch.zeros(latent_dim))
        self.register_buffer("scale", torch.ones(latent_dim))
        self.map = linear(latent_dim, outputs)

    def forward(self, z: Tensor) -> Tensor:
        """(n, latent_dim) to (n, outputs)."""
        outputs: Tensor = self.map((z - self.shift) / self.scale)
        return outputs


class Predictor(nn.Module):
    """Encoder, bottleneck and head in a row, on the mean code.

    Args:
        encoder, bottleneck: Of an autoencoder.
        head: What answers, by the code.
    """

    def __init__(self, encoder: Encoder, bottleneck: Bottleneck, head: Answer) -> None:
        super().__init__()
        self.encoder = encoder
        self.bottleneck = bottleneck
        self.head = head

    def forward(self, view: View) -> Tensor:
        """(n, *s) to (n, outputs)."""
        outputs: Tensor = self.head(self.bottleneck(self.encoder(view), None).z)
        return outputs
