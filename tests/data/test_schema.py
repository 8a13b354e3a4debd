"""The schema: raw values to tensors and back."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from narrows.core.errors import InputError
from narrows.data.arrays import as_array, layout_of
from narrows.data.schema import ArraySchema
from narrows.data.statistics import Statistics


def learn(X, values="real", scaling="auto"):
    return ArraySchema.learn(X, Statistics.of(X), values, scaling)


def round_trip(X, **options):
    schema = learn(X, **options)
    return schema.raw(schema.tensor(torch.from_numpy(np.ascontiguousarray(X))))


whole = st.one_of(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6)),
    arrays(np.int16, array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6)),
    arrays(np.bool_, array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6)),
)


@settings(max_examples=200, deadline=None)
@given(whole, st.sampled_from(["auto", "shared", "none"]))
def test_whole_numbers_come_back_exactly(X, scaling):
    assert np.array_equal(round_trip(X, scaling=scaling), X)


@settings(max_examples=200, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(2, 9), st.integers(1, 6)), elements=st.floats(-1e9, 1e9)))
def test_floats_come_back_to_single_precision(X):
    spread = X.std(0)
    assert (np.abs(round_trip(X, scaling="column") - X) <= 1e-5 * spread + 1e-9 * np.abs(X) + 1e-12).all()


def test_a_large_offset_costs_no_precision():
    X = 1e9 + np.random.RandomState(0).randn(100, 3)
    assert np.allclose(round_trip(X), X, rtol=0, atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 40), st.integers(1, 6)), elements=st.floats(-1e6, 1e6)))
def test_statistics_are_those_of_numpy(X):
    found = Statistics.of(X)
    assert np.allclose(found.mean, X.mean(0), rtol=1e-9, atol=1e-9)
    assert np.allclose(found.variance, X.var(0), rtol=1e-6, atol=1e-6 * np.square(X).max())
    assert np.array_equal(found.low, X.min(0))
    assert np.array_equal(found.high, X.max(0))


def test_statistics_in_blocks(monkeypatch):
    X = np.random.RandomState(0).randn(1000, 5)
    monkeypatch.setattr("narrows.data.statistics.BLOCK", 99)
    assert np.allclose(Statistics.of(X).variance, X.var(0))


def test_tensors_are_centred_and_scaled():
    X = np.random.RandomState(0).randn(500, 4) * 3 + 7
    x = learn(X).tensor(torch.from_numpy(X))
    assert x.dtype == torch.float32
    assert x.mean().abs() < 1e-5
    assert x.var() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize(
    ("columns", "shared"),
    [([1, 1, 1], True), ([1, 2, 3], True), ([1, 1, 1e-3], True), ([1, 1e3, 1e6], False), ([1, 1e-3, 1e-3], False)],
)
def test_columns_of_one_unit_share_a_scale(columns, shared):
    X = np.random.RandomState(0).rand(100, 3) * columns
    assert (len(learn(X).scale) == 1) == shared


def test_unit_support():
    bytes_ = np.arange(256, dtype=np.uint8).reshape(64, 2, 2)
    assert learn(bytes_, values="unit").tensor(torch.from_numpy(bytes_)).max() == 1
    with pytest.raises(InputError, match=r"within \[0, 1\] or uint8, got a range of -1 to 2"):
        learn(np.array([[-1.0, 2.0]]), values="unit")


@pytest.mark.parametrize(
    ("shape", "layout"),
    [((5, 7), "values"), ((5, 7, 7), "hw"), ((5, 7, 7, 3), "hwc"), ((5, 3, 7, 7), "chw"), ((5, 4, 4, 4), "hwc")],
)
def test_layouts(shape, layout):
    X = np.random.RandomState(0).rand(*shape)
    assert layout_of(X) == layout
    assert np.allclose(round_trip(X), X, atol=1e-6)
    schema = learn(X)
    assert schema.raw_shape == shape[1:]
    assert schema.tensor(torch.from_numpy(X)).shape == (5, *schema.spec.shape)


def test_json_round_trip():
    X = np.random.RandomState(0).rand(9, 4)
    schema = learn(X)
    again = ArraySchema.from_json(schema.to_json(), schema.arrays())
    assert again.to_json() == schema.to_json()
    assert all(np.array_equal(again.arrays()[k], v, equal_nan=True) for k, v in schema.arrays().items())


def test_objects_that_are_numbers():
    assert as_array(np.array([[1, 2.5], ["3", 4]], dtype=object)).dtype == np.float64


def test_a_spread_that_no_float_can_be_divided_by_counts_as_none():
    X = np.zeros((2, 2, 4), np.float32)
    X[0, 0, 0] = np.finfo(np.float32).tiny
    assert learn(X).tensor(torch.from_numpy(X)).isfinite().all()
