"""Recipes side by side on one data set, beside the simplest things: PCA with as many dimensions, and one value for all.

vectors, images, series    mean squared error of test samples rebuilt from their codes, in units of the data
tables                     error of cells that were hidden in test rows, as a share of the median's or the mode's
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from narrows.core.errors import ChoiceError, InputError
from narrows.core.spec import Kind
from narrows.data.arrays import Array
from narrows.data.door import samples
from narrows.data.samples import ArraySamples, Samples
from narrows.data.table_samples import TableSamples
from narrows.data.table_schema import TableSchema
from narrows.metrics import nearest_neighbour_accuracy
from narrows.tasks.contenders import PCA, Contender, Middle, Recipe
from narrows.tasks.judges import HiddenCells, Judge, Rebuilt, aligned
from narrows.training.fit import Request, prepare

DEFAULTS: dict[Kind, tuple[str, ...]] = {
    "vector": ("deep", "denoising", "variational"),
    "image": ("convolutional", "deep", "variational"),
    "table": ("denoising", "deep", "variational"),
}
"""What is compared for a kind of sample, unless recipes are given; `"auto"` for the others."""
TESTED = 0.2
"""Share of the samples that no model sees."""


@dataclass(frozen=True)
class Comparison:
    """A table with a row for each model, and of a data frame with several kinds of columns one for each of those too.

    Args:
        rows: `model`, `error`, `accuracy` (of the nearest neighbour's label, None without labels) and `seconds`.
        columns: `column`, `kind`, `unit`, and under each model's name its error on hidden cells of the column.
        says: What `error` is.
    """

    rows: list[dict[str, Any]]
    columns: list[dict[str, Any]] = field(default_factory=list)
    says: str = ""

    def __str__(self) -> str:
        by_column = ["", "error of hidden cells, column by column", aligned(self.columns)] if self.columns else []
        return "\n".join([aligned(self.rows), self.says, *by_column])

    def to_pandas(self) -> Any:
        """The rows as a data frame; needs pandas."""
        try:
            import pandas as pd  # optional
        except ImportError as error:
            raise ChoiceError("to_pandas needs pandas: pip install pandas") from error
        return pd.DataFrame(self.rows)


def compare(
    X: Any,
    y: Any = None,
    recipes: Sequence[str] | None = None,
    latent_dim: int | None = None,
    max_time: float | None = None,
    random_state: int = 0,
    *,
    epochs: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Comparison:
    """Train recipes on four fifths of the samples, and judge them on the rest.

    Args:
        X: Samples: anything that an estimator's `fit` takes and that fits into memory.
        y: Labels, (n,), for the accuracy of the nearest neighbour among the codes; None for none.
        recipes: Names, or one; None for some that suit the data.
        latent_dim: The size of all codes; None for a rule on the data.
        max_time: Seconds for all recipes together.
        random_state: A whole number, of which split, weights and hidden cells are drawn.
        epochs: Passes over the data, at most; None for each recipe's own rule.
        tell: Called with the name of each model before it learns.

    Raises:
        InputError: Data that cannot be used, or labels of another number.
        ChoiceError: An unknown recipe, or one that does not take such data; a number out of range.

    >>> from sklearn.datasets import load_iris
    >>> found = compare(load_iris().data, recipes=["deep"], latent_dim=2, epochs=2)
    >>> [row["model"] for row in found.rows]
    ['the mean', 'PCA', 'deep']
    """
    if max_time is not None and not (isinstance(max_time, int | float) and max_time > 0):
        raise ChoiceError(f"max_time is a number greater than 0, got {max_time!r}")
    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer) or random_state < 0:
        raise ChoiceError(f"random_state is a whole number of at least 0, got {random_state!r}")
    given = samples(X, least_rows=10)
    if not isinstance(given, ArraySamples | TableSamples):
        raise InputError("compare takes arrays and data frames, from which rows can be drawn")
    labels = _labels(y, len(given))
    order = np.random.default_rng(random_state).permutation(len(given))
    aside, rest = (np.sort(part) for part in np.split(order, [round(TESTED * len(order))]))
    train, test = given.select(rest), given.select(aside)
    _, schema, chosen = prepare(train, Request(latent_dim=latent_dim))
    recipes = [recipes] if isinstance(recipes, str) else recipes
    named = tuple(dict.fromkeys(recipes)) if recipes else DEFAULTS.get(schema.spec.kind, ("auto",))
    share = None if max_time is None else max_time / len(named)
    asked = [Request(n, latent_dim, epochs=epochs, max_time=share, seed=random_state) for n in named]
    for request in asked:  # what one of them cannot do is said before any is trained
        prepare(train, request)
    middle = Middle(schema)
    middle.learn(train)
    judge: Judge
    if isinstance(test, TableSamples) and isinstance(schema, TableSchema):
        judge = HiddenCells(test, schema, middle.reconstruct(test), np.random.default_rng(random_state))
    else:
        assert isinstance(test, ArraySamples)
        judge = Rebuilt(test)
    rows, columns = [], judge.described()
    for contender in (middle, PCA(schema, chosen["latent_dim"]), *map(Recipe, asked)):
        if tell is not None:
            tell(contender.name)
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # categories in the test rows alone are to be expected
            contender.learn(train)
            rebuilt = contender.reconstruct(judge.shown)
            seconds = time.perf_counter() - began
            accuracy = None if labels is None else _accuracy(contender, train, test, labels[rest], labels[aside])
        error = judge.error(rebuilt)
        rows.append({"model": contender.name, "error": error, "accuracy": accuracy, "seconds": seconds})
        for column, found in zip(columns, judge.by_column(rebuilt), strict=True):
            column[contender.name] = found
    return Comparison(rows, columns, judge.says)


def _labels(y: Any, n: int) -> Array | None:
    labels = None if y is None else np.asarray(y)
    if labels is not None and labels.shape != (n,):
        raise InputError(f"y has shape {labels.shape}, but there are {n} samples")
    return labels


def _accuracy(contender: Contender, train: Samples, test: Samples, known: Array, truth: Array) -> float | None:
    """How often the nearest neighbour among the training codes bears the label of a test sample."""
    codes = contender.encode(train)
    asked = contender.encode(test)
    return None if codes is None or asked is None else nearest_neighbour_accuracy(codes, known, asked, truth)
