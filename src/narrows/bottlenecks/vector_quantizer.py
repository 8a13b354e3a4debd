r"""A code of vectors that a codebook holds: what the encoder finds is moved to the nearest.

    z_g = e_k,  k = argmin_j ||f_g - e_j||^2        rate = -sum_g log share(k_g)

The bottleneck of VQ-VAE.
"""

from collections.abc import Sequence
from math import ceil

import torch
from torch import Generator, Tensor

from narrows.bottlenecks.codebook import Codebook
from narrows.bottlenecks.groups import Groups, components
from narrows.core.contracts import LinearStart, Quantizer
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features, Trace

CODES = 256
"""How many codes a codebook has unless told otherwise."""
LOOK = 20_000
"""How many samples k-means looks at, at most, unless there are more codes."""


def committed(features: Tensor, values: Tensor, weight: float) -> Tensor:
    """What features pay for lying away from their entries, in nats, (n,): weight * -log N(f; e, s^2) without constants.

    The scale s is that of the batch, so that the price is the same whatever units the code has found for itself.
    """
    away = (features - values.detach()).square().flatten(1)
    spread = away.detach().mean().clamp(min=1e-12)
    return 0.5 * weight * away.sum(1) / spread


def checked(codes: int | None, commitment: float, memory: float) -> int:
    """The number of codes, after a look at the options."""
    if codes is not None and (not isinstance(codes, int) or isinstance(codes, bool) or codes < 2):
        raise ChoiceError(f"a codebook has a whole number of at least 2 codes, got codes={codes!r}")
    if not commitment >= 0 or not 0 < memory < 1:
        raise ChoiceError(
            f"commitment is at least 0 and memory lies between 0 and 1, got commitment={commitment!r} and "
            f"memory={memory!r}"
        )
    return CODES if codes is None else codes


def enough(rows: int, codes: int | None) -> None:
    """Refuse a codebook that was asked to be larger than the data."""
    if codes is not None and codes > rows:
        raise ChoiceError(
            f"a codebook of {codes} codes is larger than the data, {rows} samples to learn from: "
            f"choose codes of at most {rows}"
        )


class VectorQuantizer(Quantizer):
    r"""Groups of the code, each moved to the nearest entry of its own codebook.

    The gradient passes straight through. Codebooks are running means of what they stand for; they begin as k-means of
    the training data, and entries that nothing is near to begin anew. The rate is the information of the symbols by how
    often each is used; training also charges for the commitment of the encoder to its entries:

        charge = commitment * sum_g ||f_g - e_k||^2 / (2 s^2),    s the scale of a batch

    Source: van den Oord, Vinyals and Kavukcuoglu (2017), https://arxiv.org/abs/1711.00937; product codes: Jegou,
    Douze and Schmid (2011).

    Args:
        latent_dim: The size d of the code.
        codes: How many entries each codebook has; None for 256, of which no more are used than there are samples.
        groups: Into how many symbols a code is split, 1 to d; None for one for every four numbers.
        commitment: The price of lying away from the entry.
        memory: Share of the old means that one step keeps.
        restart: Whether entries that nothing is near to begin anew.
        cosine: Whether only the direction of each group counts (Yu et al. 2021).

    >>> import torch
    >>> part = VectorQuantizer(4, codes=8, groups=2)
    >>> z = part(Features(torch.zeros(1, 4)), None).z
    >>> torch.equal(part.values(part.indices(Features(torch.zeros(1, 4)))), z)
    True
    """

    free = False

    def __init__(
        self,
        latent_dim: int,
        codes: int | None = None,
        groups: int | None = None,
        commitment: float = 1.0,
        memory: float = 0.97,
        restart: bool = True,
        cosine: bool = False,
    ) -> None:
        super().__init__()
        self.asked = codes
        size = checked(codes, commitment, memory)
        self.latent_dim = self.in_features = latent_dim
        self.groups = Groups(latent_dim, ceil(latent_dim / 4) if groups is None else groups)
        self.start_rows = max(size, min(LOOK, 64 * size))
        self.commitment = commitment
        self.codebook = Codebook(self.groups.count, size, self.groups.size, memory, restart, cosine)
        self.sizes = (size,) * self.groups.count

    def forward(self, features: Features, rng: Generator | None) -> Code:
        found = self._vectors(features.values)
        indices = self.codebook.nearest(found)
        values = self.codebook.values(indices)
        passed = found + (values - found).detach()
        return Code(
            self.groups.join(passed),
            rate=self.codebook.nats(indices),
            charge=committed(found, values, self.commitment),
            side=features.side,
            features=features.values.detach(),
        )

    def indices(self, features: Features) -> Tensor:
        return self.symbols(features.values)

    def values(self, indices: Tensor) -> Tensor:
        return self.groups.join(self.codebook.values(indices))

    def symbols(self, z: Tensor) -> Tensor:
        return self.codebook.nearest(self._vectors(z))

    def shares(self) -> tuple[Tensor, ...]:
        return tuple(self.codebook.shares())

    def start(self, features: Tensor, x: Sequence[Tensor], rng: Generator) -> None:
        enough(len(features), self.asked)
        self.codebook.start(self._vectors(features), rng)

    @torch.no_grad()
    def after_step(self, trace: Trace, rng: Generator) -> None:
        assert trace.code.features is not None
        found = self._vectors(trace.code.features)
        self.codebook.follow(found, self.codebook.nearest(found), rng)

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart | None:
        """Principal components; where only directions count, none."""
        return None if self.codebook.cosine else components(variances, self.in_features)

    def extra_repr(self) -> str:
        return f"latent_dim={self.latent_dim}, codes={self.codebook.codes}, groups={self.groups.count}"

    def _vectors(self, values: Tensor) -> Tensor:
        """Features (n, d) as the vectors that are looked up, (n, G, m)."""
        return self.codebook.directed(self.groups.split(values.float()))
