r"""Clips along their motion: noise differs from frame to frame, and what moves is the same, also between two frames.

    f_t = sum_s w_s y_s(p + m_s) / sum_s w_s,    w_s = exp(-d_s / (k sigma)^2),    x_t = D(f_t; sigma_t)

Frames are denoised one by one for a guide, by which each patch of a frame is looked for in those before and after. What
is found there is averaged with it, the less alike the less, and denoised again, told pixel by pixel what noise is left.

Source: Dabov, Foi and Egiazarian (2007), "Video denoising by sparse 3D transform-domain collaborative filtering",
EUSIPCO, for patches that are looked for in other frames; Buades, Coll and Morel (2005) for the weights.

A frame that is missing is drawn half-way along the motion from the one before to the one after, each patch by that
motion of which both ends are most alike.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from narrows.data.arrays import Array

REACH = 3
"""How many frames before and after are looked at."""
SEARCH = 4
"""How many pixels far a patch is looked for along each side."""
PATCH = 6
"""How many pixels a patch goes around its middle."""
STILL = 0.03
"""What a pixel of motion costs, in variances of the noise or, where there is none, of the frames."""
ALIKE = 0.7
"""How unlike patches are averaged, in standard deviations of the noise."""
PIXELS = 1 << 22
"""How many pixels are looked at together, about."""

Denoise = Callable[[Array, float | list[Array]], Array]
"""What denoises frames, told of each how strong the noise is, of the whole or of each pixel."""


def denoised_along_motion(clip: Array, sigma: float, denoise: Denoise) -> Array:
    """A clip without its noise.

    Args:
        clip: (time, height, width, channels).
        sigma: The standard deviation of its noise.
        denoise: What denoises frames.
    """
    guide = denoise(clip, sigma)
    if sigma == 0 or len(clip) == 1:
        return guide
    means, left = np.empty(clip.shape, np.float32), np.empty(clip.shape[:3], np.float32)
    step = max(1, PIXELS // clip[0].size)
    for first in range(0, len(clip), step):
        last = min(first + step, len(clip))
        near = slice(max(0, first - REACH), last + REACH)
        y, d = (torch.from_numpy(np.moveaxis(x[near].astype(np.float32), 3, 1)) for x in (clip, guide))
        inner = slice(first - near.start, last - near.start)
        mean, share = averaged(y, d, inner, sigma)
        means[first:last], left[first:last] = np.moveaxis(mean.numpy(), 1, 3), share.numpy()
    if clip.shape[-1] in (2, 4):
        means[..., -1] = clip[..., -1]  # alpha stays
    return denoise(means, [sigma * share for share in left])


@torch.inference_mode()
def averaged(y: Tensor, d: Tensor, inner: slice, sigma: float) -> tuple[Tensor, Tensor]:
    """Frames averaged with those around them along their motion, and the share of the noise that each pixel keeps.

    Args:
        y: Noisy frames, (time, channels, height, width).
        d: The guide.
        inner: Which frames are wanted.
        sigma: The standard deviation of the noise.

    Returns:
        (frames, channels, height, width) and (frames, height, width).
    """
    places = torch.arange(len(y))[inner]
    total, weight = y[inner].clone(), torch.ones_like(y[inner, :1])
    squares = weight.clone()
    for away in (*range(-REACH, 0), *range(1, REACH + 1)):
        there = (places + away >= 0) & (places + away < len(y))
        here, other = places[there], places[there] + away
        unlike, found = _found(d[here], d[other], y[other], STILL * sigma**2)
        w = torch.exp(-unlike / (ALIKE * sigma) ** 2)
        total[there] += w * found
        weight[there] += w
        squares[there] += w.square()
    return total / weight, (squares.sqrt() / weight)[:, 0]


def _found(d: Tensor, others: Tensor, y: Tensor, still: float) -> tuple[Tensor, Tensor]:
    """How unlike the patches of other frames are that are most like those of d, (n, 1, h, w), and y in their middle."""
    height, width = d.shape[2:]
    wide, values = (F.pad(x, (SEARCH,) * 4, mode="replicate") for x in (others, y))
    least = torch.full_like(d[:, :1], torch.inf)
    unlike, found = torch.zeros_like(least), torch.zeros_like(y)
    for down in range(2 * SEARCH + 1):
        for right in range(2 * SEARCH + 1):
            part = (..., slice(down, down + height), slice(right, right + width))
            apart = _box((d - wide[part]).square().mean(1, keepdim=True))
            cost = apart + still * float(np.hypot(down - SEARCH, right - SEARCH))
            better = cost < least
            least, unlike = torch.where(better, cost, least), torch.where(better, apart, unlike)
            found = torch.where(better, values[part], found)
    return unlike, found


def _box(x: Tensor) -> Tensor:
    """Means over the patch around each pixel, as far as it lies within the picture."""
    for axis in (2, 3):
        kernel = [1, 1]
        kernel[axis - 2] = 2 * PATCH + 1
        pad = [0, 0]
        pad[axis - 2] = PATCH
        x = F.avg_pool2d(x, kernel, 1, pad, count_include_pad=False)
    return x


def drawn_between(clip: Array, gone: Array) -> Array:
    """A clip with its missing frames drawn along the motion from those before to those after, float32.

    Args:
        clip: (time, height, width, channels).
        gone: Which frames are missing, (time,), not all.
    """
    found = clip.astype(np.float32)
    known = np.flatnonzero(~gone)
    for place in np.flatnonzero(gone):
        after = int(np.searchsorted(known, place))
        ends = int(known[max(after - 1, 0)]), int(known[min(after, len(known) - 1)])
        share = (place - ends[0]) / (ends[1] - ends[0]) if ends[0] < ends[1] else 0.0
        one, other = (torch.from_numpy(np.moveaxis(found[end], 2, 0)[None]) for end in ends)
        found[place] = np.moveaxis(between(one, other, share)[0].numpy(), 0, 2)
    return found


@torch.inference_mode()
def between(before: Tensor, after: Tensor, share: float) -> Tensor:
    """Frames at a share of the way from one to another, (n, channels, height, width)."""
    height, width = before.shape[2:]
    one, other = (F.pad(x, (SEARCH,) * 4, mode="replicate") for x in (before, after))
    still = STILL * float(before.var())
    least = torch.full_like(before[:, :1], torch.inf)
    found = torch.zeros_like(before)

    def moved(x: Tensor, down: int, right: int) -> Tensor:
        return x[..., SEARCH + down : SEARCH + down + height, SEARCH + right : SEARCH + right + width]

    for down, right in product(range(-2 * SEARCH, 2 * SEARCH + 1, 2), repeat=2):
        back = round(share * down), round(share * right)
        ahead = down - back[0], right - back[1]
        if max(map(abs, (*back, *ahead))) > SEARCH:
            continue
        begin, end = moved(one, -back[0], -back[1]), moved(other, *ahead)
        cost = _box((begin - end).square().mean(1, keepdim=True)) + still * float(np.hypot(down, right))
        better = cost < least
        least, found = torch.where(better, cost, least), torch.where(better, (1 - share) * begin + share * end, found)
    return found
