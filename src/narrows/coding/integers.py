r"""Networks of whole numbers: the same bits come out on every machine, however sums are put in order.

    a_0 = z,    a_(i+1) = clamp(floor((W_i a_i + b_i) / 2^k_i), 0, most_i)
    x = clamp(floor((W_l a_l + V z + b_l) / 2^k_l), 0, most_l)

Weights, biases and activations are whole numbers that are held in double precision. No sum on the way can exceed 2^53,
below which doubles hold every whole number, so that sums are exact in any order; this is checked before anything is
reckoned, of networks that are made and of those that are read. There is no division but by powers of two.

Source: Ballé, Johnston and Minnen (2019), Integer networks for data compression with latent-variable models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.values import packed, unpacked
from narrows.core.errors import FileError

EXACT = 1 << 53
"""Below this, doubles hold every whole number."""
MOST_WEIGHTS = 1 << 26
"""A file that claims a layer of more is refused."""
AT_ONCE = 1 << 22
"""How many numbers are laid out for a product at once, at most, unless one grid has more."""
WINDOW = 9
"""How many places a convolution takes in."""
FINEST = 4095
"""Activations are whole numbers up to about this."""
FAINTEST, SMALLEST = 2.0**-4, 2.0**-10
"""Activations and weights that are all smaller are taken no more exactly than if these were their largest."""

Whole = NDArray[np.int64]
Exact = NDArray[np.float64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """A convolution of three by three places, or a map of each.

    Args:
        weights: (out, window * in), the places of the window first.
        bias: (out,).
        shift: k, by which power of two sums are divided.
        most: Beyond which numbers are clamped; below, they are at zero.
    """

    weights: Whole
    bias: Whole
    shift: int
    most: int

    def reach(self, most: int) -> int:
        """No sum, nor any part of one, exceeds this in size, of inputs no larger than `most`."""
        sums = np.abs(self.weights).astype(object).sum(1) * most + np.abs(self.bias).astype(object)
        return int(max(sums, default=0))


@dataclass(frozen=True)
class IntegerNetwork:
    """Convolutions on a grid, or maps of its places, and one map of every place beside them.

    Args:
        layers: The convolutions; the last one's sums are added to those of the path.
        path: From what comes in to what goes out, at each place; its bias is not used.
        least, most: Between which what comes in lies, at every place, (in,).
        window: How many places layers take in, 9 or 1.

    Raises:
        FileError: A sum could be inexact, or layers do not fit.
    """

    layers: tuple[Layer, ...]
    path: Whole
    least: Whole
    most: Whole
    window: int = WINDOW

    def __post_init__(self) -> None:
        reach = int(max(np.abs(self.least).max(initial=0), np.abs(self.most).max(initial=0)))
        width, entering = len(self.least), reach
        for layer in self.layers:
            if layer.weights.shape[1] != self.window * width or len(layer.bias) != len(layer.weights):
                raise FileError("the layers of an integer network do not fit one another")
            if layer.reach(entering) >= EXACT:
                raise FileError("an integer network has sums that are not exact")
            width, entering = len(layer.weights), layer.most
        if self.path.shape != (width, len(self.least)):
            raise FileError("the layers of an integer network do not fit one another")
        beside = Layer(self.path, np.zeros(width, np.int64), 0, 0)
        last = self.layers[-1]
        before = self.layers[-2].most if len(self.layers) > 1 else reach
        if last.reach(before) + beside.reach(reach) >= EXACT:
            raise FileError("an integer network has sums that are not exact")

    @property
    def outputs(self) -> int:
        """How many numbers come out at each place."""
        return len(self.path)

    def __call__(self, grids: Whole) -> Whole:
        """(n, rows, columns, in) to (n, rows, columns, outputs)."""
        n, rows, columns, _ = grids.shape
        assert ((grids >= self.least) & (grids <= self.most)).all(), "sums are exact within these bounds"
        widest = max(layer.weights.shape[1] for layer in self.layers)
        step = max(1, AT_ONCE // max(1, rows * columns * widest))
        found = np.empty((n, rows, columns, self.outputs), np.int64)
        for start in range(0, n, step):
            found[start : start + step] = self._some(grids[start : start + step].astype(np.float64))
        return found

    def _some(self, z: Exact) -> Exact:
        a = z
        for layer in self.layers[:-1]:
            a = _shifted(self._sums(a, layer), layer)
        last = self.layers[-1]
        return _shifted(self._sums(a, last) + z @ self.path.T.astype(np.float64), last)

    def _sums(self, a: Exact, layer: Layer) -> Exact:
        """What a layer makes of activations, bias included."""
        laid_out = a if self.window == 1 else _windows(a)
        return laid_out @ layer.weights.T.astype(np.float64) + layer.bias

    @classmethod
    def of(
        cls,
        maps: Sequence[tuple[Numbers, Numbers]],
        path: Numbers,
        limits: Sequence[float],
        bits: int,
        least: Whole,
        most: Whole,
        top: int,
        window: int = WINDOW,
    ) -> IntegerNetwork:
        """A network of numbers that are not whole, rectified between its layers, as one of whole numbers.

        Args:
            maps: Weights (out, window * in) and biases (out,) of every layer.
            path: From what comes in to what goes out, (out, in).
            limits: The largest activation after every layer but the last.
            bits: So many bits weights have, about.
            least: As of the network.
            most: Likewise.
            top: Beyond which results are clamped; they are rounded to whole numbers.
            window: As of the network.
        """
        layers, scale = [], 0  # an activation a is held as a * 2^scale
        for (weights, bias), limit in zip(maps[:-1], limits, strict=True):
            after = _power(FINEST / max(limit, FAINTEST))
            up = max(_finest(weights, bits), after - scale)
            shift = up + scale - after
            layers.append(Layer(_whole(weights, up), _whole(bias, up + scale) + (1 << shift >> 1), shift, 2 * FINEST))
            scale = after
        weights, bias = maps[-1]
        up = max(_finest(weights, bits), -scale)
        shift = up + scale
        layers.append(Layer(_whole(weights, up), _whole(bias, shift) + (1 << shift >> 1), shift, top))
        return cls(tuple(layers), _whole(path, shift), least, most, window)

    def to_bytes(self) -> bytes:
        """What `read` reads."""
        out = Writer()
        out.number(len(self.least))
        _write(out, self.least)
        _write(out, self.most)
        out.number(len(self.layers))
        for layer in self.layers:
            out.number(len(layer.bias))
            _write(out, layer.weights)
            _write(out, layer.bias)
            out.number(layer.shift)
            out.number(layer.most)
        _write(out, self.path)
        return out.rest(b"")

    @classmethod
    def read(cls, fields: Reader, window: int = WINDOW) -> IntegerNetwork:
        """A network as `to_bytes` wrote it, whose layers take in so many places.

        Raises:
            FileError: It is none, or could be inexact.
        """
        inputs = width = fields.number(1 << 16)
        least, most = _read(fields, inputs), _read(fields, inputs)
        layers = []
        for _ in range(fields.number(64)):
            outputs = fields.number(1 << 16)
            weights = _read(fields, outputs * window * width).reshape(outputs, window * width)
            bias, shift = _read(fields, outputs), fields.number(52)
            layers.append(Layer(weights, bias, shift, fields.number(1 << 30)))
            width = outputs
        if not layers:
            raise FileError("an integer network has no layers")
        return cls(tuple(layers), _read(fields, width * inputs).reshape(width, inputs), least, most, window)


def _windows(a: Exact) -> Exact:
    """The three by three places around each, zeros beyond the edge, (n, rows, columns, window * in)."""
    n, rows, columns, width = a.shape
    padded = np.zeros((n, rows + 2, columns + 2, width))
    padded[:, 1:-1, 1:-1] = a
    laid_out = np.empty((n, rows, columns, WINDOW, width))
    for place in range(WINDOW):
        y, x = divmod(place, 3)
        laid_out[:, :, :, place] = padded[:, y : y + rows, x : x + columns]
    return laid_out.reshape(n, rows, columns, WINDOW * width)


def _shifted(sums: Exact, layer: Layer) -> Exact:
    """Sums divided by a power of two, which is exact but for the exponent, rounded down and clamped."""
    return np.clip(np.floor(sums * 2.0**-layer.shift), 0, layer.most)


def _finest(weights: Numbers, bits: int) -> int:
    """By which power of two weights are multiplied so that the largest has so many bits."""
    return _power((2 ** (bits - 1) - 1) / float(np.abs(weights).max(initial=SMALLEST)))


def _power(ratio: float) -> int:
    """The largest power of two that is no more than a ratio."""
    return int(np.floor(np.log2(ratio)))


def _whole(numbers: Numbers, power: int) -> Whole:
    return np.rint(numbers * 2.0**power).astype(np.int64)


def _write(out: Writer, numbers: Whole) -> None:
    flat = numbers.reshape(-1)
    out.piece(packed((np.abs(flat) * 2 - (flat < 0)).astype(np.uint64)))


def _read(fields: Reader, count: int) -> Whole:
    if count > MOST_WEIGHTS:
        raise FileError(f"an integer network claims {count:,} weights in one layer")
    found = unpacked(fields.piece(), count)
    if len(found) and int(found.max()) >= 1 << 60:
        raise FileError("an integer network has weights that are out of range")
    whole = found.astype(np.int64)
    return np.where(whole & 1, -((whole + 1) >> 1), whole >> 1)
