r"""Which columns make a sample unusual: those that, mended, would leave it usual.

    share of column j = max(0, unusual(x) - unusual(x without j)),    over their sum

Without j means: as if the column were what the members expect in its place, and left out of the distance. How
improbable a value is by the others would blame those too that are judged by a wrong one. Of a table of numbers the
distance is that to the nearest of some usual samples themselves, and of others that of the codes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from narrows.core.trace import View
from narrows.tasks.anomaly import Ensemble
from narrows.training.stacked import some_rows

MOST = 64
"""How many columns of a sample are mended in turn, the least probable ones."""
NEAREST = 3
"""How many usual samples a distance is a mean over."""


def shared(ensemble: Ensemble, view: View, expected: Tensor, lost: Tensor) -> Tensor:
    """The distortion of each sample, shared out among its columns, (n, columns).

    Args:
        ensemble: What judges them.
        view: Samples (n, columns), their tails drawn in.
        expected: What is expected in the place of each value, (n, columns).
        lost: The deviance of each value, (n, columns).
    """
    columns = lost.topk(min(MOST, lost.shape[1]), dim=1).indices
    deviance, distance = ensemble.of_drawn_in(view)
    deviance_without, distance_without = (
        found.view(columns.shape) for found in ensemble.of_drawn_in(mended(view, expected, columns))
    )
    if ensemble.examples is not None:
        distance, distance_without = distances(ensemble.examples, view, columns)
    gain = ensemble.score(deviance, distance).unsqueeze(1) - ensemble.score(deviance_without, distance_without)
    gain = gain.clamp(min=0).where(lost.gather(1, columns) > 0, 0)
    total = gain.sum(1, keepdim=True)
    shares = torch.zeros_like(lost).scatter(1, columns, (gain / total).to(lost.dtype))
    return torch.where(total > 0, lost.sum(1, keepdim=True) * shares, lost)


def mended(view: View, expected: Tensor, columns: Tensor) -> View:
    """Each sample once for each of some columns (n, k), in which that column is as expected: (n k, columns)."""
    rows = torch.arange(len(view), device=view.x.device).repeat_interleave(columns.shape[1])
    found = some_rows(view, rows)
    put = torch.zeros_like(found.x, dtype=torch.bool).scatter(1, columns.reshape(-1, 1), True)
    put = put if found.present is None else put & found.present
    return View(expected[rows].where(put, found.x), found.present, found.visible, found.scored)


def distances(examples: Tensor, view: View, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Root of the mean squared distance to the nearest examples, (n,), and without each of some columns, (n, k).

    Args:
        examples: Usual samples, (m, columns).
        view: Samples, of which values that are missing count for nothing.
        columns: Which are left out in turn, (n, k).
    """
    there = torch.ones_like(view.x) if view.present is None else view.present.to(view.x.dtype)
    x = view.x * there
    squares = x.square().sum(1, keepdim=True) - 2 * x @ examples.T + there @ examples.square().T
    left_out = [
        squares - there.gather(1, column) * (x.gather(1, column) - examples.T[column.squeeze(1)]).square()
        for column in torch.split(columns, 1, dim=1)
    ]
    whole, *without = (_nearest(found) for found in (squares, *left_out))
    return whole, torch.stack(without, 1)


def _nearest(squares: Tensor) -> Tensor:
    near = squares.topk(min(NEAREST, squares.shape[1]), dim=1, largest=False).values
    return near.clamp(min=0).mean(1).sqrt().double()
