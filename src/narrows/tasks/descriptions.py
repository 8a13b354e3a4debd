"""Codes in figures: what neighbours, an affine map and groups of them say of labels, and how they keep the samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from narrows import metrics
from narrows.data.arrays import Array

LOOKED_AT = 2_000
"""How many test samples are looked at where all their distances are formed, at most."""
PROBED = 10_000
"""From how many training codes an affine map learns, at most."""
NAMES = (
    "accuracy",
    "accuracy_5",
    "linear_probe",
    "v_measure",
    "trustworthiness",
    "continuity",
    "silhouette",
    "dimensions",
)
"""The figures in order: of 1 and 5 neighbours, an affine map and k-means; of neighbours kept; of labels; of axes."""


def described(
    codes: Array | None, asked: Array | None, samples: Array | None, known: Array | None, truth: Array | None
) -> dict[str, Any]:
    """The figures of codes, each by its name, None where it has no meaning.

    Args:
        codes: Of training samples, (n, d); None where there are none.
        asked: Of test samples, (m, d).
        samples: The test samples themselves, (m, values); None where they have no distances.
        known: Labels of training samples, (n,); None for none.
        truth: Labels of test samples, (m,).
    """
    found: dict[str, Any] = dict.fromkeys(NAMES)
    if codes is None or asked is None:
        return found
    found["dimensions"] = metrics.used_dimensions(codes)
    some = np.linspace(0, len(asked) - 1, min(LOOKED_AT, len(asked))).round().astype(int)
    z = asked[some]
    k = min(10, (len(z) - 1) // 2)
    if samples is not None and k >= 1:
        found["trustworthiness"] = metrics.trustworthiness(samples[some], z, k)
        found["continuity"] = metrics.continuity(samples[some], z, k)
    if known is None or truth is None:
        return found
    found["accuracy"] = metrics.nearest_neighbour_accuracy(codes, known, asked, truth)
    found["accuracy_5"] = metrics.nearest_neighbour_accuracy(codes, known, asked, truth, k=5)
    found["linear_probe"] = metrics.linear_probe_accuracy(codes[:PROBED], known[:PROBED], asked, truth)
    kinds = len(np.unique(truth[some]))
    if 1 < kinds < len(z):
        found["v_measure"] = metrics.v_measure(truth[some], metrics.k_means(z, kinds))
        found["silhouette"] = metrics.silhouette(z, truth[some])
    return found
