r"""A code that is a sum: each codebook quantises what the ones before it left over.

r_1 = f,    e_i = nearest(r_i),    r_{i+1} = r_i - e_i,    z = e_1 + ... + e_q
"""

from collections.abc import Sequence
from math import ceil

import torch
from torch import Generator, Tensor, nn

from narrows.bottlenecks.codebook import Codebook
from narrows.bottlenecks.groups import Groups, components
from narrows.bottlenecks.vector_quantizer import LOOK, checked, committed, enough
from narrows.core.contracts import LinearStart, Quantizer
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features, Trace


class ResidualQuantizer(Quantizer):
    r"""Several codebooks one after another, each for the remainder of the last.

    With depth q and K codes there are K^q sums for each group, at the price of q symbols. Codebooks, rate and charge
    are those of `VectorQuantizer`.

    Source: Juang and Gray (1982); Zeghidour, Luebs, Omran, Skoglund and Tagliasacchi (2021),
    https://arxiv.org/abs/2107.03312.

    Args:
        latent_dim: The size d of the code.
        codes: How many entries each codebook has; None for 256, of which no more are used than there are samples.
        depth: How many codebooks follow one another, q.
        groups: Into how many groups a code is split, 1 to d, each with codebooks of its own; None for one for every
            eight numbers.
        commitment: The price of lying away from the entries.
        memory: Share of the old means that one step keeps.
        restart: Whether entries that nothing is near to begin anew.

    >>> import torch
    >>> ResidualQuantizer(8, codes=16, depth=3).indices(Features(torch.zeros(2, 8))).shape
    torch.Size([2, 3])
    """

    free = False

    def __init__(
        self,
        latent_dim: int,
        codes: int | None = None,
        depth: int = 2,
        groups: int | None = None,
        commitment: float = 1.0,
        memory: float = 0.97,
        restart: bool = True,
    ) -> None:
        super().__init__()
        if not isinstance(depth, int) or depth < 1:
            raise ChoiceError(f"depth is a whole number of at least 1, got {depth!r}")
        self.asked = codes
        size = checked(codes, commitment, memory)
        self.latent_dim = self.in_features = latent_dim
        self.groups = Groups(latent_dim, ceil(latent_dim / 8) if groups is None else groups)
        self.start_rows = max(size, min(LOOK, 64 * size))
        self.commitment = commitment
        books = [Codebook(self.groups.count, size, self.groups.size, memory, restart, False) for _ in range(depth)]
        self.codebooks = nn.ModuleList(books)
        self.sizes = (size,) * (depth * self.groups.count)

    def forward(self, features: Features, rng: Generator | None) -> Code:
        left = self.groups.split(features.values.float())
        total = torch.zeros_like(left)
        rate = charge = left.new_zeros(len(left))
        for book in self._books():
            indices = book.nearest(left)
            values = book.values(indices)
            rate = rate + book.nats(indices)
            charge = charge + committed(left, values, self.commitment)
            total, left = total + values, left - values
        passed = left + total - left.detach()  # the gradient as if nothing had been taken off
        return Code(self.groups.join(passed), rate, charge, features.side, features=features.values.detach())

    def indices(self, features: Features) -> Tensor:
        return self.symbols(features.values)

    def symbols(self, z: Tensor) -> Tensor:
        """The symbols that stand for features, or for a code; of a sum that several rows give, one of them."""
        left = self.groups.split(z.float())
        found = []
        for book in self._books():
            found.append(book.nearest(left))
            left = left - book.values(found[-1])
        return torch.cat(found, 1)

    def values(self, indices: Tensor) -> Tensor:
        parts = indices.chunk(len(self.codebooks), 1)
        entries = [book.values(part) for book, part in zip(self._books(), parts, strict=True)]
        return self.groups.join(torch.stack(entries).sum(0))

    def shares(self) -> tuple[Tensor, ...]:
        return tuple(share for book in self._books() for share in book.shares())

    def start(self, features: Tensor, x: Sequence[Tensor], rng: Generator) -> None:
        enough(len(features), self.asked)
        left = self.groups.split(features.float())
        for book in self._books():
            book.start(left, rng)
            left = left - book.values(book.nearest(left))

    @torch.no_grad()
    def after_step(self, trace: Trace, rng: Generator) -> None:
        assert trace.code.features is not None
        left = self.groups.split(trace.code.features.float())
        for book in self._books():
            indices = book.nearest(left)
            values = book.values(indices)
            book.follow(left, indices, rng)
            left = left - values

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart | None:
        """Principal components."""
        return components(variances, self.in_features)

    def extra_repr(self) -> str:
        count, codes = self.groups.count, self._books()[0].codes
        return f"latent_dim={self.latent_dim}, codes={codes}, depth={len(self.codebooks)}, groups={count}"

    def _books(self) -> list[Codebook]:
        return list(self.codebooks)  # type: ignore[arg-type]  # torch calls them modules
