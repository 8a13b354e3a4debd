"""Choosing how values become symbols: every way that gives all of them back is weighed by what its symbols cost."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from narrows.coding.values import (
    BITS,
    DECIMAL,
    FURTHEST,
    GRID,
    RANK,
    WHOLE,
    Array,
    Map,
    Symbols,
    Whole,
    distinct,
    expressed,
    from_ordered_bits,
    ordered_bits,
    within,
)

MOST_ODD = 0.1
"""With a larger share of values that do not fit, a way is not considered."""
MOST_KNOWN = 1 << 16
"""More values than this are not ranked."""
MOST_DIGITS = 9


def ways(values: Array, missing: NDArray[np.bool_] | None, bound: float) -> list[tuple[Map, Symbols]]:
    """Maps under which values of one dimension are symbols, the most promising first.

    Args:
        values: (n,), of any numeric type.
        missing: Which of them stand for nothing.
        bound: How far values may be from what they become; 0 for not at all.
    """
    found = []
    for how, v, fits in _numbered(values, bound):
        there = fits if missing is None else fits & ~missing
        present = np.ones(len(values), dtype=bool) if missing is None else ~missing
        odd = values[present & ~fits]
        known = filled(v, there)
        complete = replace(how, gaps=missing is not None, odd=odd if len(odd) else None)
        for running in (False, True):
            if running and (how.kind == RANK and len(how.known if how.known is not None else ()) < 16):
                continue
            found.append(_symbols(complete, known, there, missing, running))
    return sorted(filter(None, found), key=lambda way: cost(way[1]) + own_cost(way[0]))


def _numbered(values: Array, bound: float) -> list[tuple[Map, Whole, NDArray[np.bool_]]]:
    """Every way as a map, the number of each value, and whether it fits."""
    whole = values.dtype.kind in "iub"
    if bound > 0:
        step = grid_step(values, bound)
        how = Map(GRID, step=step)
        return [_checked(how, scaled_by(values, how), values, bound)]
    every = np.ones(len(values), dtype=bool)
    found: list[tuple[Map, Whole, NDArray[np.bool_]]] = []
    if whole:
        wide = values.astype(f"{'u' if values.dtype.kind in 'ub' else 'i'}8").view(np.int64)
        found.append((Map(WHOLE), wide, every))
    else:
        found += _decimals(values)
        found.append((Map(BITS), ordered_bits(values).view(np.int64), every))
    known, places = _known(values)
    if known is not None:
        found.append((Map(RANK, known=known), places, every))
    return found


def grid_step(values: Array, bound: float) -> float:
    """The step of a grid on which every value is within a bound of a point, less what the cast to its type costs."""
    finite = np.abs(values[np.isfinite(values)])
    with np.errstate(over="ignore", under="ignore"):
        spacing = float(np.spacing(finite.max(initial=np.zeros(1, values.dtype)[0])))
    room = bound * (1 - 2.0**-20) - spacing / 2
    return 2 * (room if room > bound / 2 else bound)


def _decimals(values: Array) -> list[tuple[Map, Whole, NDArray[np.bool_]]]:
    """The fewest digits with which nearly all values are decimals."""
    sample = values[:: max(1, len(values) // 2000)]
    for digits in range(MOST_DIGITS + 1):
        how = Map(DECIMAL, digits) if digits else Map(WHOLE)
        if _checked(how, scaled_by(sample, how), sample, 0.0)[2].mean() < 1 - MOST_ODD:
            continue
        found = _checked(how, scaled_by(values, how), values, 0.0)
        if found[2].mean() >= 1 - MOST_ODD:
            return [found]
    return []


def scaled_by(values: Array, how: Map) -> NDArray[np.float64]:
    """The nearest whole numbers to values on a scale, which need be neither finite nor right."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        if how.kind == GRID:
            return np.rint(values.astype(np.float64) / how.step)
        return np.rint(values.astype(np.float64) * 10.0**how.digits)


def _checked(
    how: Map, scaled: NDArray[np.float64], values: Array, bound: float
) -> tuple[Map, Whole, NDArray[np.bool_]]:
    """Numbers that are finite and small enough, and which of them give their value back."""
    with np.errstate(invalid="ignore"):
        able = np.abs(scaled) < FURTHEST
        v = np.where(able, scaled, 0).astype(np.int64)
    return how, v, able & within(expressed(v, how, values.dtype), values, bound)


def _known(values: Array) -> tuple[Array | None, Whole]:
    """The values that occur, in order, and the place of each; None where they are too many to be worth it."""
    ordered = ordered_bits(values)
    sample = ordered[:: max(1, len(ordered) // 4096)]
    if len(np.unique(sample)) > 0.9 * len(sample) > 200:
        return None, np.zeros(0, dtype=np.int64)
    known, places = distinct(ordered)
    if len(known) > min(MOST_KNOWN, 0.5 * len(values) + 8):
        return None, np.zeros(0, dtype=np.int64)
    return from_ordered_bits(known, values.dtype), places


def filled(values: Array, there: NDArray[np.bool_]) -> Array:
    """Values (n,) with those that are not there replaced by the last one that is, or by the first; zeros of none."""
    if there.all():
        return values
    last = np.maximum.accumulate(np.where(there, np.arange(len(values)), -1))
    return values[np.where(last < 0, np.argmax(there), last)] if there.any() else np.zeros_like(values)


def _symbols(
    how: Map, v: Whole, there: NDArray[np.bool_], missing: NDArray[np.bool_] | None, running: bool
) -> tuple[Map, Symbols] | None:
    """The symbols of numbers; None where there is no room for those that stand for no number."""
    if running:
        base = int(v[0]) if len(v) else 0
        moved = np.diff(v.view(np.uint64), prepend=np.uint64(base % (1 << 64))).view(np.int64)
        numbers = ((moved << 1) ^ (moved >> 63)).view(np.uint64)
    else:
        base = int(v.min(initial=np.iinfo(np.int64).max)) if len(v) else 0
        if v.dtype == np.int64 and how.kind == BITS and len(v):
            base = int(v.view(np.uint64).min())
        numbers = v.view(np.uint64) - np.uint64(base % (1 << 64))
    complete = replace(how, running=running, base=base)
    if int(numbers.max(initial=np.uint64(0))) > (1 << 64) - 1 - complete.special:
        return None
    symbols = numbers + np.uint64(complete.special)
    if missing is not None:
        symbols[missing] = 0
    if complete.odd is not None:
        there_but_odd = ~there if missing is None else ~there & ~missing
        symbols[there_but_odd] = int(complete.gaps)
    return complete, symbols


def cost(symbols: Symbols) -> float:
    """About how many bits symbols cost if nothing but their frequencies were known."""
    if not len(symbols):
        return 0.0
    low = max(0, int(symbols.max()).bit_length() - 14)
    counts = np.bincount((symbols >> np.uint64(low)).astype(np.int64))
    there = counts[counts > 0]
    return adaptive_cost(there, min(len(counts), 4 * len(there) + 16)) + low * len(symbols)


def adaptive_cost(counts: NDArray[np.int64], size: int) -> float:
    """Bits by which an adaptive code of an alphabet of a size codes symbols with these counts, each begun at 1/2."""
    total = counts.sum()
    nats = gammaln(total + size / 2) - gammaln(size / 2) - (gammaln(counts + 0.5) - gammaln(0.5)).sum()
    return float(nats / np.log(2))


def own_cost(how: Map) -> float:
    """Bits of what is kept beside the symbols."""
    beside = 0.0 if how.odd is None else len(how.odd) * 8.0 * how.odd.dtype.itemsize
    if how.known is not None and len(how.known):
        rungs: Any = np.diff(ordered_bits(how.known)).astype(np.float64)
        beside += float(np.log2(rungs + 1).sum()) * 0.5 + 16.0 * len(how.known) ** 0.5
        beside += 2.0 * len(how.known)
    return beside
