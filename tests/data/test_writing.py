"""Writing results: every format reads back, and nothing is left behind or damaged by what fails."""

import numpy as np
import pandas as pd
import pytest

from narrows.core.errors import ChoiceError, FileError, InputError
from narrows.data import writing
from narrows.data.files import open_data
from narrows.data.writing import check_file, check_output, write_blocks, write_data

IMAGES = np.random.RandomState(0).randint(0, 256, (3, 4, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["z.npy", "z.npz", "z.csv", "z.parquet"])
def test_arrays_read_back(tmp_path, table, name):
    write_data(tmp_path / name, table, columns=list("abcdef"))
    found = open_data(tmp_path / name)
    assert (np.asarray(found) == table).all()
    if name.endswith(("csv", "parquet")):
        assert list(found.columns) == list("abcdef")


def test_a_frame_brings_its_names_and_types(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
    write_data(tmp_path / "z.parquet", frame)
    pd.testing.assert_frame_equal(open_data(tmp_path / "z.parquet"), frame)


def test_a_csv_without_names_has_no_header(tmp_path):
    write_data(tmp_path / "z.csv", np.array([[1, 2]]))
    assert (tmp_path / "z.csv").read_text() == "1,2\n"


@pytest.mark.parametrize(
    "images", [IMAGES, IMAGES[..., 0], IMAGES[..., 0] > 99], ids=["colour", "grey", "black and white"]
)
def test_images_go_to_a_folder(tmp_path, images):
    write_data(tmp_path / "z", images)
    assert (open_data(tmp_path / "z") == images).all()


def test_channels_may_come_first(tmp_path):
    write_data(tmp_path / "z", np.tile(IMAGES, (1, 2, 1, 1)).transpose(0, 3, 1, 2))
    assert (open_data(tmp_path / "z") == np.tile(IMAGES, (1, 2, 1, 1))).all()


@pytest.mark.parametrize("name", ["z.png", "z.tif", "z.TIFF"])
def test_one_image_goes_to_a_file(tmp_path, name):
    write_data(tmp_path / name, IMAGES[:1])
    assert (open_data(tmp_path / name) == IMAGES[:1]).all()


def test_16_bits_stay(tmp_path):
    deep = IMAGES.astype(np.uint16) * 99
    write_data(tmp_path / "grey", deep[..., 0])
    assert (open_data(tmp_path / "grey") == deep[..., 0]).all()
    pytest.importorskip("av")
    write_data(tmp_path / "colours", deep)
    assert (open_data(tmp_path / "colours") == deep).all()
    write_data(tmp_path / "z.tiff", deep[:1])
    assert (open_data(tmp_path / "z.tiff") == deep[:1]).all()


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("z.csv", IMAGES, "would hold a table"),
        ("z.png", IMAGES, "one image, but there are 3"),
        ("z", IMAGES / 255, "images of uint8 or uint16, but the data are float64"),
        ("z", np.zeros((3, 4), np.uint8), "images of uint8"),
        ("z", np.zeros((1, 2, 3, 4, 3), np.uint8), "images of uint8"),
        ("z.gif", IMAGES, "would hold video of uint8, but the data are uint8 of shape"),
    ],
)
def test_data_that_do_not_fit(tmp_path, name, data, sentence):
    with pytest.raises(InputError, match=sentence):
        write_data(tmp_path / name, data)
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "z.npy").write_text("old")

    def full(path, _):
        (path.write(b"half") if hasattr(path, "write") else path.write_text("half"))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    monkeypatch.setattr(writing, "write_image", full)
    for name in ("z.npy", "images"):
        with pytest.raises(FileError, match="No space left on device"):
            write_data(tmp_path / name, IMAGES)
    assert [path.name for path in tmp_path.iterdir()] == ["z.npy"]
    assert (tmp_path / "z.npy").read_text() == "old"


def test_paths_are_refused_early(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(FileError, match="nowhere does not exist"):
        check_file(tmp_path / "nowhere" / "m")
    with pytest.raises(FileError, match="it is a folder"):
        check_file(tmp_path)
    with pytest.raises(ChoiceError, match=r"unknown ending of .*did you mean '\.csv'"):
        check_output(tmp_path / "z.cvs")
    with pytest.raises(FileError, match="something is there already"):
        check_output(tmp_path / "full")
    (tmp_path / "empty").mkdir()
    check_output(tmp_path / "empty")


@pytest.mark.parametrize("name", ["z.NPY", "z.NPZ", "z.CSV", "z.PARQUET"])
def test_endings_in_capitals_mean_the_same(tmp_path, name):
    values = np.arange(6.0).reshape(3, 2)
    write_data(tmp_path / name, values)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    (tmp_path / name).rename(tmp_path / name.lower())
    assert np.array_equal(np.asarray(open_data(tmp_path / name.lower())), values)


class TestBlocks:
    @pytest.mark.parametrize("name", ["y.npy", "y.csv", "y.parquet"])
    def test_blocks_are_written_as_the_whole_is(self, tmp_path, name):
        X = np.random.RandomState(0).randn(50, 3)
        write_blocks(tmp_path / name, iter([X[:20], X[20:]]), 50, list("abc"))
        write_data(tmp_path / f"whole-{name}", X, list("abc"))
        ours, theirs = (open_data(tmp_path / n) for n in (name, f"whole-{name}"))
        assert np.array_equal(ours, theirs)
        assert list(getattr(ours, "columns", [])) == list(getattr(theirs, "columns", []))

    def test_samples_of_any_shape(self, tmp_path):
        X = np.arange(60, dtype=np.uint8).reshape(5, 3, 4)
        write_blocks(tmp_path / "y.npy", iter([X[:2], X[2:]]), 5)
        assert np.array_equal(np.load(tmp_path / "y.npy"), X)
        with pytest.raises(InputError, match="would hold a table"):
            write_blocks(tmp_path / "y.csv", iter([X]), 5)

    def test_an_interrupted_write_leaves_nothing(self, tmp_path):
        def broken():
            yield np.ones((2, 2))
            raise KeyboardInterrupt

        for name in ("y.npy", "y.csv", "y.parquet"):
            with pytest.raises(KeyboardInterrupt):
                write_blocks(tmp_path / name, broken(), 4)
        assert not list(tmp_path.iterdir())

    def test_other_endings_are_refused(self, tmp_path):
        with pytest.raises(ChoiceError, match=r"\.npz"):
            write_blocks(tmp_path / "y.npz", iter([np.ones((2, 2))]), 2)
