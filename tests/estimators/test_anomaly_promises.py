"""What detectors promise, over many fits: the level, the false discovery rate, faults that explanations put first."""

import numpy as np
import pytest

import narrows

pytestmark = pytest.mark.slow


def rows(draw, count):
    """Two hidden causes of six columns, and a little noise."""
    mixing = np.random.default_rng(7).normal(size=(2, 6))
    return np.tanh(draw.normal(size=(count, 2)) @ mixing) + 0.1 * draw.normal(size=(count, 6))


def fitted(X, seed, **options):
    return narrows.AnomalyDetector(epochs=2, members=2, random_state=seed, **options).fit(X)


@pytest.mark.parametrize("training", ["clean", "contaminated"])
@pytest.mark.parametrize("count", [200, 1_000])
def test_usual_rows_are_taken_for_anomalies_at_the_level(count, training):
    rates = []
    for repeat in range(60):
        draw = np.random.default_rng([count, repeat])
        found = fitted(rows(draw, count), repeat, training=training)
        rates.append((found.predict(rows(draw, 1_000)) == -1).mean())
    spread = (0.05 * 0.95 / (len(found.calibration_) + 2)) ** 0.5  # of a beta distribution, as ranks have it
    assert abs(np.mean(rates) - 0.05) < 3.5 * spread / len(rates) ** 0.5


def test_of_those_selected_no_more_are_usual_than_was_asked_for():
    shares, power = [], []
    for repeat in range(60):
        draw = np.random.default_rng([1, repeat])
        found = fitted(rows(draw, 1_000), repeat, training="clean")
        X = rows(draw, 500)
        X[:50] += draw.normal(0, 0.6, size=(50, 6))
        picked = found.select(X, fdr=0.1)
        shares.append(picked[50:].sum() / max(1, picked.sum()))
        power.append(picked[:50].mean())
    assert np.mean(shares) < 0.1 + 3 * np.std(shares) / len(shares) ** 0.5
    assert np.mean(power) > 0.8


@pytest.mark.parametrize("training", ["clean", "contaminated"])
@pytest.mark.parametrize("name", ["2_annthyroid", "6_cardio", "30_satellite", "40_vowels"])
def test_a_column_that_is_off_comes_first(real, name, training):
    with np.load(real / "adbench" / f"{name}.npz") as found:
        X = found["X"][found["y"].ravel() == 0].astype(np.float64)[:2_000]
    X = X[:, X.std(0) > 0]
    draw = np.random.default_rng(0)
    known, faulty = np.split(draw.permutation(X), [len(X) * 3 // 4])
    columns = draw.integers(X.shape[1], size=len(faulty))
    faulty[np.arange(len(faulty)), columns] += 5 * X.std(0)[columns] * draw.choice([-1, 1], size=len(faulty))
    detector = narrows.AnomalyDetector(training=training, random_state=0).fit(known)
    assert (detector.explain(faulty).order()[:, 0] == columns).mean() >= 0.9
