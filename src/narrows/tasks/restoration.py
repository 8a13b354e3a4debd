"""Restoring samples of any size: tile by tile, so that memory stays bounded, and without seams.

A tile is restored together with a margin as wide as the network sees, of which nothing is kept; so each value is worked
out from the same surroundings wherever tiles end. What the code says of the whole sample is read off a few crops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from narrows.core.trace import Code, View
from narrows.data.arrays import Array, in_type
from narrows.data.clips import FRAMES
from narrows.data.pictures import PATCH
from narrows.data.schema import ArraySchema
from narrows.data.sources import Source
from narrows.model import AutoencoderModule
from narrows.tasks.motion import between


@dataclass(frozen=True)
class Reach:
    """How an axis is cut.

    Args:
        tile: How far a tile goes.
        margin: How far around a value the network sees, about; as the tile a multiple of what its levels halve.
        crop: How far a crop goes, by which the whole is looked at.
    """

    tile: int
    margin: int
    crop: int


PICTURE: tuple[Reach, ...] = (Reach(512, 64, PATCH),) * 2
"""How the height and width of pictures are cut."""
CLIP: tuple[Reach, ...] = (Reach(16, 16, FRAMES), *(Reach(128, 32, PATCH),) * 2)
"""How clips are cut, along time, height and width."""
OF_ONE = 8.0
"""Below what size floats are taken to have white at 1, where others have it at that of whole numbers."""
JUDGED = 4
"""Every which frame of held-out clips is hidden to judge how it is filled."""
CROPS = 3
"""In how many places along each axis the whole is looked at."""


def restore(
    model: AutoencoderModule,
    schema: ArraySchema,
    picture: Array,
    mask: Array | None = None,
    dtype: np.dtype[Any] | None = None,
    told: float | Array | None = None,
    tile: int | None = None,
) -> Array:
    """One picture or clip, restored, in its own type; its alpha stays.

    What was learned of grey holds for each colour; to a model of colours, grey is three equal ones.

    Args:
        model: A network that takes samples of any size.
        schema: How raw values become tensors.
        picture: (height, width[, channels]) or (time, height, width[, channels]).
        mask: Where it is not known, bool, without channels.
        dtype: What type its values stand for; None for its own.
        told: What the code, one number, says of the whole, in units of the picture, or of each pixel; None to read it
            off the picture.
        tile: How many values are worked out at once along each axis; None for as many as memory should bear.
    """
    kind = picture.dtype if dtype is None else dtype
    channels, *grid = schema.spec.shape
    whole = picture if picture.ndim > len(grid) else picture[..., None]
    seen = whole[..., :-1] if whole.shape[-1] in (2, 4) else whole
    grey = seen.shape[-1] < channels
    shown = np.broadcast_to(seen, (*seen.shape[:-1], channels)) if grey else seen
    reaches = CLIP if len(grid) == 3 else PICTURE
    if tile is not None:
        reaches = tuple(replace(reach, tile=tile) for reach in reaches)
    restored: Array = np.empty(seen.shape, kind)
    scaling = _Scaling.of(schema, _gain(schema.dtype, kind, seen))
    for first in range(0, shown.shape[-1], channels):
        planes = slice(first, first + channels)
        _restore_planes(model, scaling, shown[..., planes], mask, restored[..., planes], told, reaches)
    if seen.shape[-1] < whole.shape[-1]:
        restored = np.concatenate([restored, in_type(whole[..., -1:], kind)], -1)
    return restored.reshape(picture.shape)


@dataclass(frozen=True)
class _Scaling:
    """Raw values to tensors and back: tensor = (raw - shift) / scale."""

    shift: float
    scale: float

    @classmethod
    def of(cls, schema: ArraySchema, gain: float) -> _Scaling:
        """That of a schema, for values of which `gain` makes such as it was learned from."""
        return cls(schema.shift.item() / gain, schema.scale.item() / gain)

    def view(self, planes: Array, mask: Array | None) -> View:
        """Channels of a picture, or of a part of one, as a batch of one."""
        scaled = (np.moveaxis(planes, -1, 0)[None] - self.shift) / self.scale
        x = torch.from_numpy(np.ascontiguousarray(scaled, dtype=np.float32))
        if mask is None:
            return View(x)
        known = torch.from_numpy(~mask)[None, None].expand_as(x)
        return View(torch.where(known, x, 0), known, known, known)

    def raw(self, x: Tensor) -> Array:
        """A batch of one as channels of a picture, channels last."""
        return np.moveaxis(x[0].double().numpy() * self.scale + self.shift, 0, -1)


@torch.inference_mode()
def _restore_planes(
    model: AutoencoderModule,
    scaling: _Scaling,
    planes: Array,
    mask: Array | None,
    into: Array,
    told: float | Array | None,
    reaches: tuple[Reach, ...],
) -> None:
    """Restore channels that belong together, tile by tile."""
    by_pixel = isinstance(told, np.ndarray)
    if told is None:
        whole = _whole(model, scaling, planes, mask, reaches)
    else:
        whole = torch.as_tensor(told / scaling.scale, dtype=torch.float32)[None, ..., None]
    for inner, outer, inside in _tiles(planes.shape[:-1], reaches):
        view = scaling.view(planes[outer], None if mask is None else mask[outer])
        features = model.encoder(view)
        z = whole[:, *outer] if by_pixel else whole
        found = model.decode(Code(z, z.new_zeros(1), z.new_zeros(1), features.side)).median()
        values = scaling.raw(found)[inside]
        if into.shape[-1] < values.shape[-1]:  # grey, shown as equal colours
            values = values.mean(-1, keepdims=True)
        into[inner] = in_type(values, into.dtype)


def _spans(size: int, reach: Reach) -> Iterator[tuple[slice, slice, slice]]:
    """Stretches that are kept, each with its margin, and where in that it lies."""
    for first in range(0, size, reach.tile):
        last = min(first + reach.tile, size)
        start = max(0, first - reach.margin)
        yield slice(first, last), slice(start, min(size, last + reach.margin)), slice(first - start, last - start)


def _tiles(shape: tuple[int, ...], reaches: tuple[Reach, ...]) -> Iterator[Sequence[tuple[slice, ...]]]:
    """Tiles without and with their margins, and where in the latter the former lie."""
    axes = [_spans(size, reach) for size, reach in zip(shape, reaches, strict=True)]
    return (tuple(zip(*spans, strict=True)) for spans in product(*axes))


def _whole(
    model: AutoencoderModule, scaling: _Scaling, planes: Array, mask: Array | None, reaches: tuple[Reach, ...]
) -> Tensor:
    """The code of a picture or clip, the mean over crops that do not depend on tiles, (1, latent_dim)."""
    starts = [
        np.linspace(0, max(0, size - reach.crop), CROPS, dtype=int)
        for size, reach in zip(planes.shape[:-1], reaches, strict=True)
    ]
    codes = []
    for place in product(*starts):
        crop = tuple(slice(first, first + reach.crop) for first, reach in zip(place, reaches, strict=True))
        codes.append(model.encode(scaling.view(planes[crop], None if mask is None else mask[crop])).z)
    return torch.cat(codes).mean(0, keepdim=True)


def _gain(fitted: np.dtype[Any], given: np.dtype[Any], picture: Array) -> float:
    """What brings values of one type to those of another: 8 and 16 bits stand for the same range.

    Floats that are small stand for a range of 0 to 1, with noise, where whole numbers were learned from.
    """
    if fitted.kind != "u" or given.kind not in "uf":
        return 1.0
    if given.kind == "u":
        return float(np.iinfo(fitted).max) / float(np.iinfo(given).max)
    small = max(picture.max(), -picture.min()) < OF_ONE
    return float(np.iinfo(fitted).max) if small else 1.0


def helps(model: AutoencoderModule, held_out: Source, rng: Generator) -> bool:
    """Whether restored samples are nearer to the clean ones than corrupted samples are, on held-out rows."""
    ours = theirs = 0.0
    with torch.inference_mode():
        for view in held_out.batches(64):
            trace = model(view, rng)
            counts = 1.0 if trace.view.scored is None else trace.view.scored
            ours += float(((trace.prediction.mean() - trace.x).double().square() * counts).sum())
            theirs += float(((trace.view.x - trace.x).double().square() * counts).sum())
    return ours < theirs


@torch.inference_mode()
def share_of_model(model: AutoencoderModule, held_out: Source) -> float:
    """How much a model counts in a frame that is missing, beside one drawn along the motion, by held-out clips.

    The share of least squared error, of frames whose neighbours are there, within 0 and 1; 1 where nothing tells.
    """
    across = along = 0.0
    for view in held_out.batches(16):
        there = torch.ones_like(view.x, dtype=torch.bool) if view.present is None else view.present
        whole = there.flatten(3).all(3).all(1)
        for place in range(1, view.x.shape[2] - 1, JUDGED):
            clips = whole[:, place - 1 : place + 2].all(1)
            if not clips.any():
                continue
            x, visible = view.x[clips], there[clips].clone()
            visible[:, :, place] = False
            found = model(View(x * visible, visible, visible, visible)).prediction.median()[:, :, place]
            drawn = between(x[:, :, place - 1], x[:, :, place + 1], 0.5)
            across += float(((found - drawn) * (x[:, :, place] - drawn)).double().sum())
            along += float((found - drawn).double().square().sum())
    return min(1.0, max(0.0, across / along)) if along else 1.0


def enlarged(picture: Array, factor: int) -> Array:
    """A picture with `factor` times as many pixels along each side, by bicubic interpolation, float64."""
    planes = torch.from_numpy(np.atleast_3d(picture).astype(np.float64)).movedim(2, 0)[None]
    large = torch.nn.functional.interpolate(planes, scale_factor=factor, mode="bicubic", align_corners=False)
    return large[0].movedim(0, 2).numpy().reshape(*large.shape[2:], *picture.shape[2:])
