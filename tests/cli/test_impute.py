"""`narrows impute` and `narrows train imputer`, as a user calls them."""

import numpy as np
import pandas as pd
import pytest


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
