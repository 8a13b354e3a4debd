"""Values as whole numbers: bit for bit without an error allowed, within it otherwise; symbols that come back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from narrows.coding import chunks, mapping, rows, values
from narrows.coding.chunks import Content
from narrows.coding.efforts import EFFORTS
from narrows.coding.fields import Reader
from narrows.coding.logistic import FURTHEST, logarithms, logistic
from narrows.coding.rows import Known, Part

NUMBERS = [np.bool_, np.uint8, np.int8, np.uint16, np.int32, np.int64, np.uint64, np.float16, np.float32, np.float64]
ANY = hn.arrays(st.sampled_from(NUMBERS), st.integers(0, 40), elements={"allow_subnormal": True})


@settings(max_examples=60, deadline=None)
@given(ANY)
def test_ordered_bits_keep_order_and_every_bit(given_values):
    found = values.ordered_bits(given_values)
    assert values.from_ordered_bits(found, given_values.dtype).tobytes() == given_values.tobytes()
    numbers = given_values[~np.isnan(given_values)] if given_values.dtype.kind == "f" else given_values
    arranged = numbers[np.argsort(values.ordered_bits(numbers), kind="stable")]
    assert (arranged[1:] >= arranged[:-1]).all()


@settings(max_examples=60, deadline=None)
@given(ANY, st.booleans())
def test_every_way_gives_back_every_bit(given_values, gaps):
    missing = np.arange(len(given_values)) % 3 == 0 if gaps else None
    for how, symbols in mapping.ways(given_values, missing, 0.0) if len(given_values) else []:
        read = values.Map.read(Reader(how.to_bytes()), given_values.dtype, len(given_values))
        found = read.values(symbols, given_values.dtype)
        there = slice(None) if missing is None else ~missing
        assert found[there].tobytes() == given_values[there].tobytes()
        assert missing is None or ((symbols == 0) == missing).all()


@settings(max_examples=25, deadline=None)
@given(
    hn.arrays(st.sampled_from([np.float16, np.float32, np.float64]), 30, elements={"allow_subnormal": True}),
    st.sampled_from([1e-300, 1e-6, 1e-3, 0.1, 7.0, 1e30]),
)
def test_no_value_is_further_than_allowed(given_values, bound):
    content = Content(given_values)
    _, back = chunks.encode(content, [], {}, bound, EFFORTS["default"])
    same = values.bits_of(back.values) == values.bits_of(given_values)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(back.values.astype(np.longdouble) - given_values.astype(np.longdouble)) <= bound
        own = np.abs(back.values - given_values) <= bound
    assert (same | (near & own)).all()


def test_a_bound_below_the_spacing_of_the_type_is_kept():
    x = (1e6 + np.arange(1000) * 0.0625).astype(np.float32)
    _, back = chunks.encode(Content(x), [], {}, 0.04, EFFORTS["default"])
    assert np.abs(back.values - x).max() <= np.float32(0.04)


def test_decimals_are_found():
    x = np.random.default_rng(0).normal(size=3000).round(2)
    how, symbols = mapping.ways(x, None, 0.0)[0]
    assert values.NAMES[how.kind] in ("decimal", "rank")
    assert symbols.max() < 1000


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 400), st.integers(0, 40), st.booleans(), st.integers(0, 2**32 - 1))
def test_symbols_come_back_by_any_contexts(count, width, back, seed):
    rng = np.random.default_rng(seed)
    symbols = rng.integers(0, 2**width, count, dtype=np.uint64)
    other = Known.of(rng.integers(0, 5, count).astype(np.uint64))
    contexts = [(), (Part(0),), (Part(0, coarse=True),)]
    contexts += [(Part(-1, back=1),), (Part(-1, back=2), Part(0, back=1))] if back else []
    made = rows.encode(symbols, contexts, [other])
    assert (rows.decode(made, count, [other]) == symbols).all()


def test_a_column_that_follows_from_another_costs_little():
    rng = np.random.default_rng(0)
    parent = rng.integers(0, 50, 5000).astype(np.uint64)
    child = parent * 3 % 17
    known = Known.of(parent)
    alone = len(rows.encode(child, rows.choose(child, {}), []))
    after = len(rows.encode(child, rows.choose(child, {0: known}), [known]))
    assert after < 0.1 * alone


def test_the_row_before_is_used_where_it_helps():
    steps = np.random.default_rng(0).integers(-1, 2, 20_000).cumsum()
    symbols = (steps - steps.min()).astype(np.uint64)
    contexts = rows.choose(symbols, {})
    assert any(part.back for context in contexts for part in context)
    entropy = 20_000 * np.log2(3) / 8
    assert len(rows.encode(symbols, contexts, [])) < 1.6 * entropy


def test_coded_size_is_near_the_entropy():
    rng = np.random.default_rng(0)
    symbols = rng.choice(8, 50_000, p=np.array([64, 32, 16, 8, 4, 2, 1, 1]) / 128).astype(np.uint64)
    share = np.bincount(symbols.astype(int)) / len(symbols)
    entropy = -(share * np.log2(share)).sum() * len(symbols) / 8
    assert len(rows.encode(symbols, [()], [])) < 1.01 * entropy + 60


@pytest.mark.parametrize("damage", range(25))
def test_a_damaged_chunk_is_refused_or_told_by_its_digest(damage):
    rng = np.random.default_rng(damage)
    content = Content(rng.integers(0, 30, 500).astype(np.int16), rng.random(500) < 0.2, b"words" * 20)
    payload = bytearray(chunks.encode(content, [], {}, 0.0, EFFORTS["default"])[0])
    payload[rng.integers(len(payload))] ^= 1 << rng.integers(8)
    try:
        found = chunks.decode(bytes(payload), content.values.dtype, content.values.shape, [])
    except chunks.FileError:
        return
    assert found.values.shape == content.values.shape
    assert (found.stamp() == content.stamp()) == (
        found.stands_for(content, 0.0) and found.values.tobytes() == content.values.tobytes()
    )


def test_logistic_tables_agree_with_floating_point():
    s = np.arange(-FURTHEST, FURTHEST + 1) / 256
    assert np.abs(logistic() - 2**22 / (1 + np.exp(-s))).max() <= 0.5 + 1e-6
    assert np.abs(logarithms() - 256 * np.log(np.arange(1024) + 0.4)).max() <= 0.5 + 1e-6


@given(
    st.sampled_from([np.int64, np.uint64, np.uint32]).flatmap(
        lambda kind: hn.arrays(kind, st.integers(0, 40)) | hn.arrays(kind, 30, elements=st.integers(0, 20))
    ),
    st.booleans(),
)
def test_distinct_numbers_are_those_of_numpy(numbers, far):
    numbers = np.invert(numbers) if far else numbers
    ids, places = values.distinct(numbers)
    expected, inverse = np.unique(numbers, return_inverse=True)
    assert np.array_equal(ids, expected)
    assert ids.dtype == numbers.dtype
    assert np.array_equal(places, inverse)
