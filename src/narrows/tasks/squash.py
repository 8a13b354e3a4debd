"""Wide tails of columns, drawn in before detectors look at them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from narrows.core.trace import View

LOOKED = 20_000
"""From how many rows tails are learned, at most."""


@dataclass(frozen=True)
class Squash:
    r"""Draws in the wide tails of columns, so that a few extreme rows do not make all others look alike.

        x' = (asinh((x - c) / w) - m) / s

    with median c and width w (interquartile range over 1.35), then mean m and standard deviation s.

    Args:
        numbers: c, w, m and s, (4, columns).
    """

    numbers: Tensor

    @classmethod
    def of(cls, view: View) -> Squash:
        """Learn from samples (n, columns)."""
        x = view.x if view.present is None else view.x.where(view.present, torch.nan)
        some = x[:: max(1, len(x) // LOOKED)]
        low, center, high = some.nanquantile(torch.tensor([0.25, 0.5, 0.75], device=x.device), dim=0)
        width = (high - low) / 1.35
        width = torch.where(width > 1e-9, width, (some - center).square().nanmean(0).sqrt())
        width = torch.where(width > 1e-9, width, 1.0).nan_to_num(1.0)
        center = center.nan_to_num(0.0)
        drawn = ((some - center) / width).asinh()
        mean = drawn.nanmean(0).nan_to_num(0.0)
        spread = (drawn - mean).square().nanmean(0).sqrt()
        return cls(torch.stack([center, width, mean, torch.where(spread > 1e-9, spread, 1.0).nan_to_num(1.0)]))

    def view(self, view: View) -> View:
        """Samples with their tails drawn in; missing values read 0 still."""
        center, width, mean, spread = self.numbers
        x = (((view.x - center) / width).asinh() - mean) / spread
        return replace(view, x=x if view.present is None else x.where(view.present, 0))

    def back(self, x: Tensor) -> Tensor:
        """What values with their tails drawn in stand for."""
        center, width, mean, spread = self.numbers.to(x.device)
        return center + width * (mean + spread * x).sinh()
