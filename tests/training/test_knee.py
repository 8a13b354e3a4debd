"""The knee: the size of a code that short fits choose."""

import json

import numpy as np
import pytest

import narrows
from narrows.training.knee import MOST, knee_of


def planted(causes, columns=24, n=400, noise=0.02):
    """Rows of so many independent causes of one strength, mixed at random, and a little noise."""
    draw = np.random.RandomState(0)
    axes = np.linalg.qr(draw.randn(columns, causes))[0].T
    return draw.randn(n, causes) @ axes + noise * draw.randn(n, columns)


def auto(X, **options):
    given = {"recipe": "deep", "epochs": 1, "random_state": 0, "verbose": 0} | options
    return narrows.Autoencoder(latent_dim="auto", **given).fit(X)


def test_the_knee_of_known_curves():
    assert knee_of({k: max(0.0, 1 - k / 7) for k in range(1, 33)}) == 7
    assert knee_of({1: 0.5, 2: 0.5, 4: 0.5}) == 1
    assert knee_of({1: 0.1, 2: 0.2}) == 1
    assert knee_of({3: 0.1}) == 3


@pytest.mark.parametrize("causes", [2, 5])
def test_finds_as_many_numbers_as_there_are_causes(causes):
    assert auto(planted(causes)).transform(planted(causes)[:3]).shape == (3, causes)


def test_the_choice_is_told_and_is_the_same_each_time(tmp_path):
    X = planted(3)
    first, again = auto(X), auto(X)
    assert first.chosen_["latent_dim"] == 3
    assert first.chosen_["knee"] == again.chosen_["knee"]
    sizes = [size for size, _ in first.chosen_["knee"]]
    assert sizes == sorted(set(sizes))
    assert max(sizes) <= MOST
    first.save(tmp_path / "m.safetensors")
    loaded = narrows.load(tmp_path / "m.safetensors")
    assert loaded.latent_dim == "auto"
    assert json.loads(json.dumps(loaded.chosen_["knee"])) == [[*row] for row in first.chosen_["knee"]]


def test_a_resumed_run_keeps_the_size(tmp_path, monkeypatch):
    X = planted(3)
    first = auto(X, checkpoint=tmp_path)
    monkeypatch.setattr("narrows.training.fit.knee", lambda *_: pytest.fail("the size is known"))
    again = auto(X, checkpoint=tmp_path)
    assert np.array_equal(first.transform(X), again.transform(X))


def test_two_columns_leave_no_choice():
    assert auto(np.random.RandomState(0).randn(50, 2)).chosen_["latent_dim"] == 1


def test_other_words_are_refused():
    with pytest.raises(narrows.ChoiceError, match="latent_dim is a whole number of at least 1, or 'auto', got 'knee'"):
        narrows.Autoencoder(latent_dim="knee", verbose=0).fit(planted(2))
