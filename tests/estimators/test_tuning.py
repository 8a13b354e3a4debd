"""Options found by trying."""

import numpy as np
import pytest

import narrows
from narrows.estimators import tuning
from narrows.estimators.tuning import _front, _knee

pytest.importorskip("optuna", reason="Optuna is not installed")


def quick(**options):
    return narrows.Autoencoder(**{"recipe": "deep", "epochs": 2, "random_state": 0, "verbose": 0} | options)


@pytest.fixture(scope="module")
def small():
    draw = np.random.RandomState(0)
    return np.tanh(draw.randn(120, 2) @ draw.randn(2, 6)) + 0.1 * draw.randn(120, 6)


def test_trials_are_kept_and_gone_on_with(small, tmp_path):
    told = []
    first = narrows.tune(quick(), small, trials=3, storage=tmp_path / "trials.db", tell=told.append)
    assert [row["trial"] for row in told] == [0, 1, 2]
    again = narrows.tune(quick(), small, trials=4, storage=tmp_path / "trials.db", tell=told.append)
    assert len(told) == 4
    assert [row["error"] for row in again.trials[:3]] == [row["error"] for row in first.trials]
    assert again.best.transform(small).shape == (120, again.options["latent_dim"])


def test_the_first_trial_is_the_estimator_as_it_is(small):
    found = narrows.tune(quick(latent_dim=2), small, trials=2)
    alone = quick(latent_dim=2).fit(small)
    best = min(alone.history_, key=lambda row: row["score"])
    assert found.trials[0]["error"] == best["held_out"]["error"]
    assert min(row["error"] for row in found.trials) <= best["held_out"]["error"]
    assert {row["latent_dim"] for row in found.trials} == {2}, "what the estimator says itself is not tried"


def test_a_classifier_is_judged_by_its_score(small):
    y = np.where(small[:, 0] > 0, "up", "down")
    made = narrows.PretrainedClassifier(recipe="deep", epochs=1, random_state=0, verbose=0)
    found = narrows.tune(made, small, y, trials=1)
    assert found.trials[0]["error"] < 0.3
    assert set(found.best.predict(small)) == {"up", "down"}


def test_recipes_that_take_labels_are_tried_with_them(small):
    labels = np.where(small[:, 0] > 0, "up", "down")
    told = narrows.tune(quick(recipe="conditional"), small, labels, trials=2)
    assert told.best.conditions_.classes == ("down", "up")
    few = np.where(np.arange(120) % 3, "-1", labels)
    asked = narrows.PretrainedClassifier(recipe="semi_supervised", epochs=2, random_state=0, verbose=0, unlabelled="-1")
    assert set(narrows.tune(asked, small, few, trials=2).best.classes_) == {"down", "up"}


def test_trials_of_one_shape_are_trained_together(small, monkeypatch):
    rounds = []
    together = tuning.errors_together

    def counted(given, asked):
        rounds.append(len(asked))
        return together(given, asked)

    monkeypatch.setattr(tuning, "errors_together", counted)
    told = []
    trials = 17
    found = narrows.tune(quick(), small, trials=trials, tell=told.append)
    assert [row["trial"] for row in told] == list(range(trials))
    assert max(rounds) == 4
    shapes = [(row["latent_dim"], row["options"].get("log2_width")) for row in found.trials]
    assert max(shapes.count(shape) for shape in set(shapes)) >= 4
    again = narrows.tune(quick(), small, trials=trials)
    assert [row["error"] for row in again.trials] == [row["error"] for row in found.trials]


def test_front_and_knee():
    rows = [{"latent_dim": d, "error": e} for d, e in ((8, 1.0), (2, 5.0), (4, 1.05), (4, 3.0), (16, 1.2))]
    assert [(row["latent_dim"], row["error"]) for row in _front(rows)] == [(2, 5.0), (4, 1.05), (8, 1.0)]
    assert _knee(rows) == {"latent_dim": 4, "error": 1.05}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"trials": 0}, "trials is a whole number"),
        ({"max_time": -1}, "max_time is a number greater than 0"),
        ({"random_state": "one"}, "random_state is a whole number"),
        ({"storage": "no such folder/trials.db"}, "in a folder that there is"),
        ({"storage": __file__}, "SQLite file or a new one"),
    ],
)
def test_what_cannot_work_is_refused(small, options, says):
    with pytest.raises(ValueError, match=says):
        narrows.tune(quick(), small, **options)
    with pytest.raises(ValueError, match="takes an estimator of narrows"):
        narrows.tune("deep", small)
    with pytest.raises(ValueError, match="tune an Autoencoder"):
        narrows.tune(narrows.AnomalyDetector(), small)
    with pytest.raises(ValueError, match="open_data"):
        narrows.tune(quick(), "digits.csv")


def test_a_classifier_takes_lists(small):
    given = narrows.PretrainedClassifier(epochs=1, random_state=0, verbose=0)
    found = narrows.tune(given, small.tolist(), [int(row[0] > 0) for row in small], trials=1)
    assert len(found.trials) == 1
