"""Whole numbers of any size as tokens of an alphabet that tables have room for, and the bits that a token leaves open.

Numbers below 2^p are tokens of their own. From there on every octave has 2^m tokens, and a number in [2^e, 2^(e+1)) is
known to its token but for its e - m lowest bits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.runs import RunCoder, RunReader, RunWriter
from narrows.coding.tables import Nest, Tables, growing
from narrows.coding.values import distinct
from narrows.core.errors import FileError

MOST_PLAIN = 10
"""Alphabets of up to 2^10 numbers are all plain."""
FORETOLD = 6
"""So many of the bits that a token leaves open are foretold by it; those below are kept as they are."""

Numbers = NDArray[np.uint64]
Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Alphabet:
    """How numbers are tokens.

    Args:
        plain: p.
        mantissa: m, no more than p.
        width: No number has more bits than this.
    """

    plain: int
    mantissa: int
    width: int

    @classmethod
    def of(cls, width: int) -> "Alphabet":
        """An alphabet of about a thousand tokens at most for numbers of so many bits."""
        if width <= MOST_PLAIN:
            return cls(max(1, width), 0, width)
        mantissa = 6 if width <= 20 else 4
        return cls(mantissa + 2, mantissa, width)

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return (1 << self.plain) + (max(0, self.width - self.plain) << self.mantissa)

    def tokens(self, numbers: Numbers) -> Tokens:
        """The token of every number."""
        if self.width <= self.plain:
            return numbers.astype(np.int64)
        exponent = _exponents(numbers)
        left = np.maximum(exponent - self.mantissa, 0).astype(np.uint64)
        fraction = (numbers >> left).astype(np.int64) & ((1 << self.mantissa) - 1)
        large = (1 << self.plain) + ((exponent - self.plain) << self.mantissa) + fraction
        return np.where(exponent < self.plain, numbers.astype(np.int64), large)

    def open_bits(self, tokens: Tokens) -> Tokens:
        """How many bits every token leaves open."""
        exponent = ((tokens - (1 << self.plain)) >> self.mantissa) + self.plain
        return np.where(tokens < 1 << self.plain, 0, exponent - self.mantissa)

    def numbers(self, tokens: Tokens, low: Numbers) -> Numbers:
        """The numbers of tokens and of the bits that they leave open."""
        if self.width <= self.plain:
            return tokens.astype(np.uint64)
        fraction = (tokens - (1 << self.plain)) & ((1 << self.mantissa) - 1)
        large = ((fraction + (1 << self.mantissa)).astype(np.uint64) << self.open_bits(tokens).astype(np.uint64)) | low
        return np.where(tokens < 1 << self.plain, tokens.astype(np.uint64), large)


def _exponents(numbers: Numbers) -> Tokens:
    """The place of the highest bit of every number."""
    high = (numbers >> np.uint64(32)).astype(np.float64)
    low = (numbers & np.uint64(0xFFFFFFFF)).astype(np.float64)
    return np.where(high > 0, np.frexp(high)[1] + 31, np.frexp(low)[1] - 1).astype(np.int64)


def write_open(out: Writer, alphabet: Alphabet, tokens: Tokens, numbers: Numbers) -> None:
    """Write the bits that tokens leave open."""
    if alphabet.width <= alphabet.plain:
        return
    rows = np.flatnonzero(tokens >= 1 << alphabet.plain)
    many, token = alphabet.open_bits(tokens[rows]), tokens[rows]
    low = numbers[rows] & ((np.uint64(1) << many.astype(np.uint64)) - np.uint64(1))
    rest = np.maximum(many - FORETOLD, 0)
    coder = RunWriter()
    _foretold(coder, token, (low >> rest.astype(np.uint64)).astype(np.int32))
    out.piece(coder.done())
    planes = [(low[rest > place] >> np.uint64(place)).astype(np.uint8) & 1 for place in range(int(rest.max(initial=0)))]
    out.piece(np.packbits(np.concatenate(planes)).tobytes() if planes else b"")


def read_open(fields: Reader, alphabet: Alphabet, tokens: Tokens) -> Numbers:
    """The numbers of tokens, by the bits that `write_open` wrote."""
    if alphabet.width <= alphabet.plain:
        return tokens.astype(np.uint64)
    rows = np.flatnonzero(tokens >= 1 << alphabet.plain)
    many, token = alphabet.open_bits(tokens[rows]), tokens[rows]
    rest = np.maximum(many - FORETOLD, 0)
    found = _foretold(RunReader(fields.piece()), token, None).astype(np.uint64) << rest.astype(np.uint64)
    plain = np.frombuffer(fields.piece(), np.uint8)
    if 8 * len(plain) != -(-int(rest.sum()) // 8) * 8:
        raise FileError("bits that tokens leave open are missing")
    bits, at = np.unpackbits(plain), 0
    for place in range(int(rest.max(initial=0))):
        there = np.flatnonzero(rest > place)
        found[there] |= bits[at : at + len(there)].astype(np.uint64) << np.uint64(place)
        at += len(there)
    low = np.zeros(len(tokens), dtype=np.uint64)
    low[rows] = found
    return alphabet.numbers(tokens, low)


def _foretold(coder: RunCoder, token: Tokens, bits: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """Code the highest of the bits that tokens leave open, by the token."""
    nest, buckets = Nest.of([distinct(token)[1]])
    tables = Tables(1 << FORETOLD, nest)
    found = np.zeros(len(token), dtype=np.int32)
    for batch in growing(len(token)):
        found[batch] = tables.code(coder, buckets[batch], None if bits is None else bits[batch])
    return found
