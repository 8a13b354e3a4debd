"""Verdicts as a table: a line for each sample, with score, p-value and decision, and the reasons for anomalies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from narrows.data.arrays import Array
from narrows.tasks.explanation import Reason

WORDS = {1: "usual", -1: "anomaly", 0: "empty"}
"""What `predict` says, in words."""


def table(scores: Array, p_values: Array, decisions: Array, reasons: Sequence[Sequence[Reason]] | None) -> pa.Table:
    """Put verdicts together.

    Args:
        scores: Higher is more normal, (n,); NaN of samples without values.
        p_values: (n,).
        decisions: 1, -1 or 0, (n,).
        reasons: The costliest values of each sample, none for those that are usual; None for no such columns.
    """
    columns = {
        "score": pa.array(scores, from_pandas=True),
        "p_value": pa.array(p_values, from_pandas=True),
        "verdict": pa.array([WORDS[int(decision)] for decision in decisions]),
    }
    if reasons is not None:
        most = max((len(found) for found in reasons), default=0)
        for place in range(most):
            told = [str(found[place]) if place < len(found) else None for found in reasons]
            columns[f"reason_{place + 1}"] = pa.array(told, pa.string())
    return pa.table(columns)


def decided(p_values: Array, anomalies: Array) -> Array:
    """Decisions as `predict` gives them: 0 where there is no p-value, -1 for anomalies, else 1."""
    return np.where(np.isnan(p_values), 0, np.where(anomalies, -1, 1))
