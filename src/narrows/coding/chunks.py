"""One chunk: values to bytes by whichever method makes them smallest, tried out before anyone relies on it.

Every candidate is decoded again, and is taken only if it gives back every bit, or, where an error is allowed, no value
beyond it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narrows.coding import borrowed, bytewise, columns, medians, pictures, rows, smooth
from narrows.coding.candidates import (
    BORROWED,
    CAUSAL,
    GENERIC,
    LEARNED,
    MEDIANS,
    PICTURES,
    ROWS,
    SMOOTH,
    TABLES,
    Foreteller,
    Seen,
    as_primer,
    by_model,
)
from narrows.coding.causal import CausalImages
from narrows.coding.container import LARGEST_CHUNK, digest
from narrows.coding.efforts import Effort
from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import CODECS, squeeze, unsqueeze
from narrows.coding.learned import LearnedImages, as_given, as_stack
from narrows.coding.mapping import cost
from narrows.coding.packed_model import PackedModel
from narrows.coding.rows import Known
from narrows.coding.values import NAMES, Array, Map, bits_of, ordered_bits, within
from narrows.core.errors import FileError

Gaps = NDArray[np.bool_] | None
NEAR = 1.6
"""Where time counts, a candidate is not made that promises to take more than so many times the least."""


@dataclass(frozen=True)
class Content:
    """What a chunk holds.

    Args:
        values: (n, ...).
        missing: Which of n values are missing; None if none is.
        beside: Bytes that belong to them, such as the words that they number.
    """

    values: Array
    missing: Gaps = None
    beside: bytes = b""

    def stamp(self) -> bytes:
        """A digest of it."""
        gaps = b"" if self.missing is None else self.missing.tobytes()
        return digest(bits_of(self.values).data.cast("B") if self.values.size else b"", gaps, self.beside)

    def known(self) -> Known:
        """As what other columns are foretold by."""
        found = ordered_bits(self.values)
        if self.missing is not None:
            found = _with_gaps(found, self.missing)
        return Known.of(found)

    def stands_for(self, other: "Content", bound: float) -> bool:
        """Whether it may be handed out for another content."""
        if self.beside != other.beside:
            return False
        if (self.missing is None) != (other.missing is None) or self.values.shape != other.values.shape:
            return False
        there: Any = slice(None)
        if self.missing is not None and other.missing is not None:
            if not (self.missing == other.missing).all():
                return False
            there = ~self.missing
        found, asked = self.values[there], other.values[there]
        same = bits_of(found) == bits_of(asked)
        return bool((same if bound == 0 else same | within(found, asked, bound)).all())


def encode(
    content: Content,
    known: Sequence[Known | None],
    candidates: dict[int, Known],
    bound: float,
    effort: Effort,
    primer: Array | None = None,
    foreteller: Foreteller | None = None,
) -> tuple[bytes, Content]:
    """A chunk, and what will come back from it.

    Args:
        content: One column (n,) or an array (n, ...).
        known: The columns of these rows, by number.
        candidates: Those of them that may foretell this one.
        bound: How far values may come back from what they were.
        effort: How much is tried.
        primer: Rows of the same kind, which whoever decodes will have.
        foreteller: What codes images by a model.
    """
    bound = bound if content.values.dtype.kind == "f" else 0.0
    beside = Writer()
    beside.number(len(content.beside))
    if content.beside:
        beside.piece(squeeze(content.beside, effort.codecs))
    first = beside.rest(b"")
    model = None if foreteller is None else foreteller.model
    made = _candidates(content, known, candidates, bound, effort, primer, foreteller)
    for one in sorted(made, key=_worth):
        payload = first + one
        back = _tried(payload, content, known, primer, model)
        if back is not None and back.stands_for(content, bound):
            return payload, back
    raise AssertionError("the generic method gives back what it was given")


def _candidates(
    content: Content,
    known: Sequence[Known | None],
    candidates: dict[int, Known],
    bound: float,
    effort: Effort,
    primer: Array | None,
    foreteller: Foreteller | None,
) -> list[bytes]:
    """What the methods make of values; where time counts, those alone that promise no more than others need."""
    values = content.values
    seen = Seen.of(values, content.missing, bound, effort)
    promises = [] if seen is None else seen.promises(candidates, primer)
    if (effort.thorough and bound == 0) or not effort.modelled:
        made = [one.make() for one in promises]
        encoded = bytewise.encode(values, effort.codecs, effort.thorough)
    else:
        quickly = bytewise.encode_quickly(values)
        least = min([*map(len, quickly.values()), *(one.bits / 8 for one in promises)])
        made = [one.make() for one in promises if effort.thorough or one.bits / 8 <= NEAR * least]
        encoded = bytewise.encode_by_sample(values, quickly, effort.codecs, min(map(len, made), default=values.nbytes))
    made.append(bytes([GENERIC]) + bytewise.with_gaps(encoded, content.missing))
    if foreteller is not None and content.missing is None:
        made += by_model(values, foreteller)
    if seen is None:
        return made
    slowly = seen.in_a_row(candidates, known, effort) + seen.in_pictures(primer) if effort.mixed else []
    return made + seen.by_others(effort) + slowly


def estimate(content: Content, candidates: dict[int, Known], bound: float, effort: Effort) -> float:
    """About how many bytes a chunk takes: by its entropies where these tell, without making it."""
    bound = bound if content.values.dtype.kind == "f" else 0.0
    seen = Seen.of(content.values, content.missing, bound, effort)
    promises = [] if seen is None else seen.promises(candidates)
    least = min([content.values.nbytes, *(one.bits / 8 for one in promises)])
    quickly = bytewise.encode_quickly(content.values)
    return min(least, len(bytewise.encode_by_sample(content.values, quickly, effort.codecs, int(least))))


def encode_learned(content: Content, codes: Array, model: LearnedImages) -> tuple[bytes, Content]:
    """A chunk of images by a learned model, and what will come back from it, which is not what went in.

    Args:
        content: Images (n, ...) as `as_stack` takes them.
        codes: What they are drawn from, (n, rows, columns, code).
        model: What whoever decodes will have too.
    """
    data, kept = model.encode(codes)
    payload = bytes([0, LEARNED]) + data
    back = decode(payload, content.values.dtype, content.values.shape, [], None, model)
    images = as_stack(back.values)
    assert images is not None
    again = [model.drawn(kept[rows], images[rows].shape) for rows in np.array_split(np.arange(len(kept)), 2)]
    assert np.array_equal(images, np.concatenate(again)), "the same comes back however images are put together"
    return payload, back


def _worth(made: bytes) -> float:
    """The size of a candidate, a little more where not everyone can read it."""
    return len(made) * (borrowed.WORTH if made[0] == BORROWED else 1.0)


def _tried(
    payload: bytes, content: Content, known: Sequence[Known | None], primer: Array | None, model: PackedModel | None
) -> Content | None:
    try:
        return decode(payload, content.values.dtype, content.values.shape, known, primer, model)
    except FileError:
        return None


def weight(column: Known) -> float:
    """About how many bits a column costs by itself: by this it is decided which columns may foretell which."""
    return cost(column.ranks.astype(np.uint64))


def needed(payload: bytes) -> set[int]:
    """The numbers of the columns that have to be there before a chunk can be decoded."""
    _, method, fields = _begun(payload)
    if method not in (ROWS, TABLES):
        return set()
    fields.piece()
    if method == TABLES:
        return {part.column for part in columns.parts_in(fields.rest())}
    return {part.column for context in rows.contexts_in(fields.rest()) for part in context if part.column >= 0}


def _begun(payload: bytes) -> tuple[bytes, int, Reader]:
    """What lies beside a chunk's values, its method, and the rest."""
    fields = Reader(payload)
    size = fields.number(LARGEST_CHUNK)
    beside = unsqueeze(fields.piece(), size) if size else b""
    return beside, fields.number(), fields


def decode(
    payload: bytes,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    known: Sequence[Known | None],
    primer: Array | None = None,
    model: PackedModel | None = None,
) -> Content:
    """What a chunk holds.

    Raises:
        FileError: It holds something else than it should, or is made in a way that this version does not know.
    """
    try:
        return _decode(payload, dtype, shape, known, primer, model)
    except (ValueError, IndexError, TypeError, OverflowError, MemoryError, AssertionError, KeyError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"it does not hold what it should ({error})") from error


def _decode(
    payload: bytes,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    known: Sequence[Known | None],
    primer: Array | None,
    model: PackedModel | None,
) -> Content:
    beside, method, fields = _begun(payload)
    if method == GENERIC:
        return Content(*bytewise.gaps_and_values(fields.rest(), dtype, shape), beside)
    if method in (ROWS, TABLES):
        count = prod(shape)
        how = Map.read(Reader(fields.piece()), dtype, count)
        symbols = (rows if method == ROWS else columns).decode(fields.rest(), count, known)
        missing = symbols == 0 if how.gaps else None
        return Content(how.values(symbols, dtype).reshape(shape), missing, beside)
    if method == SMOOTH:
        return Content(smooth.decode(fields.rest(), dtype, shape), None, beside)
    if method == PICTURES:
        primed = fields.number(1) == 1
        images = pictures.as_images(np.empty(shape, np.uint8))
        if images is None or (primed and primer is None):
            raise FileError("it holds no images, or needs the primer that it was made with")
        found = pictures.decode(
            fields.rest(), images.shape, as_primer(primer) if primed and primer is not None else None
        )
        return Content(found.astype(dtype).reshape(shape), None, beside)
    if method == MEDIANS:
        images = medians.as_images(np.empty(shape, np.uint8))
        if images is None:
            raise FileError("it holds no images")
        data = fields.rest()
        pixels = medians.decode(data, images.shape, as_primer(primer) if primer is not None else None)
        return Content(pixels.astype(dtype).reshape(shape), None, beside)
    if method in (LEARNED, CAUSAL):
        images = as_stack(np.empty(shape, np.bool_))
        if images is None or not isinstance(model, LearnedImages if method == LEARNED else CausalImages):
            raise FileError("it holds no images, or needs the model that it was made with")
        return Content(as_given(model.decode(fields.rest(), images.shape).astype(dtype), shape), None, beside)
    if method == BORROWED:
        return Content(borrowed.decode(fields.rest(), dtype, shape), None, beside)
    raise FileError(f"it was made by method {method}, which this version does not know")


def in_words(payload: bytes, dtype: np.dtype[Any], count: int) -> str:
    """How a chunk was made."""
    _, method, fields = _begun(payload)
    if method == GENERIC:
        fields.piece()
        rest = fields.rest()
        return f"{CODECS[rest[1]].name}, {bytewise.ARRANGEMENTS[rest[0]].name}"
    if method == SMOOTH:
        return f"interpolation, {NAMES[fields.number()]}"
    if method == PICTURES:
        return "pixels by their neighbours" + (", primed" if fields.number(1) else "")
    if method == MEDIANS:
        fields.number(pictures.MOST_BITS)
        return "pixels by the median of their neighbours" + (", primed" if fields.number(7) & 4 else "")
    if method == LEARNED:
        return "images by a learned model, not exactly"
    if method == CAUSAL:
        return "pixels by those before them, by a learned model"
    if method == BORROWED:
        return borrowed.in_words(fields.rest())
    how = Map.read(Reader(fields.piece()), dtype, count)
    running = ", differences" if how.running else ""
    if method == TABLES:
        return f"tables ({len(columns.parts_in(fields.rest()))}), {NAMES[how.kind]}{running}"
    contexts = rows.contexts_in(fields.rest())
    return f"mixed contexts ({len(contexts)}), {NAMES[how.kind]}{running}"


def _with_gaps(ordered: NDArray[np.uint64], missing: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Ranks of values with what is missing as the first."""
    ranks = np.unique(ordered, return_inverse=True)[1].astype(np.uint64)
    return np.where(missing, np.uint64(0), ranks + np.uint64(1))
