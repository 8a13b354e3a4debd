"""What a network sees of a view: values made fit for affine maps, hidden ones at zero, and the mask beside them."""

from math import ceil, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.networks.layers import bare


class Entrance(nn.Module):
    """The way in for samples whose values are all of one kind.

    Counts are seen as log(1 + x), levels as indicators. Where values may be missing (`spec.gaps`), the mask of what is
    visible comes as further channels.

    Args:
        spec: What one sample is.

    >>> view = View(torch.tensor([[3.0, 0.0]]), visible=torch.tensor([[True, False]]))
    >>> Entrance(SampleSpec("vector", (2,), gaps=True))(view)
    tensor([[3., 0., 1., 0.]])
    """

    def __init__(self, spec: SampleSpec) -> None:
        super().__init__()
        self.values = spec.values
        self.levels = spec.levels
        self.gaps = spec.gaps
        self.channels = spec.shape[0] * (max(1, spec.levels) + spec.gaps)
        """Length of the first axis of what comes out; the other axes stay as they are."""

    def forward(self, view: View) -> Tensor:
        """(n, c, *s) to (n, channels, *s)."""
        x = view.x
        if self.values == "count":
            x = x.log1p()
        elif self.values == "level":
            known = F.one_hot(x.long().clamp(0, self.levels - 1), self.levels).to(x.dtype)
            shown = known if view.visible is None else known * view.visible.unsqueeze(-1)
            x = shown.movedim(-1, 1).flatten(1, 2)
        return torch.cat([x, _mask(view)], 1) if self.gaps else x


class TableEntrance(nn.Module):
    """The way in for tables: numbers as they are, counts as log(1 + x), categories by embedding, and the mask.

    Args:
        spec: What one row is.
    """

    most_dims = 16
    """The longest embedding of a level."""

    levels: Tensor
    numbers: Tensor
    counts: Tensor
    offsets: Tensor

    def __init__(self, spec: SampleSpec) -> None:
        super().__init__()
        kinds = [column.kind for column in spec.columns]
        levels = [column.levels for column in spec.columns if column.levels]
        self.gaps = spec.gaps
        self._keep("levels", [i for i, kind in enumerate(kinds) if kind == "categorical"])
        self._keep("numbers", [i for i, kind in enumerate(kinds) if kind not in ("categorical", "negative_binomial")])
        self._keep("counts", [i for i, kind in enumerate(kinds) if kind == "negative_binomial"])
        self._keep("offsets", [sum(levels[:i]) for i in range(len(levels))])
        dims = min(self.most_dims, ceil(2 * sqrt(max(levels, default=1))))
        self.embedding: nn.Embedding = bare(nn.Embedding, max(1, sum(levels)), dims)
        self.channels = len(kinds) - len(levels) + len(levels) * dims + spec.gaps * len(kinds)

    def _keep(self, name: str, places: list[int]) -> None:
        self.register_buffer(name, torch.tensor(places, dtype=torch.long))

    def forward(self, view: View) -> Tensor:
        """(n, columns) to (n, channels)."""
        x = view.x
        found = [x[:, self.numbers], x[:, self.counts].log1p()]
        if len(self.levels):
            known = self.embedding(x[:, self.levels].long() + self.offsets)
            shown = known if view.visible is None else known * view.visible[:, self.levels].unsqueeze(-1)
            found.append(shown.flatten(1))
        return torch.cat([*found, _mask(view)] if self.gaps else found, 1)


def entrance(spec: SampleSpec) -> Entrance | TableEntrance:
    """The way in for a kind of sample."""
    return TableEntrance(spec) if spec.kind == "table" else Entrance(spec)


def _mask(view: View) -> Tensor:
    """What is visible, as numbers."""
    return torch.ones_like(view.x) if view.visible is None else view.visible.to(view.x.dtype)
