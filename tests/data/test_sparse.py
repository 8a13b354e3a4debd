"""Sparse samples: the same as dense ones, without ever being dense as a whole."""

import numpy as np
import pytest
import torch
from scipy import io, sparse

from narrows.core.errors import FileError, InputError
from narrows.core.trace import Share
from narrows.data import sparse as sparse_data
from narrows.data.door import samples
from narrows.data.files import open_data
from narrows.data.sparse import SparseSamples
from narrows.data.writing import write_data


def matrix(kind="count", shape=(60, 40), dtype=np.float32, density=0.15):
    made = sparse.random_array(shape, density=density, rng=np.random.default_rng(0), format="csr")
    values = {"count": np.ceil(5 * made.data), "unit": np.ones(made.nnz), "real": made.data + 0.1}[kind]
    return sparse.csr_array((values.astype(dtype), made.indices, made.indptr), shape=shape)


def dense_of(given, **options):
    found = SparseSamples(given)
    return found.source(found.learn(None, "auto", None)).take(torch.arange(len(found))).x.to_dense().numpy()


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
def test_every_format_is_the_same_rows(form, kind):
    given = kind(matrix()).asformat(form)
    assert np.array_equal(dense_of(given), matrix().toarray())
    back = samples(given).like(matrix())
    assert back.format == form
    assert isinstance(back, sparse.spmatrix) == (kind is sparse.csr_matrix)


def test_duplicates_are_added_and_zeros_dropped():
    places = (np.array([0, 0, 1, 2]), np.array([1, 1, 0, 2]))
    given = sparse.coo_array((np.array([1.0, 2.0, 0.0, 4.0]), places), shape=(3, 3))
    unsorted = sparse.csr_array((np.array([5.0, 1.0, 0.0]), np.array([2, 0, 1]), np.array([0, 2, 2, 3])), shape=(3, 3))
    for X, entries in ((given, 2), (unsorted, 2)):
        before = X.toarray()
        found = SparseSamples(X)
        assert found.rows.nnz == entries
        assert np.array_equal(found.rows.toarray(), before)
        assert np.array_equal(X.toarray(), before)


@pytest.mark.parametrize(("kind", "values"), [("count", "count"), ("unit", "unit"), ("real", "real")])
def test_values_are_known_by_what_they_are(kind, values):
    spec = SparseSamples(matrix(kind)).learn(None, "auto", None).spec
    assert (spec.values, spec.sparse, spec.shape) == (values, True, (40,))


def test_negative_whole_numbers_are_real():
    assert SparseSamples(-matrix()).learn(None, "auto", None).spec.values == "real"
    with pytest.raises(InputError, match="at least 0"):
        SparseSamples(-matrix()).learn("count", "auto", None)


def test_a_matrix_of_zeros_alone_can_be_learned():
    found = SparseSamples(sparse.csr_array((5, 4)))
    for values in (None, "real", "count", "unit"):
        schema = found.learn(values, "auto", None)
        assert found.source(schema).take(torch.arange(5)).x.to_dense().abs().sum() == 0


@pytest.mark.parametrize("scaling", ["auto", "shared", "column", "none"])
def test_real_values_are_scaled_and_zeros_stay(scaling):
    given = matrix("real")
    found = SparseSamples(given)
    schema = found.learn(None, scaling, None)
    x = found.source(schema).take(torch.arange(60)).x.to_dense()
    assert np.array_equal(x.numpy() == 0, given.toarray() == 0)
    mean = x.square().mean(0)[mean_exists(given)] if scaling == "column" else x.square().mean()
    assert scaling == "none" or torch.allclose(mean, torch.ones_like(mean), atol=1e-5)
    assert np.allclose(schema.raw(x).toarray(), given.toarray(), atol=1e-5)


def mean_exists(given):
    return torch.from_numpy(given.toarray().any(0))


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "inf")])
def test_values_that_are_not_finite_are_refused_by_place(value, name):
    X = matrix()
    X.data[X.indptr[7]] = value
    with pytest.raises(InputError, match=f"{name} in row 7, column {X.indices[X.indptr[7]]}"):
        SparseSamples(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (sparse.csr_array(np.ones((2, 3), complex)), "Complex data not supported"),
        (sparse.csr_array((3, 0)), "0 feature"),
        (sparse.csr_array((0, 3)), "0 sample"),
    ],
)
def test_what_cannot_be_used_is_refused(X, message):
    with pytest.raises(InputError, match=message):
        SparseSamples(X)


def test_every_zero_is_in_one_share():
    seen = torch.zeros(9, 30)
    for shift in range(4):
        for rows, columns in Share(4, shift).blocks():
            seen[rows, columns] += 1
    assert (seen == 1).all()


def test_training_batches_have_shares_that_a_start_inside_the_epoch_repeats(monkeypatch):
    monkeypatch.setattr(sparse_data, "SCORED", 5)
    found = SparseSamples(matrix())
    source = found.source(found.learn(None, "auto", None))
    whole, rest = (
        [view.share for view in source.batches(4, torch.Generator().manual_seed(3), start)] for start in (0, 1)
    )
    assert whole[1:] == rest
    assert {share.shift for share in whole} == set(range(8))
    assert all(view.share is None for view in source.batches(20))


def test_digest_tells_rows_apart():
    found = SparseSamples(matrix())
    schema = found.learn(None, "auto", None)
    other = SparseSamples(2 * matrix()).source(schema)
    digests = {found.source(schema).digest(), found.source(schema, torch.arange(3)).digest(), other.digest()}
    assert len(digests) == 3
    assert SparseSamples(matrix().tocoo()).source(schema).digest() in digests


def test_reconstructions_are_thinned():
    form = SparseSamples(matrix("real")).form
    found = form.thin(np.array([[0.49, 0.51, -0.51, 0.0]]) * form.least)
    assert found.dtype == np.float32
    assert found.indices.tolist() == [1, 2]
    assert SparseSamples(matrix(dtype=np.uint8)).form.thin(np.array([[0.4, 1.6, 300.0]])).toarray().tolist() == [
        [0, 2, 255]
    ]


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_files_of_scipy_are_opened(tmp_path, form):
    sparse.save_npz(tmp_path / "x.npz", matrix().asformat(form))
    io.mmwrite(tmp_path / "x.mtx", matrix().asformat(form))
    for name in ("x.npz", "x.mtx"):
        found = open_data(tmp_path / name)
        assert sparse.issparse(found)
        assert np.allclose(found.toarray(), matrix().toarray())


def test_sparse_rows_are_written(tmp_path):
    write_data(tmp_path / "x.npz", matrix())
    assert np.array_equal(sparse.load_npz(tmp_path / "x.npz").toarray(), matrix().toarray())
    with pytest.raises(InputError, match=r"write \.npz"):
        write_data(tmp_path / "x.csv", matrix())
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


def test_damaged_files_are_refused(tmp_path):
    (tmp_path / "x.mtx").write_text("%%MatrixMarket matrix coordinate real general\n3 3 4\n1 1 1.0\n")
    parts = {"data": matrix().data, "indices": matrix().indices, "indptr": [0, 9, 1, 2]}
    np.savez(tmp_path / "x.npz", format=b"csr", shape=[3, 3], **parts)
    for name in ("x.mtx", "x.npz"):
        with pytest.raises(FileError, match="damaged or cut short"):
            open_data(tmp_path / name)
