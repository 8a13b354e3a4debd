"""The imputer: what is there stays, what is missing is filled well, and draws spread as far as errors do."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

import narrows
from narrows.core.errors import ChoiceError, InputError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.corruptions import PatternMasking
from narrows.tasks.guesses import learn_guess
from narrows.tasks.replay import replayed

polars = pytest.importorskip("polars")


def quick(**options):
    return narrows.Imputer(**{"epochs": 2, "random_state": 0, "verbose": 0} | options)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [pytest.param(e, check, id=check.func.__name__) for e, check in estimator_checks_generator(quick())],
)
def test_scikit_learns_contract(estimator, check):
    check(estimator)


def linear_table(n=600, seed=0):
    """Numbers that hang together, and a level that hangs on them."""
    draw = np.random.default_rng(seed)
    hidden = draw.normal(size=(n, 2))
    numbers = hidden @ draw.normal(size=(2, 5)) + 0.1 * draw.normal(size=(n, 5))
    frame = pd.DataFrame(numbers, columns=list("abcde"))
    frame["level"] = np.where(hidden[:, 0] > 0, "high", "low")
    frame["whole"] = np.rint(10 * hidden[:, 1]).astype(np.int64)
    return frame


def with_gaps(frame, share=0.3, seed=1):
    """The frame with cells hidden, and which."""
    hidden = np.random.default_rng(seed).random(frame.shape) < share
    return frame.mask(hidden), hidden


@pytest.fixture(scope="module")
def filled():
    """A table, its gaps, a model that was fitted on them, and what it made of them."""
    frame = linear_table()
    gaps, hidden = with_gaps(frame)
    model = quick(epochs=30).fit(gaps)
    return frame, gaps, hidden, model


def test_cells_that_are_there_stay_to_the_bit(filled):
    frame, gaps, hidden, model = filled
    moved = gaps.set_axis(np.arange(600)[::-1] // 2)  # an index that repeats
    found = model.transform(moved)
    assert found.notna().all().all()
    assert dict(found.dtypes) == dict(gaps.dtypes)
    assert found.index.equals(moved.index)
    for place, name in enumerate(frame):
        there = ~hidden[:, place]
        assert (found[name].to_numpy()[there] == gaps[name].to_numpy()[there]).all()


def test_gaps_are_filled_far_better_than_by_the_median(filled):
    frame, gaps, hidden, model = filled
    found = model.transform(gaps)
    for place, name in enumerate("abcde"):
        error = (found[name] - frame[name])[hidden[:, place]].abs().mean()
        assert error < 0.5 * (gaps[name].median() - frame[name])[hidden[:, place]].abs().mean()
    assert (found["level"] == frame["level"])[hidden[:, 5]].mean() > 0.8


def test_no_column_is_filled_worse_than_by_the_linear_guess(filled):
    frame, gaps, hidden, model = filled
    assert set(model.shares_) == set(frame.columns)
    assert set(model.shares_.values()) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    linear = quick(epochs=1).fit(gaps)
    linear._filler.shares[:] = 0  # the guess alone
    ours, theirs = model.transform(gaps), linear.transform(gaps)
    errors = [
        np.mean([((f[c] - frame[c])[hidden[:, i]] ** 2).mean() / frame[c].var() for i, c in enumerate("abcde")])
        for f in (ours, theirs)
    ]
    assert errors[0] < 1.05 * errors[1]


def test_draws_differ_where_cells_are_missing_and_their_intervals_hold(filled):
    frame, gaps, hidden, model = filled
    draws = model.sample(gaps, 40)
    assert len(draws) == 40
    numbers = np.stack([draw[list("abcde")].to_numpy() for draw in draws])
    there = ~hidden[:, :5]
    assert (numbers[:, there] == frame[list("abcde")].to_numpy()[there]).all()
    low, high = np.quantile(numbers, [0.05, 0.95], axis=0)
    truth = frame[list("abcde")].to_numpy()
    covered = ((low <= truth) & (truth <= high))[hidden[:, :5]].mean()
    assert 0.8 < covered < 0.96
    again = model.sample(gaps, 40)[7]
    pd.testing.assert_frame_equal(draws[7], again)


def test_intervals_hold_where_gaps_depend_on_what_is_shown():
    """Rows that are high in `a` have larger errors, and only those have gaps."""
    draw = np.random.default_rng(3)
    a, b = draw.random((2, 900))
    frame = pd.DataFrame({"a": a, "b": b, "c": b + a + a**3 * draw.normal(size=900)})
    gone = draw.random(900) < 0.9 * a**2
    gaps = frame.assign(c=frame["c"].mask(gone))
    low, high = np.quantile(
        [found["c"][gone] for found in quick(epochs=5).fit(gaps).sample(gaps, 100)], [0.05, 0.95], 0
    )
    truth = frame["c"][gone]
    assert 0.84 < ((low <= truth) & (truth <= high)).mean() < 0.96


def test_gaps_are_replayed_on_rows_that_are_alike():
    draw = torch.Generator().manual_seed(0)
    values = torch.randn(400, 3, generator=draw, dtype=torch.float64)
    present = torch.ones(400, 3, dtype=torch.bool)
    present[:, 2] = values[:, 0] < 1
    guess = learn_guess(SampleSpec("vector", (3,)), values, present, torch.zeros(3))
    others = torch.randn(100, 3, generator=draw, dtype=torch.float64)
    rows, gone = replayed(guess, values, present, others, torch.ones(100, 3, dtype=torch.bool), 50, draw)
    assert gone.tolist() == [[False, False, True]] * 50
    assert others[rows, 0].mean() > 0.9, "gaps are where the first value is above 1"
    none, _ = replayed(guess, others, others < 9, others, others < 9, 50, draw)
    assert len(none) == 0


@pytest.mark.slow
@pytest.mark.parametrize("how", ["missing_at_random", "pattern_masking"])
def test_intervals_of_real_tables_hold(real, how):
    """Coverage at 100 draws is a mean over columns and tables, of which noise moves a hundredth."""
    shares = []
    for name in ("california_housing", "diamonds", "mammography", "titanic"):
        frame = pd.read_parquet(real / "tabular" / f"{name}.parquet").select_dtypes("number").astype(float)
        frame = frame.sample(min(len(frame), 800), random_state=5).reset_index(drop=True)
        gone = frame.notna().to_numpy() & hidden_cells(frame, 0.3, how)
        draws = quick(epochs=60, batch_size=128).fit(frame.mask(gone)).sample(frame.mask(gone), 100)
        low, high = np.quantile([found.to_numpy() for found in draws], [0.05, 0.95], axis=0)
        inside = (low <= frame.to_numpy()) & (frame.to_numpy() <= high)
        shares += [inside[mine, place].mean() for place, mine in enumerate(gone.T) if mine.sum() >= 5]
    assert 0.87 < np.mean(shares) < 0.93


def hidden_cells(frame, share, how):
    """Cells that are hidden at random, or together where another column is high."""
    rng = torch.Generator().manual_seed(1)
    if how == "missing_at_random":
        return (torch.rand(frame.shape, generator=rng) < share).numpy()
    shown = PatternMasking(share)(View(torch.tensor(frame.fillna(0).to_numpy())), rng)
    return ~shown.visible.numpy()


def test_a_normal_code_draws_from_its_posterior(filled):
    frame, gaps, hidden, _ = filled
    model = quick(recipe="variational", epochs=20).fit(gaps)
    draws = model.sample(gaps, 3)
    assert [len(draw) for draw in draws] == [600] * 3
    assert not draws[0]["a"].equals(draws[1]["a"])
    assert (draws[0]["a"] == frame["a"])[~hidden[:, 0]].all()
    assert np.corrcoef(draws[0]["a"][hidden[:, 0]], frame["a"][hidden[:, 0]])[0, 1] > 0.5


def test_a_saved_imputer_fills_and_draws_the_same(filled, tmp_path):
    _, gaps, _, model = filled
    model.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    assert isinstance(again, narrows.Imputer)
    pd.testing.assert_frame_equal(again.transform(gaps), model.transform(gaps))
    pd.testing.assert_frame_equal(again.sample(gaps, 2)[1], model.sample(gaps, 2)[1])
    assert again.shares_ == model.shares_


def test_rows_are_filled_the_same_however_they_are_batched(filled):
    _, gaps, _, model = filled
    whole = model.transform(gaps)
    parts = pd.concat([model.transform(gaps[:7]), model.transform(gaps[7:])])
    pd.testing.assert_frame_equal(whole, parts)


def test_every_container_comes_back(filled):
    _, gaps, _, model = filled
    frame = polars.from_pandas(gaps)
    found = model.transform(frame)
    assert found.schema == frame.schema
    assert found.null_count().sum_horizontal()[0] == 0
    arrow = pa.Table.from_pandas(gaps, preserve_index=False)
    table = model.transform(arrow)
    assert [field.type for field in table.schema] == [field.type for field in arrow.schema]
    assert table.column("a").null_count == 0
    np.testing.assert_array_equal(table.column("a").to_numpy(), model.transform(gaps)["a"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_and_tensors_keep_their_type(dtype):
    X = load_iris().data.astype(dtype)
    X[::3, 1] = np.nan
    model = quick().fit(X)
    found = model.transform(X)
    assert found.dtype == dtype
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[np.isfinite(X)], X[np.isfinite(X)])
    tensor = model.transform(torch.from_numpy(X))
    assert isinstance(tensor, torch.Tensor)
    assert np.array_equal(tensor.numpy(), found)


def test_whole_arrays_fit_too_and_come_back_as_they_are():
    X = np.random.default_rng(0).integers(0, 9, (40, 3))
    model = quick().fit(X)
    assert np.array_equal(model.transform(X), X)
    gaps = X.astype(float)
    gaps[0, 0] = np.nan
    assert np.isfinite(model.transform(gaps)).all()


def test_pictures_and_recordings_go_through_the_same_door():
    draw = np.random.default_rng(0)
    pictures = draw.random((30, 8, 8)).astype(np.float32)
    pictures[draw.random(pictures.shape) < 0.2] = np.nan
    found = quick(epochs=1).fit(pictures).transform(pictures)
    there = np.isfinite(pictures)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[there], pictures[there])
    recording = np.sin(np.arange(300) / 9)[:, None] * [1.0, 2.0]
    recording[40:50, 0] = np.nan
    windows = narrows.data.series.windows(recording, 32)
    model = quick(epochs=1, recipe="sequence").fit(windows)
    whole = model.transform(windows)
    assert whole.shape == recording.shape
    assert np.isfinite(whole).all()
    assert model.shares_.keys() == {"values"}


def test_it_stands_before_a_classifier():
    X, y = load_iris(return_X_y=True)
    X[::4, 2] = np.nan
    pipe = make_pipeline(quick(epochs=10), LogisticRegression(max_iter=500)).fit(X, y)
    assert pipe.score(X, y) > 0.85
    assert list(pipe[0].get_feature_names_out()) == ["x0", "x1", "x2", "x3"]


def test_a_column_without_values_stays_empty_and_one_of_a_kind_is_restored():
    frame = linear_table(80)[["a", "b", "level"]].assign(nothing=np.nan, same=3.5)
    frame.loc[::5, ["a", "same"]] = np.nan
    found = quick().fit(frame).transform(frame)
    assert found["nothing"].isna().all()
    assert (found["same"] == 3.5).all()
    assert found["a"].notna().all()


@pytest.mark.parametrize("n", [0, -1, 2.5, True])
def test_a_number_of_draws_that_makes_no_sense_is_refused(filled, n):
    with pytest.raises(ChoiceError, match="number of draws"):
        filled[3].sample(filled[1], n)


def test_other_columns_than_at_fit_are_refused(filled):
    with pytest.raises(InputError, match="lacks the column 'a'"):
        filled[3].transform(filled[1].drop(columns="a"))
