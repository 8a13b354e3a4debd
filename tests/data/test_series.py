"""Recordings and their windows: no step left out, nothing copied, everything back on the time line."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import narrows
from narrows.core.errors import ChoiceError, InputError
from narrows.data.series import windows


def recording(steps=400, channels=3, dtype="float64", seed=0):
    draw = np.random.RandomState(seed)
    phase = np.arange(steps)[:, None] / (7 + 4 * np.arange(channels))
    return (100 * np.sin(phase) * (1 + np.arange(channels)) + 5 * draw.randn(steps, channels)).astype(dtype)


def quick(**options):
    return narrows.Autoencoder(**{"latent_dim": 3, "epochs": 2, "random_state": 0, "verbose": 0} | options)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_every_step_is_covered_and_comes_back(steps, window, stride):
    window, stride = min(window, steps), min(stride, window, steps)
    X = np.arange(steps)
    found = windows(X, window, stride)
    pieces = found.windows[found.starts.numpy()]
    assert len(pieces) == len(found)
    assert set(pieces.ravel()) == set(range(steps))
    assert np.array_equal(found.like(pieces.astype(float)), X)


def test_windows_are_no_copies():
    X = recording()
    assert np.shares_memory(narrows.open_data(X, window=50).windows, X)


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8", ">f4", "bool"])
@pytest.mark.parametrize("channels", [None, 2])
def test_batches_are_scaled_windows(dtype, channels):
    X = np.abs(recording(90, 2)).astype(dtype)
    X = X[:, 0] if channels is None else X
    found = windows(X, 20, 15)
    schema = found.learn(None, "auto", None)
    x = found.source(schema).take(torch.tensor([1, 5])).x
    assert x.shape == (2, channels or 1, 20)
    expected = X[[range(15, 35), range(70, 90)]].reshape(2, 20, -1)
    assert np.allclose(schema.raw(x, np.dtype(float)).reshape(2, 20, -1), expected, rtol=1e-4, atol=1e-3)


def test_scales_are_of_the_recording_not_of_its_windows():
    X = recording()
    schema = windows(X, 50, 7).learn("real", "column", None)
    assert np.allclose(schema.shift[:, 0], X.mean(0))
    assert np.allclose(schema.scale[:, 0], X.std(0))


def test_a_frame_comes_back_as_it_was():
    X = recording()
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1].astype("int32"), "c": X[:, 2].astype("float32")})
    frame.index = pd.date_range("2020-01-01", periods=400, freq="h")
    found = narrows.open_data(frame, window=40)
    ae = quick().fit(found)
    back = ae.reconstruct(found)
    assert back.index.equals(frame.index)
    assert back.dtypes.equals(frame.dtypes)
    assert list(ae.feature_names_in_) == ["a", "b", "c"]
    assert np.abs(back.to_numpy() - frame.to_numpy()).mean() < frame.to_numpy().std()
    column = ae.fit(narrows.open_data(frame["b"], window=40)).reconstruct(narrows.open_data(frame["b"], window=40))
    assert column.dtype == "int32"
    assert column.name == "b"


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_files_are_recordings_too(tmp_path, suffix):
    X = recording()
    path = tmp_path / f"recording{suffix}"
    frame = pd.DataFrame(X, columns=list("abc"))
    {
        ".npy": lambda: np.save(path, X),
        ".csv": lambda: frame.to_csv(path, index=False),
        ".parquet": lambda: frame.to_parquet(path),
    }[suffix]()
    ae = quick().fit(narrows.open_data(X, window=50))
    assert np.allclose(
        ae.transform(narrows.open_data(X, window=50)),
        quick().fit(narrows.open_data(path, window=50)).transform(narrows.open_data(path, window=50)),
        atol=1e-6,
    )


def test_one_code_a_window_one_score_a_step():
    X = recording()
    found = narrows.open_data(X, window=50)
    ae = quick().fit(found)
    assert ae.chosen_["recipe"] == "sequence"
    assert ae.transform(found).shape == (15, 3)
    assert ae.reconstruct(found).shape == X.shape
    assert ae.score_samples(found).shape == (400,)


@pytest.mark.parametrize("recipe", ["sequence", "sequence_variational"])
def test_scores_of_steps_add_up_to_those_of_windows(recipe):
    X = recording()
    ae = quick(recipe=recipe).fit(narrows.open_data(X, window=50))
    steps = ae.score_samples(narrows.open_data(X, window=50, stride=50))
    assert np.allclose(steps.reshape(8, 50).sum(1), ae.score_samples(X.reshape(8, 50, 3)))


def test_the_worst_step_is_where_the_spike_is():
    X = recording()
    ae = quick().fit(narrows.open_data(X, window=50))
    X[233, 1] += 2000
    assert ae.score_samples(narrows.open_data(X, window=50)).argmin() == 233


def test_gaps_are_filled_and_not_scored():
    X = recording()
    X[100:110, 0] = np.nan
    X[200:203] = np.nan
    found = narrows.open_data(X, window=50)
    ae = quick().fit(found)
    assert ae.schema_.spec.gaps
    assert np.isfinite(ae.reconstruct(found)).all()
    scores = ae.score_samples(found)
    assert np.allclose(scores[200:203], 0), "nothing is known of these steps, and a plain code costs nothing"


def test_no_window_to_train_on_shares_a_step_with_one_held_out():
    found = windows(np.arange(2000.0), 40, 10)
    train, aside = found.divide(0.1, torch.Generator().manual_seed(0))
    seen, judged = (set(found.windows[found.starts[rows].numpy()].ravel()) for rows in (train, aside))
    assert len(train) > 100
    assert 10 <= len(aside) <= 30
    assert not seen & judged


def test_few_windows_can_still_be_split():
    train, aside = windows(np.arange(50.0), 40, 5).divide(0.3, torch.Generator().manual_seed(0))
    assert len(train) == 2
    assert len(aside) == 1


def test_survives_save_and_load(tmp_path):
    found = narrows.open_data(recording(dtype="float32"), window=50)
    ae = quick().fit(found)
    ae.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    assert np.array_equal(ae.transform(found), again.transform(found))
    assert ae.transform(found).dtype == np.float32


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"window": 500}, InputError, "the recording has 400 steps, fewer than a window of 500"),
        ({"window": 0}, ChoiceError, "the window is a whole number of steps"),
        ({"window": "day"}, ChoiceError, "the window is a whole number of steps, at least 1, got 'day'"),
        ({"window": 10, "stride": 11}, ChoiceError, "the stride is at most the window"),
        ({"stride": 10}, ChoiceError, "stride= is an option of recordings and videos"),
        ({"windows": 10}, ChoiceError, "did you mean 'window'"),
    ],
    ids=str,
)
def test_what_cannot_be_cut_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        narrows.open_data(recording(), **options)


def test_images_are_no_recording():
    with pytest.raises(InputError, match=r"a recording has the shape \(time,\) or \(time, channels\)"):
        narrows.open_data(np.zeros((5, 4, 4)), window=2)


def test_one_window_is_too_few():
    with pytest.raises(InputError, match="at least 2 samples, got 1"):
        quick().fit(narrows.open_data(recording(), window=400))


def test_an_uncut_recording_is_told_how_to_be_cut():
    X = recording()
    ae = quick().fit(narrows.open_data(X, window=50))
    with pytest.raises(InputError, match=r"narrows.open_data\(X, window=50\)"):
        ae.transform(X)
    with pytest.raises(InputError, match=r"shape \(40, 3\), but the model was fitted on samples of \(50, 3\)"):
        ae.transform(narrows.open_data(X, window=40))


def test_real_sensor_log(real):
    frame = pd.read_parquet(real / "timeseries/ETTh1.parquet").select_dtypes("number")
    found = narrows.open_data(frame[:4000], window=96)
    ae = quick(latent_dim=16).fit(found)
    back = ae.reconstruct(found)
    assert back.index.equals(frame[:4000].index)
    errors = np.square(back - frame[:4000]).mean() / frame[:4000].var()
    assert (errors < 1).all()


def test_a_recording_in_polars_comes_back_in_polars():
    pl = pytest.importorskip("polars")
    X = pl.DataFrame({"a": np.arange(40, dtype=np.int16), "b": np.linspace(0, 1, 40, dtype=np.float32)})
    found = windows(X, 8)
    back = found.like(found.windows[found.starts.numpy()].astype(np.float64))
    assert isinstance(back, pl.DataFrame)
    assert back.schema == X.schema
    assert np.allclose(back.to_numpy(), X.to_numpy(), atol=1e-6)
