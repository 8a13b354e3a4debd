"""Codes of usual samples, and how far others lie from the nearest of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CLOSE = 1e-2
"""Squared distance, as a share of the squared length of a code, below which it is worked out digit for digit."""


@dataclass(frozen=True)
class KnownCodes:
    """Known codes, laid out so that one matrix product gives all distances: |a - c|^2 - |a|^2 = [a, 1] [-2 c, |c|^2]^T.

    Args:
        center: What all are taken about, so that differences keep their digits, (M, 1, d).
        codes: The known codes about it, (M, groups, codes, d).
        factors: The right factor of the product, (M, d + 1, groups * codes).
    """

    center: Tensor
    codes: Tensor
    factors: Tensor

    @classmethod
    def of(cls, known: Tensor) -> KnownCodes:
        """Lay out known codes, (M, groups, codes, d)."""
        center = known.mean((1, 2)).unsqueeze(1)
        codes = known - center.unsqueeze(1)
        every = codes.flatten(1, 2)
        factors = torch.cat([-2 * every, every.square().sum(-1, keepdim=True)], -1).mT.contiguous()
        return cls(center, codes, factors)

    def distances(self, found: Tensor, count: int) -> Tensor:
        """The distance of each code to the nearest of each group, (M, n, d) to (M, n, groups).

        A code that is one of the known itself, to the bit, is compared with the others.

        Args:
            found: The codes.
            count: How many of them matter, from the first on; the others are padding.
        """
        asked = found - self.center
        lengths = asked.square().sum(-1, keepdim=True)
        squares = torch.bmm(torch.cat([asked, torch.ones_like(lengths)], -1), self.factors)
        squares = squares.view(*asked.shape[:2], *self.codes.shape[1:3])
        squared = squares.amin(-1) + lengths
        distance = squared.clamp(min=0).sqrt()
        close = squared < CLOSE * lengths  # where the difference of squares has few digits left
        close[:, count:] = False
        if bool(close.any()):
            member, row, group = close.nonzero(as_tuple=True)
            distance[close] = self._apart(asked[member, row], member, group, squares[close])
        return distance

    def _apart(self, asked: Tensor, member: Tensor, group: Tensor, squares: Tensor) -> Tensor:
        """The distances of codes (k, d) to their nearest but themselves, digit for digit."""
        nearest = squares.argmin(1)
        distance = torch.linalg.vector_norm(asked - self.codes[member, group, nearest], dim=-1)
        itself = distance == 0
        if squares.shape[1] > 1 and bool(itself.any()):
            others = squares[itself].scatter(1, nearest[itself].unsqueeze(1), torch.inf).argmin(1)
            second = self.codes[member[itself], group[itself], others]
            distance[itself] = torch.linalg.vector_norm(asked[itself] - second, dim=-1)
        return distance
