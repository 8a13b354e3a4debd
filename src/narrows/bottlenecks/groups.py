"""How a flat code is split into symbols: every G-th number belongs to the same group.

    z = (z_0, ..., z_{d-1})        group g = (z_g, z_{g+G}, z_{g+2G}, ...)

Principal components, which come in falling order, are so dealt out evenly; and a grid of c channels at G places that
was flattened channels first has one group for each place.
"""

from dataclasses import dataclass
from math import ceil

import torch.nn.functional as F
from torch import Tensor

from narrows.core.contracts import LinearStart
from narrows.core.errors import ChoiceError


@dataclass(frozen=True)
class Groups:
    """A flat code of `latent_dim` numbers as `count` groups of equal size, the last ones filled up with zeros.

    Args:
        latent_dim: The size d of the code.
        count: How many groups, 1 to d.
    """

    latent_dim: int
    count: int

    def __post_init__(self) -> None:
        if not isinstance(self.count, int) or not 1 <= self.count <= self.latent_dim:
            raise ChoiceError(
                f"a code of {self.latent_dim} numbers has 1 to {self.latent_dim} groups, got groups={self.count!r}"
            )

    @property
    def size(self) -> int:
        """How many numbers a group has."""
        return ceil(self.latent_dim / self.count)

    def split(self, z: Tensor) -> Tensor:
        """(n, d) to (n, groups, size)."""
        filled = F.pad(z, (0, self.size * self.count - self.latent_dim))
        return filled.view(len(z), self.size, self.count).transpose(1, 2)

    def join(self, parts: Tensor) -> Tensor:
        """(n, groups, size) to (n, d)."""
        return parts.transpose(1, 2).flatten(1)[:, : self.latent_dim]


def components(variances: Tensor, in_features: int) -> LinearStart:
    """Principal components, all divided by one number, so that distances between codes are PCA's."""
    scale = variances.mean().sqrt().clamp(min=1e-6).expand_as(variances)
    nothing = variances.new_zeros(in_features - len(variances))
    return LinearStart(1 / scale, scale, variances.new_zeros(len(variances)), nothing)
