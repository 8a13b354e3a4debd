r"""Clips denoised along their motion: noise differs from frame to frame, and what moves is the same.

    f_t = sum_s w_s y_s(p + m_s) / sum_s w_s,    w_s = exp(-d_s / (k sigma)^2),    x_t = D(f_t; sigma_t)

Frames are denoised one by one for a guide, by which each patch of a frame is looked for in those before and after. What
is found there is averaged with it, the less alike the less, and denoised again, told pixel by pixel what noise is left.

Source: Dabov, Foi and Egiazarian (2007), "Video denoising by sparse 3D transform-domain collaborative filtering",
EUSIPCO, for patches that are looked for in other frames; Buades, Coll and Morel (2005) for the weights.
"""

from __future__ import annotations

from collections.abc import Callable

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
"""What a pixel of motion costs, in variances of the noise, so that noise is not followed."""
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
