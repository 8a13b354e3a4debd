"""Columns of rows: symbols foretold by other columns of the row and by the rows before.

The rows of a block are cut into lanes that are walked side by side, so that a step codes one row of every lane and the
row before is known; where the rows before do not help, the whole column is one lane that is coded in pieces which grow,
so that the counts are there when they are needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from narrows.coding.bits import BitCoder, BitReader, BitWriter
from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import squeeze, unsqueeze
from narrows.coding.mixing import LARGEST_TABLE, LEVELS, Memories, Mixer, hashed, learned_weights, table_size
from narrows.coding.trees import Tree
from narrows.coding.values import Symbols, distinct
from narrows.core.errors import FileError

MODELLED = 16
"""So many bits of a symbol are foretold; what is below them is coded as it is."""
LANES = 512
SAMPLED = 12_000
"""So many rows decide about which columns foretell which."""
BINS = 32

Ranks = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """One thing that a context knows.

    Args:
        column: The number of another column, or -1 for this one.
        coarse: Whether it is known by one of 32 bins with as many rows each, instead of exactly.
        back: How many rows before; 0 for this row, which is for other columns alone.
    """

    column: int
    coarse: bool = False
    back: int = 0


Context = tuple[Part, ...]


@dataclass(frozen=True)
class Known:
    """A column that is there already, as the rank of each value among those that occur.

    Args:
        ranks: (n,).
        bins: (n,), one of 32 with about as many rows each.
    """

    ranks: Ranks
    bins: Ranks

    @classmethod
    def of(cls, ordered: Symbols) -> "Known":
        """A column by integers in the order of its values."""
        _, ranks = distinct(ordered)
        counts = np.bincount(ranks)
        before = np.cumsum(counts) - counts
        bins = before * BINS // max(1, len(ordered))
        return cls(ranks, bins[ranks])

    def part(self, coarse: bool) -> Ranks:
        """Exactly, or by bins."""
        return self.bins if coarse else self.ranks


def encode(symbols: Symbols, contexts: Sequence[Context], known: Sequence[Known | None], learn: bool = True) -> bytes:
    """Symbols to bytes.

    Args:
        symbols: (n,).
        contexts: What each context knows.
        known: Columns by number; those that no context names may be None.
        learn: Whether the weights are learned and stored.
    """
    width = int(symbols.max(initial=np.uint64(0))).bit_length()
    bits = min(width, MODELLED)
    low = width - bits
    high = (symbols >> np.uint64(low)).astype(np.int64)
    walk = _Walk(contexts, known, len(symbols))
    sizes = walk.sizes(high, bits)
    weights = None
    if learn and bits and len(symbols) >= 200:
        memories = Memories()
        walk.run(BitWriter(), Mixer(sizes, Tree.flat(bits), memories=memories), high)
        weights = learned_weights(memories, len(contexts))
    out = Writer()
    out.number(width)
    out.number(len(contexts))
    for context in contexts:
        out.number(len(context))
        for part in context:
            out.number(part.column + 1)
            out.number(part.back * 2 + part.coarse)
    for size in sizes:
        out.number(size)
    out.piece(b"" if weights is None else squeeze(weights.tobytes()))
    coder = BitWriter()
    if bits:
        walk.run(coder, Mixer(sizes, Tree.flat(bits), weights), high)
    if low:
        coder.even(symbols & np.uint64((1 << low) - 1), len(symbols), low)
    return out.rest(coder.done())


def contexts_in(data: bytes) -> list[Context]:
    """What the contexts of a stream know, by which it is seen which columns have to be there before."""
    fields = Reader(data)
    fields.number(64)
    return _contexts(fields)


def _contexts(fields: Reader) -> list[Context]:
    found = []
    for _ in range(fields.number(64)):
        parts = []
        for _ in range(fields.number(8)):
            column, rest = fields.number(1 << 20) - 1, fields.number(16)
            if column < 0 and rest < 2:
                raise FileError("a context knows what it should foretell")
            parts.append(Part(column, bool(rest & 1), rest >> 1))
        found.append(tuple(parts))
    return found


def decode(data: bytes, count: int, known: Sequence[Known | None]) -> Symbols:
    """The symbols that `encode` was given."""
    fields = Reader(data)
    width = fields.number(64)
    contexts = _contexts(fields)
    sizes = [fields.number(LARGEST_TABLE) for _ in contexts]
    stored = fields.piece()
    weights = None
    if stored:
        plain = unsqueeze(stored, len(contexts) * LEVELS)
        weights = np.frombuffer(plain, dtype=np.int8).reshape(len(contexts), LEVELS)
    bits = min(width, MODELLED)
    reader = BitReader(fields.rest())
    high = np.zeros(count, dtype=np.int64)
    if bits:
        if not contexts:
            raise FileError("a stream of symbols has no contexts")
        high = _Walk(contexts, known, count).run(reader, Mixer(sizes, Tree.flat(bits), weights), None)
    found = high.astype(np.uint64)
    if width > bits:
        low = width - bits
        found = (found << np.uint64(low)) | reader.even(None, count, low)
    return found


class _Walk:
    """The order in which the rows are coded, and what is known at each."""

    def __init__(self, contexts: Sequence[Context], known: Sequence[Known | None], count: int) -> None:
        self.contexts, self.count = contexts, count
        self.back = max((part.back for context in contexts for part in context if part.column < 0), default=0)
        self.fixed: dict[Part, Ranks] = {}
        for part in (part for context in contexts for part in context if part.column >= 0):
            column = known[part.column] if part.column < len(known) else None
            if column is None or len(column.ranks) != count:
                raise FileError(f"column {part.column}, by which another is foretold, is not there")
            ranks = column.part(part.coarse)
            moved = np.zeros(part.back, dtype=np.int64)
            self.fixed[part] = np.concatenate([moved, ranks])[:count] + 1 if part.back else ranks
        self.words = np.empty((len(contexts), count), dtype=np.uint32)
        self.own = [any(part.column < 0 for part in context) for context in contexts]
        for k, context in enumerate(contexts):
            self.words[k] = hashed(k, *[self.fixed[part] for part in context if part.column >= 0])

    def sizes(self, symbols: Ranks, bits: int) -> list[int]:
        """How large the table of each context should be."""
        found = []
        for k, context in enumerate(self.contexts):
            words = self.words[k]
            for part in context:
                if part.column < 0:
                    words = words ^ hashed(
                        part.back, np.concatenate([np.zeros(part.back, np.int64), symbols])[: self.count]
                    )
            found.append(table_size(words, symbols, bits))
        return found

    def run(self, coder: BitCoder, mixer: Mixer, symbols: Ranks | None) -> Ranks:
        """Code all rows, and say what they hold."""
        found = np.zeros(self.count, dtype=np.int64)
        for rows, step in self._batches():
            words = self.words[:, rows]
            for k, context in enumerate(self.contexts):
                if self.own[k]:
                    parts = [self._before(found, rows, step, part) for part in context if part.column < 0]
                    words[k] ^= hashed(k + 64, *parts)
            found[rows] = mixer.code(coder, words, None if symbols is None else symbols[rows])
        return found

    def _before(self, found: Ranks, rows: Ranks, step: int, part: Part) -> Ranks:
        if step < part.back:
            return np.full(len(rows), -1, dtype=np.int64)
        before = found[rows - part.back]
        return before >> 4 if part.coarse else before

    def _batches(self) -> Iterator[tuple[Ranks, int]]:
        if self.back:
            lanes = min(LANES, max(1, self.count // 64))
            length = -(-self.count // lanes)
            for step in range(length):
                rows = np.arange(lanes, dtype=np.int64) * length + step
                yield rows[rows < self.count], step
            return
        start, size = 0, 64
        while start < self.count:
            end = min(self.count, start + size)
            yield np.arange(start, end), 0
            start, size = end, max(64, end // 5)


def choose(target: Symbols, candidates: dict[int, Known], most: int = 3) -> list[Context]:
    """Contexts that promise to foretell a column: found greedily on some of the rows.

    Args:
        target: The column's symbols (n,).
        candidates: Columns that will be there, by number.
        most: How many other columns are looked for.
    """
    rows = np.arange(len(target))[:: max(1, len(target) // SAMPLED)]
    own = Known.of(target)
    chosen: list[int] = []
    few = len(np.unique(own.ranks[rows])) <= 64
    coded = own.ranks[rows] if few else own.bins[rows]
    given, best = np.zeros(len(rows), dtype=np.int64), conditional(coded, np.zeros(len(rows), dtype=np.int64))
    while len(chosen) < most:
        costs = {n: conditional(coded, given * BINS + column.bins[rows]) for n, column in candidates.items()}
        left = {n: found for n, found in costs.items() if n not in chosen}
        if not left or (least := min(left, key=left.__getitem__)) is None or left[least] > best * 0.995:
            break
        best = left[least]
        chosen.append(least)
        given = np.unique(given * BINS + candidates[least].bins[rows], return_inverse=True)[1]
    contexts = _around(chosen)
    if _helped(own, few):
        contexts += _before(chosen)
    return contexts


def conditional(coded: Ranks, given: Ranks) -> float:
    """Bits by which an adaptive code codes a column that another is known to."""
    size = int(coded.max(initial=0)) + 1
    inside = distinct(given)[1]
    groups, counts = np.bincount(inside), np.bincount(distinct(inside * size + coded)[1])
    start = 0.5 * min(1.0, 8 / size) + 0.02
    nats = (gammaln(groups + start * size) - gammaln(start * size)).sum()
    return float((nats - (gammaln(counts + start) - gammaln(start)).sum()) / np.log(2))


def _helped(own: Known, few: bool) -> bool:
    """Whether the row before says something about a row."""
    coded = own.ranks if few else own.bins
    if len(coded) < 1000:
        return False
    length = min(len(coded), SAMPLED)
    part = coded[:length]
    alone = conditional(part[1:], np.zeros(length - 1, dtype=np.int64))
    return conditional(part[1:], part[:-1]) < 0.97 * alone


def _around(chosen: list[int]) -> list[Context]:
    """Contexts of the columns chosen, alone and together, exactly and coarsely."""
    found: list[Context] = [()]
    for number in chosen:
        found += [(Part(number),), (Part(number, coarse=True),)]
    if len(chosen) > 1:
        found += [(Part(chosen[0]), Part(chosen[1])), (Part(chosen[0], coarse=True), Part(chosen[1], coarse=True))]
    if len(chosen) > 2:
        found += [
            (Part(chosen[0], coarse=True), Part(chosen[2], coarse=True)),
            tuple(Part(number) for number in chosen),
            tuple(Part(number, coarse=True) for number in chosen),
        ]
    return found


def _before(chosen: list[int]) -> list[Context]:
    """Contexts of the rows before."""
    last = Part(-1, back=1)
    found: list[Context] = [(last,), (Part(-1, coarse=True, back=1),), (last, Part(-1, back=2))]
    if chosen:
        found += [(last, Part(chosen[0])), (last, Part(chosen[0]), Part(chosen[0], back=1))]
    return found
