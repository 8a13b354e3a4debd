"""Compressed files: everything comes back, in part too; damage is named, and never passes for data."""

import datetime as dt
import io
import lzma
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

import narrows
from narrows.coding.container import ContainerWriter
from narrows.core.errors import ChoiceError, FileError, InputError
from narrows.tasks import compression, decompression, forms
from narrows.tasks.compression import Plan, to_bytes
from narrows.tasks.decompression import from_bytes, open_compressed

GOLDEN = Path(__file__).parent.parent / "golden"
LOSSLESS = Plan.of(0, "default")
TYPES = st.one_of(
    hn.scalar_dtypes(),
    hn.unicode_string_dtypes(max_len=4),
    hn.byte_string_dtypes(max_len=4),
    hn.nested_dtypes(hn.scalar_dtypes(), max_itemsize=64),
)
SHAPES = hn.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)


def same(found, given_array):
    assert found.dtype == given_array.dtype
    assert found.shape == given_array.shape
    assert found.tobytes() == np.ascontiguousarray(given_array).tobytes()


def random_array(dtype, shape, seed):
    """Any bits at all: payloads of not-a-number, subnormal numbers, negative zeros."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape)) * dtype.itemsize
    raw = rng.integers(0, 256, count, dtype=np.uint8) if seed % 3 else rng.integers(0, 2, count, dtype=np.uint8)
    if dtype.kind == "b":
        raw &= 1
    if dtype.kind == "U":
        return (
            np.array(rng.integers(32, 1000, int(np.prod(shape)) * (dtype.itemsize // 4)), dtype="<u4")
            .view(dtype.newbyteorder("<"))
            .reshape(shape)
            .astype(dtype)
            if dtype.itemsize
            else np.zeros(shape, dtype)
        )
    return raw.view(dtype).reshape(shape) if dtype.itemsize and count else np.zeros(shape, dtype)


def check_array(dtype, shape, order, seed, effort):
    array = random_array(dtype, shape, seed)
    array = {"C": array, "F": np.asfortranarray(array), "reversed": array[::-1] if array.ndim else array}[order]
    same(from_bytes(to_bytes(array, Plan.of(0, effort))), array)


ARRAYS = given(TYPES, SHAPES, st.sampled_from(["C", "F", "reversed"]), st.integers(0, 2**32 - 1), st.just("default"))


@settings(max_examples=50, deadline=None)
@ARRAYS
def test_arrays_of_every_type_and_shape_come_back(dtype, shape, order, seed, effort):
    check_array(dtype, shape, order, seed, effort)


@pytest.mark.slow
@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@ARRAYS
def test_thousands_of_arrays_come_back(dtype, shape, order, seed, effort):
    check_array(dtype, shape, order, seed, effort)


@pytest.mark.parametrize("effort", ["fast", "default", "max"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(7, 9), (5, 8, 8), (3, 6, 5, 3), (1, 17, 4, 1)])
def test_images_come_back(effort, dtype, shape):
    ramp = np.add.outer(np.arange(shape[0] * 3), np.arange(int(np.prod(shape[1:]))))[: shape[0]].reshape(shape)
    noise = np.random.default_rng(0).integers(0, 3, shape)
    image = ((ramp + noise) * 3 % 256).astype(dtype)
    same(from_bytes(to_bytes(image, Plan.of(0, effort))), image)


FLOATS = hn.arrays(
    st.sampled_from([np.float16, np.float32, np.float64, np.dtype(">f4"), np.complex64]),
    hn.array_shapes(min_dims=0, max_dims=3, max_side=9),
)


def check_bound(array, bound):
    found = from_bytes(to_bytes(array, Plan.of(bound, "default")))
    assert found.dtype == array.dtype
    parts = [(array.real, found.real), (array.imag, found.imag)] if array.dtype.kind == "c" else [(array, found)]
    for asked, got in parts:
        with np.errstate(invalid="ignore", over="ignore"):
            near = np.abs(got - asked) <= bound
            exact = np.abs(got.astype(np.longdouble) - asked.astype(np.longdouble)) <= bound
        assert ((near & exact) | (got == asked) | (np.isnan(got) & np.isnan(asked))).all()


@settings(max_examples=50, deadline=None)
@given(FLOATS, st.sampled_from([1e-9, 1e-3, 0.5, 1e3]))
def test_no_value_is_further_than_allowed(array, bound):
    check_bound(array, bound)


@pytest.mark.slow
@pytest.mark.parametrize("least", [1e-12, 1e-6, 1.0])
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(array=FLOATS, share=st.floats(1, 1e6))
def test_thousands_of_arrays_stay_within_the_bound(array, least, share):
    check_bound(array, least * share)


@pytest.mark.parametrize("scale", [1e-40, 1.0, 1e6, 1e30])
@pytest.mark.parametrize("share", [1e-2, 1e-3, 1e-6, 1e-8])
@pytest.mark.parametrize("shape", [(900,), (30, 30), (9, 10, 10)])
def test_smooth_fields_stay_within_the_bound(scale, share, shape):
    with np.errstate(under="ignore"):
        field = (np.sin(np.arange(900.0) / 30) * scale + 3 * scale).astype(np.float32).reshape(shape)
    field.flat[5], field.flat[7], field.flat[8] = np.nan, np.inf, -0.0
    bound = float(share * scale)
    if bound > 0:
        check_bound(field, bound)


def mixed_table():
    rng = np.random.default_rng(0)
    n = 300
    return pd.DataFrame(
        {
            "whole": rng.integers(-5, 5, n),
            "small": rng.integers(0, 9, n).astype(np.uint8),
            "number": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n).round(1)),
            "single": rng.normal(size=n).astype(np.float32),
            "truth": rng.random(n) < 0.5,
            "text": pd.Series([None if i % 7 == 0 else "abcé "[i % 4 :] for i in range(n)], dtype="str"),
            "unlike": [f"name {i}" for i in range(n)],
            "kind": pd.Categorical.from_codes(rng.integers(-1, 3, n), ["x", "y", "z"], ordered=True),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 99, n), "D"),
            "zoned": pd.to_datetime(rng.integers(0, 10**9, n), unit="s", utc=True).tz_convert("Europe/Berlin"),
            "span": pd.to_timedelta(rng.integers(0, 99, n), "s"),
            "gaps": pd.array([None if i % 5 == 0 else i for i in range(n)], dtype="Int64"),
            "maybe": pd.array([None if i % 5 == 0 else i % 2 == 0 for i in range(n)], dtype="boolean"),
        }
    )


@pytest.mark.parametrize("effort", ["fast", "default"])
@pytest.mark.parametrize("index", [None, "text", ["kind", "day"], "range"])
def test_pandas_tables_come_back(effort, index):
    table = mixed_table()
    table = (
        table.set_index(pd.RangeIndex(5, 905, 3))
        if index == "range"
        else table
        if index is None
        else table.set_index(index)
    )
    pd.testing.assert_frame_equal(from_bytes(to_bytes(table, Plan.of(0, effort))), table)


def test_not_a_number_in_pandas_keeps_its_bits():
    odd = np.array([0x7FF8_0000_0000_0123, 0x7FF0_0000_0000_0001, 1 << 63], dtype=np.uint64).view(np.float64)
    found = from_bytes(to_bytes(pd.DataFrame({"x": odd}), LOSSLESS))
    assert found["x"].to_numpy().tobytes() == odd.tobytes()


def test_polars_and_arrow_tables_come_back():
    frame = pl.from_pandas(mixed_table())
    assert from_bytes(to_bytes(frame, LOSSLESS)).equals(frame)
    assert from_bytes(to_bytes(frame, LOSSLESS)).schema == frame.schema
    table = pa.table(
        {
            "list": pa.array([[1, 2], None, []] * 10),
            "decimal": pa.array([1, None, 3] * 10, pa.decimal128(9, 2)),
            "struct": pa.array([{"a": 1}, {"a": None}, None] * 10),
            "date": pa.array([dt.date(2020, 1, 1), None, dt.date(1960, 2, 3)] * 10),
            "time": pa.array([dt.time(1, 2, 3), None, None] * 10),
            "bytes": pa.array([b"\x00\xff", None, b""] * 10, pa.large_binary()),
            "nothing": pa.nulls(30),
            "half": pa.array(np.arange(30).astype(np.float16)),
            "levels": pa.array(["a", None, "b"] * 10).dictionary_encode(),
        }
    )
    found = from_bytes(to_bytes(table, LOSSLESS))
    assert found.schema == table.schema
    assert found.equals(table)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.text(max_size=5)),
            st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
            st.floats(),
            st.one_of(st.none(), st.booleans()),
        ),
        max_size=40,
    )
)
def test_tables_of_anything_come_back(rows):
    columns = list(zip(*rows, strict=True)) or [[]] * 4
    kinds = [pa.string(), pa.int64(), pa.float64(), pa.bool_()]
    table = pa.table([pa.array(list(c), k) for c, k in zip(columns, kinds, strict=True)], names=list("abcd"))
    found = from_bytes(to_bytes(table, LOSSLESS))
    assert found.schema == table.schema
    assert found.drop(["c"]).equals(table.drop(["c"]))
    assert found["c"].to_numpy().tobytes() == table["c"].to_numpy().tobytes()


@pytest.fixture
def small_blocks(monkeypatch):
    """Files of many chunks."""
    monkeypatch.setattr(forms, "BLOCK", 1 << 12)
    monkeypatch.setattr("narrows.tasks.table_forms.ROWS", 100)


def test_parts_are_read_by_themselves(small_blocks, tmp_path):
    array = np.random.default_rng(0).integers(0, 200, (700, 5, 4)).astype(np.int16)
    narrows.compress(array, tmp_path / "x.nrw")
    with narrows.open_compressed(tmp_path / "x.nrw") as file:
        assert file.blocks > 3
        assert len(file) == 700
        for rows in [slice(0, 1), slice(90, 350), slice(699, 700), slice(-5, None), slice(5, 2), slice(None)]:
            same(file[rows], array[rows])
        with pytest.raises(InputError, match="without a step"):
            file[::2]


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_memory_maps_come_back_with_what_was_changed_in_them(mode, small_blocks, tmp_path):
    np.save(tmp_path / "x.npy", np.arange(9000.0).reshape(900, 10))
    mapped = np.load(tmp_path / "x.npy", mmap_mode=mode)
    if mode != "r":
        mapped[::7] = -1
    expected = np.array(mapped)
    narrows.compress(mapped, tmp_path / "x.nrw")
    same(narrows.decompress(tmp_path / "x.nrw"), expected)
    assert (mapped == expected).all()


def test_columns_of_tables_are_read_by_name(small_blocks, tmp_path):
    table = mixed_table()
    narrows.compress(table, tmp_path / "x.nrw")
    with open_compressed(tmp_path / "x.nrw") as file:
        assert file.columns == list(table.columns)
        pd.testing.assert_frame_equal(file[90:210].reset_index(drop=True), table[90:210].reset_index(drop=True))
        for name in ("text", "number", "kind"):
            assert file[name].equals(table[name]) or (file[name].isna() == table[name].isna()).all()
        assert file["whole", 10:20].tolist() == table["whole"][10:20].tolist()
        with pytest.raises(InputError, match="no column 'none'"):
            file["none"]


@pytest.mark.parametrize("effort", ["fast", "default", "max"])
def test_a_file_is_hardly_larger_than_the_best_generic_codec_makes_it(effort):
    rng = np.random.default_rng(0)
    for array in [rng.bytes(5000), bytes(5000), b"abcabcd" * 700, np.arange(900.0).tobytes()]:
        values = np.frombuffer(array, np.uint8)
        size = len(to_bytes(values, Plan.of(0, effort)))
        codecs = [len(array), len(zstandard.compress(array, 19 if effort != "fast" else 3))]
        codecs += [len(lzma.compress(array, lzma.FORMAT_ALONE, preset=9))] if effort != "fast" else []
        assert size <= 1.01 * min(codecs) + 200


@pytest.mark.parametrize(
    "values",
    [np.arange(3), np.float32(3), np.zeros((40, 50), np.uint8), np.zeros((60, 50)) + np.pi, np.full(900, "ab")],
)
def test_a_small_file_has_little_but_its_values(values):
    assert len(to_bytes(values, LOSSLESS)) < min(np.asarray(values).nbytes, 40) + 120


@pytest.mark.parametrize("kind", ["far repeats", "steps", "walk", "text", "floats"])
def test_choosing_by_a_sample_costs_hardly_more_than_the_best_generic_codec(kind):
    rng = np.random.default_rng(0)
    values = {
        "far repeats": np.tile(rng.integers(0, 256, 60_000), 3).astype(np.uint8),
        "steps": np.repeat(rng.integers(0, 2**30, 900), 90).astype(np.int32),
        "walk": rng.integers(-2, 3, 90_000).cumsum().astype(np.int16),
        "text": np.frombuffer(b" ".join(rng.choice([b"one", b"three", b"seven", b"eleven"], 40_000)), np.uint8),
        "floats": rng.choice(rng.normal(size=500), 20_000),
    }[kind]
    raw = values.tobytes()
    best = min(len(zstandard.compress(raw, 19)), len(lzma.compress(raw, lzma.FORMAT_ALONE, preset=9)))
    assert len(to_bytes(values, LOSSLESS)) <= 1.01 * best + 200


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_changes_nothing(threads, small_blocks, monkeypatch):
    table, array = mixed_table(), np.random.default_rng(0).normal(size=(900, 3)).round(2)
    expected = [to_bytes(data, LOSSLESS) for data in (table, array)]
    for module in (compression, decompression):
        monkeypatch.setattr(module, "cores", lambda: threads)
    assert [to_bytes(data, LOSSLESS) for data in (table, array)] == expected
    pd.testing.assert_frame_equal(from_bytes(expected[0]), table)


def test_golden_files_stay_readable():
    with np.load(GOLDEN / "compressed1.npz") as expected:
        for name in expected.files:
            same(narrows.decompress(GOLDEN / f"compressed1.{name}.nrw"), expected[name])


def test_bad_requests_are_refused(tmp_path):
    with pytest.raises(ChoiceError, match="did you mean 'max'"):
        narrows.compress(np.arange(3), tmp_path / "x.nrw", effort="maxx")
    for error in (-1, np.nan, "0.1", True):
        with pytest.raises(ChoiceError, match="max_error is a number"):
            narrows.compress(np.arange(3), tmp_path / "x.nrw", max_error=error)
    with pytest.raises(InputError, match="references to objects"):
        narrows.compress(np.array([{}, None]), tmp_path / "x.nrw")
    with pytest.raises(FileError, match="no compressed file"):
        narrows.decompress(tmp_path / "none.nrw")
    assert list(tmp_path.iterdir()) == []


# damage


def damaged_files(seed, count):
    """Bytes of a file with several chunks, and ways of damaging them."""
    rng = np.random.default_rng(seed)
    array = rng.integers(0, 50, (600, 4)).astype(np.int32)
    data = to_bytes(array, LOSSLESS)
    for _ in range(count):
        spoiled = bytearray(data)
        kind = rng.integers(5)
        if kind == 0:
            spoiled[rng.integers(len(data))] ^= 1 << rng.integers(8)
        elif kind == 1:
            del spoiled[rng.integers(len(data)) :]
        elif kind == 2:
            at = rng.integers(len(data) - 40)
            spoiled[at : at + 8] = rng.bytes(8)
        elif kind == 3:
            at, size = rng.integers(len(data) - 60, size=2), 30
            spoiled[at[0] : at[0] + size], spoiled[at[1] : at[1] + size] = (
                spoiled[at[1] : at[1] + size],
                spoiled[at[0] : at[0] + size],
            )
        else:
            spoiled += rng.bytes(int(rng.integers(1, 50)))
        yield array, data, bytes(spoiled)


def check_damage(seed, count):
    for array, data, spoiled in damaged_files(seed, count):
        if spoiled == data:
            continue
        with pytest.raises(FileError, match=r"damaged|cut short|no compressed file|newer"):
            from_bytes(spoiled)
        try:
            file = decompression.Compressed(io.BytesIO(spoiled), "x", salvage=True)
        except FileError:
            continue
        found, lost = file.salvage()
        kept = np.ones(len(array), dtype=bool)
        for loss in lost:
            kept[loss.start : loss.stop] = False
        same(found, array[kept])


def test_no_damage_passes_for_data(small_blocks):
    check_damage(0, 120)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 40, 5))
def test_no_damage_of_thousands_passes_for_data(small_blocks, first):
    for seed in range(first, first + 5):
        check_damage(seed, 250)


def test_chunks_that_changed_places_are_named(small_blocks):
    array = np.zeros((2000, 4), np.int32)
    data = bytearray(to_bytes(array, Plan.of(0, "fast")))
    container = decompression.Compressed(io.BytesIO(bytes(data)), "x")._container
    starts = [(start - 16, start + size) for start, size, _, _ in container._frames]
    first, second = starts[0], starts[1]
    assert first[1] - first[0] == second[1] - second[0]
    one, two = data[slice(*first)], data[slice(*second)]
    data[slice(*first)], data[slice(*second)] = two, one
    with pytest.raises(FileError, match=r"chunk [01] .rows .*checksum"):
        from_bytes(bytes(data))


def test_undamaged_rows_are_salvaged(small_blocks):
    array = np.random.default_rng(0).integers(0, 50, (600, 3, 4)).astype(np.int32)
    data = bytearray(to_bytes(array, LOSSLESS))
    data[len(data) // 2] ^= 16
    del data[-20:]
    file = decompression.Compressed(io.BytesIO(bytes(data)), "x", salvage=True)
    found, lost = file.salvage()
    assert len(found) >= file.block
    assert lost
    same(found, array[: len(found)])


def hostile(header):
    """A file with a header that claims anything, otherwise in order."""
    out = io.BytesIO()
    writer = ContainerWriter(out, header)
    writer.add(b"\0\0\0\0\0", b"12345678")
    writer.finish()
    return out.getvalue()


ORDINARY = {"kind": "array", "dtype": "<f8", "shape": [10], "layout": "whole", "rows": 10, "bound": "0x0.0p+0"}


@pytest.mark.parametrize(
    "claim",
    [
        {"shape": [1 << 45]},
        {"shape": [1 << 45], "rows": 1 << 45},
        {"shape": [10, 1 << 40]},
        {"shape": [1 << 40, 1 << 40, 1 << 40]},
        {"shape": [-1]},
        {"shape": "ten"},
        {"shape": None},
        {"rows": 0},
        {"rows": "many"},
        {"dtype": "O"},
        {"dtype": "|V4000000000"},
        {"dtype": "nonsense"},
        {"dtype": [["a", "O"]]},
        {"layout": "columns"},
        {"layout": "other"},
        {"bound": "zero"},
        {"kind": "table"},
        {"kind": "table", "schema": "AAAA", "library": "pandas", "count": 3},
        {"kind": ["array"]},
    ],
    ids=str,
)
def test_hostile_headers_are_refused_before_anything_is_allocated(claim):
    with pytest.raises(FileError):
        from_bytes(hostile(ORDINARY | claim))


@pytest.mark.parametrize("size", [0, 1, 7, 8, 19, 20, 40])
def test_short_files_are_refused(size):
    data = to_bytes(np.arange(100), LOSSLESS)
    with pytest.raises(FileError):
        from_bytes(data[:size])


def test_a_newer_version_is_refused():
    data = bytearray(to_bytes(np.arange(100), LOSSLESS))
    data[8:10] = struct.pack("<H", 2)
    with pytest.raises(FileError, match="newer than format 1"):
        from_bytes(bytes(data))


def test_a_header_that_claims_terabytes_is_refused():
    data = bytearray(to_bytes(np.arange(100), LOSSLESS))
    data[12:16] = struct.pack("<I", 2**32 - 1)
    with pytest.raises(FileError, match="header"):
        from_bytes(bytes(data))
    assert zlib.crc32(b"") == 0
