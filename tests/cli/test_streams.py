"""Commands on data sets larger than memory: results go from disk to disk."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_iris

import narrows
from narrows.data.files import open_data


@pytest.fixture
def folder(tmp_path):
    """Iris as two Parquet files with the columns of x.csv."""
    (tmp_path / "set").mkdir()
    for name, part in {"a": slice(0, 90), "b": slice(90, 150)}.items():
        columns = dict(zip("abcd", load_iris().data[part].T, strict=True))
        pq.write_table(pa.table(columns), tmp_path / "set" / f"{name}.parquet")
    return "set"


@pytest.fixture
def trained(run, folder):
    assert run("train", "autoencoder", folder, "-o", "m2", "--epochs", "1", "--random-state", "0")[0] == 0
    return "m2"


@pytest.mark.parametrize("ending", ["npy", "csv", "parquet"])
def test_results_are_those_of_the_table(run, folder, trained, ending):
    for command in ("encode", "reconstruct"):
        assert run(command, trained, folder, "-o", f"streamed.{ending}") == (0, "", "")
        assert run(command, trained, "x.csv", "-o", f"whole.{ending}") == (0, "", "")
        streamed, whole = open_data(f"streamed.{ending}"), open_data(f"whole.{ending}")
        assert np.array_equal(np.asarray(streamed), np.asarray(whole))
        assert list(getattr(streamed, "columns", [])) == list(getattr(whole, "columns", []))


def test_the_blocks_are_those_of_the_whole(folder, trained):
    model, stream = narrows.load(trained), open_data(folder)
    assert np.array_equal(np.concatenate(list(model.transform_blocks(stream))), model.transform(stream))


def test_info_says_what_there_is(run, folder):
    code, out, err = run("info", folder)
    assert (code, err) == (0, "")
    assert "150 x 4, float64, on disk" in out
    assert "0.1 to 7.9" in out
    assert "a, b, c, d" in out


def test_endings_that_cannot_be_streamed_are_refused(run, folder, trained):
    for command in ("encode", "reconstruct"):
        code, _, err = run(command, trained, folder, "-o", "z.npz")
        assert code == 2
        assert ".npz" in err
