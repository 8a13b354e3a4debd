"""Classifying and predicting from codes: few labels, many samples."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import estimator_checks_generator

import narrows
from narrows.core.trace import View
from narrows.data.labels import classified, labelled
from narrows.networks.head import Head
from narrows.training import self_training, supervised
from narrows.training.self_training import Teacher, best_of, folded, mixed, pooled
from narrows.training.spreading import spread
from narrows.training.supervised import HowMuch, WhichClass, divided, fitted_head


def quick(kind=narrows.PretrainedClassifier, **options):
    return kind(**{"recipe": "deep", "epochs": 3, "random_state": 0, "verbose": 0} | options)


def _checks():
    for kind in (narrows.PretrainedClassifier, narrows.PretrainedRegressor):
        for estimator, check in estimator_checks_generator(quick(kind, epochs=1, recipe_options={"widths": [16]})):
            name = check.func.__name__
            again = kind is narrows.PretrainedRegressor  # most of it is what the classifier does
            marks = pytest.mark.slow if again or "sparse" in name else ()
            yield pytest.param(estimator, check, id=f"{kind.__name__}-{name}", marks=marks)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(_checks()))
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def few(digits):
    """Five labels of each digit, in the first 1,300."""
    y = digits.target[:1300].copy()
    kept = np.concatenate([np.flatnonzero(y == digit)[:5] for digit in range(10)])
    y[np.setdiff1d(np.arange(1300), kept)] = -1
    return y


@pytest.fixture(scope="module")
def fitted(digits, few):
    return quick(epochs=20).fit(digits.images[:1300], few)


def test_few_labels_go_a_long_way(digits, few, fitted):
    known = few >= 0
    alone = LogisticRegression(max_iter=2000).fit(digits.data[:1300][known], few[known])
    ours = fitted.score(digits.images[1300:], digits.target[1300:])
    assert ours > 0.85
    assert ours > alone.score(digits.data[1300:], digits.target[1300:]) + 0.05


def test_probabilities_belong_to_the_classes(digits, fitted):
    found = fitted.predict_proba(digits.images[1300:])
    assert found.shape == (497, 10)
    np.testing.assert_allclose(found.sum(1), 1)
    assert np.array_equal(fitted.classes_[found.argmax(1)], fitted.predict(digits.images[1300:]))


def test_codes_come_of_the_changed_encoder(digits, fitted):
    assert fitted.transform(digits.images).shape == (1797, fitted.chosen_["latent_dim"])
    assert fitted.get_feature_names_out()[0] == "pretrainedclassifier0"


@pytest.mark.parametrize("kind", ["text", "objects", "frame", "floats", "truth"])
def test_labels_of_any_kind_come_back(digits, few, kind, tmp_path):
    some = slice(0, 300)
    X, y = digits.data[some], few[some] % 2
    gone = few[some] < 0
    words = np.where(y == 1, "odd", "even")
    given = {
        "text": np.where(gone, "-1", words),
        "objects": np.where(gone, None, words),
        "frame": pd.Series(words).mask(gone),
        "floats": np.where(gone, np.nan, y),
        "truth": pd.Series(y == 1, dtype="boolean").mask(gone),
    }[kind]
    made = quick(epochs=2).fit(X, given)
    wanted = {"floats": [0.0, 1.0], "truth": [False, True]}.get(kind, ["even", "odd"])
    assert made.classes_.tolist() == wanted
    made.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    assert again.classes_.dtype == made.classes_.dtype
    assert np.array_equal(again.predict(X), made.predict(X))
    assert np.array_equal(again.predict_proba(X), made.predict_proba(X))


def test_labels_may_be_minus_and_plus_one(digits):
    X, y = digits.data[:200], np.where(digits.target[:200] > 4, 1, -1)
    assert quick(unlabelled=None).fit(X, y).classes_.tolist() == [-1, 1]
    with pytest.warns(UserWarning, match="both count as labels"):
        assert quick().fit(X, y).classes_.tolist() == [-1, 1]


def test_a_mixed_table_predicts_through_the_same_door():
    draw = np.random.default_rng(0)
    cause = draw.normal(size=300)
    frame = pd.DataFrame({"a": cause + 0.1 * draw.normal(size=300), "k": np.where(cause > 0, "up", "down")})
    frame["b"] = -cause + 0.1 * draw.normal(size=300)
    frame.loc[::7, "a"] = np.nan
    made = quick(recipe="auto", epochs=5).fit(frame, np.where(np.arange(300) % 3, -1, cause > 0.0))
    assert made.score(frame, cause > 0.0) > 0.9
    number = quick(narrows.PretrainedRegressor, recipe="auto", epochs=5)
    assert number.fit(frame, np.where(np.arange(300) % 3, np.nan, cause)).score(frame, cause) > 0.8


def test_images_are_convolved_and_saved(digits, few, tmp_path):
    made = quick(recipe="auto", epochs=1, recipe_options={"widths": [4, 8]}).fit(digits.images[:300], few[:300])
    assert made.chosen_["recipe"] == "convolutional"
    made.save(tmp_path / "m.safetensors")
    assert np.array_equal(
        narrows.load(tmp_path / "m.safetensors").predict(digits.images[:50]), made.predict(digits.images[:50])
    )


def test_a_regressor_is_saved_in_the_units_of_its_numbers(table, tmp_path):
    y = 1000 * table[:, 0] + 7
    made = quick(narrows.PretrainedRegressor, epochs=30).fit(table[:, 1:], y)
    assert made.score(table[:, 1:], y) > 0.7
    made.save(tmp_path / "m.safetensors")
    assert np.array_equal(narrows.load(tmp_path / "m.safetensors").predict(table[:, 1:]), made.predict(table[:, 1:]))


def test_never_worse_than_the_head_on_frozen_codes(digits, few, monkeypatch):
    """A rate that ruins the encoder ends in the head that training began with."""
    monkeypatch.setattr(self_training, "RATE", 30.0)
    ruined = quick().fit(digits.data[:300], few[:300])
    plain = narrows.Autoencoder(recipe="deep", epochs=3, random_state=0, verbose=0).fit(digits.data[:300])
    assert np.array_equal(ruined.transform(digits.data), plain.transform(digits.data).astype(np.float64))


def test_the_head_is_logistic_and_ridge_regression(monkeypatch, table):
    monkeypatch.setattr(supervised, "RIDGES", (0.1,))
    z, y = torch.from_numpy(table), (table[:, 0] > 0).astype(int)
    standard = (table - table.mean(0)) / table.std(0)
    targets = torch.from_numpy(np.eye(2)[y])
    head = fitted_head(z, targets, z, targets, WhichClass(2))
    with torch.no_grad():
        found = head(z.float()).softmax(1).numpy()
    # two mirrored columns at ridge 0.1 are one column of twice the size, so its ridge is half as much
    peer = LogisticRegression(C=1 / (0.05 * 120), tol=1e-8, max_iter=5000).fit(standard, y)
    np.testing.assert_allclose(found, peer.predict_proba(standard), atol=2e-4)
    numbers = table[:, :1] * 2
    head = fitted_head(z, torch.from_numpy(numbers), z, torch.from_numpy(numbers), HowMuch(1))
    with torch.no_grad():
        found = head(z.float()).numpy()
    np.testing.assert_allclose(
        found, Ridge(alpha=0.1 * 120).fit(standard, numbers).predict(standard)[:, None], atol=1e-4
    )


def test_labels_spread_along_the_graph():
    draw = np.random.default_rng(0)
    angle = draw.uniform(0, 2 * np.pi, 400)
    radius = np.repeat([1.0, 3.0], 200)
    rings = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1) + 0.05 * draw.normal(size=(400, 2))
    found, trust = spread(rings, np.array([0, 200]), np.eye(2))
    assert np.array_equal(found.argmax(1), np.repeat([0, 1], 200))
    assert ((trust >= 0) & (trust <= 1)).all()


def test_each_class_is_held_out_once_in_folds():
    folds = folded(np.eye(3)[np.repeat([0, 1, 2], [10, 3, 1])], torch.Generator().manual_seed(0))
    assert np.bincount(folds[:10]).tolist() == [2, 2, 2, 2, 2]
    assert len(set(folds[10:13])) == 3
    assert folds[13] == -1


def test_a_teacher_is_believed_as_far_as_it_knows_what_it_was_not_shown():
    """Of one that is right, one that says nothing and one that is wrong, the first decides what is said of others."""
    draw = np.random.default_rng(0)
    targets, truth = (np.eye(4)[draw.integers(4, size=count)] for count in (200, 300))
    right, wrong = (
        Teacher(*(np.log(0.9 * part[:, order] + 0.025) for part in (targets, truth)))
        for order in ([0, 1, 2, 3], [1, 2, 3, 0])
    )
    nothing = Teacher(np.log(np.full((200, 4), 0.25)), np.log(np.full((300, 4), 0.25)))
    together = pooled([right, nothing, wrong], targets)
    assert np.array_equal(together.bare.argmax(1), truth.argmax(1))
    assert best_of(together, [right, wrong], targets) is together
    assert best_of(wrong, [nothing, right], targets) is right


def test_samples_are_mixed_two_by_two_with_their_answers():
    x, answers = torch.eye(6).reshape(6, 1, 6), torch.eye(6)
    seen = torch.ones(6, 1, 6, dtype=torch.bool)
    seen[2] = False
    view, targets = mixed(View(x, visible=seen), answers, torch.Generator().manual_seed(0))
    assert torch.equal(view.x[:, 0], targets)
    assert torch.allclose(targets.sum(1), torch.ones(6))
    assert not torch.equal(targets, answers)
    assert not view.visible[2].any()


def test_each_class_is_set_aside_of():
    targets = np.eye(3)[np.repeat([0, 1, 2], [30, 4, 2])]
    taught, aside = divided(targets, WhichClass(3), 0.1, torch.Generator().manual_seed(0))
    assert sorted([*taught, *aside]) == list(range(36))
    assert np.bincount(targets.argmax(1)[aside], minlength=3).tolist() == [3, 1, 0]
    taught, aside = divided(targets[:, :1], HowMuch(1), 0.0, torch.Generator().manual_seed(0))
    assert np.array_equal(taught, aside)


def test_two_runs_agree_to_the_bit(digits, few):
    one, two = (quick(epochs=1).fit(digits.data[:200], few[:200]).predict_proba(digits.data) for _ in range(2))
    assert np.array_equal(one, two)


def test_what_cannot_be_learned_is_refused_first(digits):
    X, y = digits.data[:50], digits.target[:50]
    for given, says in (
        (y[:7], "y has 7 labels, but X has 50 samples"),
        (np.full(50, -1), "no label at all"),
        (np.full(50, 3), "one class only"),
        (np.where(y > 3, np.nan, 1.0), "one class only"),
    ):
        with pytest.raises(ValueError, match=says):
            quick().fit(X, given)
    with pytest.raises(ValueError, match="iterator"):
        quick().fit(iter([X]), y)
    with pytest.raises(ValueError, match="something else than numbers"):
        quick(narrows.PretrainedRegressor).fit(X, y.astype(str).astype(object) + "x")


def test_labels_that_are_there():
    assert labelled(np.array([None, "a", np.nan, pd.NA, -1], dtype=object), -1).rows.tolist() == [1]
    assert labelled(np.array([1, -1, 3]), None).values.tolist() == [1, -1, 3]
    assert classified(np.array([0, 0, 9, 1]), 9).rows.tolist() == [0, 1, 3]


def test_a_head_begins_as_nothing_but_its_map():
    head = Head(3, 2)
    assert head.shift.tolist() == [0, 0, 0]
    assert head.scale.tolist() == [1, 1, 1]
