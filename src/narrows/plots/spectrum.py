"""How a code spends its dimensions, and what size of code buys what error."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from narrows.plots.style import COLOURS, FAINT, SMALL, new_figure, tidy

Array = np.ndarray[Any, np.dtype[Any]]


def spectrum(codes: Array) -> Figure:
    """The standard deviation of each dimension of a code, largest first.

    Args:
        codes: (n, d).

    >>> import numpy as np
    >>> [float(patch.get_height()) for patch in spectrum(np.array([[0.0, 1.0], [0.0, 5.0]])).axes[0].patches]
    [2.0, 0.0]
    """
    figure = new_figure(6.4, 3.4)
    axes = figure.subplots()
    spreads = np.sort(codes.std(0))[::-1]
    axes.bar(np.arange(1, len(spreads) + 1), spreads, color=COLOURS[0], width=0.8)
    tidy(axes, "spread of each dimension of the code, largest first", "dimension", "standard deviation")
    return figure


def pareto(trials: Sequence[Mapping[str, Any]], front: Sequence[Mapping[str, Any]]) -> Figure:
    """Error against size of the code: every trial, and a line through those that no other beats in both.

    Args:
        trials: Rows with `latent_dim` and `error`, such as `narrows.tune` gives as `trials`.
        front: Those on the line, its `front`.

    >>> rows = [{"latent_dim": 2, "error": 1.0}, {"latent_dim": 4, "error": 0.5}]
    >>> pareto(rows, rows).axes[0].get_xlabel()
    'size of the code'
    """
    figure = new_figure(6.4, 4.4)
    axes = figure.subplots()
    axes.scatter(*_pairs(trials), s=26, color=FAINT, label="trials")
    axes.plot(*_pairs(front), "o-", color=COLOURS[2], label="front")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(fontsize=SMALL, frameon=False)
    tidy(axes, "error against size of the code", "size of the code", "error")
    return figure


def _pairs(rows: Sequence[Mapping[str, Any]]) -> tuple[list[float], list[float]]:
    return [row["latent_dim"] for row in rows], [row["error"] for row in rows]
