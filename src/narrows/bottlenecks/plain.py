"""A code that costs nothing: the features themselves, or their squashed values."""

from typing import Literal, get_args

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Bottleneck, LinearStart
from narrows.core.errors import unknown
from narrows.core.trace import Code, Features

Squash = Literal["identity", "relu", "sigmoid"]


class Plain(Bottleneck):
    """The deterministic code of a classic autoencoder: z = s(features), at rate 0.

    Args:
        latent_dim: The size d of the code.
        squash: What is applied to each feature: `"identity"`, `"relu"` (a code with true zeros) or `"sigmoid"` (a code
            between 0 and 1, as the KL sparsity penalty needs it).

    >>> import torch
    >>> Plain(2, squash="relu")(Features(torch.tensor([[-1.0, 2.0]])), None).z
    tensor([[0., 2.]])
    """

    free = True

    def __init__(self, latent_dim: int, squash: Squash = "identity") -> None:
        super().__init__()
        if squash not in get_args(Squash):
            raise unknown("squash", squash, get_args(Squash))
        self.in_features = self.latent_dim = latent_dim
        self.squash = squash
        self.unit_code = squash == "sigmoid"

    def forward(self, features: Features, rng: Generator | None) -> Code:
        values = features.values
        z = values if self.squash == "identity" else getattr(torch, self.squash)(values)
        nothing = values.new_zeros(len(values))
        return Code(z, rate=nothing, charge=nothing, side=features.side)

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart | None:
        """Principal components, all divided by one number, so that distances between codes are PCA's.

        A rectified code is lifted by two standard deviations: nearly PCA, and no entry begins dead.
        """
        if self.squash == "sigmoid":
            return None
        scale = variances.mean().sqrt().clamp(min=1e-6).expand_as(variances)
        lift = 2.0 if self.squash == "relu" else 0.0
        spare = variances.new_full((self.in_features - len(variances),), lift)
        return LinearStart(1 / scale, scale, lift * variances.sqrt() / scale, spare)

    def extra_repr(self) -> str:
        return f"latent_dim={self.latent_dim}, squash={self.squash!r}"
