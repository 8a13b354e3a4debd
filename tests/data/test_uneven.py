"""Series of uneven lengths: what pads them is neither seen nor scored."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import narrows
from narrows.core.errors import InputError
from narrows.data.door import samples
from narrows.data.samples import ArraySamples
from narrows.data.uneven import UnevenSamples
from narrows.objectives.terms import distortion

LENGTHS = [30, 17, 44, 5, 29, 44, 38, 21] * 5


def several(channels=2, dtype="float64"):
    draw = np.random.RandomState(0)
    shape = () if channels is None else (channels,)
    return [
        (20 * np.sin(np.arange(n) / 5).reshape(-1, *[1] * len(shape)) + draw.randn(n, *shape) + 30).astype(dtype)
        for n in LENGTHS
    ]


def quick(**options):
    return narrows.Autoencoder(**{"latent_dim": 3, "epochs": 2, "random_state": 0, "verbose": 0} | options)


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_lengths_and_types_come_back(channels, dtype):
    X = several(channels, dtype)
    ae = quick().fit(X)
    assert ae.chosen_["recipe"] == "sequence"
    assert ae.schema_.spec.shape == (channels or 1, 44)
    assert ae.schema_.spec.gaps
    assert ae.transform(X).shape == (40, 3)
    assert ae.score_samples(X).shape == (40,)
    back = ae.reconstruct(X)
    assert [one.shape for one in back] == [one.shape for one in X]
    assert {one.dtype for one in back} == {np.dtype(dtype)}


@pytest.mark.parametrize("recipe", ["sequence", "sequence_variational", "deep"])
def test_what_lies_behind_a_series_does_not_matter(recipe):
    X = several()
    ae = quick(recipe=recipe).fit(X)
    changed = [X[0], 1e3 * X[1], *X[2:]]
    assert np.array_equal(ae.transform(X)[0], ae.transform(changed)[0])
    assert not np.array_equal(ae.transform(X)[1], ae.transform(changed)[1])
    assert np.array_equal(ae.score_samples(X)[0], ae.score_samples(changed)[0])
    assert np.array_equal(ae.transform(X)[:1], ae.transform(X[:1])), "alone as in company"


def test_padding_is_masked_and_not_scored():
    X = several()
    found = UnevenSamples(X)
    schema = found.learn(None, "auto", None)
    view = found.source(schema).take(torch.tensor([1, 2]))
    assert view.x.shape == (2, 2, 44)
    assert view.scored.sum((1, 2)).tolist() == [34, 88]
    assert view.visible[0, :, :17].all()
    assert not view.visible[0, :, 17:].any()
    assert (view.x[0, :, 17:] == 0).all()
    trace = quick().fit(X).module_(view)
    loud = replace(trace, x=torch.where(view.scored, trace.x, 1e3))
    assert torch.equal(distortion(trace), distortion(loud))


def test_scales_count_every_step_once_and_no_padding():
    X = several()
    schema = UnevenSamples(X).learn("real", "column", None)
    assert np.allclose(schema.shift[:, 0], np.concatenate(X).mean(0))


def test_gaps_inside_series_are_filled():
    X = several()
    X[0][3:6] = np.nan
    ae = quick().fit(X)
    assert all(np.isfinite(one).all() for one in ae.reconstruct(X))


def test_frames_come_back_as_frames():
    X = [pd.DataFrame(one, columns=["u", "v"], index=np.arange(len(one)) + 7) for one in several()]
    back = quick().fit(X).reconstruct(X)
    assert all(b.index.equals(x.index) and list(b.columns) == ["u", "v"] for b, x in zip(back, X, strict=True))


def test_a_model_of_series_takes_lists_of_one_length():
    X = several()
    ae = quick().fit(X)
    short = [X[3], X[3] + 1]
    assert np.array_equal(ae.transform([X[3]]), ae.transform(X[3:4]))
    assert [one.shape for one in ae.reconstruct(short)] == [(5, 2), (5, 2)]
    ae.partial_fit(short)
    assert ae.transform(X).shape == (40, 3)


def test_a_model_of_series_takes_padded_arrays_too():
    X = several()
    ae = quick().fit(X)
    padded = np.full((40, 44, 2), np.nan)
    for row, one in zip(padded, X, strict=True):
        row[: len(one)] = one
    assert np.array_equal(ae.transform(X), ae.transform(padded))


def test_a_model_of_series_is_judged_by_series_of_one_length():
    X = several()
    ae = quick().fit(X, validation_data=[X[0], X[0]])
    assert len(ae.history_) == 3


def test_lists_of_one_length_stay_arrays():
    assert isinstance(samples([np.zeros(3), np.ones(3)]), ArraySamples)
    assert isinstance(samples([np.zeros(3), np.ones(4)]), UnevenSamples)


def test_survives_save_and_load(tmp_path):
    X = several()
    ae = quick().fit(X)
    ae.save(tmp_path / "m.safetensors")
    assert np.array_equal(ae.transform(X), narrows.load(tmp_path / "m.safetensors").transform(X))


@pytest.mark.parametrize(
    "X",
    [[[1.0, 2.0], [3.0]], [np.zeros((4, 4)), np.zeros((5, 6))], [np.zeros((4, 4, 3)), np.zeros((5, 4, 3))]],
    ids=["rows", "images", "colour images"],
)
def test_ragged_tables_and_images_are_still_refused(X):
    with pytest.raises(InputError, match="X is ragged"):
        quick().fit(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([np.zeros((45, 2))], r"series 0 has 45 steps, but the longest that the model was fitted on has 44: cut it"),
        ([np.zeros((9, 2)), np.zeros((0, 2))], "series 1 has no steps"),
        ([np.zeros((9, 2)), np.array([[0, 1], [0, np.inf], [1, 1]])], "series 1 has inf at step 1"),
        ([np.zeros(9), np.zeros(8)], "of shape"),
        ([np.zeros((9, 3)), np.zeros((8, 3))], "of shape"),
    ],
    ids=["too long", "empty", "infinite", "no channels", "other channels"],
)
def test_series_that_do_not_fit_are_refused(X, message):
    ae = quick().fit(several())
    with pytest.raises(InputError, match=message):
        ae.transform(X)


def test_a_model_of_a_table_takes_no_series(table):
    with pytest.raises(InputError):
        quick().fit(table).transform([np.zeros(6), np.zeros(5)])


def test_one_series_is_too_few():
    with pytest.raises(InputError, match="at least 2 series, got 1"):
        UnevenSamples([np.zeros(4)], least_rows=2)
