"""How training went."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from narrows.plots.style import SMALL, colours, new_figure, tidy

STYLES = ("-", "--", "-.", ":")


def curves(histories: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """The error on held-out samples after each epoch, a line for each model.

    Args:
        histories: By name, what an estimator keeps as `history_`.

    >>> history = [{"epoch": 0, "held_out": {"error": 1.0}}, {"epoch": 1, "held_out": {"error": 0.5}}]
    >>> curves({"deep": history}).axes[0].get_xlabel()
    'epoch'
    """
    figure = new_figure(6.4, 5.0)
    axes = figure.subplots()
    for index, (name, history) in enumerate(histories.items()):
        axes.plot(
            [row["epoch"] for row in history],
            [row["held_out"]["error"] for row in history],
            STYLES[index % len(STYLES)],
            color=colours(index + 1)[-1],
            label=name,
            linewidth=2,
        )
    axes.set_yscale("log")
    axes.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_locator=NullLocator())
    tidy(axes, "error on held-out samples", "epoch", "mean squared error, scaled")
    figure.legend(loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    return figure
