"""How points are foretold by those around them: by whole taps, those of a cubic, of a class before, or fitted.

    p = floor(sum_j w_j f_j / 4096 + 1/2)

Taps that are fitted by least squares have to be stored, so they are taken where they save more than they take.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import squeeze, unsqueeze
from narrows.core.errors import FileError

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

FURTHEST = 1 << 44
"""Numbers reach no further than this from 0."""
TAP = 12
"""Taps are in units of 2^-12."""
FITTED = 400
"""For classes of fewer points none are fitted."""
SOME = 10_000
"""Of so many points they are fitted, or of all."""
REWEIGHED = 3
"""So often they are fitted again."""
PRICE = 11.0
"""About how many bits a tap takes where it is stored."""
CUBIC, AGAIN = np.zeros(0, np.int64), np.zeros(1, np.int64)
"""What is stored for the taps of a cubic, and for those of the class before with the same coordinates odd."""


def cubic(odd: int, diagonals: int) -> Whole:
    """Taps of a cubic along every odd axis, all of them alike."""
    near, far = round(9 / 16 * 2**TAP / odd), -round(1 / 16 * 2**TAP / odd)
    return np.array([near] * (2 * odd) + [far] * (2 * odd) + [0] * diagonals, dtype=np.int64)


def foretold(around: Sequence[Whole], taps: Whole) -> Whole:
    """The sum of neighbours by their taps, rounded."""
    if len(taps) != len(around):
        raise FileError("a class of points has another number of taps than neighbours")
    total = np.full(around[0].shape, 1 << (TAP - 1), dtype=np.int64)
    for tap, values in zip(taps.tolist(), around, strict=True):
        if tap:
            total += tap * values
    return np.clip(total >> TAP, -FURTHEST, FURTHEST)


def meant(stored: Whole, plain: Whole, before: Whole) -> Whole:
    """The taps that are stored.

    Args:
        stored: All of them, or `CUBIC` or `AGAIN`.
        plain: Those of a cubic.
        before: Those of the class before with the same coordinates odd.
    """
    return plain if len(stored) == len(CUBIC) else before if len(stored) == len(AGAIN) else stored


def chosen(around: Sequence[Whole], target: Whole, there: Flags, plain: Whole, before: Whole, step: int) -> Whole:
    """What to store for a class, so that it takes the fewest bits in all.

    Args:
        around: What lies around its points.
        target: Its points.
        there: Which of them matter.
        plain: The taps of a cubic.
        before: Those of the class before with the same coordinates odd.
        step: Of the numbers that are left.
    """
    rows = np.flatnonzero(there.reshape(-1))
    every = max(1, len(rows) // SOME)
    rows = rows[::every]
    centre = around[0].reshape(-1)[rows].astype(np.float64)
    known = np.stack([values.reshape(-1)[rows] for values in around], axis=1) - centre[:, None]
    asked = target.reshape(-1)[rows] - centre

    def bits(stored: Whole) -> float:
        off = known @ (meant(stored, plain, before) / 2.0**TAP) - asked
        return PRICE * len(stored) + every * float(np.log2(1 + (2 * off / step) ** 2).sum()) / 2

    candidates = [CUBIC, AGAIN]
    if target.size >= FITTED and len(rows) >= FITTED // 4:
        candidates += _fitted(known, asked, plain, step)
    return min(candidates, key=bits)


def _fitted(known: NDArray[np.float64], asked: NDArray[np.float64], plain: Whole, step: int) -> list[Whole]:
    """Taps that foretell well, drawn towards those of a cubic: by least squares, then with less and less from outliers.

    An error e takes about log2(1 + (2 e / q)^2) / 2 bits, and is weighed by how fast these grow with its square.
    """
    prior, found = plain / 2.0**TAP, list[Whole]()
    weight = np.ones(len(asked))
    for _ in range(1 + REWEIGHED):
        gram = (known * weight[:, None]).T @ known
        gram[np.diag_indices_from(gram)] += 1e-6 * np.trace(gram) / len(prior) + 1e-3 * weight.mean()
        taps = prior + np.linalg.solve(gram, known.T @ (weight * (asked - known @ prior)))
        whole = np.rint(taps * 2**TAP)
        whole[0] += 2**TAP - whole.sum()  # constants stay constants
        if np.abs(whole).max() < 2**15:
            found.append(whole.astype(np.int64))
        weight = 1 / (step**2 / 4 + (known @ taps - asked) ** 2)
    return found


def write(out: Writer, taps: Sequence[Whole]) -> None:
    """Write what is stored for all classes, so that `read` reads it."""
    fields = Writer()
    for one in taps:
        fields.number(len(one))
        for tap in one.tolist() if len(one) > 1 else ():
            fields.signed(tap)
    plain = fields.rest(b"")
    out.number(len(plain))
    out.piece(squeeze(plain))


def read(fields: Reader, classes: int) -> list[Whole]:
    """What is stored for so many classes.

    Raises:
        FileError: More, or larger ones, than are ever written.
    """
    size = fields.number(1 << 24)
    plain, found = Reader(unsqueeze(fields.piece(), size)), []
    for _ in range(classes):
        many = plain.number(1000)
        found.append(AGAIN if many == 1 else np.array([plain.signed() for _ in range(many)], dtype=np.int64))
        if many > 1 and np.abs(found[-1]).max() > 2**16:
            raise FileError("a tap is larger than any that is written")
    return found
