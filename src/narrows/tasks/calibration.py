r"""From scores to p-values, decisions and discoveries: conformal prediction.

    p(x) = (1 + number of held-out scores at least as unusual as x) / (m + 1)

Held-out scores are of m samples that training has not seen. Where those and a new sample are drawn alike, p(x) is at
most alpha with probability at most alpha, and exactly alpha where alpha (m + 1) is whole, which is how m is chosen.
The p-values of many samples share their held-out scores; they are positively dependent, so that the procedure of
Benjamini and Hochberg still controls the false discovery rate. Anomalies among the held-out scores make p-values
larger, never smaller: fewer are found, and what is promised holds.

Sources: Vovk, Gammerman and Shafer (2005); Bates, Candès, Lei, Romano and Sesia (2023),
https://doi.org/10.1214/22-AOS2244; Benjamini and Hochberg (1995).
"""

from __future__ import annotations

import warnings
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from math import ceil, floor, log

import numpy as np

from narrows.core.errors import ChoiceError
from narrows.data.arrays import Array

SHARE = 0.15
"""Share of the samples that calibrates."""
MOST = 5_000
"""How many samples calibrate, at most."""
FEW = 100
"""Below so many samples all of them calibrate, by models that have not seen them."""
EXACT = 1e-9
"""What rounding may do to alpha (m + 1)."""


def level(name: str, value: float) -> float:
    """A probability between 0 and 1.

    Raises:
        ChoiceError: Something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < 1:
        raise ChoiceError(f"{name} is a number between 0 and 1, got {value!r}")
    return float(value)


def held_out(samples: int, alpha: float) -> int:
    """How many of the samples calibrate: about a seventh, so that alpha (m + 1) is as good as whole.

    >>> [held_out(n, 0.05) for n in (100, 200, 1_000, 10_000, 1_000_000)]
    [19, 19, 139, 1499, 4999]
    """
    about = min(MOST, floor(SHARE * samples))
    hits = max(1, floor(alpha * (about + 1) + EXACT))
    return min(max(1, samples // 2), ceil(hits / alpha - EXACT) - 1)


@dataclass(frozen=True)
class Calibration:
    """How unusual samples are that training has not seen.

    Args:
        scores: The more unusual the higher, in order, (m,).
    """

    scores: Array

    @classmethod
    def of(cls, scores: Array) -> Calibration:
        """From scores in any order; those of samples without values (NaN) count for nothing."""
        return cls(np.sort(scores[~np.isnan(scores)].astype(np.float64).ravel()))

    def __len__(self) -> int:
        return len(self.scores)

    def p_values(self, scores: Array) -> Array:
        """Probability that a usual sample is at least as unusual, for each score; NaN for NaN."""
        higher = len(self) - np.searchsorted(self.scores, scores, side="left")
        return np.where(np.isnan(scores), np.nan, (1 + higher) / (len(self) + 1))

    def threshold(self, alpha: float) -> float:
        """The score above which p is at most alpha, or at most 1 / (m + 1) where that is more."""
        hits = max(1, floor(alpha * (len(self) + 1) + EXACT))
        return float(self.scores[-min(hits, len(self))])

    def reaches(self, alpha: float) -> bool:
        """Whether a p-value can be so small."""
        return alpha * (len(self) + 1) + EXACT >= 1

    def and_of(self, scores: Array, most: int = MOST) -> Calibration:
        """The same and further scores, of which the newest stay where there are too many in all."""
        new = scores[~np.isnan(scores)][-most:]
        spare = max(0, most - len(new))
        # the old ones are thinned evenly, since their order in time is not known
        places = np.linspace(0, len(self) - 1, min(spare, len(self))).round().astype(int)
        return Calibration.of(np.concatenate([self.scores[places], new]))


def discoveries(p_values: Array, fdr: float) -> Array:
    """Which samples are anomalies, so that a share of at most `fdr` of them is expected to be none, (n,) bool.

    All samples up to the largest i with p_(i) <= i fdr / n, in order of their p-values (Benjamini and Hochberg 1995).

    >>> discoveries(np.array([0.01, 0.5, 0.03, 0.02]), 0.05)
    array([ True, False,  True,  True])
    """
    judged = np.flatnonzero(~np.isnan(p_values))
    found = np.zeros(len(p_values), dtype=bool)
    order = judged[np.argsort(p_values[judged], kind="stable")]
    below = p_values[order] <= fdr * np.arange(1, len(order) + 1) / max(1, len(order)) + EXACT
    if below.any():
        found[order[: np.flatnonzero(below)[-1] + 1]] = True
    return found


def warn_if_out_of_reach(calibration: Calibration, name: str, value: float) -> None:
    """Say that no p-value is as small as asked for, instead of finding nothing."""
    if not calibration.reaches(value):
        warnings.warn(
            f"{name}={value:g} is out of reach with {len(calibration)} samples to calibrate by: the least p-value is "
            f"1/{len(calibration) + 1}, so take at least {ceil(1 / value - EXACT) - 1} samples",
            stacklevel=3,
        )


class Drift:
    r"""A bet against the claim that samples still come from where the model was trained.

        S_t = sum over e in {-1, 0, 1} of C_e,    C_e <- C_e (1 + e (p_t - 1/2)) after a share of 1/100 has moved

    While samples come as they came in training, p-values are independent and uniform, each being the rank of a score
    among all before it, and the capital S ever reaches 1 / level with probability at most `level`. The bet grows when
    p-values are too small, or too large.

    Args:
        calibration: Scores of samples that training has not seen.
        level: Probability of a false alarm, ever.
        seed: What breaks ties between equal scores.

    Attributes:
        evidence: The logarithm of the capital, 0 in the beginning.
        alarm: Whether the capital has ever reached 1 / level.

    Source: Vovk, Petej, Nouretdinov, Ahlberg, Carlsson and Gammerman (2021), "Retrain or not retrain".

    >>> rng = np.random.default_rng(0)
    >>> drift = Drift(Calibration.of(rng.normal(size=500)))
    >>> drift.update(rng.normal(size=500)).alarm, drift.update(rng.normal(size=200) + 1).alarm
    (False, True)
    """

    moved = 0.01

    def __init__(self, calibration: Calibration, level: float = 0.01, seed: int = 0) -> None:
        self.known = calibration.scores.tolist()
        self.level = level
        self.rng = np.random.default_rng(seed)
        self.bets = np.array([-1.0, 0.0, 1.0])
        self.shares = np.full(3, 1 / 3)
        self.evidence = 0.0
        self.alarm = False

    def update(self, scores: Array) -> Drift:
        """Go on with the scores of further samples, in the order of time."""
        for score in np.asarray(scores, dtype=np.float64).ravel():
            if np.isnan(score):
                continue
            low, high = bisect_left(self.known, score), bisect_right(self.known, score)
            ties = self.rng.random() * (high - low + 1)
            p = (len(self.known) - high + ties) / (len(self.known) + 1)
            grown = ((1 - self.moved) * self.shares + self.moved / 3) * (1 + self.bets * (p - 0.5))
            total = float(grown.sum())
            self.shares, self.evidence = grown / total, self.evidence + log(total)
            self.alarm = self.alarm or self.evidence >= -log(self.level)
            insort(self.known, score)
        return self

    def __repr__(self) -> str:
        return f"Drift(evidence={self.evidence:.2f}, alarm={self.alarm})"
