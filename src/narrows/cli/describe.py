"""What a file is, as names and values."""

from pathlib import Path
from typing import Any

import numpy as np

import narrows
from narrows.core.errors import NarrowsError
from narrows.core.spec import SampleSpec
from narrows.data.arrays import Array
from narrows.data.door import samples
from narrows.data.files import is_data
from narrows.data.streams import StreamSamples
from narrows.estimators.model_file import load_document
from narrows.training.fit import Request, plan_for, prepare
from narrows.training.rules import device

SETTINGS = ("optimizer", "learning_rate", "schedule", "batch_size", "epochs", "precision", "device", "seed")


def describe(path: str) -> dict[str, Any]:
    """What lies at a path: data, if its name says so, otherwise a model."""
    return describe_data(path) if is_data(path) else describe_model(Path(path))


def describe_model(path: Path) -> dict[str, Any]:
    """What a model file holds, and how it came about.

    Raises:
        FileError: The file cannot be used, with the reason.
    """
    estimator = narrows.load(path)
    document, _ = load_document(path)
    chosen, schema = estimator.chosen_, estimator.schema_
    options = estimator.chosen_["options"]
    return {
        "model": f"{type(estimator).__name__}, recipe {chosen['recipe']}",
        **({"options": _named(options)} if options else {}),
        "code": f"{chosen['latent_dim']} numbers",
        "samples": f"{_sample(schema.spec)}, {schema.form}",
        "likelihood": _named(chosen["likelihood"]),
        "training": _named({name: chosen[name] for name in SETTINGS if name in chosen}),
        "best epoch": f"{chosen.get('best_epoch', '-')} of {max(0, len(estimator.history_) - 1)} trained",
        "weights": f"{sum(p.numel() for p in estimator.module_.parameters()):,}",
        "file": f"{path.stat().st_size:,} bytes, format {document['format']}, by narrows {document['narrows']}",
    }


def describe_data(path: str) -> dict[str, Any]:
    """What a data file holds, and what narrows would choose for it.

    Raises:
        FileError: Nothing is there, the kind is unknown, or the file is damaged.
        InputError: It holds something else than numbers.
    """
    data = narrows.open_data(path)
    if isinstance(data, StreamSamples):
        return _describe_stream(data)
    array = np.asarray(data)
    columns = {"columns": _shortened(list(map(str, data.columns)))} if hasattr(data, "columns") else {}
    found = {"data": f"{' x '.join(map(str, array.shape))}, {array.dtype}", **columns, "range": _range(array)}
    try:
        return found | _choices(data)
    except NarrowsError as error:
        return found | {"problem": error}


def _describe_stream(data: StreamSamples) -> dict[str, Any]:
    """What a stream holds, read once."""
    choices = _choices(data)
    assert data.found is not None
    names = {"columns": _shortened(list(data.reader.names))} if data.reader.names else {}
    sizes = " x ".join(map(str, data.array.shape))
    gaps = ", some missing" if data.found.gaps else ""
    return {
        "data": f"{sizes}, {data.form}, on disk",
        **names,
        "range": f"{data.found.low.min():g} to {data.found.high.max():g}{gaps}",
        **choices,
    }


def _choices(data: Any) -> dict[str, Any]:
    """What narrows would choose for data that it can train on."""
    given = samples(data, least_rows=2)
    model, schema, chosen = prepare(given, Request())
    plan = plan_for(Request(), model, len(given), device("auto"))
    return {
        "samples": f"{len(given):,}, each {_sample(schema.spec)}",
        "recipe": chosen["recipe"],
        "code": f"{chosen['latent_dim']} numbers",
        "likelihood": _named(chosen["likelihood"]),
        "training": f"at most {plan.epochs} epochs, batch size {plan.batch_size}, {plan.precision}",
    }


def _sample(spec: SampleSpec) -> str:
    """A spec in words.

    >>> _sample(SampleSpec("image", (3, 32, 32))), _sample(SampleSpec("vector", (30,)))
    ('an image of 3 x 32 x 32', 'a vector of 30')
    """
    article = "an" if spec.kind == "image" else "a"
    return f"{article} {spec.kind} of {' x '.join(map(str, spec.shape))}"


def _range(array: Array) -> str:
    """Least and greatest value, and the share of missing ones."""
    missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(1, dtype=bool)
    if array.size == 0 or missing.all() or array.dtype.kind not in "biuf":
        return "no numbers"
    gaps = f", {missing.mean():.1%} missing" if missing.any() else ""
    return f"{np.nanmin(array):g} to {np.nanmax(array):g}{gaps}"


def _named(values: dict[str, Any]) -> str:
    """Names and values in one line, a `name` by its value alone.

    >>> _named({"name": "normal", "scale": "learned"})
    'normal, scale learned'
    """
    first = sorted(values, key=lambda key: key != "name")
    return ", ".join(_text(values[key]) if key == "name" else f"{key} {_text(values[key])}" for key in first)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shortened(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f", ... ({len(names)})" if len(names) > most else "")
