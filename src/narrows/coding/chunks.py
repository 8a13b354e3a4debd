"""One chunk: values to bytes by whichever method makes them smallest, tried out before anyone relies on it.

Every candidate is decoded again, and is taken only if it gives back every bit, or, where an error is allowed, no value
beyond it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from narrows.coding import borrowed, bytewise, columns, medians, pictures, rows, smooth
from narrows.coding.causal import CausalImages
from narrows.coding.container import LARGEST_CHUNK, digest
from narrows.coding.efforts import Effort
from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import CODECS, squeeze, unsqueeze
from narrows.coding.learned import LearnedImages, as_given, as_stack
from narrows.coding.mapping import cost, own_cost, ways
from narrows.coding.packed_model import PackedModel
from narrows.coding.rows import Known
from narrows.coding.values import NAMES, Array, Map, Symbols, bits_of, ordered_bits, within
from narrows.core.errors import FileError

GENERIC, ROWS, SMOOTH, PICTURES, TABLES, BORROWED, LEARNED, MEDIANS, CAUSAL = range(9)
MOST_IN_A_ROW = 1 << 22
"""More values than this are left to the other methods, so that memory stays within bounds."""
Gaps = NDArray[np.bool_] | None


class Foreteller(Protocol):
    """What codes images by a model that whoever decodes will have too."""

    @property
    def model(self) -> CausalImages:
        """What decodes them."""

    def encode(self, images: pictures.Pixels) -> bytes | None:
        """Images (n, height, width, channels) as bytes; None where it knows no such images."""


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
    made = []
    if content.values.size and (effort.modelled or bound > 0):
        images = _images(content) if effort.modelled else None
        few = content.values.size <= MOST_IN_A_ROW and (images is None or effort.mixed or bound > 0)
        mapped = ways(content.values.reshape(-1), content.missing, bound) if few else []
        made += _by_tables(mapped, candidates)
        made += _as_field(content, bound)
        if bound == 0 or content.values.ndim == 1:  # in a row, a field within a bound takes far more
            made += _by_rows(mapped, candidates, known, effort)
        made += [] if images is None else _as_pictures(content, images, effort, primer)
        made += _by_others(content, bound, effort)
    made += by_model(content, foreteller)
    if (effort.thorough and bound == 0) or not effort.modelled:
        encoded = bytewise.encode(content.values, effort.codecs, effort.thorough)
    else:
        least = min(map(len, made), default=len(bits_of(content.values).tobytes()))
        encoded = bytewise.encode_by_sample(content.values, effort.codecs, least)
    generic = bytes([GENERIC]) + bytewise.with_gaps(encoded, content.missing)
    made.append(generic)
    for payload in (first + one for one in sorted(made, key=_worth)):
        back = _tried(payload, content, known, primer, None if foreteller is None else foreteller.model)
        if back is not None and back.stands_for(content, bound):
            return payload, back
    raise AssertionError("the generic method gives back what it was given")


def estimate(content: Content, candidates: dict[int, Known], bound: float, effort: Effort) -> float:
    """About how many bytes a chunk takes: by its entropies where these tell, without making it."""
    bound = bound if content.values.dtype.kind == "f" else 0.0
    values, costs = content.values, [8.0 * content.values.nbytes]
    if not values.size:
        return 0.0
    if effort.modelled or bound > 0:
        images = _images(content) if effort.modelled else None
        costs += [] if images is None else [medians.cost(images)]
        costs += [smooth.cost(values, bound)] if _has_neighbours(content, bound) else []
        mapped = ways(values.reshape(-1), content.missing, bound) if values.size <= MOST_IN_A_ROW else []
        costs += [cost for _, _, cost in _schemes(mapped, candidates)]
    least = min(costs) / 8
    return min(least, len(bytewise.encode_by_sample(values, effort.codecs, int(least))))


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


def _schemes(
    mapped: Sequence[tuple[Map, Symbols]], candidates: dict[int, Known]
) -> list[tuple[Map, columns.Scheme, float]]:
    """Values and their differences by tables, whichever ways promise most, and about how many bits they cost."""
    tried = {how.running: (how, symbols) for how, symbols in reversed(mapped)}
    found = [(how, columns.scheme(symbols, candidates)) for how, symbols in tried.values()]
    return [(how, scheme, scheme.cost + own_cost(how)) for how, scheme in found]


def _by_tables(mapped: Sequence[tuple[Map, Symbols]], candidates: dict[int, Known]) -> list[bytes]:
    """A candidate by tables, of values or of their differences, whichever take less."""
    found = _schemes(mapped, candidates)
    if not found:
        return []
    how, scheme, _ = min(found, key=lambda one: one[2])
    out = Writer()
    out.number(TABLES)
    out.piece(how.to_bytes())
    return [out.rest(columns.encode(scheme))]


def _by_rows(
    mapped: Sequence[tuple[Map, Symbols]],
    candidates: dict[int, Known],
    known: Sequence[Known | None],
    effort: Effort,
) -> list[bytes]:
    """Candidates by the methods for symbols in a row."""
    found: list[bytes] = []
    if not effort.mixed:
        return found
    for how, symbols in mapped[: effort.ways]:
        contexts = rows.choose(symbols, candidates, effort.parents)
        out = Writer()
        out.number(ROWS)
        out.piece(how.to_bytes())
        found.append(out.rest(rows.encode(symbols, contexts, known)))
    return found


def _as_field(content: Content, bound: float) -> list[bytes]:
    """A candidate by interpolation: for values with neighbours, or with an error allowed."""
    made = smooth.encode(content.values, bound) if _has_neighbours(content, bound) else None
    return [] if made is None else [bytes([SMOOTH]) + made]


def _has_neighbours(content: Content, bound: float) -> bool:
    """Whether it may help to interpolate."""
    neighbours = sum(length > 1 for length in content.values.shape) > 1 and content.values.dtype.itemsize > 1
    return content.missing is None and (bound > 0 or neighbours)


def _images(content: Content) -> pictures.Pixels | None:
    """Values as images of small whole numbers; None if they are none."""
    images = None if content.missing is not None else medians.as_images(content.values)
    return None if images is None else pictures.numbers(images)


def _as_pictures(content: Content, images: pictures.Pixels, effort: Effort, primer: Array | None) -> list[bytes]:
    """Candidates by pixels that are foretold by their neighbours, for images of small whole numbers."""
    found = [bytes([MEDIANS]) + medians.encode(images)]
    stack = pictures.as_images(content.values)
    if stack is not None and (primer is not None or effort.mixed):
        primed = None if primer is None else _primer(primer)
        found.append(bytes([PICTURES, int(primed is not None)]) + pictures.encode(images.reshape(stack.shape), primed))
    return found


def by_model(content: Content, foreteller: Foreteller | None) -> list[bytes]:
    """A candidate by what was learned of other images, for images of small whole numbers."""
    if foreteller is None or content.missing is not None or not content.values.size:
        return []
    stack = as_stack(content.values)
    images = None if stack is None else pictures.numbers(stack)
    made = None if images is None else foreteller.encode(images)
    return [] if made is None else [bytes([CAUSAL]) + made]


def _by_others(content: Content, bound: float, effort: Effort) -> list[bytes]:
    """Candidates by codecs of another library."""
    if not effort.borrowed or content.missing is not None:
        return []
    made = borrowed.bounded(content.values, bound)
    made += borrowed.planes(content.values) if effort.thorough else []
    return [bytes([BORROWED]) + one for one in made]


def _primer(primer: Array) -> pictures.Pixels:
    """A primer as pixels."""
    images = pictures.as_images(primer)
    found = None if images is None else pictures.numbers(images)
    if found is None:
        raise FileError("it was made with a primer of other images")
    return found


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
        found = pictures.decode(fields.rest(), images.shape, _primer(primer) if primed and primer is not None else None)
        return Content(found.astype(dtype).reshape(shape), None, beside)
    if method == MEDIANS:
        images = medians.as_images(np.empty(shape, np.uint8))
        if images is None:
            raise FileError("it holds no images")
        return Content(medians.decode(fields.rest(), images.shape).astype(dtype).reshape(shape), None, beside)
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
        return "pixels by the median of their neighbours"
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
