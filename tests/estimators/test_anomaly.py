"""The detector: scikit-learn's contract, levels that are kept, explanations, gaps and categories, files."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.utils.estimator_checks import estimator_checks_generator

import narrows
from narrows.core.errors import ChoiceError


def quick(**options):
    return narrows.AnomalyDetector(**{"epochs": 2, "members": 2, "random_state": 0} | options)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [pytest.param(e, c, id=c.func.__name__) for e, c in estimator_checks_generator(quick())],
)
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def usual():
    draw = np.random.default_rng(0)
    return draw.normal(size=(400, 2)) @ draw.normal(size=(2, 6)) + 0.1 * draw.normal(size=(400, 6))


@pytest.fixture(scope="module")
def detector(usual):
    return narrows.AnomalyDetector(training="clean", random_state=0).fit(usual)


def faulty(usual, rows=200, size=4.0, seed=1):
    """Rows of which one column each is changed, and which."""
    draw = np.random.default_rng(seed)
    X, columns = usual[draw.integers(len(usual), size=rows)].copy(), draw.integers(usual.shape[1], size=rows)
    X[np.arange(rows), columns] += size * usual.std(0)[columns] * draw.choice([-1, 1], size=rows)
    return X, columns


def test_scores_p_values_and_decisions_agree(detector, usual):
    X = np.vstack([usual[:50], faulty(usual, 50)[0]])
    decision, p = detector.decision_function(X), detector.p_values(X)
    assert np.array_equal(decision, detector.score_samples(X) - detector.offset_)
    assert np.array_equal(detector.predict(X), np.where(decision < 0, -1, 1))
    assert np.array_equal(p <= 0.05, decision < 0)
    assert detector.select(X, fdr=0.1)[50:].mean() > 0.9 > 0.1 > detector.select(X, fdr=0.1)[:50].mean()


def test_calls_fits_and_files_give_identical_scores(detector, usual, tmp_path):
    scores = detector.score_samples(usual)
    assert np.array_equal(scores, detector.score_samples(usual))
    again = narrows.AnomalyDetector(training="clean", random_state=0).fit(usual)
    assert np.array_equal(scores, again.score_samples(usual))
    detector.save(tmp_path / "m.safetensors")
    back = narrows.load(tmp_path / "m.safetensors")
    assert np.array_equal(scores, back.score_samples(usual))
    assert np.array_equal(detector.p_values(usual), back.p_values(usual))
    assert np.array_equal(detector.predict(usual), back.predict(usual))


def test_explanations_rank_the_fault_first_and_add_up(detector, usual):
    X, columns = faulty(usual)
    found = detector.explain(X)
    assert (found.order()[:, 0] == columns).mean() >= 0.9
    assert (found.contributions >= 0).all()
    assert np.allclose(found.contributions.sum(1), found.distortion)
    worst = found.top(1)[0][0]
    assert worst.column == str(columns[0])
    assert worst.found == X[0, columns[0]]
    assert abs(worst.expected - worst.found) > usual.std(0)[columns[0]]


def test_contamination_is_a_share_of_the_training_rows(usual):
    found = quick(contamination=0.1).fit(usual).predict(usual)
    assert (found == -1).sum() == 40


@pytest.mark.parametrize("share", [0, 0.6, -1, "auto", True])
def test_contamination_lies_within_a_half(usual, share):
    with pytest.raises(ChoiceError, match=r"a share within \(0, 0.5\]"):
        quick(contamination=share).fit(usual)


def test_unknown_training_names_the_nearest(usual):
    with pytest.raises(ChoiceError, match="did you mean 'clean'"):
        quick(training="cleen").fit(usual)


def test_few_rows_warn_and_calibrate_by_cross_fitting(usual):
    with pytest.warns(UserWarning, match="15 samples are few"), pytest.warns(UserWarning, match="alpha=0.05 is out of"):
        found = quick().fit(usual[:15])
    assert len(found.calibration_) == 15
    assert np.isfinite(found.decision_function(usual)).all()
    assert len(quick().fit(usual[:60]).calibration_) == 60


def test_rows_without_values_are_not_judged_and_others_by_what_is_left(detector, usual):
    X = usual[:4].copy()
    X[1] = np.nan
    X[2, :3] = np.nan
    with pytest.warns(UserWarning, match="1 samples of X have no values at all"):
        assert detector.predict(X).tolist() == [1, 0, 1, 1]
    with pytest.warns(UserWarning, match="no values at all"):
        p = detector.p_values(X)
    assert np.isnan(p[1])
    assert np.isfinite(p[[0, 2, 3]]).all()


def test_rows_that_are_all_alike_and_constant_columns():
    same = quick().fit(np.full((200, 3), 7.0))
    assert np.isfinite(same.score_samples([[7.0, 7, 7], [7, 8, 7]])).all()
    assert same.predict([[7.0, 7, 7], [7, 8, 7]]).tolist() == [1, -1]
    X = np.c_[np.random.default_rng(0).normal(size=(200, 3)), np.full(200, 2.0)]
    learned = narrows.AnomalyDetector(random_state=0).fit(X)
    assert learned.predict([[0, 0, 0, 2.0], [0, 0, 0, 3.0]]).tolist() == [1, -1]


@pytest.fixture(scope="module")
def frame():
    draw = np.random.default_rng(0)
    colour = draw.choice(["red", "green", "blue"], size=400)
    size = np.where(colour == "red", 10.0, 1.0) + draw.normal(size=400)
    table = pd.DataFrame({"colour": colour, "size": size, "weight": 2 * size + 0.1 * draw.normal(size=400)})
    table["height"] = size + 0.1 * draw.normal(size=400)
    table.loc[::17, "weight"] = np.nan
    return table


def test_tables_with_gaps_and_categories(frame):
    found = narrows.AnomalyDetector(random_state=0).fit(frame)
    odd = pd.DataFrame({"colour": ["red", "red", "red"], "size": [10.0, 1.0, 10.0], "weight": [20.0, 2.0, 4.0]})
    odd["height"] = odd["size"]
    assert found.score_samples(odd).argmax() == 0
    reasons = found.explain(odd).top()
    assert reasons[2][0].column == "weight"
    assert abs(reasons[2][0].expected - 20) < 8
    assert {reason.column: reason for reason in reasons[1]}["colour"].expected in ("green", "blue")
    with pytest.warns(UserWarning, match="'colour' has 1 unseen categories"):
        scores = found.score_samples(odd.assign(colour=["red", "red", "pink"]))
    assert np.isfinite(scores).all()
    assert list(found.explain(odd).to_pandas().columns) == ["row", "column", "nats", "found", "expected"]


def test_images_series_and_recordings_come_through_the_same_door(digits):
    images = digits.images[digits.target < 2]
    found = quick().fit(images)
    assert found.explain(images[:3]).contributions.shape == (3, 8, 8)
    assert found.explain(images[:3]).expected.shape == (3, 8, 8)
    wave = np.sin(np.arange(3000) / 5) + 0.05 * np.random.default_rng(0).normal(size=3000)
    recording = narrows.open_data(wave, window=32)
    watcher = quick(epochs=20).fit(recording)
    broken = wave.copy()
    broken[1500:1510] = 0.0
    p = watcher.p_values(narrows.open_data(broken, window=32))
    assert p.shape == (3000,)
    assert p[1500:1510].mean() < p[:1400].mean() / 3
    assert watcher.explain(narrows.open_data(broken, window=32)).contributions.shape[0] == 3000


def test_partial_fit_takes_new_samples_for_known(detector, usual, tmp_path):
    detector.save(tmp_path / "m.safetensors")
    moving = narrows.load(tmp_path / "m.safetensors")
    moved = usual + 3
    before = moving.p_values(moved).mean()
    for _ in range(5):
        moving.partial_fit(moved)
    assert moving.p_values(moved).mean() > before + 0.2
    assert quick().partial_fit(usual).predict(usual).shape == (400,)


def test_drift_is_noticed(detector, usual):
    assert not detector.drift().update(-detector.score_samples(usual[:100])).alarm
    assert detector.drift().update(-detector.score_samples(usual + 2)).alarm


def test_nothing_global_moves(usual):
    np.random.seed(0)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    quick().fit(usual).score_samples(usual)
    assert np.array_equal(before[0], np.random.get_state()[1])
    assert torch.equal(before[1], torch.get_rng_state())


@pytest.mark.parametrize("training", ["clean", "contaminated"])
def test_a_row_scores_the_same_alone_and_among_others(usual, training):
    found = quick(training=training).fit(usual)
    scores = found.score_samples(usual)
    assert np.array_equal(found.score_samples(usual[37:111]), scores[37:111])
    assert np.array_equal([found.score_samples(row[None])[0] for row in usual[:20]], scores[:20])
