"""Images by a model that was learned of others: whole numbers on a coarse grid, and an integer network that draws them.

What comes back is not what went in, but the same on every machine: numbers by whole tables, pixels by exact sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.grid_coder import GridCoder
from narrows.coding.integers import IntegerNetwork
from narrows.coding.latent_network import LatentNetwork
from narrows.coding.latents import LatentTables
from narrows.coding.packed_model import PackedModel
from narrows.coding.values import Array
from narrows.core.errors import FileError

BRIGHTEST = 255
MOST_CODES = 1 << 27
"""A chunk of more numbers is refused."""
MOST_CHANNELS = 4
"""A first or last axis of at most this length are the channels of images."""

Whole = NDArray[np.int64]


def as_stack(values: Array) -> Array | None:
    """Values as images (n, height, width, channels), channels moved to the end; None where they are no stack of images.

    >>> as_stack(np.zeros((7, 3, 32, 20))).shape, as_stack(np.zeros((7, 32, 20))).shape
    ((7, 32, 20, 3), (7, 32, 20, 1))
    """
    if values.ndim == 3:
        return values[..., None]
    if values.ndim != 4 or min(values.shape[1], values.shape[3]) > MOST_CHANNELS:
        return None
    return values if values.shape[3] <= MOST_CHANNELS else np.moveaxis(values, 1, 3)


def as_given(images: Array, shape: tuple[int, ...]) -> Array:
    """Images (n, height, width, channels) in the shape of the values that they were."""
    moved = len(shape) == 4 and shape[3] > MOST_CHANNELS
    return (np.moveaxis(images, 3, 1) if moved else images).reshape(shape)


@dataclass(frozen=True)
class LearnedImages(PackedModel):
    """What is known of a kind of images: how they are drawn from codes, and how codes are distributed.

    Args:
        side: Height and width of a block, which is one place of the grid.
        channels: Of the images.
        decoder: From codes (n, rows, columns, code) to blocks, channels first, then y, then x.
        coder: How codes are coded.
    """

    side: int
    channels: int
    decoder: IntegerNetwork
    coder: GridCoder

    def __post_init__(self) -> None:
        fits = (self.decoder.least <= self.coder.least).all() and (self.decoder.most >= self.coder.most).all()
        if self.decoder.outputs != self.channels * self.side**2 or not fits:
            raise FileError("the parts of a model for images do not fit one another")
        if self.decoder.layers[-1].most != BRIGHTEST:
            raise FileError("a model for images draws pixels that there are not")

    def grid(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the codes of images (n, height, width, channels)."""
        n, height, width, channels = shape
        if channels != self.channels:
            raise FileError(f"its model is one of images with {self.channels} channels, not {channels}")
        found = n, -(-height // self.side), -(-width // self.side), len(self.coder.least)
        if prod(found) > MOST_CODES:
            raise FileError(f"images of {n} x {height} x {width} have more codes than one chunk may hold")
        return found

    def encode(self, codes: Whole) -> tuple[bytes, Whole]:
        """Codes (n, rows, columns, code), any whole numbers, to bytes, and the codes that come back."""
        return self.coder.encode(codes)

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Whole:
        """The images (n, height, width, channels) of bytes that `encode` made, from 0 to 255."""
        return self.drawn(self.coder.decode(data, self.grid(shape)), shape)

    def drawn(self, codes: Whole, shape: tuple[int, ...]) -> Whole:
        """The images of codes that lie within the bounds of the coder."""
        n, rows, columns, _ = codes.shape
        blocks = self.decoder(codes).reshape(n, rows, columns, self.channels, self.side, self.side)
        whole = blocks.transpose(0, 1, 4, 2, 5, 3).reshape(n, rows * self.side, columns * self.side, self.channels)
        return whole[:, : shape[1], : shape[2]]

    def _pack(self) -> bytes:
        out = Writer()
        out.number(self.side)
        out.number(self.channels)
        out.piece(self.coder.to_bytes())
        return out.rest(self.decoder.to_bytes())

    @classmethod
    def _unpack(cls, fields: Reader) -> LearnedImages:
        side, channels = fields.number(1 << 10), fields.number(1 << 10)
        held = fields.piece()
        coder = (LatentTables if held[:1] > b"\0" else LatentNetwork).read(Reader(held))
        return cls(side, channels, IntegerNetwork.read(Reader(fields.rest())), coder)
