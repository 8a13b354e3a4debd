"""Codes of samples, samples of codes, and how well each sample is explained.

Everything runs in padded blocks of one size, so that no result depends on how rows are batched, and nothing is drawn:
the code is the mean code.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from narrows.core.errors import InputError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Trace, View
from narrows.data.arrays import Array
from narrows.data.schema import ArraySchema
from narrows.data.sources import ArraySource
from narrows.model import AutoencoderModule
from narrows.objectives import distortion


def block_rows(spec: SampleSpec) -> int:
    """How many rows run at once: a power of two within 32 and 1,024, fewer for larger samples.

    >>> [block_rows(SampleSpec("vector", (d,))) for d in (30, 784, 100_000)]
    [1024, 256, 32]
    """
    fitting = max(1, (1 << 18) // spec.size)
    return max(32, min(1024, 1 << (fitting.bit_length() - 1)))


def _in_blocks(n: int, size: int, take: Callable[[Tensor], Tensor], run: Callable[[Tensor], Array]) -> Array:
    """Results of `run` over all rows, each block padded to the same size with copies of its first row."""
    found = []
    for first in range(0, n, size):
        rows = torch.arange(first, min(first + size, n))
        padded = torch.cat([rows, rows[:1].expand(size - len(rows))])
        found.append(run(take(padded))[: len(rows)])
    return np.concatenate(found).astype(found[0].dtype, copy=False)  # keeps a foreign byte order


@torch.inference_mode()
def encode(model: AutoencoderModule, schema: ArraySchema, array: Array) -> Array:
    """Mean codes of raw samples, (n, latent_dim) float32."""
    source = ArraySource(array, schema, device=_device(model))
    return _in_blocks(len(array), block_rows(schema.spec), source.take, lambda x: model.encode(View(x)).z.cpu().numpy())


@torch.inference_mode()
def decode(model: AutoencoderModule, schema: ArraySchema, codes: Array) -> Array:
    """Raw samples that codes (n, latent_dim) stand for: the median of their likelihood."""
    if codes.ndim != 2 or codes.shape[1] != model.bottleneck.latent_dim:
        raise InputError(f"codes have the shape (n, {model.bottleneck.latent_dim}), got {codes.shape}")
    if not np.isfinite(codes).all():
        raise InputError("codes hold NaN or inf, and no sample stands for those")
    z = torch.from_numpy(np.ascontiguousarray(codes, dtype=np.float32)).to(_device(model))
    nothing = z.new_zeros(block_rows(schema.spec))

    def run(block: Tensor) -> Array:
        return schema.raw(model.decode(Code(block, nothing, nothing)).median())

    return _in_blocks(len(codes), block_rows(schema.spec), lambda rows: z[rows], run)


@torch.inference_mode()
def reconstruct(model: AutoencoderModule, schema: ArraySchema, array: Array) -> Array:
    """Raw samples, encoded and decoded again, in the type of the array."""
    source = ArraySource(array, schema, device=_device(model))

    def run(x: Tensor) -> Array:
        return schema.raw(model(View(x)).prediction.median(), array.dtype)

    return _in_blocks(len(array), block_rows(schema.spec), source.take, run)


@torch.inference_mode()
def score_samples(model: AutoencoderModule, schema: ArraySchema, array: Array) -> Array:
    """Minus distortion and rate of each sample in nats, (n,) float64, as a density of the raw values.

    With a Gaussian code the distortion is taken at the mean code, so that the score is the same each time.
    """
    source = ArraySource(array, schema, device=_device(model))

    def run(x: Tensor) -> Array:
        trace: Trace = model(View(x))
        return -(distortion(trace) + trace.code.rate).double().cpu().numpy()

    return _in_blocks(len(array), block_rows(schema.spec), source.take, run) - schema.log_volume


def _device(model: AutoencoderModule) -> torch.device:
    return next(model.parameters()).device
