"""Codes of samples, samples of codes, and how well each sample is explained.

Everything runs in padded blocks of one size, so that no result depends on how rows are batched, and nothing is drawn:
the code is the mean code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from narrows.core.errors import InputError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Trace, View
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.model import AutoencoderModule
from narrows.objectives.terms import log_density


def block_rows(spec: SampleSpec) -> int:
    """How many rows run at once: a power of two within 32 and 1,024, fewer for larger samples.

    >>> [block_rows(SampleSpec("vector", (d,))) for d in (30, 784, 100_000)]
    [1024, 256, 32]
    """
    fitting = max(1, (1 << 18) // spec.size)
    return max(32, min(1024, 1 << (fitting.bit_length() - 1)))


def in_blocks(
    model: AutoencoderModule, schema: Schema, samples: Samples, run: Callable[[View], Tensor]
) -> Iterator[Tensor]:
    """What `run` finds in each block of samples, computed in blocks of one size, of the rows that there are."""
    size = block_rows(schema.spec)
    for view in samples.source(schema, device=_device(model)).batches(size):
        with torch.inference_mode():  # not around the whole: between two blocks the caller's code runs
            found = run(view.padded(size))[: len(view)].cpu()
        yield found


def encode(model: AutoencoderModule, schema: Schema, samples: Samples) -> Array:
    """Mean codes of raw samples, (n, latent_dim) float32."""
    nothing = np.empty((0, model.bottleneck.latent_dim), np.float32)
    return np.concatenate([nothing, *encoded(model, schema, samples)])


def encoded(model: AutoencoderModule, schema: Schema, samples: Samples) -> Iterator[Array]:
    """Mean codes of raw samples, a block at a time."""
    return (block.numpy() for block in in_blocks(model, schema, samples, lambda view: model.encode(view).z))


@torch.inference_mode()
def decode(model: AutoencoderModule, schema: Schema, codes: Array, context: Tensor | None = None) -> Any:
    """Raw samples that codes (n, latent_dim) stand for: the median of their likelihood.

    Args:
        model: A trained model.
        schema: How raw values become tensors.
        codes: (n, latent_dim).
        context: What is known of each sample, (n, c), for models that are told.
    """
    if codes.ndim != 2 or codes.shape[1] != model.bottleneck.latent_dim:
        raise InputError(f"codes have the shape (n, {model.bottleneck.latent_dim}), got {codes.shape}")
    if not np.isfinite(codes).all():
        raise InputError("codes hold NaN or inf, and no sample stands for those")
    z = torch.from_numpy(np.ascontiguousarray(codes, dtype=np.float32)).to(_device(model))
    size = block_rows(schema.spec)
    nothing = z.new_zeros(size)
    found = []
    for first in range(0, len(z), size):
        block, known = z[first : first + size], None
        padded = torch.cat([block, block[:1].expand(size - len(block), -1)])
        if context is not None:
            known = torch.zeros(size, context.shape[1], device=z.device)
            known[: len(block)] = context[first : first + size]
        found.append(schema.raw(model.decode(Code(padded, nothing, nothing), known).median()[: len(block)]))
    return schema.join(found)


def reconstruct(model: AutoencoderModule, schema: Schema, samples: Samples) -> Any:
    """Raw samples, encoded and decoded again, in the container that they came in; gaps are filled."""
    return samples.collect(schema, reconstructed(model, schema, samples))


def reconstructed(model: AutoencoderModule, schema: Schema, samples: Samples) -> Iterator[Any]:
    """Raw samples, encoded and decoded again, a block at a time, in the form that they came in."""
    blocks = in_blocks(model, schema, samples, lambda view: model(view).prediction.median())
    return (schema.raw(block, samples.form) for block in blocks)


def score_samples(model: AutoencoderModule, schema: Schema, samples: Samples) -> Array:
    """Minus distortion and rate of each sample in nats, float64, as a density of the raw values, see `Samples.tally`.

    With a Gaussian code the distortion is taken at the mean code, so that the score is the same each time. Values that
    are missing count for nothing.
    """
    volumes = (schema.log_volumes * model.likelihood.density).to(_device(model))

    def run(view: View) -> Tensor:
        trace: Trace = model(view)
        volume = volumes if view.present is None else volumes * view.present
        rate = model.objective.rate(trace, model)
        return samples.tally(log_density(trace).double() - volume, rate.double())

    nothing = torch.empty(0, dtype=torch.float64)
    return torch.cat([nothing, *in_blocks(model, schema, samples, run)]).numpy()


def _device(model: AutoencoderModule) -> torch.device:
    return next(model.parameters()).device
