"""Figures of detectors: how scores lie, and whether p-values mean what they say."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from narrows.plots.style import COLOURS, INK, SMALL, new_figure, tidy

Array = np.ndarray[Any, np.dtype[Any]]


def score_distribution(usual: Array, found: Array, threshold: float) -> Figure:
    """How unusual samples are, beside those that a detector was calibrated by.

    Args:
        usual: Of the samples that calibrate, (m,).
        found: Of the samples judged, (n,); NaN is left out.
        threshold: Above which a sample is an anomaly.

    >>> score_distribution(np.arange(20.0), np.arange(30.0), 18.0).axes[0].get_xlabel()
    'how unusual'
    """
    figure = new_figure(6.4, 4.2)
    axes = figure.subplots()
    found = found[~np.isnan(found)]
    bins = np.histogram_bin_edges(np.concatenate([usual, found]), 40)
    for values, colour, label in ((usual, COLOURS[3], "set aside in training"), (found, COLOURS[0], "judged")):
        axes.hist(values, bins.tolist(), density=True, histtype="stepfilled", color=colour, alpha=0.55, label=label)
    axes.axvline(threshold, color=COLOURS[2], linewidth=2, label="threshold")
    tidy(axes, "scores", "how unusual", "density")
    figure.legend(loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    return figure


def calibration(p_values: Array) -> Figure:
    """The share of samples with a p-value of at most p, against p: the diagonal where all of them are usual.

    Args:
        p_values: (n,); NaN is left out.

    >>> calibration(np.linspace(0.01, 1, 100)).axes[0].get_xlabel()
    'p-value'
    """
    figure = new_figure(6.4, 4.6)
    axes = figure.subplots()
    p = np.sort(p_values[~np.isnan(p_values)])
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":", label="as for usual samples")
    axes.step(np.r_[0, p, 1], np.r_[0, np.arange(1, len(p) + 1) / max(1, len(p)), 1], where="post", color=COLOURS[0])
    axes.lines[-1].set(label="judged", linewidth=2)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    tidy(axes, "calibration", "p-value", "share of samples at most as large")
    figure.legend(loc="outside lower center", ncols=2, fontsize=SMALL, frameon=False)
    return figure
