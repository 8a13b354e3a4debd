r"""A code of a few levels in each number: no codebook, hence none that could collapse.

u = tanh(f),    z = ((2 floor(L (u + 1) / 2) + 1) / L) - 1,    rate = sum_j log L_j
"""

from math import ceil, log, prod

import torch
from torch import Generator, Tensor

from narrows.bottlenecks.groups import Groups
from narrows.core.contracts import LinearStart, Quantizer
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features


def levels_for(codes: int) -> tuple[int, ...]:
    """The levels of each number of a symbol, whose product comes near to a wanted codebook size, and never over it.

    As many numbers as can have five levels each, then more levels for one after another, up to eight (after the table
    of Mentzer et al. 2023). Below 25 codes one number has them all.

    >>> [levels_for(2**bits) for bits in (4, 8, 10, 16)]
    [(16,), (8, 6, 5), (8, 5, 5, 5), (8, 8, 8, 5, 5, 5)]
    """
    if codes < 25:
        return (codes,)
    dims = 1
    while 5 ** (dims + 1) <= codes:
        dims += 1
    levels = [5] * dims
    for j in range(dims):
        while levels[j] < 8 and prod(levels) // levels[j] * (levels[j] + 1) <= codes:
            levels[j] += 1
    return tuple(levels)


class FSQ(Quantizer):
    r"""Finite scalar quantisation: every number is squashed and rounded to one of a few levels.

    Levels lie in the middles of L equal parts of (-1, 1), for odd and even L alike. The gradient passes straight
    through the rounding. All levels count as equally likely, so that the rate is the same for every sample.

    Source: Mentzer, Minnen, Agustsson and Tschannen (2023), https://arxiv.org/abs/2309.15505.

    Args:
        latent_dim: The size d of the code.
        codes: The size of the codebook that each symbol stands for, at most; see `levels_for`.
        levels: The levels of each number of a symbol, in place of `codes`. A code has a symbol for every `len(levels)`
            numbers.

    >>> import torch
    >>> part = FSQ(4, levels=(2, 3))
    >>> part(Features(torch.tensor([[-9.0, 0.1, 0.1, 9.0]])), None).z
    tensor([[-0.5000,  0.5000,  0.0000,  0.6667]])
    """

    free = False
    reach = 1.25
    """Standard deviations of a principal component that its levels begin with."""

    levels: Tensor
    places: Tensor

    def __init__(self, latent_dim: int, codes: int = 1024, levels: tuple[int, ...] | None = None) -> None:
        super().__init__()
        if not isinstance(codes, int) or isinstance(codes, bool) or codes < 2:
            raise ChoiceError(f"a codebook has a whole number of at least 2 codes, got codes={codes!r}")
        wanted = levels_for(codes) if levels is None else tuple(levels)
        if not wanted or any(not isinstance(level, int) or level < 2 for level in wanted):
            raise ChoiceError(f"levels are whole numbers of at least 2, at least one, got {levels!r}")
        self.latent_dim = self.in_features = latent_dim
        self.groups = Groups(latent_dim, ceil(latent_dim / len(wanted)))
        each = [wanted[j // self.groups.count] for j in range(latent_dim)]
        members = [each[g :: self.groups.count] for g in range(self.groups.count)]
        self.sizes = tuple(prod(member) for member in members)
        self.nats = sum(log(level) for level in each)
        self.register_buffer("levels", torch.tensor(each, dtype=torch.float32))
        factors = [prod(members[j % self.groups.count][: j // self.groups.count]) for j in range(latent_dim)]
        self.register_buffer("places", torch.tensor(factors))

    def forward(self, features: Features, rng: Generator | None) -> Code:
        bounded = features.values.float().tanh()
        z = bounded + (self._middle(self._digits(bounded)) - bounded).detach()
        rate = z.new_full((len(z),), self.nats)
        return Code(z, rate, torch.zeros_like(rate), features.side)

    def indices(self, features: Features) -> Tensor:
        return self.symbols(features.values.float().tanh())

    def symbols(self, z: Tensor) -> Tensor:
        return self.groups.split(self._digits(z).long() * self.places).sum(-1)

    def values(self, indices: Tensor) -> Tensor:
        spread = indices.unsqueeze(1).expand(-1, self.groups.size, -1).flatten(1)[:, : self.latent_dim]
        return self._middle(spread // self.places % self.levels.long())

    def shares(self) -> tuple[Tensor, ...]:
        return tuple(torch.full((size,), 1 / size, device=self.levels.device) for size in self.sizes)

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart | None:
        """Nearly principal components, each at its own scale, so that it reaches all its levels."""
        scale = self.reach * variances.sqrt().clamp(min=1e-6)
        nothing = variances.new_zeros(self.in_features - len(variances))
        return LinearStart(1 / scale, scale, torch.zeros_like(scale), nothing)

    def extra_repr(self) -> str:
        return f"latent_dim={self.latent_dim}, symbols={len(self.sizes)}, codes={max(self.sizes)}"

    def _digits(self, bounded: Tensor) -> Tensor:
        """Which level each number between -1 and 1 falls into."""
        return torch.minimum((0.5 * (bounded + 1) * self.levels).floor(), self.levels - 1)

    def _middle(self, digits: Tensor) -> Tensor:
        return (2 * digits + 1) / self.levels - 1
