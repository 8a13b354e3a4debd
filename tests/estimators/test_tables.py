"""Mixed data frames through the estimator: what goes in as a frame comes back as one."""

import numpy as np
import pandas as pd
import pytest

import narrows


@pytest.fixture(scope="module")
def frame():
    draw = np.random.default_rng(0)
    made = pd.DataFrame({"a": draw.normal(size=60), "k": draw.choice(["x", "y", "ü"], 60), "b": draw.random(60) > 0.5})
    made.loc[::7, "a"] = np.nan
    return made


@pytest.fixture(scope="module")
def fitted(frame):
    return narrows.Autoencoder(recipe="deep", latent_dim=2, epochs=2, random_state=0).fit(frame)


def test_a_saved_model_of_a_table_gives_the_same_codes(fitted, frame, tmp_path):
    fitted.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.transform(frame), fitted.transform(frame))


def test_a_reconstruction_keeps_columns_types_and_index(fitted, frame):
    moved = frame.set_axis(np.arange(60) + 100)
    rebuilt = fitted.reconstruct(moved)
    assert dict(rebuilt.dtypes) == dict(frame.dtypes)
    assert rebuilt.index.equals(moved.index)
    assert rebuilt["a"].notna().all()


def test_polars_and_arrow_give_the_codes_of_pandas(fitted, frame):
    polars = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    codes = fitted.transform(frame)
    for other in (polars.from_pandas(frame), pa.Table.from_pandas(frame)):
        np.testing.assert_allclose(fitted.transform(other), codes, atol=1e-6)
