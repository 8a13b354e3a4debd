"""Mixed data frames through the estimator: what goes in as a frame comes back as one."""

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow.csv import write_csv
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import narrows
from narrows.core.errors import InputError

polars = pytest.importorskip("polars")


def model(**options):
    return narrows.Autoencoder(**({"recipe": "deep", "latent_dim": 2, "epochs": 2, "random_state": 0} | options))


@pytest.fixture(scope="module")
def frame():
    draw = np.random.default_rng(0)
    made = pd.DataFrame(
        {
            "a": draw.normal(size=60),
            "k": draw.choice(["x", "y", "ü", ""], 60),
            "b": draw.random(60) > 0.5,
            "t": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 900, 60), "D"),
            "n": draw.integers(0, 9, 60),
            "same": 7,
        }
    )
    made.loc[::7, "a"] = np.nan
    made.loc[::9, "k"] = None
    made.loc[::8, "t"] = pd.NaT
    return made


@pytest.fixture(scope="module")
def fitted(frame):
    return model().fit(frame)


def containers(frame, folder):
    """The same table in all that it may come in."""
    frame.to_parquet(folder / "t.parquet")
    write_csv(pa.Table.from_pandas(frame, preserve_index=False), folder / "t.csv")
    return {
        "polars": polars.from_pandas(frame),
        "lazy": polars.from_pandas(frame).lazy(),
        "arrow": pa.Table.from_pandas(frame, preserve_index=False),
        "csv": narrows.open_data(folder / "t.csv"),
        "parquet": narrows.open_data(folder / "t.parquet"),
    }


def test_a_saved_model_of_a_table_gives_the_same_codes(fitted, frame, tmp_path):
    fitted.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.transform(frame), fitted.transform(frame))
    pd.testing.assert_frame_equal(again.reconstruct(frame), fitted.reconstruct(frame))


def test_a_reconstruction_keeps_columns_types_and_index(fitted, frame):
    moved = frame.set_axis(np.arange(60) + 100)
    rebuilt = fitted.reconstruct(moved)
    assert dict(rebuilt.dtypes) == dict(frame.dtypes)
    assert rebuilt.index.equals(moved.index)
    assert rebuilt["a"].notna().all()


def test_a_table_gives_the_same_codes_whatever_it_comes_in(fitted, frame, tmp_path):
    codes, own = fitted.transform(frame), fitted.transform(frame)
    for name, other in containers(frame, tmp_path).items():
        np.testing.assert_allclose(fitted.transform(other), codes, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(model().fit(other).transform(other), own, atol=1e-6, err_msg=name)


def test_a_table_comes_back_as_what_it_came_in(fitted, frame, tmp_path):
    given = containers(frame, tmp_path)
    assert isinstance(fitted.reconstruct(frame), pd.DataFrame)
    for name, kind in {"polars": polars.DataFrame, "arrow": pa.Table, "csv": pd.DataFrame}.items():
        rebuilt = fitted.reconstruct(given[name])
        assert isinstance(rebuilt, kind), name
        decoded = model().fit(given[name]).inverse_transform(np.zeros((3, 2)))
        assert isinstance(decoded, kind), name
    assert fitted.reconstruct(given["polars"]).schema == given["polars"].schema
    assert fitted.reconstruct(given["arrow"]).schema.equals(given["arrow"].schema)


def test_columns_may_be_called_by_numbers(frame):
    given = frame[["a", "k"]].set_axis([0, 1], axis=1)
    rebuilt = model().fit(given).reconstruct(given)
    assert list(rebuilt.columns) == [0, 1]
    assert dict(rebuilt.dtypes) == dict(given.dtypes)


def test_numbers_in_polars_and_arrow_come_back_as_such(frame):
    numbers = polars.from_pandas(frame[["a", "n"]]).with_columns(c=polars.col("n") * 0.5)
    for given in (numbers, numbers.to_arrow()):
        rebuilt = model().fit(given).reconstruct(given)
        assert type(rebuilt) is type(given)
        assert rebuilt.schema == given.schema


@pytest.mark.parametrize(
    "recipe",
    ["auto", "deep", "vanilla", "denoising", "sparse", "sparse_kl", "variational", "composed", "contractive"],
)
def test_every_recipe_that_takes_vectors_takes_tables_and_fills_their_gaps(frame, recipe):
    found = model(recipe=recipe).fit(frame)
    assert found.transform(frame).shape == (60, 2)
    assert np.isfinite(found.score_samples(frame)).all()
    assert found.reconstruct(frame).notna().all(axis=None)


@pytest.mark.parametrize("recipe", ["convolutional", "sequence", "video"])
def test_recipes_of_other_samples_refuse_tables(frame, recipe):
    with pytest.raises(ValueError, match=r"takes samples of kind|columns of several kinds"):
        model(recipe=recipe).fit(frame)


def test_copies(fitted, frame):
    codes = fitted.transform(frame)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).transform(frame), codes)
    np.testing.assert_array_equal(clone(fitted).fit(frame).transform(frame), codes)
    np.testing.assert_array_equal(make_pipeline(clone(fitted)).fit_transform(frame), codes)


def test_codes_as_frames(frame):
    found = model().set_output(transform="pandas").fit(frame).transform(frame.set_axis(np.arange(60) + 5))
    assert list(found.columns) == ["autoencoder0", "autoencoder1"]
    assert found.index[0] == 5
    given = polars.from_pandas(frame)
    assert isinstance(model().set_output(transform="polars").fit(given).transform(given), polars.DataFrame)


def test_training_goes_on_with_more_rows(frame):
    found = model().partial_fit(frame[:40])
    before = found.transform(frame)
    assert not np.allclose(found.partial_fit(frame[40:]).transform(frame), before)
    with pytest.raises(ValueError, match="lacks the column 'k'"):
        found.partial_fit(frame.drop(columns="k"))


def test_no_rows(fitted, frame):
    none = frame[:0]
    assert fitted.transform(none).shape == (0, 2)
    assert fitted.score_samples(none).shape == (0,)
    for found in (fitted.reconstruct(none), fitted.inverse_transform(np.empty((0, 2)))):
        assert list(found.columns) == list(frame.columns)
        assert len(found) == 0
    assert fitted.transform(polars.from_pandas(frame).clear()).shape == (0, 2)


def test_a_row_of_which_nothing_is_known(fitted, frame):
    row = frame[:1].assign(**dict.fromkeys(frame.columns))
    assert np.isfinite(fitted.transform(row)).all()
    assert fitted.score_samples(row) == pytest.approx(0)


def test_the_order_of_columns_and_others_beside_them_do_not_matter(fitted, frame):
    codes = fitted.transform(frame)
    np.testing.assert_array_equal(fitted.transform(frame[frame.columns[::-1]]), codes)
    with pytest.warns(UserWarning, match="does not know are ignored: more"):
        np.testing.assert_array_equal(fitted.transform(frame.assign(more=1)), codes)


def test_unseen_categories_are_reported_and_cost_much(fitted, frame):
    new = frame.assign(k="new")
    with pytest.warns(UserWarning, match="column 'k' has 1 unseen categories"):
        assert fitted.score(new) < fitted.score(frame)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.drop(columns="k"), "X lacks the column 'k'"),
        (lambda f: f.assign(a="text"), "column 'a' holds text, but it held numbers"),
        (lambda f: f.assign(k=1.5), "column 'k' holds numbers, but it held text"),
        (lambda f: f.assign(t="2020-01-01"), "column 't' holds text, but it held dates"),
        (lambda f: f.assign(a=np.inf), "inf in column 'a', first in row 0"),
        (lambda f: f[["a", "n"]].to_numpy(), "fitted on a data frame with 6 columns"),
    ],
)
def test_other_tables_are_refused(fitted, frame, change, says):
    with pytest.raises(ValueError, match=says):
        fitted.transform(change(frame))


def test_gaps_that_change_types_alone_do_not_matter(fitted, frame):
    gaps = frame.assign(n=frame["n"].astype(float), b=frame["b"].astype(object))
    np.testing.assert_array_equal(fitted.transform(gaps), fitted.transform(frame))


def test_rows_to_judge_by(frame):
    judged = frame[:20]
    found = model().fit(frame, validation_data=judged)
    assert found.history_[-1]["epoch"] == 2
    other = model().fit(frame, validation_data=polars.from_pandas(judged))
    np.testing.assert_array_equal(found.transform(frame), other.transform(frame))
    with pytest.raises(ValueError, match="lacks the column 'a'"):
        model().fit(frame, validation_data=judged.drop(columns="a"))
    with pytest.raises(ValueError, match="numbers alone, but the model was fitted on a table"):
        model().fit(frame, validation_data=np.zeros((3, 6)))


def test_categories_that_are_numbers_are_no_numbers(frame):
    given = frame.assign(n=pd.Categorical(np.resize([10, 20, 40], 60)))
    rebuilt = model().fit(given).reconstruct(given)
    assert set(rebuilt["n"]) <= {10, 20, 40}
    assert rebuilt["n"].dtype == given["n"].dtype


def test_dates_stay_within_the_calendar(frame):
    given = frame.assign(t=[dt.date(1 + i, 1, 1) for i in range(60)])
    found = model().fit(given)
    assert found.inverse_transform(np.full((3, 2), -1e6))["t"].notna().all()
    assert found.inverse_transform(np.full((3, 2), 1e6))["t"].notna().all()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (pd.cut(np.arange(60), 5), "of which narrows can make nothing"),
        (pd.arrays.SparseArray(np.resize([0, 0, 1], 60)), r"column n.* not supported"),
        ([1, "a", None] * 20, "several kinds in one column"),
        ([[1], [2]] * 30, "of which narrows can make nothing"),
    ],
)
def test_values_of_which_nothing_can_be_made(frame, values, says):
    with pytest.raises(InputError, match=says):
        model().fit(frame.assign(n=values))


def test_kinds_that_are_asked_for(frame):
    found = model(columns={"n": "category"}).fit(frame)
    assert found.schema_.columns[4].kind == "category"
    assert set(found.reconstruct(frame)["n"]) <= set(frame["n"])
    with pytest.raises(ValueError, match="columns says kinds by name"):
        model(columns=["n"]).fit(frame)


def test_a_table_has_no_encoder_for_tensors(fitted):
    with pytest.raises(ValueError, match="takes raw samples as a tensor"):
        fitted.encoder_module()
