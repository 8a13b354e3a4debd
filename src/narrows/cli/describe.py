"""What a file is, as names and values."""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import narrows
from narrows.core.errors import NarrowsError
from narrows.core.spec import SampleSpec
from narrows.data.arrays import Array
from narrows.data.columns import Category, ColumnSchema, Constant, Identifier, Truth
from narrows.data.csr import as_rows, is_sparse
from narrows.data.door import samples
from narrows.data.files import is_data
from narrows.data.frames import as_table, is_frame
from narrows.data.kinds import canonical, learn_column
from narrows.data.streams import StreamSamples
from narrows.data.table_streams import TableStream
from narrows.estimators.model_file import load_document
from narrows.tasks.compression import ENDING
from narrows.tasks.decompression import open_compressed
from narrows.training.fit import Request, plan_for, prepare
from narrows.training.rules import device

MOST_COLUMNS = 40
"""How many columns of a table are described one by one."""
SETTINGS = ("optimizer", "learning_rate", "schedule", "batch_size", "epochs", "precision", "device", "seed")


def describe(path: str) -> dict[str, Any]:
    """What lies at a path: data or a compressed file, if its name says so, otherwise a model."""
    if Path(path).suffix.lower() == ENDING:
        return describe_compressed(Path(path))
    return describe_data(path) if is_data(path) else describe_model(Path(path))


def describe_model(path: Path) -> dict[str, Any]:
    """What a model file holds, and how it came about.

    Raises:
        FileError: The file cannot be used, with the reason.
    """
    estimator = narrows.load(path)
    if isinstance(estimator, narrows.Compressor):
        return {"model": repr(estimator), **_learned(estimator), "file": f"{path.stat().st_size:,} bytes"}
    document = load_document(path)
    chosen, schema = estimator.chosen_, estimator.schema_
    best = chosen.get("best_epoch")
    options = chosen["options"]
    return {
        "model": f"{type(estimator).__name__}, recipe {chosen['recipe']}",
        **({"options": _named(options)} if options else {}),
        "code": f"{chosen['latent_dim']} numbers",
        "samples": _sample(schema.spec) + (f", {schema.form}" if schema.form else ""),
        "likelihood": _named(chosen["likelihood"]),
        "training": _named({name: chosen[name] for name in SETTINGS if name in chosen}),
        **({"best epoch": f"{best} of {len(estimator.history_) - 1} trained"} if best is not None else {}),
        "weights": f"{sum(p.numel() for p in estimator.module_.parameters()):,}",
        "file": f"{path.stat().st_size:,} bytes, format {document['format']}, by narrows {document['narrows']}",
    }


def _learned(estimator: narrows.Compressor) -> dict[str, str]:
    """What a `Compressor` knows of the data that it was fitted on."""
    shared = estimator.shared
    held = "" if shared.model is None else f"{len(shared.model.packed):,} bytes in a file that holds it"
    held += f", number {shared.fingerprint}"
    if estimator.lossy_ is not None:
        model = estimator.lossy_.model
        code = f"{len(model.coder.least)} numbers for every {model.side} x {model.side} pixels"
        return {"codes": f"images of {model.channels} channel(s), not exactly", "code": code, "decoder": held}
    if estimator.lossless_ is not None:
        causal, (height, width, channels) = estimator.lossless_.model, estimator.lossless_.shape
        seen = f"{causal.reach} rows above and columns to either side, and a code of size {len(causal.chances)}"
        kind = f"images of {height} x {width} pixels and {channels} channel(s), exactly"
        return {"foretells": kind, "by": seen, "decoder": held}
    shape = None if estimator.primer_ is None else estimator.primer_.shape
    primed = f"{' x '.join(map(str, shape))} pixels" if shape else "nothing: data are compressed by themselves"
    return {"primed with": primed} | ({"number": shared.fingerprint} if shape else {})


def describe_compressed(path: Path) -> dict[str, Any]:
    """What a compressed file holds, and how its chunks were made.

    Raises:
        FileError: The file cannot be used, with the reason.
    """
    with open_compressed(path) as file:
        made = file.methods()
        before, after = file.before, file.size
        found = {
            "compressed": file.form.in_words(),
            "error allowed": f"{file.bound:g}" if file.bound else "none",
            "file": f"{after:,} bytes, {before / after:.2f} times less than {before:,}",
            "chunks": f"{len(made):,}, of {file.block:,} rows at most",
        }
        if file.model:
            where = f"in the file, {file.held:,} bytes" if file.embedded else "apart: give it with --model"
            found["model"] = f"number {file.model}, {where}"
    shown: dict[tuple[str, str], list[int]] = {}
    for chunk in made:
        shown.setdefault((chunk.column, chunk.method), []).append(chunk.size)
    for (column, method), sizes in list(shown.items())[:MOST_COLUMNS]:
        count = f"{len(sizes):,} chunks, " if len(sizes) > 1 else ""
        found[f"  {column or method}"] = f"{count}{sum(sizes):,} bytes" + (f", {method}" if column else "")
    return found | ({"  ...": f"{len(shown) - MOST_COLUMNS:,} more"} if len(shown) > MOST_COLUMNS else {})


def describe_data(path: str) -> dict[str, Any]:
    """What a data file holds, and what narrows would choose for it.

    Raises:
        FileError: Nothing is there, the kind is unknown, or the file is damaged.
        InputError: It holds something else than numbers.
    """
    data = narrows.open_data(path)
    if isinstance(data, StreamSamples):
        return _describe_stream(data)
    if isinstance(data, TableStream):
        return _describe_table_stream(data)
    if is_sparse(data):
        return _describe_sparse(data)
    if is_frame(data):
        return _describe_table(data)
    array = np.asarray(data)
    return {
        "data": f"{' x '.join(map(str, array.shape))}, {array.dtype}",
        "range": _range(array),
        **_choices_or_problem(data),
    }


def _describe_table(data: Any) -> dict[str, Any]:
    """What a data frame holds, column by column."""
    table = as_table(data)
    values = {name: canonical(table[name], name) for name in table.column_names[:MOST_COLUMNS]}
    missing = {name: column.null_count / max(1, len(column)) for name, column in values.items()}
    found = {"data": f"a table of {table.num_rows:,} rows, {table.num_columns:,} columns"}
    return found | _columns(values, missing, table.num_columns) | _choices_or_problem(data)


def _describe_table_stream(data: TableStream) -> dict[str, Any]:
    """What a table on disk holds, column by column, read once."""
    seen = data.look()
    found = {"data": f"a table of {len(data):,} rows, {len(data.files.names):,} columns, on disk"}
    return found | _columns(seen.values, seen.missing, len(seen.values)) | _choices_or_problem(data)


def _columns(values: Mapping[str, pa.Array], missing: Mapping[str, float], width: int) -> dict[str, str]:
    """The first columns of a table in words, and how many more there are."""
    shown = list(values.items())[:MOST_COLUMNS]
    found = {f"  {name}": column_in_words(learn_column(name, column), column, missing[name]) for name, column in shown}
    return found | ({"  ...": f"{width - MOST_COLUMNS:,} more"} if width > MOST_COLUMNS else {})


def column_in_words(column: ColumnSchema, values: pa.Array, missing: float) -> str:
    """The kind of a column, its range or levels, and its gaps.

    Args:
        column: What the column is.
        values: Its canonical values, or those among them that decide what it is.
        missing: The share of its values that are missing.

    >>> values = pa.array(["red", None, "blue", "red"])
    >>> column_in_words(learn_column("colour", values), values, 0.25)
    'category, 2 levels: blue, red; 25.0% missing'
    """
    gaps = f"; {missing:.1%} missing" if missing else ""
    present = values.drop_null()
    if isinstance(column, Constant):
        value = None if column.value is None else present[0].as_py()
        said = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
        return ("empty" if value is None else f"constant, {said}") + gaps
    if isinstance(column, Category):
        return f"category, {len(column.levels):,} levels: {_shortened(list(map(str, column.levels)), 4)}{gaps}"
    if isinstance(column, Identifier):
        return f"identifier, {len(pc.unique(present)):,} different values, not learned{gaps}"
    if isinstance(column, Truth):
        return f"truth, {pc.mean(present.cast(pa.float64())).as_py():.1%} true{gaps}"
    ends = [value.as_py() for value in pc.min_max(present).values()]
    low, high = (f"{end:g}" if isinstance(end, float) else str(end) for end in ends)
    return f"{column.kind}, {low} to {high}{gaps}"


def _describe_stream(data: StreamSamples) -> dict[str, Any]:
    """What a stream holds, read once."""
    choices = _choices(data)
    assert data.found is not None
    gaps = ", some missing" if data.found.gaps else ""
    return {
        "data": f"{' x '.join(map(str, data.array.shape))}, {data.form}, on disk",
        **({"columns": _shortened(list(data.reader.names))} if data.reader.names else {}),
        "range": f"{data.found.low.min():g} to {data.found.high.max():g}{gaps}",
        **choices,
    }


def _describe_sparse(data: Any) -> dict[str, Any]:
    """What a sparse matrix holds, its zeros counted by what it does not store."""
    found = {"data": f"{' x '.join(map(str, data.shape))}, sparse {data.dtype}"}
    try:
        rows = as_rows(data)
    except NarrowsError as error:
        return found | {"problem": error}
    size = prod(rows.shape)
    ends = (float(rows.data.min()), float(rows.data.max())) if rows.nnz else (0.0, 0.0)
    low, high = ends if rows.nnz == size else (min(ends[0], 0.0), max(ends[1], 0.0))
    found |= {"not zero": f"{rows.nnz / size:.2%}, {rows.nnz:,} values", "range": f"{low:g} to {high:g}"}
    return found | _choices_or_problem(data)


def _choices_or_problem(data: Any) -> dict[str, Any]:
    """What narrows would choose for data, or why it cannot train on them."""
    try:
        return _choices(data)
    except NarrowsError as error:
        return {"problem": error}


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
