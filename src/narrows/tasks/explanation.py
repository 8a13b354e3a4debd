"""Why samples are unusual: what each value costs, in nats, and what was expected in its place.

    distortion = sum of log p(expected) - log p(found),        the costs of a sample add up to its distortion

The distortion is counted from that of the most probable sample, so that it says how much worse values are than they
could be: 0 for what was expected, whatever its unit. It is a mean over the members of the ensemble. In a table each
column is judged by the others, while it is hidden itself, and the distortion of a row is shared out among its columns
by how much less unusual it were without each, see `blame`; elsewhere a value costs its own term.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.tasks.anomaly import Ensemble, block_rows, blocks_from
from narrows.tasks.blame import shared


@dataclass(frozen=True)
class Explanation:
    """What each value of each sample costs.

    Args:
        contributions: Nats, never negative: (n, columns) of a table, otherwise as samples lie in arrays, such as a heat
            map (n, height, width) of images and (n, time, channels) of series; nothing where a value is missing.
        expected: What was expected, in the units and the container of the samples.
        found: The samples.
        names: The columns of a table by name; otherwise their numbers.

    Attributes:
        distortion: The sum of the contributions of each sample, (n,).
    """

    contributions: Array
    expected: Any
    found: Any
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.contributions)

    @property
    def distortion(self) -> Array:
        """The sum of the contributions of each sample in nats, (n,)."""
        return np.asarray(self._flat().sum(1))

    def order(self) -> Array:
        """The columns of each sample, the costliest first; of other samples their values, flattened, (n, values)."""
        return np.asarray(np.argsort(-self._flat(), axis=1, kind="stable"))

    def top(self, most: int = 5) -> list[list[Reason]]:
        """The costliest values of each sample of a table, at most so many, those that cost nothing left out."""
        found, expected = _columns(self.found), _columns(self.expected)
        return [
            [
                Reason(self.names[j], float(self.contributions[i, j]), found[j][i], expected[j][i])
                for j in order[:most]
                if self.contributions[i, j] > 0
            ]
            for i, order in enumerate(self.order())
        ]

    def to_pandas(self) -> Any:
        """A data frame: a line for each value of each sample, the costliest first within a sample."""
        import pandas as pd  # optional

        lines = [
            (row, reason.column, reason.nats, reason.found, reason.expected)
            for row, reasons in enumerate(self.top(len(self.names)))
            for reason in reasons
        ]
        return pd.DataFrame(lines, columns=["row", "column", "nats", "found", "expected"])

    def _flat(self) -> Array:
        """A row for each sample, also of none."""
        return self.contributions.reshape(len(self), math.prod(self.contributions.shape[1:]))

    def __repr__(self) -> str:
        return f"Explanation({len(self)} samples of {' x '.join(map(str, self.contributions.shape[1:]))} values)"


@dataclass(frozen=True)
class Reason:
    """One value of a sample: the column, its share of the distortion, what was found and what was expected."""

    column: str
    nats: float
    found: Any
    expected: Any

    def __str__(self) -> str:
        return f"{self.column} = {_short(self.found)}, expected {_short(self.expected)} ({self.nats:.1f} nats)"


def explain(ensemble: Ensemble, schema: Schema, samples: Samples, names: Sequence[str] | None) -> Explanation:
    """Explain samples.

    Args:
        ensemble: What judges them.
        schema: How raw values become tensors and come back.
        samples: Raw samples.
        names: Columns at fit, where they had names.
    """
    costs, expected = [np.empty((0, *schema.spec.shape))], []
    for view in blocks_from(samples, schema, ensemble.stack.device):
        lost, middle = _looked_at(ensemble, view, schema.spec)
        costs.append(lost.double().cpu().numpy())
        expected.append(schema.raw(middle.cpu(), samples.form))
    contributions = schema.laid_out(np.concatenate(costs))
    filled = samples.collect(schema, iter(expected)) if expected else samples.given
    called: Iterable[object] = samples.names or (range(contributions.shape[1]) if names is None else names)
    return Explanation(samples.like_scores(contributions), filled, samples.given, tuple(map(str, called)))


@torch.inference_mode()
def _looked_at(ensemble: Ensemble, view: View, spec: SampleSpec) -> tuple[Tensor, Tensor]:
    """Costs of the values of a block, and what the members expect: their median, of categories the most common one."""
    shown = ensemble.drawn_in(view)
    deviance, expected, _ = ensemble.stack.each(ensemble.close_judge, shown.padded(block_rows(view.x)))
    lost, middle = deviance.mean(0)[: len(view)], expected.median(0).values[: len(view)]
    levels = [place for place, column in enumerate(spec.columns) if column.levels]
    if levels:
        middle[:, levels] = expected[:, : len(view), levels].mode(0).values
    costs = shared(ensemble, shown, middle, lost) if ensemble.fills_in else lost
    return costs, middle if ensemble.squash is None else ensemble.squash.back(middle)


def _columns(samples: Any) -> list[Any]:
    """The columns of a table in whatever container, as lists."""
    if hasattr(samples, "column_names"):  # Arrow
        return [column.to_pylist() for column in samples.columns]
    if hasattr(samples, "columns"):
        return [list(samples[name]) for name in samples.columns]
    return [column.tolist() for column in np.asarray(samples).T]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
