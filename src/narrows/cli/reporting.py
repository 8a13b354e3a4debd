"""The work of `narrows report`: what is found out about a model on data, as sections of a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import narrows
from narrows import plots
from narrows.cli.describe import describe_model
from narrows.core.errors import InputError
from narrows.data.arrays import Array
from narrows.data.door import samples_like
from narrows.data.kinds import canonical
from narrows.data.samples import ArraySamples
from narrows.data.schema import ArraySchema
from narrows.data.table_samples import TableSamples
from narrows.data.table_schema import TableSchema
from narrows.metrics import used_dimensions
from narrows.plots.page import Picture, Section, Table, Text, page
from narrows.tasks.contenders import PCA, Middle
from narrows.tasks.judges import HIDDEN, HiddenCells

SHOWN = 8
"""How many samples a row of images shows."""
MAPPED = 3_000
"""How many codes the map shows, at most."""
WALKED = 6
"""Along how many dimensions of the code the page walks, at most."""


def report_page(estimator: narrows.Autoencoder, model: Path, data: Any, name: str) -> str:
    """One page on a model and data, as HTML.

    Args:
        estimator: The model.
        model: Its file.
        data: Samples, as the estimator takes them.
        name: What the data is called.

    Raises:
        InputError: Samples of another kind than the model knows, or that are read as they lie.
    """
    schema = estimator.schema_
    given = samples_like(data, schema, getattr(estimator, "feature_names_in_", None))
    if not isinstance(given, ArraySamples | TableSamples):
        raise InputError(f"a report is on samples in memory, and {name} is sparse or read as it lies")
    if len(given) < 2:
        raise InputError(f"a report needs at least 2 samples, and {name} holds {len(given)}")
    codes = np.asarray(estimator.transform(given.given))
    lead = f"{len(given):,} samples of {name}, in codes of {codes.shape[1]} numbers."
    if isinstance(given, TableSamples):
        assert isinstance(schema, TableSchema)
        digest, judged = given.source(schema).digest(), _columns(estimator, given, schema)
    else:
        assert isinstance(schema, ArraySchema)
        digest, judged = given.source(schema).digest(), _values(estimator, given, schema.spec.kind == "image")
    sections = [
        card(model, given, digest, name),
        judged[0],
        training(estimator),
        *judged[1:],
        _codes(codes),
    ]
    if schema.spec.kind == "image":
        sections.append(_walks(estimator, codes))
    return page(f"{model.name}: a report", lead, sections)


def training(estimator: narrows.Autoencoder | narrows.Generator) -> Section:
    """How training went."""
    curves = plots.curves({estimator.chosen_["recipe"]: estimator.history_})
    return Section("Training", [Picture(curves, CURVES)])


CURVES = "Error on the samples that training set aside, after each epoch. The first point is the model as it began."


def card(model: Path, given: ArraySamples | TableSamples, digest: str, name: str) -> Section:
    """What the model is, and what the data are."""
    facts = {**describe_model(model), **_facts(given, name), "hash of the data": digest[:16]}
    rows = [(key, *_folded(str(value))) for key, value in facts.items()]
    return Section("The model and the data", [Table(("", "value"), rows)])


def _facts(given: ArraySamples | TableSamples, name: str) -> dict[str, str]:
    """What the data are."""
    if isinstance(given, TableSamples):
        columns = [canonical(given.table.column(column), column) for column in given.table.column_names]
        missing = sum(column.null_count for column in columns)
        return {"data": f"{name}: {len(given):,} rows of {len(columns)} columns", "missing": f"{missing:,} values"}
    shape = " x ".join(map(str, given.array.shape))
    finite = given.array[np.isfinite(given.array)] if given.array.dtype.kind == "f" else given.array
    return {
        "data": f"{name}: {shape}, {given.array.dtype}",
        "range of the data": f"{finite.min():.4g} to {finite.max():.4g}, mean {finite.mean():.4g}",
        "missing": f"{given.array.size - finite.size:,} values",
    }


def _folded(text: str) -> tuple[str]:
    """A value that fits beside its name on a telephone."""
    return (text if len(text) <= 120 else text[:117] + "...",)


def _columns(estimator: narrows.Autoencoder, given: TableSamples, schema: TableSchema) -> list[Section]:
    """How far cells are off that are hidden, column by column, beside PCA and the median or the mode."""
    simple = Middle(schema), PCA(schema, estimator.chosen_["latent_dim"])
    for contender in simple:
        contender.learn(given)
    judge = HiddenCells(given, schema, simple[0].reconstruct(given), np.random.default_rng(0))
    guesses = {contender.name: contender.reconstruct(judge.shown) for contender in simple}
    guesses[estimator.chosen_["recipe"]] = estimator.reconstruct(judge.shown.given)
    errors = [judge.by_column(guess) for guess in guesses.values()]
    lines = [
        (column["column"], column["unit"], *(f"{error:.4g}" for error in of_column))
        for column, *of_column in zip(judge.described(), *errors, strict=True)
    ]
    lines.append(("all, as a share", "", *(f"{judge.error(guess):.3f}" for guess in guesses.values())))
    words = (
        f"Errors of {HIDDEN:.0%} of the cells, which were hidden. PCA and the median or mode are fitted to these rows "
        "themselves, which is their best case; the model has seen only what it was trained on."
    )
    return [Section("Beside the simplest things", [Table(("column", "error", *guesses), lines), Text(words)])]


def _values(estimator: narrows.Autoencoder, given: ArraySamples, images: bool) -> list[Section]:
    """How far values are off, beside PCA and the mean, and which samples are rebuilt best and worst."""
    values = given.array.astype(np.float64)
    rebuilt = np.asarray(estimator.reconstruct(given.given), np.float64)
    errors = np.nanmean(np.square(rebuilt - values).reshape(len(values), -1), axis=1)
    return [_comparison(estimator, given, errors), _reconstructions(values, rebuilt, errors, images)]


def _comparison(estimator: narrows.Autoencoder, given: ArraySamples, errors: Array) -> Section:
    """The model beside PCA of as many dimensions and one value for all, each fitted to these very samples."""
    schema = estimator.schema_
    rows = []
    for simple in (Middle(schema), PCA(schema, estimator.chosen_["latent_dim"])):
        simple.learn(given)
        far = np.asarray(simple.reconstruct(given), np.float64) - given.array
        rows.append((simple.name, f"{np.nanmean(np.square(far)):.5g}"))
    rows.append((estimator.chosen_["recipe"], f"{errors.mean():.5g}"))
    words = (
        "Mean squared error in squared units of the data. PCA and the mean are fitted to these samples themselves, "
        "which is their best case; the model has seen only what it was trained on."
    )
    return Section("Beside the simplest things", [Table(("model", "error"), rows), Text(words)])


def _reconstructions(values: Array, rebuilt: Array, errors: Array, images: bool) -> Section:
    """The samples that are rebuilt best and worst."""
    order = errors.argsort()
    shown = min(SHOWN, len(order) // 2)
    quantiles = np.quantile(errors, (0, 0.25, 0.5, 0.75, 1))
    spread = Table(
        ("", "least", "quarter", "median", "three quarters", "greatest"),
        [("error of a sample", *(f"{value:.4g}" for value in quantiles))],
    )
    if not images:
        best, worst = (
            Table(("sample", "error"), [(f"row {row}", f"{errors[row]:.4g}") for row in rows])
            for rows in (order[:shown], order[::-1][:shown])
        )
        return Section("Errors", [spread, Text("Rebuilt best:"), best, Text("Rebuilt worst:"), worst])
    seen = as_pictures(values), as_pictures(rebuilt)
    blocks = [
        Picture(plots.reconstructions(seen[0][rows], seen[1][rows]), f"Rebuilt {word}: error {_range(errors[rows])}.")
        for word, rows in (("best", order[:shown]), ("worst", order[::-1][:shown]))
    ]
    return Section("Reconstructions, best and worst", [spread, *blocks])


def _range(errors: Array) -> str:
    return f"{errors.min():.3g} to {errors.max():.3g}"


def as_pictures(images: Array) -> Array:
    """Images as they are drawn: (n, height, width) or (n, height, width, 3)."""
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        images = np.moveaxis(images, 1, -1)
    return images[..., 0] if images.ndim == 4 and images.shape[-1] != 3 else images


def _codes(codes: Array) -> Section:
    """The map of the codes, and how much each dimension is used."""
    some = codes[np.linspace(0, len(codes) - 1, min(MAPPED, len(codes))).round().astype(int)]
    centred = some - some.mean(0)
    words = "Codes of the samples."
    if codes.shape[1] > 2:
        axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
        share = np.square(centred @ axes.T).sum() / max(np.square(centred).sum(), 1e-300)
        centred = centred @ axes.T
        words = f"Codes of the samples along their two principal axes, which hold {share:.0%} of their variance."
    flat = centred if centred.shape[1] > 1 else np.column_stack([centred, np.zeros(len(centred))])
    used = f"The code spreads in {used_dimensions(codes):.1f} of its {codes.shape[1]} dimensions (effective rank)."
    blocks = [
        Picture(plots.code_map(flat, np.full(len(flat), "")), words),
        Picture(plots.spectrum(codes), used),
    ]
    return Section("The code", blocks)


def _walks(estimator: narrows.Autoencoder, codes: Array) -> Section:
    """Images along the widest dimensions of the code, from the middle of it."""
    widest = codes.std(0).argsort()[::-1][:WALKED]
    steps = np.linspace(-2, 2, SHOWN)
    rows = {}
    for dimension in widest:
        walk = np.tile(codes.mean(0), (SHOWN, 1))
        walk[:, dimension] += steps * codes[:, dimension].std()
        rows[f"{dimension + 1}"] = as_pictures(np.asarray(estimator.inverse_transform(walk), np.float64))
    words = "Walks along the widest dimensions, from two standard deviations below the mean code to two above."
    return Section("What the dimensions mean", [Picture(plots.image_rows(rows), words)])
