"""Looking codes up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

import narrows
from narrows.metrics.neighbours import nearest_neighbours, neighbours_of_each


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 2**31 - 1), st.sampled_from([1.0, 1e-6, 1e6]))
def test_neighbours_are_those_of_all_distances(n, d, seed, scale):
    draw = np.random.default_rng(seed)
    Z, queries = scale * draw.normal(size=(n, d)) + 100 * scale, scale * draw.normal(size=(7, d)) + 100 * scale
    k = min(5, n)
    found = narrows.search(Z, queries, k)
    distances = cdist(queries, Z)
    np.testing.assert_allclose(found.distances, np.sort(distances, 1)[:, :k], rtol=1e-9)
    np.testing.assert_allclose(np.take_along_axis(distances, found.indices, 1), found.distances, rtol=1e-9)


def test_a_code_is_at_distance_nothing_from_itself(digits):
    found = narrows.search(digits.data, digits.data[:50], 1)
    assert (found.distances == 0).all()
    assert np.array_equal(found.indices[:, 0], np.arange(50))


def test_neighbours_of_each_leave_itself_out_even_among_copies():
    Z = np.repeat([[0.0], [1.0]], 20, axis=0)
    found = neighbours_of_each(Z, 3)
    assert (found.indices != np.arange(40)[:, None]).all()
    assert (found.distances == 0).all()


def test_duplicates_are_the_pairs_within_a_distance(rng):
    draw = np.random.default_rng(0)
    Z = draw.normal(size=(200, 8))
    Z[150] = Z[3]
    Z[60] = Z[80] + 1e-3
    assert narrows.duplicates(Z).tolist() == [[3, 150]]
    assert narrows.duplicates(Z, distance=0.01).tolist() == [[3, 150], [60, 80]]


def test_more_codes_than_are_measured_at_once(monkeypatch):
    faiss = pytest.importorskip("faiss", reason="faiss-cpu is not installed")
    draw = np.random.default_rng(0)
    Z = draw.normal(size=(500, 6)) + 10
    expected = narrows.search(Z, Z[:20], 5)
    monkeypatch.setattr("narrows.tasks.retrieval.MEASURED", 100)
    found = narrows.search(Z, Z[:20], 5)
    assert faiss is not None
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.distances, expected.distances)


@pytest.mark.parametrize(
    ("Z", "queries", "k", "says"),
    [
        (np.zeros((5, 2)), np.zeros((1, 3)), 1, "queries have 3 columns, but Z has 2"),
        (np.zeros((5, 2)), np.zeros((1, 2)), 6, "k is a whole number within 1 and the number of codes, 5, got 6"),
        (np.zeros((5, 2)), np.zeros((1, 2)), 1.5, "k is a whole number"),
        (np.full((5, 2), np.nan), np.zeros((1, 2)), 1, "Z holds NaN or inf"),
        (np.zeros((5, 2, 2)), np.zeros((1, 2)), 1, r"Z holds codes, \(n, d\)"),
    ],
)
def test_what_cannot_be_looked_up_is_refused(Z, queries, k, says):
    with pytest.raises(ValueError, match=says):
        narrows.search(Z, queries, k)


def test_a_negative_distance_is_refused():
    with pytest.raises(ValueError, match="distance is a number of at least 0"):
        narrows.duplicates(np.zeros((3, 2)), distance=-1)


def test_known_points_have_to_be_enough():
    with pytest.raises(ValueError, match="k lies within 1"):
        nearest_neighbours(np.zeros((3, 2)), np.zeros((1, 2)), 4)
