"""Images by a model that was learned of others, exactly: every pixel is foretold by those before it, and by a code.

A network of whole numbers for each channel gives the mixture that a pixel is coded by. It is told the pixels around,
as far as they are known, the channels of the same pixel that come before, the place, and the few numbers of a code that
says what pixels nearby cannot tell. Pixels are taken along slanted lines, x + (reach + 1) y = t, many images at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narrows.coding import mixtures
from narrows.coding.bits import BitCoder, BitReader, BitWriter
from narrows.coding.fields import Reader, Writer
from narrows.coding.integers import IntegerNetwork
from narrows.coding.logistic import PRECISION
from narrows.coding.packed_model import PackedModel
from narrows.coding.pictures import slanted
from narrows.coding.values import packed, unpacked
from narrows.core.errors import FileError
from narrows.core.raster import TURN, part, steps

LEVELS = 3
"""The levels of each number of a code."""
MOST_BITS = 8
MOST_REACH = 64
MOST_CODES = 1 << 10
MOST_CHANNELS = 4
TOGETHER = 1 << 10
"""So many images are walked together."""

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class CausalImages(PackedModel):
    """What is known of a kind of images: how likely each pixel is, given those before it.

    Args:
        bits: Pixels are whole numbers of so many bits.
        reach: How many rows above and columns to either side are seen.
        networks: One for each channel: from what is seen to locations, scales and weights of a mixture.
        chances: How likely the numbers of a code are, out of 2^22: that one is above 0, and of those that it is 2,
            (codes, 2).
    """

    bits: int
    reach: int
    networks: tuple[IntegerNetwork, ...]
    chances: Whole

    def __post_init__(self) -> None:
        channels, around = len(self.networks), len(steps(self.reach))
        if not ((self.chances > 0) & (self.chances < 1 << PRECISION)).all():
            raise FileError("a model for images has codes that cannot be")
        for channel, network in enumerate(self.networks):
            least, most = bounds(self.bits, channels, channel, around, len(self.chances))
            fits = len(network.least) == len(least) and network.outputs == self.networks[0].outputs
            if not fits or (network.least > least).any() or (network.most < most).any():
                raise FileError("the parts of a model for images do not fit one another")
            mixed = network.outputs % 3 == 0 and 0 < network.outputs <= 3 * mixtures.COMPONENTS
            if not mixed or network.layers[-1].most > mixtures.MOST:
                raise FileError("a model for images has mixtures that cannot be")

    def encode(self, images: Whole, codes: Whole) -> bytes:
        """Images (n, height, width, channels) of no more bits, and codes (n, codes) from 0 to 2, to bytes."""
        writer = BitWriter()
        for some in _parts(len(images)):
            self._codes(writer, len(images[some]), codes[some])
            self._walk(writer, self._padded(images[some]), codes[some], images.shape, known=True)
        return writer.done()

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Whole:
        """The images (n, height, width, channels) of bytes that `encode` made."""
        if shape[3] != len(self.networks):
            raise FileError(f"its model is one of images with {len(self.networks)} channels, not {shape[3]}")
        reader, images = BitReader(data), np.zeros(shape, np.int64)
        for some in _parts(shape[0]):
            codes = self._codes(reader, len(images[some]), None)
            padded = self._padded(images[some])
            self._walk(reader, padded, codes, shape, known=False)
            images[some] = padded[:, self.reach :, self.reach : -self.reach]
        return images

    def _codes(self, coder: BitCoder, count: int, codes: Whole | None) -> Whole:
        """Code the codes of so many images."""
        found = np.zeros((count, len(self.chances)), np.int64)
        for number, chances in enumerate(self.chances.astype(np.int32)):
            known = None if codes is None else codes[:, number]
            above = coder.code(None if known is None else (known > 0).astype(np.int32), np.full(count, chances[0]))
            rows = np.flatnonzero(above)
            more = coder.code(
                None if known is None else (known[rows] == LEVELS - 1).astype(np.int32), np.full(len(rows), chances[1])
            )
            found[rows, number] = 1 + more
        return found

    def _padded(self, images: Whole) -> Whole:
        reach = self.reach
        return np.pad(images.astype(np.int64), ((0, 0), (reach, 0), (reach, reach), (0, 0)))

    def _walk(self, coder: BitCoder, padded: Whole, codes: Whole, shape: tuple[int, ...], known: bool) -> None:
        """Code all pixels; what is found is put where it belongs."""
        _, height, width, channels = shape
        flat = padded.reshape(len(padded), -1, channels)
        columns = padded.shape[2]
        around = np.array([dy * columns + dx for dy, dx in steps(self.reach)])
        for y, x in slanted(height, width, self.reach):
            here = (y + self.reach) * columns + x + self.reach
            near = flat[:, here - 1] + flat[:, here - columns]
            seen = [
                (2 * flat[:, here[:, None] + around] - near[:, :, None]).reshape(*near.shape[:2], -1),
                near - ((1 << self.bits) - 1),
                np.broadcast_to(np.stack([part(y, height), part(x, width)], 1), (*near.shape[:2], 2)),
            ]
            told = np.broadcast_to(codes[:, None] - 1, (*near.shape[:2], codes.shape[1]))
            for channel, network in enumerate(self.networks):
                numbers = network(np.concatenate([*seen, told], 2)[None]).reshape(-1, 3, network.outputs // 3)
                values = mixtures.code(coder, numbers, self.bits, flat[:, here, channel].reshape(-1) if known else None)
                found = values.reshape(near.shape[:2])
                flat[:, here, channel] = found
                seen.append((2 * found - near[:, :, channel])[:, :, None])

    def _pack(self) -> bytes:
        out = Writer()
        out.number(0)
        out.number(self.bits)
        out.number(len(self.networks))
        out.number(self.reach)
        out.number(len(self.chances))
        out.piece(packed(self.chances.reshape(-1).astype(np.uint64)))
        for network in self.networks:
            out.piece(network.to_bytes())
        return out.rest(b"")

    @classmethod
    def _unpack(cls, fields: Reader) -> CausalImages:
        fields.number(0)
        bits, channels = fields.number(MOST_BITS), fields.number(MOST_CHANNELS)
        reach, many = fields.number(MOST_REACH), fields.number(MOST_CODES)
        if not bits or not channels or not reach:
            raise FileError("a model for images sees nothing")
        chances = unpacked(fields.piece(), 2 * many).astype(np.int64).reshape(many, 2)
        networks = tuple(IntegerNetwork.read(Reader(fields.piece()), 1) for _ in range(channels))
        return cls(bits, reach, networks, chances)


def bounds(bits: int, channels: int, channel: int, around: int, codes: int) -> tuple[Whole, Whole]:
    """Between which what the network of a channel is told lies."""
    top = (1 << bits) - 1
    far = 2 * top
    spans = [far] * channels * around, [top] * channels, [2 * TURN] * 2, [far] * channel, [1] * codes
    most = np.concatenate(spans).astype(np.int64)
    return -most, most


def _parts(count: int) -> Iterator[slice]:
    """Images that are walked together."""
    return (slice(start, start + TOGETHER) for start in range(0, count, TOGETHER))
