"""What corruptions share: levels that are known or drawn for each sample, and where a sample begins to be dark."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from narrows.core.errors import ChoiceError
from narrows.core.trace import View

Level = float | Sequence[float]
"""A number, or the least and the greatest of those that are drawn, one for each sample."""


def level(name: str, asked: Level, most: float = float("inf")) -> tuple[float, float]:
    """The least and the greatest level, both the same where it is known.

    Args:
        name: What it is the level of, in a message.
        asked: A number, or two of them.
        most: What it may not exceed.

    Raises:
        ChoiceError: Something else, or a negative level.

    >>> level("scale", 0.5), level("scale", [0.1, 0.5])
    ((0.5, 0.5), (0.1, 0.5))
    """
    pair = (asked, asked) if isinstance(asked, int | float) else tuple(asked)
    if len(pair) != 2 or not 0 <= pair[0] <= pair[1] <= most:
        limit = "" if most == float("inf") else f" and at most {most:g}"
        raise ChoiceError(f"the {name} is at least 0{limit}, or two such numbers, the smaller first, got {asked!r}")
    return float(pair[0]), float(pair[1])


def drawn(bounds: tuple[float, float], x: Tensor, rng: Generator) -> Tensor:
    """A level for each sample of (n, *s), uniform between the bounds, (n, 1, ...)."""
    low, high = bounds
    if low == high:
        return x.new_full((1,) * x.ndim, low)
    shape = (len(x),) + (1,) * (x.ndim - 1)
    return low + (high - low) * torch.rand(shape, generator=rng, device=x.device, dtype=x.dtype)


def ends(view: View) -> tuple[Tensor, Tensor]:
    """The least and the greatest visible value of each sample, (n, 1, ...) each; 0 where nothing is visible."""
    x = view.x.flatten(1)
    seen = torch.ones_like(x, dtype=torch.bool) if view.visible is None else view.visible.flatten(1)
    low = x.masked_fill(~seen, torch.inf).amin(1)
    high = x.masked_fill(~seen, -torch.inf).amax(1)
    shape = (len(x),) + (1,) * (view.x.ndim - 1)
    return tuple(torch.where(end.isfinite(), end, 0).view(shape) for end in (low, high))  # type: ignore[return-value]


def shown(view: View, x: Tensor) -> Tensor:
    """Values that read 0 where they are not visible."""
    return x if view.visible is None else x * view.visible
