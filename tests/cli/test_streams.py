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


@pytest.fixture
def mixed(tmp_path):
    """A table with text, dates, truth values and gaps as two Parquet files."""
    draw = np.random.RandomState(0)
    kind = draw.randint(0, 3, 90)
    table = pa.table(
        {
            "size": pa.array(kind + draw.randn(90), mask=kind == 2),
            "colour": pa.array(np.array(["red", "blue", "green"])[kind]).dictionary_encode(),
            "day": pa.array(draw.randint(18_000, 19_000, 90), pa.int32()).cast(pa.date32()),
            "flag": pa.array(kind == 1),
            "same": ["x"] * 90,
        }
    )
    (tmp_path / "mixed").mkdir()
    pq.write_table(table[:50], tmp_path / "mixed" / "a.parquet")
    pq.write_table(table[50:], tmp_path / "mixed" / "b.parquet")
    return "mixed"


def test_tables_go_from_disk_to_disk(run, mixed):
    assert run("train", "autoencoder", mixed, "-o", "m3", "--epochs", "1", "--random-state", "0")[0] == 0
    model = narrows.load("m3")
    assert run("encode", "m3", mixed, "-o", "z.npy") == (0, "", "")
    assert np.array_equal(np.load("z.npy"), model.transform(open_data(mixed)))
    for ending in ("csv", "parquet"):
        assert run("reconstruct", "m3", mixed, "-o", f"back.{ending}") == (0, "", "")
    rebuilt = model.reconstruct(open_data(mixed))
    assert pq.read_table("back.parquet").equals(rebuilt.combine_chunks())
    assert rebuilt.schema.equals(open_data(mixed).files.schema)
    assert list(open_data("back.csv")["colour"]) == rebuilt["colour"].cast(pa.string()).to_pylist()
    code, _, err = run("reconstruct", "m3", mixed, "-o", "back.npy")
    assert (code, err.count("\n")) == (2, 1)
    assert "the rows are a table" in err


def test_info_describes_tables_column_by_column(run, mixed):
    code, out, err = run("info", mixed)
    assert (code, err) == (0, "")
    assert "a table of 90 rows, 5 columns, on disk" in out
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines()}
    assert lines["colour"] == "category, 3 levels: blue, green, red"
    assert lines["size"].startswith("number, ")
    assert lines["size"].endswith("% missing")
    assert lines["flag"].startswith("truth, ")
    assert lines["same"] == "constant, x"
    assert lines["day"].startswith("moment, 20")


def test_endings_that_cannot_be_streamed_are_refused(run, folder, trained):
    for command in ("encode", "reconstruct"):
        code, _, err = run(command, trained, folder, "-o", "z.npz")
        assert code == 2
        assert ".npz" in err
