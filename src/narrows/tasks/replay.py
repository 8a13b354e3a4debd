"""The gaps that data have, replayed on other rows: what is hidden there, and what errors are then left, is known.

Whether a value is missing may depend on those that are shown. Then rows with gaps are unlike those without, and so are
the errors there. So each gap is replayed on rows that are like the one that has it in all that this one shows.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from narrows.tasks.guesses import Guess

NEAREST = 10
"""How many rows are as like as any other, of which one is taken."""


def replayed(
    guess: Guess, values: Tensor, present: Tensor, others: Tensor, there: Tensor, times: int, rng: Generator
) -> tuple[Tensor, Tensor]:
    """Rows to hide values of, and which, as they are missing from others.

    Source: Tibshirani, Barber, Candès and Ramdas (2019), https://arxiv.org/abs/1904.06019, for errors that are counted
    where the rows lie that they are to hold for; here by nearest neighbours instead of weights.

    Args:
        guess: What tells how like rows are.
        values: Rows that have gaps, or not, (n, values).
        present: Where they have values.
        others: Rows to replay the gaps on, (m, values).
        there: Where these have values.
        times: How many gaps are replayed.
        rng: What draws them.

    Returns:
        Which rows, (times,), and what to hide of each, (times, values); of neither any, where no row has a gap.
    """
    lacking = (~present).any(1).nonzero().flatten()
    if not len(lacking):
        return lacking, ~present[lacking]
    chosen = lacking[torch.randint(len(lacking), (times,), generator=rng)]
    x, shown = guess.design.seen(values[chosen], present[chosen])
    y, seen = guess.design.seen(others, there)
    y = torch.where(seen > 0, y, guess.expect(y, seen)[0])
    apart = y.square() @ shown.T - 2 * y @ x.T  # and what does not depend on the other row; x is 0 where not shown
    near = apart.topk(min(NEAREST, len(y)), dim=0, largest=False).indices
    return near[torch.randint(len(near), (times,), generator=rng), torch.arange(times)], ~present[chosen]
