"""Fields by interpolation: what comes back is within half a step, and the same on both sides."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from narrows.coding import chunks, interpolation, smooth
from narrows.coding.chunks import Content
from narrows.coding.efforts import EFFORTS
from narrows.coding.fields import Reader
from narrows.coding.levels import classes
from narrows.core.errors import FileError

SHAPES = hn.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=9)


@settings(max_examples=10, deadline=None)
@example((3, 6, 4), 1, 113380, 2**43)
@given(SHAPES, st.sampled_from([1, 5, 511]), st.integers(0, 2**32 - 1), st.sampled_from([3, 2**20, 2**43]))
def test_fields_come_back_within_half_a_step(shape, step, seed, largest):
    rng = np.random.default_rng(seed)
    field, there = rng.integers(-largest, largest, shape), rng.random(shape) < 0.8
    for axes in [*smooth.layouts(shape), ()]:
        made, back = interpolation.encode(field, there, [axes], step)
        assert (interpolation.decode(made, shape, there)[there] == back[there]).all()
        assert (np.abs(back - field)[there] <= step // 2).all()


@settings(deadline=None)
@given(SHAPES)
def test_every_point_is_in_one_class(shape):
    for axes in smooth.layouts(shape):
        seen = np.zeros(shape, dtype=int)
        seen[tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(len(shape)))] += 1
        for points in classes(shape, axes):
            seen[np.ix_(*points.places)] += 1
        assert (seen == 1).all()


@settings(deadline=None)
@given(st.lists(st.integers(-(2**40), 2**40), min_size=1))
def test_tokens_come_back(numbers):
    residual = np.array(numbers, dtype=np.int64)
    token, count, low = interpolation._tokens(residual)
    assert token.min() >= 0
    assert (interpolation._open_bits(token) == count).all()
    assert (interpolation._residual(token, low) == residual).all()


def test_a_smooth_field_costs_little_more_than_a_bit_a_point():
    y, x = np.mgrid[:80, :90] / 20
    field = np.rint(np.sin(y + x**2 / 5) * 5000).astype(np.int64)
    made, _ = interpolation.encode(field, np.ones(field.shape, bool), [(0, 1)], 51)
    assert 8 * len(made) < 1.5 * field.size


def test_the_better_layout_is_taken():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:40, :50] / 9
    slices = [np.sin(a * y + b * x) * 3000 for a, b in rng.normal(size=(12, 2))]
    alike = [np.sin(y + x + step / 20) * 3000 for step in range(12)]
    for parts, better in ((slices, (1, 2)), (alike, (0, 1, 2))):
        field = np.rint(np.stack(parts)).astype(np.int64)
        there = np.ones(field.shape, bool)
        made = {axes: interpolation.encode(field, there, [axes], 5)[0] for axes in smooth.layouts(field.shape)}
        assert min(made, key=lambda axes: len(made[axes])) == better
        assert interpolation.encode(field, there, list(made), 5)[0] == made[better]


@pytest.mark.parametrize("bound", [0.0, 1e-3])
def test_odd_values_keep_every_bit(bound):
    values = np.round(np.add.outer(np.arange(30.0), np.arange(40.0)) / 8, 3)
    values[3, 4:9] = np.nan, np.inf, -np.inf, -0.0, 1e300
    made = smooth.promise(values, bound).make()
    found = smooth.decode(made, values.dtype, values.shape)
    if bound == 0:
        assert found.tobytes() == values.tobytes()
    assert found[3, [4, 5, 6, 8]].tobytes() == values[3, [4, 5, 6, 8]].tobytes()
    near = np.abs(np.where(np.isfinite(values), found - np.where(np.isfinite(values), values, 0), 0))
    assert near.max() <= bound


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        found = smooth.decode(data, np.dtype(np.float32), (4, 5))
    except (FileError, ValueError, IndexError, OverflowError):
        return
    assert found.shape == (4, 5)
    assert Reader(data).number() in (0, 1, 3)


def test_taps_are_stored_where_they_save_more_than_they_take():
    y, x = np.mgrid[:90, :100]
    waves = np.rint(np.sin(y / 2) * np.cos(x / 2.5) * 30_000).astype(np.int64)
    for field, saved in ((waves, True), (np.full_like(waves, 7), False)):
        made = interpolation.Foretold.of(field, np.ones(field.shape, bool), (0, 1), 1)
        assert any(len(one) > 1 for one in made.design.taps) == saved


def test_fields_within_a_bound_are_left_to_interpolation(monkeypatch):
    monkeypatch.setattr(chunks.rows, "encode", None)
    y, x = np.mgrid[:30, :40] / 9
    values = np.sin(y) * np.cos(x)
    payload, back = chunks.encode(Content(values), [], {}, 1e-3, replace(EFFORTS["max"], borrowed=False))
    assert chunks.in_words(payload, values.dtype, values.size) == "interpolation, grid"
    assert np.abs(back.values - values).max() <= 1e-3
