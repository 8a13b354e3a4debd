"""Recipes side by side on one data set, beside the simplest things: PCA with as many dimensions, and one value for all.

vectors, images, series    mean squared error of test samples rebuilt from their codes, in units of the data
tables                     error of cells that were hidden in test rows, as a share of the median's or the mode's
"""

from __future__ import annotations

import csv
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from narrows.core.errors import ChoiceError, InputError, unknown
from narrows.core.spec import Kind
from narrows.data.arrays import Array
from narrows.data.door import samples
from narrows.data.samples import ArraySamples
from narrows.data.table_samples import TableSamples
from narrows.data.table_schema import TableSchema
from narrows.data.tensor_file import replacing
from narrows.tasks.contenders import PCA, UMAP, Middle, Raw, Recipe
from narrows.tasks.descriptions import described
from narrows.tasks.judges import HiddenCells, Judge, Rebuilt, aligned, cell
from narrows.training.fit import Request, prepare

DEFAULTS: dict[Kind, tuple[str, ...]] = {
    "vector": ("deep", "denoising", "variational"),
    "image": ("convolutional", "deep", "variational"),
    "table": ("denoising", "deep", "variational"),
}
"""What is compared for a kind of sample, unless recipes are given; `"auto"` for the others."""
TESTED = 0.2
"""Share of the samples that no model sees."""


BASELINES = ("PCA", "raw data", "UMAP")
"""The simplest things, beside one value for all: raw data with labels alone, UMAP where it is installed."""


@dataclass(frozen=True)
class Comparison:
    """A table with a row for each model, and of a data frame with several kinds of columns one for each of those too.

    Args:
        rows: `model`, `error`, `accuracy` (of the nearest neighbour's label, None without labels), `accuracy_5` (of
            five), `linear_probe`, `v_measure` (of k-means), `trustworthiness`, `continuity`, `silhouette`,
            `dimensions` (how many the codes use) and `seconds`; means over the seeds.
        columns: `column`, `kind`, `unit`, and under each model's name its error on hidden cells of the column.
        says: What `error` is.
        spreads: As `rows`, the standard deviation over the seeds; empty of one seed.
    """

    rows: list[dict[str, Any]]
    columns: list[dict[str, Any]] = field(default_factory=list)
    says: str = ""
    spreads: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        by_column = ["", "error of hidden cells, column by column", aligned(self.columns)] if self.columns else []
        return "\n".join([aligned(self._told()), self.says, *by_column])

    def to_pandas(self) -> Any:
        """The rows as a data frame; needs pandas."""
        try:
            import pandas as pd  # optional
        except ImportError as error:
            raise ChoiceError("to_pandas needs pandas: pip install pandas") from error
        return pd.DataFrame(self.rows)

    def to_csv(self, path: str | Path) -> None:
        """Write the rows to a file, and the spread over seeds beside each figure where there are several."""
        spreads = self.spreads or [{}] * len(self.rows)
        wide = [
            row | {f"{name} spread": value for name, value in spread.items() if name != "model"}
            for row, spread in zip(self.rows, spreads, strict=True)
        ]
        with replacing(Path(path)) as part, part.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(wide[0]))
            writer.writeheader()
            writer.writerows(wide)

    def to_html(self, path: str | Path) -> None:
        """Write the table to a page that needs nothing else."""
        told = self._told()
        head = "".join(f"<th>{escape(name)}</th>" for name in told[0])
        body = "".join("<tr>" + "".join(f"<td>{escape(cell(v))}</td>" for v in row.values()) + "</tr>" for row in told)
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            "<title>Comparison</title><style>:root{color-scheme:light dark}body{font:15px system-ui;margin:2em}"
            "div{overflow-x:auto}td,th{padding:.3em .8em;text-align:right}tr>:first-child{text-align:left}"
            f"</style><div><table><tr>{head}</tr>{body}</table></div><p>{escape(self.says)}</p></html>"
        )
        with replacing(Path(path)) as part:
            part.write_text(page, encoding="utf-8")

    def _told(self) -> list[dict[str, Any]]:
        """The rows without figures that no model has, each with its spread."""
        kept = [name for name in self.rows[0] if any(row[name] is not None for row in self.rows)]
        kept = [name for name in self.rows[0] if name in kept or name == "accuracy"]
        if not self.spreads:
            return [{name: row[name] for name in kept} for row in self.rows]
        pairs = zip(self.rows, self.spreads, strict=True)
        return [{name: _with_spread(name, row[name], spread) for name in kept} for row, spread in pairs]


def _with_spread(name: str, value: Any, spread: dict[str, Any]) -> Any:
    return value if name == "model" or value is None else f"{cell(value)} ± {spread[name]:.2g}"


def compare(
    X: Any,
    y: Any = None,
    recipes: Sequence[str] | None = None,
    latent_dim: int | None = None,
    max_time: float | None = None,
    random_state: int = 0,
    *,
    baselines: Sequence[str] | None = None,
    seeds: int = 1,
    epochs: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Comparison:
    """Train recipes on four fifths of the samples, and judge them on the rest.

    Args:
        X: Samples: anything that an estimator's `fit` takes and that fits into memory.
        y: Labels, (n,), for what codes say of them; None for none.
        recipes: Names, or one; None for some that suit the data.
        latent_dim: The size of all codes; None for a rule on the data.
        max_time: Seconds for all recipes together.
        random_state: A whole number, of which split, weights and hidden cells are drawn.
        baselines: Of `"PCA"`, `"raw data"` and `"UMAP"`; None for PCA, with labels raw data too, and UMAP where
            umap-learn is installed. One value for all is always there.
        seeds: How often all is done, with the whole numbers from `random_state` on; figures are means, with a spread.
        epochs: Passes over the data, at most; None for each recipe's own rule.
        tell: Called with the name of each model before it learns.

    Raises:
        InputError: Data that cannot be used, or labels of another number.
        ChoiceError: An unknown recipe or baseline, or one that does not take such data; a number out of range.

    >>> from sklearn.datasets import load_iris
    >>> found = compare(load_iris().data, recipes=["deep"], latent_dim=2, epochs=2, baselines=["PCA"])
    >>> [row["model"] for row in found.rows]
    ['the mean', 'PCA', 'deep']
    """
    if max_time is not None and not (isinstance(max_time, int | float) and max_time > 0):
        raise ChoiceError(f"max_time is a number greater than 0, got {max_time!r}")
    for name, value, least in (("random_state", random_state, 0), ("seeds", seeds, 1)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ChoiceError(f"{name} is a whole number of at least {least}, got {value!r}")
    given = samples(X, least_rows=10)
    if not isinstance(given, ArraySamples | TableSamples):
        raise InputError("compare takes arrays and data frames, from which rows can be drawn")
    labels = _labels(y, len(given))
    named = _baselines(baselines, labels)
    share = None if max_time is None else max_time / seeds
    asked = _Asked(recipes, latent_dim, share, epochs, named)
    found = [_once(given, labels, asked, int(random_state) + i, tell) for i in range(seeds)]
    if seeds == 1:
        return found[0]
    rows = [_over_seeds([one.rows[i] for one in found], np.mean) for i in range(len(found[0].rows))]
    spreads = [_over_seeds([one.rows[i] for one in found], np.std) for i in range(len(found[0].rows))]
    columns = [_over_seeds([one.columns[i] for one in found], np.mean) for i in range(len(found[0].columns))]
    return Comparison(rows, columns, found[0].says, spreads)


@dataclass(frozen=True)
class _Asked:
    """What is compared, and how long it may take."""

    recipes: Sequence[str] | None
    latent_dim: int | None
    max_time: float | None
    epochs: int | None
    baselines: Sequence[str]


def _once(
    given: ArraySamples | TableSamples,
    labels: Array | None,
    asked: _Asked,
    seed: int,
    tell: Callable[[str], None] | None,
) -> Comparison:
    """The comparison with one seed."""
    order = np.random.default_rng(seed).permutation(len(given))
    aside, rest = (np.sort(part) for part in np.split(order, [round(TESTED * len(order))]))
    train, test = given.select(rest), given.select(aside)
    _, schema, chosen = prepare(train, Request(latent_dim=asked.latent_dim))
    recipes = [asked.recipes] if isinstance(asked.recipes, str) else asked.recipes
    named = tuple(dict.fromkeys(recipes)) if recipes else DEFAULTS.get(schema.spec.kind, ("auto",))
    share = None if asked.max_time is None else asked.max_time / len(named)
    requests = [Request(n, asked.latent_dim, epochs=asked.epochs, max_time=share, seed=seed) for n in named]
    for request in requests:  # what one of them cannot do is said before any is trained
        prepare(train, request)
    middle, raw = Middle(schema), Raw(schema)
    middle.learn(train)
    raw.learn(train)
    judge: Judge
    if isinstance(test, TableSamples) and isinstance(schema, TableSchema):
        judge = HiddenCells(test, schema, middle.reconstruct(test), np.random.default_rng(seed))
    else:
        assert isinstance(test, ArraySamples)
        judge = Rebuilt(test)
    simple = {
        "PCA": PCA(schema, chosen["latent_dim"]),
        "raw data": raw,
        "UMAP": UMAP(schema, chosen["latent_dim"], seed),
    }
    rows, columns = [], judge.described()
    values = raw.encode(test)
    known, truth = (None, None) if labels is None else (labels[rest], labels[aside])
    for contender in (middle, *(simple[name] for name in asked.baselines), *map(Recipe, requests)):
        if tell is not None:
            tell(contender.name)
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # categories in the test rows alone are to be expected
            contender.learn(train)
            rebuilt = contender.reconstruct(judge.shown)
            seconds = time.perf_counter() - began
            figures = described(contender.encode(train), contender.encode(test), values, known, truth)
        error = None if rebuilt is None else judge.error(rebuilt)
        rows.append({"model": contender.name, "error": error, **figures, "seconds": seconds})
        by_column = [None] * len(columns) if rebuilt is None else judge.by_column(rebuilt)
        for column, found in zip(columns, by_column, strict=True):
            column[contender.name] = found
    return Comparison(rows, columns, judge.says)


def _over_seeds(rows: list[dict[str, Any]], of: Callable[[Any], Any]) -> dict[str, Any]:
    """Words of the first row, and one figure for each of the others."""
    first = rows[0]
    return {
        name: value if value is None or isinstance(value, str) else float(of([row[name] for row in rows]))
        for name, value in first.items()
    }


def _baselines(asked: Sequence[str] | None, labels: Array | None) -> tuple[str, ...]:
    """Which of the simplest things are compared."""
    installed = find_spec("umap") is not None
    if asked is None:
        return ("PCA", *(("raw data",) if labels is not None else ()), *(("UMAP",) if installed else ()))
    named = (asked,) if isinstance(asked, str) else tuple(dict.fromkeys(asked))
    for name in named:
        if name not in BASELINES:
            raise unknown("baseline", name, BASELINES)
    if "UMAP" in named and not installed:
        raise ChoiceError("the baseline 'UMAP' needs its package: pip install umap-learn")
    return named


def _labels(y: Any, n: int) -> Array | None:
    labels = None if y is None else np.asarray(y)
    if labels is not None and labels.shape != (n,):
        raise InputError(f"y has shape {labels.shape}, but there are {n} samples")
    return labels
