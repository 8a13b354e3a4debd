"""Columns of rows by tables: a token by what other columns of the row hold, from wide to narrow.

The quick method for tables. It takes no account of the rows before; `rows` does, and mixes contexts, and takes
twenty times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.rows import Known, Part, conditional
from narrows.coding.runs import RunReader, RunWriter
from narrows.coding.tables import Nest, Tables, growing
from narrows.coding.tokens import Alphabet, Tokens, read_open, write_open
from narrows.coding.values import Symbols
from narrows.core.errors import FileError

MOST_CELLS = 1 << 22
"""The buckets of a column have no more counts than this."""
DEEPEST = 3
SAMPLED, FEWER = 4096, 2048
"""So many rows decide by what a column is foretold; fewer where there are many columns to choose from."""
MANY = 12
WORTH = 2000.0
"""Columns that take fewer bits than this are foretold by none."""
PROMISING = 8
"""So many columns are looked at twice: exactly too, and beside another one."""

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Scheme:
    """How a column will be coded.

    Args:
        symbols: (n,).
        alphabet: How they are tokens.
        tokens: (n,).
        parts: What foretells them, from wide to narrow.
        nest: The buckets that these make.
        buckets: (n,).
        cost: About how many bits it takes.
    """

    symbols: Symbols
    alphabet: Alphabet
    tokens: Tokens
    parts: list[Part]
    nest: Nest
    buckets: Labels
    cost: float


def scheme(symbols: Symbols, candidates: dict[int, Known]) -> Scheme:
    """What foretells a column best, step by step on some of the rows.

    Args:
        symbols: (n,).
        candidates: Columns that will be there when these are read, by number.
    """
    alphabet = Alphabet.of(int(symbols.max(initial=np.uint64(0))).bit_length())
    tokens = alphabet.tokens(symbols)
    every = max(1, len(tokens) // (SAMPLED if len(candidates) <= MANY else FEWER))
    coded = tokens[::every]
    given, parts = np.zeros(len(coded), dtype=np.int64), list[Part]()
    best = conditional(coded, given)
    nest, buckets = _together(len(tokens))
    left = _promising(coded, candidates, every) if best * every > WORTH else {}
    while left and len(parts) < DEEPEST and best * every > WORTH:
        costs = {part: conditional(coded, _both(given, label)) for part, label in left.items()}
        least = min(costs, key=costs.__getitem__)
        if costs[least] > best * 0.99:
            break
        label = left.pop(least)
        tried, narrowed = Nest.of([candidates[part.column].part(part.coarse) for part in [*parts, least]])
        if tried.buckets * alphabet.size > MOST_CELLS:
            continue
        parts.append(least)
        nest, buckets, best = tried, narrowed, costs[least]
        given = np.unique(_both(given, label), return_inverse=True)[1]
    open_bits = float(alphabet.open_bits(coded).sum())
    return Scheme(symbols, alphabet, tokens, parts, nest, buckets, (best + open_bits) * every)


def _promising(coded: Labels, candidates: dict[int, Known], every: int) -> dict[Part, Labels]:
    """The columns whose bins foretell most, exactly and by their bins."""
    costs = {n: conditional(coded, known.bins[::every]) for n, known in candidates.items()}
    chosen = sorted(costs, key=costs.__getitem__)[:PROMISING]
    return {Part(n, coarse): candidates[n].part(coarse)[::every] for n in chosen for coarse in (True, False)}


def _both(given: Labels, label: Labels) -> Labels:
    return given * (int(label.max(initial=0)) + 1) + label


def encode(how: Scheme) -> bytes:
    """Symbols to bytes."""
    out = Writer()
    out.number(how.alphabet.width)
    out.number(len(how.parts))
    for part in how.parts:
        out.number(part.column * 2 + part.coarse)
    coder, tables, asked = RunWriter(), Tables(how.alphabet.size, how.nest), how.tokens.astype(np.int32)
    for batch in growing(len(asked)):
        tables.code(coder, how.buckets[batch], asked[batch])
    out.piece(coder.done())
    write_open(out, how.alphabet, how.tokens, how.symbols)
    return out.rest(b"")


def decode(data: bytes, count: int, known: Sequence[Known | None]) -> Symbols:
    """The symbols that `encode` was given.

    Args:
        data: What it made.
        count: How many symbols there are.
        known: Columns by number.
    """
    fields = Reader(data)
    alphabet = Alphabet.of(fields.number(64))
    parts = _parts(fields)
    nest, buckets = Nest.of([_label(part, known, count) for part in parts]) if parts else _together(count)
    if nest.buckets * alphabet.size > MOST_CELLS:
        raise FileError("a column has more tables than there is room for")
    reader, tables = RunReader(fields.piece()), Tables(alphabet.size, nest)
    tokens = np.zeros(count, dtype=np.int64)
    for batch in growing(count):
        tokens[batch] = tables.code(reader, buckets[batch], None)
    return read_open(fields, alphabet, tokens)


def parts_in(data: bytes) -> list[Part]:
    """What foretells a column, by which it is seen which columns have to be there before."""
    fields = Reader(data)
    fields.number(64)
    return _parts(fields)


def _parts(fields: Reader) -> list[Part]:
    found = []
    for _ in range(fields.number(DEEPEST)):
        number = fields.number(1 << 21)
        found.append(Part(number >> 1, bool(number & 1)))
    return found


def _together(count: int) -> tuple[Nest, Labels]:
    return Nest((), 1), np.zeros(count, dtype=np.int64)


def _label(part: Part, known: Sequence[Known | None], count: int) -> Labels:
    column = known[part.column] if part.column < len(known) else None
    if column is None or len(column.ranks) != count:
        raise FileError(f"column {part.column}, by which another is foretold, is not there")
    return column.part(part.coarse)
