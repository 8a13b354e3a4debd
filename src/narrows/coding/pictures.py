"""Images of small whole numbers: pixels foretold by those above and to the left, and by those of the same place.

Pixels are taken along slanted lines, x + 2 y = t, so that all of one line have their neighbours behind them; a line of
many images is one batch. Images come in groups that grow, so that counts are there when they are needed; with a primer,
images that both sides have, counts begin with those of the primer.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narrows.coding.bits import BitCoder, BitReader, Bits, BitWriter
from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import HEADERS, squeeze, unsqueeze
from narrows.coding.mixing import LARGEST_TABLE, LEVELS, Memories, Mixer, Words, hashed, learned_weights, table_size
from narrows.coding.trees import Tree
from narrows.coding.values import Array
from narrows.core import raster
from narrows.core.errors import FileError

MOST_BITS = 8
LEARNED = 1 << 17
"""About so many pixels decide about the weights."""
SMALL = 1 << 14
"""Fewer pixels may cost less by weights that nobody learned."""
COLOURS = 4
"""A last axis of at most this length are the channels of an image."""
FIRST = 32
"""So many images make the first group."""

Pixels = NDArray[np.int64]


class Silent(BitCoder):
    """Codes nothing: both sides know the bits."""

    def code(self, bits: Bits | None, ones: NDArray[np.int32]) -> Bits:
        """The bits that are known."""
        assert bits is not None
        return bits


def as_images(values: Array) -> Array | None:
    """Values as images (n, height, width, channels); None if they are none."""
    if values.ndim < 2 or min(values.shape) == 0:
        return None
    shape = values.shape
    if values.ndim == 2:
        return values.reshape(1, *shape, 1)
    if values.ndim == 3:
        return values.reshape(*shape, 1)
    if shape[-1] <= COLOURS:
        return values.reshape(-1, *shape[-3:])
    return values.reshape(-1, *shape[-2:], 1)


def numbers(values: Array) -> Pixels | None:
    """Values as whole numbers from 0 to 255; None if any is something else."""
    some = values.reshape(-1)[:1000]
    for part in (some, values):
        with np.errstate(invalid="ignore"):
            if not ((part >= 0) & (part < 1 << MOST_BITS)).all():
                return None
            found = part.astype(np.int64)
        if found.astype(values.dtype).tobytes() != np.ascontiguousarray(part).tobytes():
            return None
    return found.reshape(values.shape)


def encode(images: Pixels, primer: Pixels | None) -> bytes:
    """Images to bytes.

    Args:
        images: (n, height, width, channels), from 0 to 255.
        primer: Images of the same shape that the reader will have too.
    """
    first = images if primer is None else np.concatenate([primer, images])
    bits = max(1, int(first.max(initial=0)).bit_length())
    some = first[-max(1, min(len(first), LEARNED // max(1, first[0].size))) :]
    sizes = _sizes(first, bits)
    memories = Memories()
    _walk(some, 0, BitWriter(), Mixer(sizes, Tree.flat(bits), memories=memories), bits, known=True)
    learned = learned_weights(memories, len(sizes))
    made = []
    for weights in (learned, None) if images.size < SMALL else (learned,):
        out, writer = Writer(), BitWriter()
        for number in (bits, *sizes):
            out.number(number)
        out.piece(b"" if weights is None else squeeze(weights.tobytes(), HEADERS))
        _walk(first.copy(), len(first) - len(images), writer, Mixer(sizes, Tree.flat(bits), weights), bits, known=True)
        made.append(out.rest(writer.done()))
    return min(made, key=len)


def decode(data: bytes, shape: tuple[int, ...], primer: Pixels | None) -> Pixels:
    """The images that `encode` was given.

    Args:
        data: What it made.
        shape: (n, height, width, channels).
        primer: As it was given.
    """
    fields = Reader(data)
    bits = fields.number(MOST_BITS)
    corner = np.full(1, 2, dtype=np.int64)
    contexts = len(_contexts(np.zeros((1, 5, 5, shape[3]), np.int64), corner, corner, 0, shape[2], bits))
    sizes = [fields.number(LARGEST_TABLE) for _ in range(contexts)]
    stored = fields.piece()
    plain = unsqueeze(stored, contexts * LEVELS) if stored else b""
    weights = np.frombuffer(plain, dtype=np.int8).reshape(contexts, LEVELS) if stored else None
    before = 0 if primer is None else len(primer)
    images = np.zeros((before + shape[0], *shape[1:]), dtype=np.int64)
    if primer is not None:
        if primer.shape[1:] != shape[1:] or primer.max(initial=0) >> bits:
            raise FileError("it was made with a primer of other images")
        images[:before] = primer
    _walk(images, before, BitReader(fields.rest()), Mixer(sizes, Tree.flat(bits), weights), bits, known=False)
    return images[before:]


def groups(count: int, primed: int, first: int = FIRST, growth: int = 2, most: int = 2048) -> Iterator[tuple[int, int]]:
    """Groups of images: those of the primer first, then ever more, up to a most."""
    start, size = 0, first
    while start < count:
        limit = primed if start < primed else count
        stop = min(limit, start + size)
        yield start, stop
        start, size = stop, min(growth * size, most)


def slanted(height: int, width: int, reach: int = 1) -> Iterator[tuple[Pixels, Pixels]]:
    """The pixels of every slanted line, as arrays of their rows and columns."""
    return ((np.array(y), np.array(x)) for y, x in raster.slanted(height, width, reach))


def _walk(images: Pixels, primed: int, coder: BitCoder, mixer: Mixer, bits: int, known: bool) -> None:
    """Code all images but the primer's; what is found is put where it belongs."""
    count, height, width, channels = images.shape
    silent = Silent()
    for start, stop in groups(count, primed):
        told = known or start < primed
        padded = np.zeros((stop - start, height + 2, width + 4, channels), dtype=np.int64)
        if told:
            padded[:, 2:, 2:-2] = images[start:stop]
        for y, x in slanted(height, width):
            for channel in range(channels):
                words = np.stack([word.reshape(-1) for word in _contexts(padded, y + 2, x + 2, channel, width, bits)])
                symbols = padded[:, y + 2, x + 2, channel].reshape(-1) if told else None
                found = mixer.code(silent if start < primed else coder, words, symbols)
                padded[:, y + 2, x + 2, channel] = found.reshape(stop - start, len(y))
        images[start:stop] = padded[:, 2:, 2:-2]


def _contexts(p: Pixels, y: Any, x: Any, channel: int, width: int, bits: int) -> list[Words]:
    """The words of every context for the pixels of a line."""
    w, ww, n, nn = p[:, y, x - 1, channel], p[:, y, x - 2, channel], p[:, y - 1, x, channel], p[:, y - 2, x, channel]
    nw, ne = p[:, y - 1, x - 1, channel], p[:, y - 1, x + 1, channel]
    place = np.broadcast_to((y * (width + 4) + x) * COLOURS + channel, w.shape)
    plane = np.full(w.shape, channel, dtype=np.int64)
    slope = np.clip(w + n - nw, 0, (1 << bits) - 1)
    coarse = max(0, bits - 5)
    uneven = (np.abs(w - nw) + np.abs(n - nw) + np.abs(n - ne)) >> max(0, bits - 4)
    smooth = (2 * w + 2 * n + ne + nw + 3) // 6
    found = [
        hashed(0, place),
        hashed(1, place, w >> coarse, n >> coarse),
        hashed(2, plane, w, n),
        hashed(3, plane, w, n, nw),
        hashed(4, plane, w >> coarse, n >> coarse, ne >> coarse, nw >> coarse),
        hashed(5, plane, slope, uneven),
        hashed(6, plane, smooth, uneven),
        hashed(7, plane, w, ww),
        hashed(8, plane, n, nn),
        hashed(9, place, smooth >> coarse),
        hashed(10, plane, w >> coarse, ww >> coarse, n >> coarse, nn >> coarse, ne >> coarse, nw >> coarse),
    ]
    if p.shape[3] > 1:
        c = max(channel - 1, 0)
        same = p[:, y, x, c] if channel else np.zeros_like(w)
        moved = np.clip(same + ((w - p[:, y, x - 1, c]) + (n - p[:, y - 1, x, c])) // 2, 0, (1 << bits) - 1)
        found += [
            hashed(11, plane, same, w >> coarse),
            hashed(12, plane, moved, uneven),
            hashed(13, plane, moved, slope >> coarse),
            hashed(14, plane, same, p[:, y, x, max(channel - 2, 0)] if channel > 1 else same),
        ]
    return found


def _sizes(images: Pixels, bits: int) -> list[int]:
    """How large the table of each context should be, by some of the images."""
    some = images[:: max(1, len(images) // 64)][:128]
    padded = np.zeros((len(some), images.shape[1] + 2, images.shape[2] + 4, images.shape[3]), dtype=np.int64)
    padded[:, 2:, 2:-2] = some
    share = len(images) / len(some)
    y, x = (axis.reshape(-1) for axis in np.mgrid[: images.shape[1], : images.shape[2]])
    channel = images.shape[3] - 1
    words = _contexts(padded, y + 2, x + 2, channel, images.shape[2], bits)
    symbols = padded[:, y + 2, x + 2, channel].reshape(-1)
    more = int(np.ceil(np.log2(max(1.0, share * images.shape[3])) * 0.7))
    return [min(LARGEST_TABLE, table_size(word.reshape(-1), symbols, bits) + more) for word in words]
