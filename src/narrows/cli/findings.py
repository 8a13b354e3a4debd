"""The report of a detector: how scores lie, whether they are calibrated, and why the first anomalies are some."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from narrows import plots
from narrows.data.door import samples_like
from narrows.data.samples import ArraySamples
from narrows.data.table_samples import TableSamples
from narrows.estimators import AnomalyDetector
from narrows.plots.page import Picture, Section, Table, Text, page
from narrows.tasks import trivial

SHOWN = 10
"""How many anomalies are explained."""
REASONS = 3


def report(detector: AnomalyDetector, data: Any, fdr: float | None) -> str:
    """The report, as one HTML page.

    Args:
        detector: What judges.
        data: Samples.
        fdr: As in `AnomalyDetector.verdicts`.
    """
    given = samples_like(data, detector.schema_, getattr(detector, "feature_names_in_", None))
    in_memory = isinstance(given, ArraySamples | TableSamples) and len(detector.schema_.raw_shape) == 1
    found = detector.verdicts(data, fdr, REASONS if in_memory else 0)
    unusual, p = -found["score"].to_numpy(), found["p_value"].to_numpy()
    strange = np.array(found["verdict"].to_pylist()) == "anomaly"
    rule = f"a false discovery rate of {fdr:g}" if fdr is not None else f"the level {detector.alpha:g}"
    calibration = detector.calibration_
    sections = [
        Section("Scores", [Picture(plots.score_distribution(calibration.scores, unusual, -detector.offset_), SCORES)]),
        Section("Calibration", [Picture(plots.calibration(p), CALIBRATION)]),
    ]
    if in_memory and strange.any():
        first = [row for row in np.argsort(-np.nan_to_num(unusual, nan=-np.inf), kind="stable") if strange[row]]
        sections.insert(0, _explained(found, first[:SHOWN]))
    if in_memory and isinstance(given, ArraySamples) and len(given) > 1:
        sections.append(_beside(trivial.scores(given, detector.schema_), unusual, strange))
    return page(
        "narrows: anomalies",
        f"{int(strange.sum()):,} of {len(p):,} samples are anomalies at {rule}; "
        f"{len(calibration):,} samples set aside in training say what is usual.",
        sections,
    )


SCORES = (
    "How unusual the samples are, beside those that were set aside in training. The line is the threshold at alpha."
)
CALIBRATION = (
    "The share of samples with a p-value of at most p. Usual samples follow the diagonal; a curve that rises steeply "
    "on the left shows anomalies, and one that leaves the diagonal everywhere shows that the data have changed."
)


def _explained(found: pa.Table, rows: Sequence[int]) -> Section:
    named = [name for name in found.column_names if name.startswith("reason_")]
    lines = [
        [
            str(line),
            f"{-row['score']:.3f}",
            f"{row['p_value']:.4f}",
            "; ".join(row[name] for name in named if row[name]),
        ]
        for line, row in zip(rows, found.take(rows).to_pylist(), strict=True)
    ]
    words = "The most unusual samples first, with the values that cost most and what was expected in their place."
    return Section("The first anomalies", [Text(words), Table(["row", "how unusual", "p-value", "reasons"], lines)])


def _beside(scores: dict[str, Any], unusual: Any, strange: Any) -> Section:
    judged = ~np.isnan(unusual)
    count, lines = int(strange.sum()), []
    for name, values in scores.items():
        order = np.corrcoef(_ranks(values[judged]), _ranks(unusual[judged]))[0, 1]
        same = strange[np.argsort(-values, kind="stable")[:count]].mean() if count else float("nan")
        lines.append([name, f"{order:.3f}", f"{same:.0%}" if count else "-"])
    words = (
        "How far the simplest scores agree: the correlation of ranks, and the share of the anomalies that are also "
        "among as many first samples of theirs. Where it is near 1, the simple score would have done."
    )
    return Section(
        "Beside the simplest scores", [Table(["score", "rank correlation", "anomalies shared"], lines), Text(words)]
    )


def _ranks(values: Any) -> Any:
    return np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(float)
