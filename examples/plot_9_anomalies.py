"""
Anomalies, with a promise
=========================

``narrows.AnomalyDetector`` says how unusual samples are, how sure that is, and why. It trains an ensemble of
autoencoders as one stacked model, and sets samples aside that say what usual scores look like, so that its thresholds
keep their promises on new data.
"""

# %%
# A machine and its sensors
# -------------------------
#
# Six sensors follow two hidden causes. Of 500 new readings, 25 have one sensor that is stuck far from where the others
# say it should be.

import numpy as np

import narrows
from narrows import plots

rng = np.random.default_rng(0)
mixing = rng.normal(size=(2, 6))


def readings(n: int) -> np.ndarray:
    """Usual readings, a row each."""
    return np.tanh(rng.normal(size=(n, 2)) @ mixing) + 0.05 * rng.normal(size=(n, 6))


usual, new = readings(1_500), readings(500)
faulty = np.arange(25)
sensor = rng.integers(0, 6, size=25)
new[faulty, sensor] += rng.choice([-1.5, 1.5], size=25)

detector = narrows.AnomalyDetector(training="clean", random_state=0).fit(usual)

# %%
# Two kinds of promise
# --------------------
#
# ``predict`` judges one reading at a time: of usual ones it takes a share of ``alpha`` for anomalies. ``select`` judges
# all readings together: of those it returns, a share of at most ``fdr`` is expected to be usual.

flagged, selected = detector.predict(new) == -1, detector.select(new, fdr=0.2)
for name, found in (("predict, alpha=0.05", flagged), ("select, fdr=0.2", selected)):
    print(f"{name:20s}  {found[:25].sum():2d} of 25 faults, {found[25:].sum():2d} of 475 usual readings")

# %%
# The p-values of usual readings are spread evenly, which is what makes both promises work. The curve below leaves the
# diagonal only on the left, where the faults are.

plots.calibration(detector.p_values(new))

# %%

plots.score_distribution(detector.calibration_.scores, -detector.score_samples(new), -detector.offset_)

# %%
# Why
# ---
#
# An explanation holds what each value costs, in nats, and what the other columns let expect in its place.

explanation = detector.explain(new[faulty])
right = (explanation.order()[:, 0] == sensor).mean()
print(f"the stuck sensor comes first for {right:.0%} of the faults")
for reasons in explanation.top(2)[:3]:
    print("; ".join(map(str, reasons)))

# %%
# A stream
# --------
#
# ``drift`` bets against the claim that nothing has changed. While it is true, the bet reaches 100 with a probability of
# at most 1 in 100, however long the stream is.

watch = detector.drift(level=0.01)
for hour in range(6):
    batch = readings(100) + (0.3 if hour >= 3 else 0.0)
    watch.update(-detector.score_samples(batch))
    print(f"hour {hour}: evidence {watch.evidence:6.1f}, alarm: {watch.alarm}")
