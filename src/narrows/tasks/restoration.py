"""Restoring samples of any size: tile by tile, so that memory stays bounded, and without seams.

A tile is restored together with a margin as wide as the network sees, of which nothing is kept; so each value is worked
out from the same surroundings wherever tiles end. What the code says of the whole sample is read off a few crops.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from narrows.core.errors import InputError
from narrows.core.trace import Code, View
from narrows.data.arrays import Array, in_type
from narrows.data.pictures import PATCH, colours
from narrows.data.schema import ArraySchema
from narrows.data.sources import Source
from narrows.model import AutoencoderModule

TILE = 256
"""How many pixels a tile is wide and high."""
MARGIN = 64
"""How far around a value the network sees; with `TILE` a multiple of what its levels halve."""
CROPS = 3
"""In how many places along each side the whole is looked at."""


def restore(
    model: AutoencoderModule,
    schema: ArraySchema,
    picture: Array,
    mask: Array | None = None,
    dtype: np.dtype[Any] | None = None,
    tile: int = TILE,
) -> Array:
    """One picture, restored, in its own type; its alpha stays, and what was learned of grey holds for each colour.

    Args:
        model: A network that takes samples of any size.
        schema: How raw values become tensors.
        picture: (height, width[, channels]), channels last.
        mask: Where it is not known, (height, width) bool.
        dtype: What type its values stand for; None for its own.
        tile: How many pixels are worked out at once along each side.
    """
    kind = picture.dtype if dtype is None else dtype
    seen, channels = np.atleast_3d(colours(picture)), schema.spec.shape[0]
    restored: Array = np.empty((*seen.shape[:2], np.atleast_3d(picture).shape[2]), kind)
    for first in range(0, seen.shape[2], channels):
        planes = slice(first, first + channels)
        _restore_planes(model, schema, seen[..., planes], mask, restored[..., planes], tile)
    if seen.shape[2] < restored.shape[2]:
        restored[..., -1] = in_type(picture[..., -1], kind)
    return restored.reshape(picture.shape)


def check_channels(schema: ArraySchema, picture: Array) -> None:
    """Refuse a picture of which a model knows not enough.

    Raises:
        InputError: Grey where the model knows colours, or other colours.
    """
    known, given = schema.spec.shape[0], np.atleast_3d(colours(picture)).shape[2]
    if known not in (1, given):
        raise InputError(f"the model was fitted on pictures of {known} channels, got one of {given}")


def _restore_planes(
    model: AutoencoderModule, schema: ArraySchema, planes: Array, mask: Array | None, into: Array, tile: int
) -> None:
    """Restore channels that belong together, tile by tile."""
    gain = _gain(schema.dtype, into.dtype)
    z = _whole(model, schema, planes, mask, gain)
    for rows, columns, inside in _tiles(planes.shape[:2], tile):
        view = _view(schema, planes[rows.outer, columns.outer], _cut(mask, rows.outer, columns.outer), gain)
        with torch.inference_mode():
            features = model.encoder(view)
            found = model.decode(Code(z, z.new_zeros(1), z.new_zeros(1), features.side)).median()
        values = found[0].double().numpy() * schema.scale.item() + schema.shift.item()
        into[rows.inner, columns.inner] = in_type(np.moveaxis(values, 0, 2)[inside] / gain, into.dtype)


class _Span:
    """A stretch that is kept, with its margin."""

    def __init__(self, first: int, tile: int, size: int) -> None:
        last = min(first + tile, size)
        self.inner = slice(first, last)
        self.outer = slice(max(0, first - MARGIN), min(size, last + MARGIN))
        self.inside = slice(first - self.outer.start, last - self.outer.start)


def _tiles(shape: tuple[int, ...], tile: int) -> Iterator[tuple[_Span, _Span, tuple[slice, slice]]]:
    height, width = shape
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            rows, columns = _Span(top, tile, height), _Span(left, tile, width)
            yield rows, columns, (rows.inside, columns.inside)


def _cut(mask: Array | None, rows: slice, columns: slice) -> Array | None:
    return None if mask is None else mask[rows, columns]


def _view(schema: ArraySchema, planes: Array, mask: Array | None, gain: float) -> View:
    """Channels of a picture, or of a part of one, as a batch of one."""
    scaled = (np.moveaxis(planes, 2, 0)[None] * gain - schema.shift.item()) / schema.scale.item()
    x = torch.from_numpy(np.ascontiguousarray(scaled, dtype=np.float32))
    if mask is None:
        return View(x)
    known = torch.from_numpy(~mask)[None, None].expand_as(x)
    return View(torch.where(known, x, 0), known, known, known)


@torch.inference_mode()
def _whole(model: AutoencoderModule, schema: ArraySchema, picture: Array, mask: Array | None, gain: float) -> Tensor:
    """The code of a picture, the mean over crops that do not depend on tiles, (1, latent_dim)."""
    height, width = picture.shape[:2]
    codes = []
    for top in np.linspace(0, max(0, height - PATCH), CROPS, dtype=int):
        for left in np.linspace(0, max(0, width - PATCH), CROPS, dtype=int):
            rows, columns = slice(top, top + PATCH), slice(left, left + PATCH)
            codes.append(model.encode(_view(schema, picture[rows, columns], _cut(mask, rows, columns), gain)).z)
    return torch.cat(codes).mean(0, keepdim=True)


def _gain(fitted: np.dtype[Any], given: np.dtype[Any]) -> float:
    """What brings values of one depth to those of another: 8 and 16 bits stand for the same range."""
    if fitted.kind == "u" and given.kind == "u":
        return float(np.iinfo(fitted).max) / float(np.iinfo(given).max)
    return 1.0


def helps(model: AutoencoderModule, held_out: Source, rng: Generator) -> bool:
    """Whether restored samples are nearer to the clean ones than corrupted samples are, on held-out rows."""
    ours = theirs = 0.0
    with torch.inference_mode():
        for view in held_out.batches(64):
            trace = model(view, rng)
            counts = 1.0 if trace.view.scored is None else trace.view.scored
            ours += float(((trace.prediction.mean() - view.x).double().square() * counts).sum())
            theirs += float(((trace.view.x - view.x).double().square() * counts).sum())
    return ours < theirs


def enlarged(picture: Array, factor: int) -> Array:
    """A picture with `factor` times as many pixels along each side, by bicubic interpolation, float64."""
    planes = torch.from_numpy(np.atleast_3d(picture).astype(np.float64)).movedim(2, 0)[None]
    large = torch.nn.functional.interpolate(planes, scale_factor=factor, mode="bicubic", align_corners=False)
    return large[0].movedim(0, 2).numpy().reshape(*large.shape[2:], *picture.shape[2:])
