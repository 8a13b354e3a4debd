"""Parts of a sample that fail together: frames, sensors, and the cells of a table that go missing as a pattern."""

from typing import get_args

import torch
from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.spec import Values
from narrows.core.trace import View
from narrows.corruptions.regions import hidden, share


class DroppedFrames(Corruption):
    """Moments of a series or frames of a video are hidden, each with the same probability.

    Args:
        fraction: The probability that one is hidden.

    >>> view = DroppedFrames(0.5)(View(torch.ones(1, 2, 6)), torch.Generator().manual_seed(0))
    >>> bool((view.visible[:, 0] == view.visible[:, 1]).all())
    True
    """

    supports = get_args(Values)
    kinds = ("sequence", "video")

    def __init__(self, fraction: float = 0.3) -> None:
        super().__init__()
        self.fraction = share(fraction)

    def forward(self, view: View, rng: Generator) -> View:
        n, _, frames, *space = view.x.shape
        gone = torch.rand((n, 1, frames, *(1 for _ in space)), generator=rng, device=view.x.device) < self.fraction
        return hidden(view, gone)

    def extra_repr(self) -> str:
        return f"fraction={self.fraction}"


class DroppedSensors(Corruption):
    """Channels of a series are hidden from its first moment to its last, each with the same probability.

    Args:
        fraction: The probability that one is hidden.

    >>> view = DroppedSensors(0.5)(View(torch.ones(1, 2, 6)), torch.Generator().manual_seed(0))
    >>> view.visible.all(2).tolist()
    [[False, True]]
    """

    supports = get_args(Values)
    kinds = ("sequence",)

    def __init__(self, fraction: float = 0.3) -> None:
        super().__init__()
        self.fraction = share(fraction)

    def forward(self, view: View, rng: Generator) -> View:
        gone = torch.rand((*view.x.shape[:2], 1), generator=rng, device=view.x.device) < self.fraction
        return hidden(view, gone)

    def extra_repr(self) -> str:
        return f"fraction={self.fraction}"


class PatternMasking(Corruption):
    """Cells go missing together: a row hides a set of columns, if one that it shows is high enough.

    For each batch a few patterns are drawn, each of a column that decides and about half of the others. So what is
    hidden depends on what is shown: values are missing at random, but not completely so (Rubin 1976).

    Args:
        fraction: The share of the cells that is hidden, about.
        patterns: How many there are.

    >>> view = View(torch.randn(8, 6, generator=torch.Generator().manual_seed(0)))
    >>> PatternMasking(0.25)(view, torch.Generator().manual_seed(0)).visible.shape
    torch.Size([8, 6])
    """

    supports = get_args(Values)
    kinds = ("vector", "table")

    def __init__(self, fraction: float = 0.25, patterns: int = 4) -> None:
        super().__init__()
        self.fraction = share(fraction)
        self.patterns = patterns

    def forward(self, view: View, rng: Generator) -> View:
        x, (n, width) = view.x, view.x.shape
        which = torch.randint(0, self.patterns, (n,), generator=rng, device=x.device)
        decides = torch.randint(0, width, (self.patterns,), generator=rng, device=x.device)
        together = torch.rand((self.patterns, width), generator=rng, device=x.device) < 0.5
        together[torch.arange(self.patterns, device=x.device), decides] = False
        rank = x.argsort(dim=0).argsort(dim=0).gather(1, decides[which].unsqueeze(1)).squeeze(1)
        chance = (4 * self.fraction * (rank + 0.5) / n).clamp(max=1)  # half of the columns, and ranks average a half
        rows = torch.rand(n, generator=rng, device=x.device) < chance
        return hidden(view, rows.unsqueeze(1) & together[which])

    def extra_repr(self) -> str:
        return f"fraction={self.fraction}, patterns={self.patterns}"
