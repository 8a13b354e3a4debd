"""Commands on tables with columns of several kinds, on recordings, folders of images and clips."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import narrows
from narrows.data.files import open_data
from narrows.data.writing import write_data

QUICK = ("--epochs", "1", "--random-state", "0", "--verbose", "0")
TRAIN = ("train", "autoencoder")


@pytest.fixture
def frame():
    """A mixed table, also in t.csv and t.parquet of the folder that `run` moves to."""
    draw = np.random.default_rng(0)
    made = pd.DataFrame(
        {
            "width": draw.normal(size=60),
            "colour": draw.choice(["red", "blau", "grün"], 60),
            "open": draw.random(60) > 0.5,
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 900, 60), "D"),
            "zip": draw.choice([10115, 20095, 80331], 60),
            "same": 1,
        }
    )
    made.loc[::5, "width"] = np.nan
    made.loc[::6, "colour"] = None
    made.to_csv("t.csv", index=False)
    made.to_parquet("t.parquet")
    return made


def test_info_says_what_each_column_is(run, frame):
    code, out, err = run("info", "t.csv")
    assert (code, err) == (0, "")
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines()}
    assert lines["data"] == "a table of 60 rows, 6 columns"
    assert lines["width"].startswith("number, ")
    assert lines["width"].endswith("20.0% missing")
    assert lines["colour"].startswith("category, 3 levels: blau, grün, red")
    assert lines["open"].startswith("truth, ")
    assert lines["day"].startswith("moment, 2020")
    assert lines["same"] == "constant, 1"
    assert lines["recipe"] == "denoising"


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_table_goes_through_a_model(run, frame, name):
    assert run(*TRAIN, name, "-o", "m2", "--recipe", "deep", *QUICK) == (0, "", "")
    assert run("encode", "m2", name, "-o", "z.parquet") == (0, "", "")
    for command, given in (("reconstruct", name), ("decode", "z.parquet")):
        assert run(command, "m2", given, "-o", "r.parquet") == (0, "", "")
        rebuilt = pd.read_parquet("r.parquet")
        assert list(rebuilt.columns) == list(frame.columns)
        assert len(rebuilt) == 60
        assert rebuilt.notna().all(axis=None)
    assert set(rebuilt["colour"]) <= {"red", "blau", "grün"}


def test_a_table_with_text_is_not_written_as_an_array(run, frame):
    run(*TRAIN, "t.csv", "-o", "m2", *QUICK)
    code, out, err = run("reconstruct", "m2", "t.csv", "-o", "r.npy")
    assert (code, out) == (2, "")
    assert "r.npy holds numbers alone, and a table with others goes to .csv or .parquet" in err
    assert not Path("r.npy").exists()


def test_kinds_of_columns_by_a_setting(run, frame):
    assert run(*TRAIN, "t.csv", "-o", "m2", "--set", 'columns={"zip": "category"}', *QUICK) == (0, "", "")
    assert narrows.load("m2").schema_.columns[4].kind == "category"


def test_compare_prints_a_line_for_each_column(run, frame):
    quick = ("--recipe", "deep", "--latent-dim", "2", "--epochs", "1")
    code, out, err = run("compare", "t.csv", *quick, "--labels", "open", "-o", "rows.csv")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()[1:5]] == ["median", "PCA", "raw", "deep"]
    assert {line.split()[0] for line in out.splitlines()[-4:]} == {"width", "colour", "day", "zip"}
    assert list(open_data("rows.csv")["model"]) == ["median or mode", "PCA", "raw data", "deep"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("t.csv", "--labels", "opn"), "did you mean 'open'"),
        (("x.npy", "--labels", "a"), "--labels names a column, but the data have none"),
        (("t.csv", "--recipe", "deeep"), "did you mean 'deep'"),
        (("t.csv", "--max-time", "-1"), "max_time is a number greater than 0, got -1"),
        (("t.csv", "-o", "rows.npy"), ".csv, .html, .parquet"),
        (("semicolons.csv",), "cells separated by ';'"),
    ],
)
def test_what_compare_refuses(run, frame, words, says):
    Path("semicolons.csv").write_text("a;b\n1,5;2\n")
    code, out, err = run("compare", *words)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_recording_in_windows(run):
    np.save("r.npy", np.sin(np.arange(600.0)).reshape(300, 2))
    assert run(*TRAIN, "r.npy", "-o", "m2", "--set", "window=20", *QUICK) == (0, "", "")
    assert run("reconstruct", "m2", "r.npy", "-o", "out.npy") == (0, "", "")
    assert np.load("out.npy").shape == (300, 2)


def test_a_folder_of_images_in_one_size(run):
    draw = np.random.default_rng(0)
    write_data("photos", draw.integers(0, 256, (12, 20, 24, 3), dtype=np.uint8))
    assert run(*TRAIN, "photos", "-o", "m2", "--recipe", "deep", "--set", "size=8", *QUICK) == (0, "", "")
    assert run("encode", "m2", "photos", "-o", "z.npy") == (0, "", "")
    assert len(np.load("z.npy")) == 12


def test_a_clip(run):
    draw = np.random.default_rng(0)
    write_data("clip.gif", draw.integers(0, 256, (1, 24, 16, 16, 3), dtype=np.uint8))
    assert run(*TRAIN, "clip.gif", "-o", "m2", "--recipe", "deep", "--set", "frames=4", *QUICK) == (0, "", "")
    assert run("encode", "m2", "clip.gif", "-o", "z.npy") == (0, "", "")
    assert np.load("z.npy").ndim == 2
