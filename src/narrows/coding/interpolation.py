"""Smooth fields of whole numbers: from a coarse grid to finer ones, each point foretold by those around it.

A level halves the distance between known points. Its points are taken class by class, by which of their coordinates are
odd, so that one class has those before it as neighbours; all points of a class are foretold at once,

    p = round(sum_j w_j f_j / 4096),    r = round((f - p) / q),    f' = p + r q

with taps w on known neighbours, for large classes fitted and stored (see `taps`). What follows is foretold from
f', so that errors do not add up: |f - f'| is never more than q / 2. The numbers r are coded by mixed contexts: how
rough the field is around a point, and how large r was at its neighbours.

Source: interpolation from level to level is that of SZ3 (Zhao et al. 2021); here in whole numbers, with fitted taps and
contexts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narrows.coding import taps
from narrows.coding.bits import BitCoder, BitReader, BitWriter
from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import squeeze, unsqueeze
from narrows.coding.levels import Class, classes
from narrows.coding.mixing import (
    GOLDEN,
    LARGEST_TABLE,
    LEVELS,
    Memories,
    Mixer,
    Words,
    hashed,
    learned_weights,
)
from narrows.coding.taps import FURTHEST, Flags, Whole
from narrows.coding.trees import Tree
from narrows.core.errors import FileError

TOKEN_BITS = 7
PLAIN = 32
"""So many of the smallest symbols are tokens of their own; beyond, two tokens share an octave."""
CONTEXTS = 8
TELLING = 5
"""By this context it is reckoned what tokens cost."""
ROOM, MARKS = 12, 20
"""Words are told apart by so many of their bits where that need not be exact."""
LEAF = 4.0
"""About how many bits it costs to learn how often a token occurs."""
NODES, SMALLEST_TABLE = 2, 255
"""So many nodes belong to a leaf, and no table has less room than for so many."""
ENOUGH, FEW = 150_000, 1 << 16
"""Of about so many tokens the weights are learned; with fewer than so many it is tried to do without."""


@dataclass
class Design:
    """What the writer chose.

    Args:
        axes: Those along which points are interpolated.
        step: The step q.
        taps: What is stored for each class in order.
    """

    axes: tuple[int, ...]
    step: int
    taps: list[Whole]


def _magnitude(values: Whole, step: int) -> Whole:
    """How large numbers are, in about 24 classes on a scale of logarithms."""
    scaled = np.minimum(np.abs(values) * 8 // step, (1 << 40) - 1).astype(np.float64)
    mantissa, exponent = np.frexp(scaled)  # exact: no rounding is in it
    return np.where(scaled > 0, exponent.astype(np.int64) * 2 + (mantissa >= 0.75), 0)


def _contexts(number: int, around: Sequence[Whole], sizes: Sequence[Whole], odd: int, step: int, there: Flags) -> Words:
    """The words of every context for the points of a class that are coded."""
    near, far = around[: 2 * odd], around[2 * odd : 4 * odd]
    total = [values[there] for values in near]
    spread = _magnitude(np.max(total, axis=0) - np.min(total, axis=0), step)
    bent = sum((values[there] for values in near), np.zeros_like(total[0])) - sum(
        (values[there] for values in far), np.zeros_like(total[0])
    )
    rough = _magnitude(bent // (2 * odd), step)
    seen = sum((values[there] for values in sizes[: 2 * odd]), np.zeros_like(total[0]))
    wide = seen + sum((values[there] for values in sizes[2 * odd :]), np.zeros_like(total[0]))
    close = np.minimum(seen, 15) + _magnitude(seen, 64)
    around_all = np.minimum(wide, 20) + _magnitude(wide, 64)
    place = np.full(len(close), number, dtype=np.int64)
    return np.stack(
        [
            hashed(0, place),
            hashed(1, place, close),
            hashed(2, place, around_all),
            hashed(3, place, rough),
            hashed(4, place, spread),
            hashed(5, around_all, rough),
            hashed(6, close, spread >> 1, rough >> 1),
            hashed(7, place, around_all >> 1, spread >> 2, rough >> 2),
        ]
    )


def _tokens(residual: Whole) -> tuple[Whole, Whole, Whole]:
    """Tokens of numbers of either sign, and the lower bits that they leave open: how many, and which."""
    z = (residual << 1) ^ (residual >> 63)
    length = np.frexp(z.astype(np.float64))[1].astype(np.int64)
    open_bits = np.where(z < PLAIN, 0, length - 2)
    token = np.where(z < PLAIN, z, PLAIN + (length - 6) * 2 + ((z >> np.maximum(open_bits, 0)) & 1))
    return token, open_bits, z & ((1 << open_bits) - 1)


def _residual(token: Whole, low: Whole) -> Whole:
    length = (token - PLAIN) // 2 + 6
    z = np.where(token < PLAIN, token, ((2 | (token & 1)) << np.maximum(length - 2, 0)) | low)
    return (z >> 1) ^ -(z & 1)


def _open_bits(token: Whole) -> Whole:
    return np.where(token < PLAIN, 0, (token - PLAIN) // 2 + 4)


Fit = Callable[[int, Class, Sequence[Whole], Whole, Whole], Whole]
"""What is stored for a class, by its number, its points, what is around them, the taps of a cubic, those before."""
Coding = Callable[[Words | None, Whole, Class | None, Flags], Whole]
"""Codes the numbers r of a class, by what foretells them; the first points come without contexts."""


def _walk(shape: tuple[int, ...], axes: Sequence[int], there: Flags, design: Design, code: Coding, fit: Fit) -> Whole:
    """Go through a field from coarse to fine, and give what comes back."""
    field, sizes = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int32)
    first = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(len(shape)))
    field[first] = code(None, np.zeros_like(field[first]), None, there[first]) * design.step
    step, last = design.step, dict[tuple[int, ...], Whole]()
    for number, points in enumerate(classes(shape, axes)):
        around = points.around(field, axes)
        plain = taps.cubic(len(points.odd), len(around) - 4 * len(points.odd))
        before = last.get(points.odd, plain)
        last[points.odd] = taps.meant(fit(number, points, around, plain, before), plain, before)
        guess = taps.foretold(around, last[points.odd])
        at = points.cut
        valid = there[at]
        words = _contexts(number, around, points.around(sizes, axes), len(points.odd), step, valid)
        found = code(words, guess, points, valid)
        field[at] = np.clip(guess + found * step, -FURTHEST, FURTHEST)
        sizes[at] = np.minimum(np.abs(found), 1 << 30)
    return field


@dataclass
class Foretold:
    """A field as the numbers that are left when every point is foretold along some axes.

    Args:
        design: What was chosen.
        batches: The words and tokens of each class.
        opened: How many bits each token of a class leaves open, and which.
        back: What comes back.
    """

    design: Design
    batches: list[tuple[Words, Whole]]
    opened: list[tuple[Whole, Whole]]
    back: Whole

    @classmethod
    def of(cls, field: Whole, there: Flags, axes: tuple[int, ...], step: int) -> "Foretold":
        """Foretell every point from those before it, as they come back."""
        found = cls(Design(axes, step, []), [], [], field)

        def fit(_number: int, points: Class, around: Sequence[Whole], plain: Whole, before: Whole) -> Whole:
            stored = taps.chosen(around, field[points.cut], there[points.cut], plain, before, step)
            found.design.taps.append(stored)
            return stored

        def code(words: Words | None, guess: Whole, points: Class | None, valid: Flags) -> Whole:
            first = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(field.ndim))
            left = np.where(valid, (field[first if points is None else points.cut] - guess + step // 2) // step, 0)
            token, count, low = _tokens(left[valid])
            found.batches.append((words if words is not None else _first_words(len(token)), token))
            found.opened.append((count, low))
            return left

        found.back = _walk(field.shape, axes, there, found.design, code, fit)
        return found

    def cost(self) -> float:
        """About how many bits it takes: those left open, and the entropy of tokens in one of their contexts."""
        words, tokens = self.joined()
        places = (words[TELLING] >> np.uint32(32 - ROOM)).astype(np.int64) << TOKEN_BITS | tokens
        counts = np.bincount(places, minlength=1 << ROOM + TOKEN_BITS).reshape(-1, 1 << TOKEN_BITS)
        entropy = float(_times_log(counts.sum(axis=1)).sum() - _times_log(counts[counts > 0]).sum())
        return entropy + LEAF * np.count_nonzero(counts) + float(sum(count.sum() for count, _ in self.opened))

    def joined(self) -> tuple[Words, Whole]:
        """The words and tokens of all classes."""
        words = np.concatenate([batch[0] for batch in self.batches], axis=1)
        return words, np.concatenate([batch[1] for batch in self.batches])


def _times_log(counts: Whole) -> NDArray[np.float64]:
    return np.asarray(counts * np.log2(np.maximum(counts, 1)))


def encode(field: Whole, there: Flags, layouts: Sequence[tuple[int, ...]], step: int) -> tuple[bytes, Whole]:
    """A field of whole numbers to bytes, and what comes back.

    Args:
        field: Of any shape of at least one axis; no further than 2^44 from 0.
        there: Which points matter; the others come back as anything.
        layouts: Axes along which points may be interpolated, of which those are taken that promise the fewest bits.
        step: q, an odd number.
    """
    chosen = best(field, there, layouts, step)
    return encoded(chosen), chosen.back


def encoded(chosen: Foretold) -> bytes:
    """A field that is foretold to bytes."""
    words, tokens = chosen.joined()
    tree = Tree.fitted(np.bincount(tokens, minlength=1 << TOKEN_BITS))
    sizes = [_table_size(words[k], tokens) for k in range(CONTEXTS)]
    made = []
    for weights in (_learned(chosen, tree, sizes, len(tokens)), *([None] if len(tokens) < FEW else [])):
        writer = BitWriter()
        _code_all(Mixer(sizes, tree, weights), writer, chosen.batches, chosen.opened)
        made.append(_header(chosen.design, tree, sizes, weights).rest(writer.done()))
    return min(made, key=len)


def best(field: Whole, there: Flags, layouts: Sequence[tuple[int, ...]], step: int) -> Foretold:
    """A field as `encode` takes it, foretold along the axes that promise the fewest bits."""
    return min((Foretold.of(field, there, axes, step) for axes in layouts), key=Foretold.cost)


def _table_size(words: Words, tokens: Whole) -> int:
    """The logarithm of the size of a table with room for all nodes, by how many different leaves there are about."""
    marks = np.zeros(1 << MARKS, dtype=np.bool_)
    marks[(words ^ tokens.astype(np.uint32) * GOLDEN) * GOLDEN >> np.uint32(32 - MARKS)] = True
    free = max(1, len(marks) - int(np.count_nonzero(marks))) / len(marks)
    return min(max(int(-len(marks) * np.log(free) * NODES), SMALLEST_TABLE).bit_length(), LARGEST_TABLE)


def _learned(chosen: Foretold, tree: Tree, sizes: Sequence[int], count: int) -> NDArray[np.int8]:
    """The weights that are right for some of the tokens."""
    memories, every = Memories(), max(1, count // ENOUGH)
    some = [(words[:, ::every], tokens[::every]) for words, tokens in chosen.batches]
    mixer, coder = Mixer(sizes, tree, memories=memories), BitWriter()
    for words, tokens in some:
        _pieces(mixer, coder, words, tokens)
    return learned_weights(memories, CONTEXTS) if memories.seen else np.zeros((CONTEXTS, LEVELS), np.int8)


def _first_words(count: int) -> Words:
    return np.stack([np.broadcast_to(hashed(k + 32), (count,)) for k in range(CONTEXTS)])


def _code_all(
    mixer: Mixer, coder: BitCoder, batches: list[tuple[Words, Whole]], opened: list[tuple[Whole, Whole]]
) -> None:
    for (words, tokens), (count, low) in zip(batches, opened, strict=True):
        _pieces(mixer, coder, words, tokens)
        _code_low(coder, count, low)


def _pieces(mixer: Mixer, coder: BitCoder, words: Words, tokens: Whole | None) -> Whole:
    """Code a class in pieces that grow by half, so that counts are there when they are needed."""
    found, start, size, total = [np.zeros(0, dtype=np.int64)], 0, 256, words.shape[1]
    while start < total:
        piece = slice(start, min(total, start + size))
        found.append(mixer.code(coder, words[:, piece], None if tokens is None else tokens[piece]))
        start, size = start + size, size + size // 2
    return np.concatenate(found)


def _code_low(coder: BitCoder, count: Whole, low: Whole | None) -> Whole:
    """The bits that tokens leave open, all of one number of bits after another."""
    found = np.zeros(len(count), dtype=np.int64)
    for bits in np.unique(count[count > 0]).tolist():
        rows = np.flatnonzero(count == bits)
        values = None if low is None else low[rows].astype(np.uint64)
        found[rows] = coder.even(values, len(rows), bits).astype(np.int64)
    return found


def _header(design: Design, tree: Tree, sizes: Sequence[int], weights: NDArray[np.int8] | None) -> Writer:
    out = Writer()
    out.number(sum(1 << axis for axis in design.axes))
    out.number(design.step)
    taps.write(out, design.taps)
    out.number(0)
    tree.write(out)
    for size in sizes:
        out.number(size)
    out.piece(b"" if weights is None else squeeze(weights.tobytes()))
    return out


def decode(data: bytes, shape: tuple[int, ...], there: Flags) -> Whole:
    """What comes back of a field.

    Args:
        data: What `encode` made.
        shape: Of the field.
        there: Which points matter.
    """
    fields = Reader(data)
    mask = fields.number(1 << 32)
    axes = tuple(axis for axis in range(len(shape)) if mask >> axis & 1)
    step = fields.number(1 << 40)
    if step < 1 or mask >> len(shape):
        raise FileError("a field has no step, or more axes than its shape")
    stored = taps.read(fields, sum(1 for _ in classes(shape, axes)))
    sizes, tree = [fields.number(LARGEST_TABLE)], Tree.flat(TOKEN_BITS)
    if sizes == [0]:
        tree = Tree.read(fields)
        sizes = [fields.number(LARGEST_TABLE)]
    sizes += [fields.number(LARGEST_TABLE) for _ in range(CONTEXTS - 1)]
    packed, weights = fields.piece(), None
    if packed:
        weights = np.frombuffer(unsqueeze(packed, CONTEXTS * LEVELS), dtype=np.int8).reshape(CONTEXTS, LEVELS)
    mixer, reader = Mixer(sizes, tree, weights), BitReader(fields.rest())

    def code(words: Words | None, _guess: Whole, _points: Class | None, valid: Flags) -> Whole:
        used = words if words is not None else _first_words(int(valid.sum()))
        token = _pieces(mixer, reader, used, None)
        low = _code_low(reader, _open_bits(token), None)
        found = np.zeros(valid.shape, dtype=np.int64)
        found[valid] = np.clip(_residual(token, low), -2 * FURTHEST, 2 * FURTHEST)
        return found

    return _walk(shape, axes, there, Design(axes, step, stored), code, lambda number, *_: stored[number])
