r"""Networks of whole numbers: the same bits come out on every machine, however sums are put in order.

    a_0 = z,    a_(i+1) = clamp(floor((W_i a_i + b_i) / 2^k_i), 0, most_i)
    x = clamp(floor((W_l a_l + V z + b_l) / 2^k_l), 0, most_l)

Weights, biases and activations are whole numbers that are held in double precision. No sum on the way can exceed 2^53,
below which doubles hold every whole number, so that sums are exact in any order; this is checked before anything is
reckoned, of networks that are made and of those that are read. There is no division but by powers of two.

Source: Ballé, Johnston and Minnen (2019), Integer networks for data compression with latent-variable models.
"""

from __future__ import annotations

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

Whole = NDArray[np.int64]
Exact = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """A convolution of three by three places, or a map of one.

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
    """Convolutions on a grid, and a map of every place beside them.

    Args:
        layers: The convolutions; the last one's sums are added to those of the path.
        path: From what comes in to what goes out, at each place; its bias is not used.
        least, most: Between which what comes in lies, at every place, (in,).

    Raises:
        FileError: A sum could be inexact, or layers do not fit.
    """

    layers: tuple[Layer, ...]
    path: Whole
    least: Whole
    most: Whole

    def __post_init__(self) -> None:
        reach = int(max(np.abs(self.least).max(initial=0), np.abs(self.most).max(initial=0)))
        width, entering = len(self.least), reach
        for layer in self.layers:
            if layer.weights.shape[1] != WINDOW * width or len(layer.bias) != len(layer.weights):
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
            a = _shifted(_convolved(a, layer), layer)
        last = self.layers[-1]
        return _shifted(_convolved(a, last) + z @ self.path.T.astype(np.float64), last)

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
    def read(cls, fields: Reader) -> IntegerNetwork:
        """A network as `to_bytes` wrote it.

        Raises:
            FileError: It is none, or could be inexact.
        """
        inputs = width = fields.number(1 << 16)
        least, most = _read(fields, inputs), _read(fields, inputs)
        layers = []
        for _ in range(fields.number(64)):
            outputs = fields.number(1 << 16)
            weights = _read(fields, outputs * WINDOW * width).reshape(outputs, WINDOW * width)
            bias, shift = _read(fields, outputs), fields.number(52)
            layers.append(Layer(weights, bias, shift, fields.number(1 << 30)))
            width = outputs
        if not layers:
            raise FileError("an integer network has no layers")
        return cls(tuple(layers), _read(fields, width * inputs).reshape(width, inputs), least, most)


def _convolved(a: Exact, layer: Layer) -> Exact:
    """Sums over the three by three places around each, zeros beyond the edge, bias included."""
    n, rows, columns, width = a.shape
    padded = np.zeros((n, rows + 2, columns + 2, width))
    padded[:, 1:-1, 1:-1] = a
    laid_out = np.empty((n, rows, columns, WINDOW, width))
    for place in range(WINDOW):
        y, x = divmod(place, 3)
        laid_out[:, :, :, place] = padded[:, y : y + rows, x : x + columns]
    sums = laid_out.reshape(-1, WINDOW * width) @ layer.weights.T.astype(np.float64)
    return (sums + layer.bias).reshape(n, rows, columns, len(layer.bias))


def _shifted(sums: Exact, layer: Layer) -> Exact:
    """Sums divided by a power of two, which is exact but for the exponent, rounded down and clamped."""
    return np.clip(np.floor(sums * 2.0**-layer.shift), 0, layer.most)


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
