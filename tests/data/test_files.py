"""Data files: what comes back as it went in, and one sentence for everything that cannot."""

import gzip
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import narrows
from narrows.core.errors import ChoiceError, FileError, InputError
from narrows.data.files import open_data
from narrows.data.options import options_like


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that relative paths lead to, so that messages are short."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def idx(shape, values, kind=8):
    return bytes([0, 0, kind, len(shape)]) + np.array(shape, ">u4").tobytes() + values


class TestArrays:
    def test_what_is_no_path_is_handed_back(self, table):
        assert open_data(table) is table

    def test_npy_is_a_memory_map(self, folder, table):
        np.save("x.npy", table)
        found = open_data("x.npy")
        assert isinstance(found, np.memmap)
        assert (found == table).all()

    def test_one_array_of_an_npz_is_found_by_itself(self, folder, table):
        np.savez("x.npz", whatever=table)
        assert (open_data("x.npz") == table).all()

    def test_several_are_chosen_by_key(self, folder, table):
        np.savez("x.npz", train=table, test=table[:5])
        assert (open_data("x.npz:test") == table[:5]).all()
        with pytest.raises(InputError, match=r"x.npz holds 2 arrays, so say which, as in x.npz:train \(train, test\)"):
            open_data("x.npz")
        with pytest.raises(ChoiceError, match="did you mean 'train'"):
            open_data("x.npz:trian")

    @pytest.mark.parametrize("name", ["x.ubyte", "x-idx3-ubyte"])
    def test_idx(self, folder, name):
        images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
        (folder / name).write_bytes(idx((2, 3, 4), images.tobytes()))
        assert (open_data(name) == images).all()

    def test_packed_idx_of_wider_numbers_has_native_order(self, folder):
        values = np.array([[1.5, -2.0]])
        (folder / "x.gz").write_bytes(gzip.compress(idx((1, 2), values.astype(">f8").tobytes(), kind=0x0E)))
        found = open_data("x.gz")
        assert found.dtype == np.float64
        assert found.dtype.isnative
        assert (found == values).all()


class TestTables:
    def test_a_header_makes_a_frame(self, folder):
        (folder / "x.csv").write_text("a,b\n1,2.5\n3,NA\n")
        found = open_data("x.csv")
        assert list(found.columns) == ["a", "b"]
        assert found["a"].dtype == np.int64
        assert np.isnan(found["b"][1])

    def test_without_a_header_it_is_an_array(self, folder):
        (folder / "x.csv").write_text("1,2.5\n3,4\n")
        assert (open_data("x.csv") == [[1, 2.5], [3, 4]]).all()

    def test_without_pandas_it_is_an_arrow_table(self, folder, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)
        (folder / "x.csv").write_text("a,b\n1,2\n")
        assert open_data("x.csv").to_pydict() == {"a": [1], "b": [2]}

    def test_columns_of_every_kind(self, folder):
        (folder / "x.csv").write_text("n,word,day,yes,gap\n1,red,2020-01-01,true,1\n2,,2020-01-03,,\n")
        found = open_data("x.csv")
        assert found["word"].isna().tolist() == [False, True]
        assert str(found["day"].dtype).startswith("datetime64") or found["day"][0].year == 2020
        assert [str(found[name].dtype) for name in ("n", "yes", "gap")] == ["int64", "boolean", "Int64"]

    def test_a_word_far_down_makes_a_column_text(self, folder):
        lines = ["a,b", *["1,2"] * 1_500_000, "3,red"]
        (folder / "x.csv").write_text("\n".join(lines))
        found = open_data("x.csv")
        assert found["a"].dtype == np.int64
        assert found["b"].tolist()[-2:] == ["2", "red"]

    def test_parquet(self, folder):
        frame = pd.DataFrame({"a": np.float32([1, 2]), "b": [True, False]})
        frame.to_parquet("x.parquet")
        pd.testing.assert_frame_equal(open_data("x.parquet"), frame)

    def test_an_estimator_takes_it_as_it_is(self, folder, table):
        pd.DataFrame(table, columns=list("abcdef")).to_csv("x.csv", index=False)
        model = narrows.Autoencoder(epochs=1, verbose=0, random_state=0).fit(open_data("x.csv"))
        assert list(model.feature_names_in_) == list("abcdef")

    def test_lines_may_be_very_long(self, folder):
        line = ",".join(["0." + "0" * 100_000] * 50)
        (folder / "x.csv").write_text(f"{line}\n{line}\n{line}\n")
        assert open_data("x.csv").shape == (3, 50)

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("a,b\n1,2\n3\n", "x.csv is ragged: line 3 has 1 cells, and the first has 2"),
            ("1,2\n3,4,5\n", "line 2 has 3 cells"),
            ("a,a\n1,2\n", "more than one column named 'a'"),
            ("a,b\n", "x.csv has no rows"),
            ("", "x.csv is empty"),
        ],
    )
    def test_what_is_no_table(self, folder, text, sentence):
        (folder / "x.csv").write_text(text)
        with pytest.raises(InputError, match=sentence):
            open_data("x.csv")

    def test_bytes_that_are_no_text(self, folder):
        (folder / "x.csv").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(FileError, match="UTF-8"):
            open_data("x.csv")


class TestImages:
    def save(self, folder, name, mode="L", size=(5, 4), colour=7):
        path = folder / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, size, colour).save(path)

    def test_a_folder_and_its_folders_in_order(self, folder):
        self.save(folder, "b.png", colour=2)
        self.save(folder, "a/z.bmp", colour=1)
        (folder / "images" / "notes.txt").write_text("not an image")
        found = open_data("images")
        assert found.shape == (2, 4, 5)
        assert found.dtype == np.uint8
        assert (found[:, 0, 0] == [1, 2]).all()

    @pytest.mark.parametrize(("mode", "shape"), [("L", (1, 4, 5)), ("RGB", (1, 4, 5, 3)), ("P", (1, 4, 5, 3))])
    def test_one_image(self, folder, mode, shape):
        self.save(folder, "a.png", mode)
        assert open_data("images/a.png").shape == shape

    def test_a_folder_without_any(self, folder):
        (folder / "images").mkdir()
        with pytest.raises(InputError, match="holds nothing that narrows can open"):
            open_data("images")


class TestOptions:
    def test_a_misspelt_option(self, folder, table):
        np.save("x.npy", table)
        for source in ("x.npy", table):
            with pytest.raises(ChoiceError, match="unknown option 'sise', did you mean 'size'"):
                open_data(source, sise=64)

    def test_an_option_of_another_kind(self, folder, table):
        np.save("x.npy", table)
        with pytest.raises(ChoiceError, match=r"size= is an option of images and videos, and x\.npy takes no options"):
            open_data("x.npy", size=64)
        with pytest.raises(ChoiceError, match="and data in memory takes no options"):
            open_data(table, labels=True)
        Image.new("L", (5, 4)).save("x.png")
        with pytest.raises(ChoiceError, match="frames= is an option of videos, and an image takes size, fit, mode"):
            open_data("x.png", frames=4)

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"fit": "corp"}, "unknown fit 'corp', did you mean 'crop'"),
            ({"mode": "gray"}, "unknown mode 'gray', did you mean 'grey'"),
            ({"size": 0}, r"size is a number of pixels, \(height, width\), 'original' or 'each', got 0"),
            ({"size": (3, 4, 5)}, "size is a number"),
            ({"size": "large"}, "got 'large'"),
            ({"size": 2.5}, "got 2.5"),
            ({"size": True}, "got True"),
            ({"workers": 0}, "workers has to be at least 1"),
        ],
    )
    def test_values_that_cannot_be(self, folder, options, sentence):
        Image.new("L", (5, 4)).save("x.png")
        with pytest.raises(ChoiceError, match=sentence):
            open_data("x.png", **options)


class TestOptionsOfAModel:
    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
    def test_images_come_in_the_shape_that_it_was_fitted_on(self, folder, mode):
        for name, size in {"a": (50, 40), "b": (40, 70)}.items():
            (folder / name).mkdir()
            Image.new(mode, size).save(folder / name / "x.png")
        fitted = open_data("a", size=(24, 32)).shape[1:]
        for source in ("b", "b/x.png"):
            assert open_data(source, **options_like(source, fitted)).shape[1:] == fitted

    def test_and_clips(self, folder):
        Image.new("L", (50, 40)).save("x.gif", save_all=True, append_images=[Image.new("L", (50, 40), 9)])
        for shape in ((2, 16, 24, 1), (1, 24, 24, 3)):
            assert open_data("x.gif", **options_like("x.gif", shape)).shape[1:] == shape


class TestBadFiles:
    def test_missing(self, folder):
        with pytest.raises(FileError, match=r"there is no file or folder x\.npy"):
            open_data("x.npy")

    def test_unknown(self, folder):
        (folder / "x.xlsx").touch()
        with pytest.raises(FileError, match=r"ends in none of .npy, .csv, .parquet"):
            open_data("x.xlsx")

    def test_python_objects_are_never_loaded(self, folder):
        np.save("x.npy", np.array([{}], dtype=object), allow_pickle=True)
        np.savez("x.npz", a=np.array([{}], dtype=object))
        for name in ("x.npy", "x.npz"):
            with pytest.raises(FileError, match=f"{name} is no "):
                open_data(name)

    @pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.parquet", "x.ubyte", "x.gz", "x.png"])
    def test_foreign(self, folder, name):
        (folder / name).write_bytes(b"something else altogether")
        with pytest.raises(FileError, match=name):
            open_data(name)

    @pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.parquet", "x.ubyte", "x.gz", "x.png"])
    def test_cut_short(self, folder, name, table):
        np.save("x.npy", table)
        np.savez("x.npz", table)
        pd.DataFrame(table).rename(columns=str).to_parquet("x.parquet")
        (folder / "x.ubyte").write_bytes(idx((100,), bytes(100)))
        (folder / "x.gz").write_bytes(gzip.compress(idx((100,), np.random.RandomState(0).bytes(100))))
        Image.effect_noise((64, 64), 50).save("x.png")
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: -len(whole) // 3])
        with pytest.raises(FileError, match=name):
            open_data(name)

    def test_a_header_that_promises_too_much(self, folder):
        (folder / "x.gz").write_bytes(gzip.compress(idx((2**32 - 1,) * 3, b"")))
        with pytest.raises(FileError, match=r"x\.gz is damaged: its header says 4294967295 x"):
            open_data("x.gz")
