"""Affine maps that touch only what is there: of rows that are mostly zeros, and to some of the places.

    y = x W + b, x sparse: the sum of the rows of W where x is not zero        p_ij = h_i . w_j + b_j at chosen (i, j)

Both cost as much as there are non-zeros, forwards and backwards; sparse rows come as torch's CSR tensors.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from narrows.core.contracts import Readout
from narrows.core.trace import Share, csr


@dataclass(frozen=True)
class Pattern:
    """Where sparse rows have their entries: entry e of row i stands in `columns[e]`, `starts[i] <= e < starts[i + 1]`.

    Args:
        starts, columns: int64, (n + 1,) and (e,).
        width: How many columns there are.
    """

    starts: Tensor
    columns: Tensor
    width: int

    @classmethod
    def of(cls, x: Tensor) -> "Pattern":
        """The pattern of a CSR tensor."""
        return cls(x.crow_indices(), x.col_indices(), x.shape[1])

    @cached_property
    def rows(self) -> Tensor:
        """The row of each entry, (e,)."""
        numbers = torch.arange(len(self.starts) - 1, device=self.starts.device)
        return numbers.repeat_interleave(self.starts.diff(), output_size=len(self.columns))

    @cached_property
    def by_column(self) -> tuple[Tensor, Tensor]:
        """The entries column by column: where each column starts, (width + 1,), and their order, (e,)."""
        order = self.columns.argsort(stable=True)
        counts = self.columns.bincount(minlength=self.width)
        return F.pad(counts.cumsum(0), (1, 0)), order

    def times(self, values: Tensor, matrix: Tensor) -> Tensor:
        """The sparse matrix (n, width) of these values times a matrix (width, k)."""
        return _summed(self.starts, self.columns, values, matrix)

    def transposed_times(self, values: Tensor, matrix: Tensor) -> Tensor:
        """The transpose of the sparse matrix, (width, n), times a matrix (n, k)."""
        starts, order = self.by_column
        return _summed(starts, self.rows[order], values[order], matrix)

    def dots(self, left: Tensor, right: Tensor) -> Tensor:
        """The products left_i . right_j of (n, k) and (width, k) at each entry (i, j), (e,)."""
        zeros = left.new_zeros(len(self.columns))
        places = csr(self.starts, self.columns, zeros, self.width)
        return torch.sparse.sampled_addmm(places, left, right.mT, beta=0.0).values()


def _summed(starts: Tensor, places: Tensor, values: Tensor, matrix: Tensor) -> Tensor:
    """For each group of entries the sum of a matrix's rows at `places`, each times its value."""
    return F.embedding_bag(places, matrix, starts, per_sample_weights=values, mode="sum", include_last_offset=True)


class _Product(torch.autograd.Function):
    """Sparse rows times a matrix, where the gradient of the matrix alone is wanted."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, matrix: Tensor, pattern: Pattern) -> Tensor:
        ctx.save_for_backward(values)
        ctx.pattern = pattern
        return pattern.times(values, matrix)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        (values,) = ctx.saved_tensors
        return None, ctx.pattern.transposed_times(values, gradient.contiguous()), None


class _Shared(torch.autograd.Function):
    """The affine maps h_i . w_j + b_j of p heads at the entries of a pattern, and in each block of a share."""

    @staticmethod
    def forward(
        ctx: Any, h: Tensor, pattern: Pattern, blocks: tuple[tuple[slice, slice], ...], *heads: Tensor
    ) -> tuple[Tensor, ...]:
        weights, biases = heads[::2], heads[1::2]
        ctx.save_for_backward(h, *weights)
        ctx.pattern, ctx.blocks = pattern, blocks
        both = list(zip(weights, biases, strict=True))
        at_entries = torch.stack([pattern.dots(h, w) + b.index_select(0, pattern.columns) for w, b in both])
        at_blocks = []
        for rows, columns in blocks:
            made = h.new_empty(len(h[rows]), len(both), len(biases[0][columns]))
            for head, (w, b) in enumerate(both):
                torch.add(h[rows] @ w[columns].mT, b[columns], out=made[:, head])
            at_blocks.append(made)
        return at_entries, *at_blocks

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, at_entries: Tensor, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        h, *weights = ctx.saved_tensors
        pattern, to_h, found = ctx.pattern, torch.zeros_like(h), []
        for head, (weight, to_entries) in enumerate(zip(weights, at_entries, strict=True)):
            to_h += pattern.times(to_entries, weight)
            to_weight = pattern.transposed_times(to_entries, h)
            to_bias = h.new_zeros(pattern.width).index_add_(0, pattern.columns, to_entries)
            for (rows, columns), gradient in zip(ctx.blocks, gradients, strict=True):
                block = gradient[:, head]
                to_h[rows].addmm_(block, weight[columns])
                to_weight[columns].addmm_(block.mT, h[rows])
                to_bias[columns] += block.sum(0)
            found += [to_weight, to_bias]
        return to_h, None, None, *found


class RowsLinear(nn.Module):
    """An affine map of sparse rows, its weight (in_features, out_features); it takes dense rows as well.

    >>> layer = RowsLinear(3, 2)
    >>> _ = layer.weight.data.fill_(2.0), layer.bias.data.zero_()
    >>> layer(torch.tensor([[0.0, 0.0, 1.0]]))
    tensor([[2., 2.]], grad_fn=<AddBackward0>)
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.empty(out_features))

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_features), CSR or dense, to (n, out_features)."""
        if x.layout != torch.sparse_csr:
            return x @ self.weight + self.bias
        product: Tensor = _Product.apply(x.values(), self.weight, Pattern.of(x))  # type: ignore[no-untyped-call]
        return product + self.bias


@dataclass(frozen=True)
class LinearReadout(Readout):
    """Affine maps of hidden values, one for each of the p numbers of a value.

    Args:
        h: Hidden values, (n, w).
        heads: The maps, (w) to (columns).
    """

    h: Tensor
    heads: tuple[nn.Linear, ...]

    def at_columns(self, columns: slice) -> Tensor:
        found = [F.linear(self.h, head.weight[columns], head.bias[columns]) for head in self.heads]
        return torch.stack(found, 1).float()

    def at_entries(self, x: Tensor, share: Share | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        blocks = () if share is None else tuple(share.blocks())
        heads = [weight for head in self.heads for weight in (head.weight, head.bias)]
        at_entries, *at_blocks = _Shared.apply(self.h.float(), Pattern.of(x), blocks, *heads)  # type: ignore[no-untyped-call]
        return at_entries.unsqueeze(0), tuple(at_blocks)
