"""What `narrows report` says of a generator: samples, ways between samples, and what numbers of the code do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import narrows
from narrows import plots
from narrows.cli.reporting import as_pictures, card, training
from narrows.core.errors import InputError
from narrows.data.arrays import Array
from narrows.data.door import samples_like
from narrows.data.samples import ArraySamples
from narrows.data.schema import ArraySchema
from narrows.metrics import density_and_coverage, kernel_distance
from narrows.plots.page import Picture, Section, Table, Text, page

SHOWN = 64
"""How many samples a contact sheet shows."""
MEASURED = 1000
"""How many samples are compared with as many of the data, at most."""
STEPS = 9
"""How many samples make a way or a traversal."""
ROWS = 6
"""How many ways and traversals are shown, at most."""
SCORED, DRAWS = 256, 100
"""Of how many samples the likelihood is estimated, at most, and by how many draws."""


def generator_page(estimator: narrows.Generator, model: Path, data: Any, name: str) -> str:
    """One page on a generator and data, as HTML.

    Args:
        estimator: The model.
        model: Its file.
        data: Samples, as the estimator takes them.
        name: What the data is called.

    Raises:
        InputError: Samples of another kind than the model knows, or that are read as they lie; a model that is told
            numbers of each sample.
    """
    schema = estimator.schema_
    given = samples_like(data, schema, getattr(estimator, "feature_names_in_", None))
    if not isinstance(given, ArraySamples) or not isinstance(schema, ArraySchema):
        raise InputError(f"a report is on numbers, images or series in memory, and {name} is a table or a stream")
    if len(given) < 8:
        raise InputError(f"a report on a generator needs at least 8 samples, and {name} holds {len(given)}")
    count = min(MEASURED, len(given))
    made = estimator.sample(count, _labels(estimator, count), random_state=0)
    images = schema.spec.kind == "image"
    sections = [
        card(model, given, given.source(schema).digest(), name),
        training(estimator),
        _samples(given.array, np.asarray(made), images),
    ]
    if estimator.conditions_ is None and estimator.module_.bottleneck.weighs:
        sections.append(_likelihood(estimator, given.given))
    if estimator.conditions_ is None and images:
        sections += [_ways(estimator, given.array), _traversals(estimator, given.array)]
    lead = f"New samples beside {len(given):,} of {name}, from codes of {estimator.chosen_['latent_dim']} numbers."
    return page(f"{model.name}: a report", lead, sections)


def _labels(estimator: narrows.Generator, n: int) -> Array | None:
    """Every class in turn, of models that were told classes."""
    if estimator.conditions_ is None:
        return None
    classes = estimator.conditions_.classes
    if classes is None:
        raise InputError("a report draws samples of classes, and this model was told numbers of each sample")
    return np.resize(np.asarray(classes), n)


def _samples(real: Array, made: Array, images: bool) -> Section:
    """New samples beside those of the data, and how far they are apart."""
    every = np.linspace(0, len(real) - 1, len(made)).round().astype(int)
    flat, new = (np.nan_to_num(x.reshape(len(x), -1).astype(np.float64)) for x in (real[every], made))
    middle, scale = flat.mean(0), max(float(flat.std()), 1e-12)
    flat, new = (flat - middle) / scale, (new - middle) / scale
    density, coverage = density_and_coverage(flat, new, neighbours=min(5, len(flat) - 1))
    rows = [
        ("density", f"{density:.3f}", "1 at the same distribution, more where samples keep to its middle"),
        ("coverage", f"{coverage:.3f}", "share of the data with a sample as near as its fifth neighbour"),
        ("kernel distance", f"{kernel_distance(flat, new):.4g}", "0 at the same distribution"),
    ]
    blocks: list[Picture | Table | Text] = [
        Table(("", "value", "what it says"), rows),
        Text(f"Measured on {len(made):,} samples and as many of the data, value by value, in one scale."),
    ]
    if images:
        sheets = {"new": as_pictures(made[:SHOWN].astype(np.float64)), "data": as_pictures(real[every][:SHOWN])}
        blocks.append(Picture(plots.sample_sheets(sheets, columns=2), "Samples that were not chosen, beside the data."))
    return Section("Samples", blocks)


def _likelihood(estimator: narrows.Generator, given: Any) -> Section:
    """How probable the data is."""
    nats = estimator.log_likelihood(given[:SCORED], draws=DRAWS)
    error = nats.std() / len(nats) ** 0.5
    bits = -nats.mean() / (np.log(2) * estimator.schema_.spec.size)
    rows = [("nats a sample", f"{nats.mean():.2f} ± {error:.2f}"), ("bits a value, to code them", f"{bits:.3f}")]
    words = f"Importance sampled, {DRAWS} draws for each of {len(nats):,} samples: a little too low on average."
    return Section("How probable the data is", [Table(("", "value"), rows), Text(words)])


def _ways(estimator: narrows.Generator, real: Array) -> Section:
    """From some samples to others."""
    count = min(ROWS, len(real) // 2)
    ends = np.linspace(0, len(real) - 1, 2 * count).round().astype(int)
    way = estimator.interpolate(real[ends[:count]], real[ends[count:]], steps=STEPS, path="spherical")
    words = "From one sample of the data to another, around the middle of the code; the ends are reconstructions."
    return Section("Ways", [Picture(plots.ways(as_pictures(np.asarray(way)), STEPS), words)])


def _traversals(estimator: narrows.Generator, real: Array) -> Section:
    """One sample, with one number of its code after another set low to high."""
    widest = np.asarray(estimator._code_scale).argsort()[::-1][:ROWS]
    walks = np.concatenate([np.asarray(estimator.traverse(real[0], int(j))) for j in widest])
    names = ", ".join(str(j + 1) for j in widest)
    words = f"The first sample, with one number of its code set from low to high in each row: numbers {names}."
    return Section("What numbers of the code do", [Picture(plots.ways(as_pictures(walks), STEPS), words)])
