"""Calibration: levels that are kept exactly, discoveries, and bets on drift."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrows.core.errors import ChoiceError
from narrows.tasks.calibration import Calibration, Drift, discoveries, held_out, level


@given(st.integers(40, 200_000), st.sampled_from([0.01, 0.05, 0.1, 0.2]))
def test_levels_are_attained(count, alpha):
    kept = held_out(count, alpha)
    assert 1 <= kept <= count // 2
    hits = round(alpha * (kept + 1), 6)
    assert hits == int(hits) or kept == count // 2


@pytest.mark.parametrize("count", [200, 1_000])
def test_usual_samples_are_flagged_at_alpha(count):
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(400):
        calibration = Calibration.of(rng.normal(size=held_out(count, 0.05)))
        fresh = rng.normal(size=500)
        flagged = calibration.p_values(fresh) <= 0.05
        assert np.array_equal(flagged, fresh > calibration.threshold(0.05))
        rates.append(flagged.mean())
    assert abs(np.mean(rates) - 0.05) < 4 * np.std(rates) / 20


def test_p_values_are_ranks_by_definition():
    calibration = Calibration.of(np.array([3.0, 1.0, np.nan, 2.0]))
    assert calibration.p_values(np.array([0.5, 2.0, 9.0, np.nan])).tolist()[:3] == [1.0, 0.75, 0.25]
    assert np.isnan(calibration.p_values(np.array([np.nan]))).all()


def test_discoveries_are_those_of_the_step_up_procedure():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.random(20) ** 3
        order = np.sort(p)
        last = max([i for i in range(1, 21) if order[i - 1] <= 0.1 * i / 20], default=0)
        assert np.array_equal(discoveries(p, 0.1), p <= (order[last - 1] if last else -1))
    assert not discoveries(np.array([np.nan, 0.9]), 0.1).any()


def test_false_discoveries_stay_below_the_rate():
    rng, shares = np.random.default_rng(0), []
    for _ in range(200):
        calibration = Calibration.of(rng.normal(size=999))
        scores = np.concatenate([rng.normal(size=450), rng.normal(3.5, 1, size=50)])
        found = discoveries(calibration.p_values(scores), 0.1)
        shares.append(found[:450].sum() / max(1, found.sum()))
    assert np.mean(shares) <= 0.11
    assert np.mean(shares) >= 0.05, "and is not kept by finding nothing"


def test_the_bet_on_drift_seldom_wins_where_there_is_none():
    rng = np.random.default_rng(1)
    alarms = [
        Drift(Calibration.of(rng.normal(size=100)), level=0.05).update(rng.normal(size=300)).alarm for _ in range(60)
    ]
    assert np.mean(alarms) <= 0.15


def test_new_scores_take_over_when_there_are_too_many():
    old = Calibration.of(np.zeros(100))
    assert len(old.and_of(np.ones(50), most=120)) == 120
    assert old.and_of(np.ones(500), most=120).scores.min() == 1


@pytest.mark.parametrize("value", [0, 1, -0.1, "few", True])
def test_levels_are_probabilities(value):
    with pytest.raises(ChoiceError, match="alpha is a number between 0 and 1"):
        level("alpha", value)
