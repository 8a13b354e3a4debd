"""`narrows impute` and `narrows train imputer`, as a user calls them."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image


@pytest.fixture
def table(tmp_path):
    draw = np.random.default_rng(0)
    a = draw.normal(size=60)
    frame = pd.DataFrame({"a": a, "b": 2 * a + 0.1 * draw.normal(size=60), "kind": np.where(a > 0, "up", "down")})
    frame.loc[::5, "b"] = np.nan
    frame.loc[::7, "kind"] = None
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    return frame


def test_gaps_of_a_table_are_filled_without_a_model(run, table):
    code, _, error = run("impute", "gaps.csv", "-o", "full.csv", "--max-time", "1", "--verbose", "0")
    assert (code, error) == (0, "")
    found = pd.read_csv("full.csv")
    assert found.notna().all().all()
    np.testing.assert_array_equal(found["a"], pd.read_csv("gaps.csv")["a"])
    assert list(found.columns) == list(table.columns)


def test_a_trained_imputer_is_used(run, table):
    words = ("train", "imputer", "gaps.csv", "-o", "i.safetensors", "--epochs", "2", "--verbose", "0")
    assert run(*words)[0] == 0
    assert run("impute", "gaps.csv", "-o", "full.parquet", "--model", "i.safetensors")[0] == 0
    assert pd.read_parquet("full.parquet").notna().all().all()
    code, out, _ = run("info", "i.safetensors")
    assert code == 0
    assert "Imputer" in out


def test_it_says_what_was_filled_and_what_could_not_be(run, table):
    table.assign(empty=np.nan).to_csv("hollow.csv", index=False)
    table.dropna().to_csv("whole.csv", index=False)
    gaps = int(table.isna().to_numpy().sum())
    quick = ("--max-time", "1")
    assert run("impute", "gaps.csv", "-o", "o.csv", *quick)[1].startswith(f"{gaps} gaps filled in o.csv\n")
    assert f"{gaps} gaps filled in o.csv; 60 stay empty" in run("impute", "hollow.csv", "-o", "o.csv", *quick)[1]
    assert run("impute", "whole.csv", "-o", "o.csv", *quick)[1].startswith("there were no gaps to fill")


def test_an_image_file_has_no_gaps(run, tmp_path):
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "photo.png")
    code, _, error = run("impute", "photo.png", "-o", "o.npy")
    assert code == 2
    assert "`narrows inpaint`" in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("impute", "x.npy", "-o", "out.npy", "--model", "m.safetensors"), "holds an Autoencoder"),
        (("impute", "nothing.csv", "-o", "out.csv"), "nothing.csv"),
        (("impute", "infinite.npy", "-o", "out.npy", "--max-time", "1"), "inf"),
        (("impute", "x.npy", "-o", "out.jpeg"), "ending"),
    ],
)
def test_mistakes_are_one_sentence(run, words, said):
    code, out, error = run(*words)
    assert code == 2
    assert out == ""
    assert said in error
    assert error.count("\n") == 1
