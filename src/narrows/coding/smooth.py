"""Values of smooth fields: as whole numbers by interpolation, and beside them the bits of those that do not fit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narrows.coding import interpolation
from narrows.coding.fields import Reader, Writer
from narrows.coding.mapping import grid_step, scaled_by
from narrows.coding.patches import Patches
from narrows.coding.promises import Promise
from narrows.coding.taps import FURTHEST
from narrows.coding.values import DECIMAL, GRID, WHOLE, Array, Map, bits_of, expressed, within
from narrows.core.errors import FileError

FINE = 511
"""A step of the grid is so many units, an odd number."""


def layouts(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Axes along which it may be worth to interpolate: all, and the two of one slice or image."""
    wide = [axis for axis, length in enumerate(shape) if length > 1]
    found = [tuple(wide)]
    if len(wide) > 2:
        colours = shape[wide[-1]] <= 4
        found.append(tuple(wide[-3:-1] if colours else wide[-2:]))
    return found


@dataclass(frozen=True)
class Scaled:
    """Values as whole numbers.

    Args:
        how: The map that made them.
        step: Between those that come back.
        field: The numbers.
        there: Which of them stand for a value.
    """

    how: Map
    step: int
    field: NDArray[np.int64]
    there: NDArray[np.bool_]

    @classmethod
    def of(cls, values: Array, bound: float) -> "Scaled | None":
        """Values on the scale that suits them; None if they are no whole numbers of any kind."""
        how, step = _scale(values, bound)
        if how is None:
            return None
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = scaled_by(values, how)
            there = np.abs(scaled) < FURTHEST / 2
            field = np.where(there, scaled, 0).astype(np.int64)
        if step == 1:  # without an error allowed, what does not come back is kept beside from the beginning
            back = expressed(field, how, values.dtype)
            there &= bits_of(back).reshape(values.shape) == bits_of(values).reshape(values.shape)
        return cls(how, step, field, there) if there.mean() >= 0.5 else None


def promise(values: Array, bound: float) -> Promise | None:
    """Values to bytes; None if they are no whole numbers of any kind.

    Args:
        values: Of at least one axis.
        bound: How far a value may come back from what it was; 0 for not at all.
    """
    found = Scaled.of(values, bound)
    if found is None:
        return None
    chosen = interpolation.best(found.field, found.there, layouts(values.shape), found.step)

    def make() -> bytes:
        near = within(expressed(chosen.back, found.how, values.dtype), values, bound).reshape(values.shape)
        header = _header(values, found.how, found.there, found.there & ~near)
        return header.rest(interpolation.encoded(chosen))

    odd = 8.0 * values.dtype.itemsize * np.count_nonzero(~found.there)
    return Promise(chosen.cost() + odd, make)


def _scale(values: Array, bound: float) -> tuple[Map | None, int]:
    """How values are whole numbers, and the step between those that come back."""
    if values.dtype.kind in "iub":
        return Map(WHOLE), 1
    if bound > 0:
        return Map(GRID, step=grid_step(values, bound) / FINE), FINE
    some = values.reshape(-1)[:: max(1, values.size // 4000)]
    with np.errstate(invalid="ignore", over="ignore"):  # half precision ends before that
        some = some[np.abs(some) < FURTHEST >> 22]
    for digits in range(7):
        how = Map(DECIMAL, digits) if digits else Map(WHOLE)
        back = expressed(scaled_by(some, how).astype(np.int64), how, values.dtype)
        if len(some) and (bits_of(back) == bits_of(some)).mean() > 0.95:
            return how, 1
    return None, 1


def _header(values: Array, how: Map, there: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> Writer:
    out = Writer()
    out.number(how.kind)
    out.number(how.digits)
    out.piece(np.array([how.step], dtype="<f8").tobytes())
    Patches.of(values, there, wrong).write(out)
    return out


def decode(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """The values that come back."""
    fields = Reader(data)
    kind, digits = fields.number(4), fields.number(22)
    if kind not in (WHOLE, DECIMAL, GRID):
        raise FileError("values of a field were mapped in a way that this version does not know")
    how = Map(kind, digits, float(np.frombuffer(fields.piece(), "<f8")[0]))
    patches = Patches.read(fields, shape)
    field = interpolation.decode(fields.rest(), shape, ~patches.missing)
    return patches.onto(expressed(field, how, dtype).reshape(shape))
