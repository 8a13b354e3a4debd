"""Generation: codes drawn from a density, and the samples that they stand for.

Nothing here draws but by a generator that is handed over; decoding runs in padded blocks of one size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Generator, Tensor

from narrows.core.errors import ChoiceError, InputError, unknown
from narrows.core.trace import Code
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.model import AutoencoderModule
from narrows.tasks.codes import block_rows
from narrows.tasks.symbols import quantizer

CODES = 20_000
"""How many codes a density is learned from, at most."""
SYMBOLS = 100_000
"""How many rows of symbols."""
Path = Literal["linear", "spherical"]


def draw_codes(
    model: AutoencoderModule, n: int, temperature: float, rng: Generator, context: Tensor | None = None
) -> Tensor:
    """Codes that the model itself would draw, (n, latent_dim), drawn in towards zero by the temperature.

    Args:
        model: A trained model.
        n: How many.
        temperature: What they are multiplied by.
        rng: What they are drawn by.
        context: What is known of the samples to be, (n, c); None for nothing.

    Raises:
        ChoiceError: The codes have no prior.
    """
    return temperature * model.objective.codes(model, n, rng, context)


@torch.inference_mode()
def training_codes(model: AutoencoderModule, schema: Schema, samples: Samples, rng: Generator) -> Tensor:
    """Codes of at most 20,000 of the samples, drawn where the code is random, (n, latent_dim)."""
    device = next(model.parameters()).device
    size = block_rows(schema.spec)
    source = samples.source(schema, device=device).some(CODES, rng)
    noise = Generator(device).manual_seed(int(torch.randint(2**31, (1,), generator=rng)))
    return torch.cat([model.encode(view.padded(size), noise).z[: len(view)].cpu() for view in source.batches(size)])


@torch.inference_mode()
def training_symbols(
    model: AutoencoderModule, schema: Schema, samples: Samples, rng: Generator
) -> tuple[Tensor, Tensor | None]:
    """The symbols of at most 100,000 of the samples, (n, symbols), and what is known of each, (n, c), or None."""
    part = quantizer(model)
    size = block_rows(schema.spec)
    source = samples.source(schema, device=next(model.parameters()).device).some(SYMBOLS, rng)
    found, known = [], []
    for view in source.batches(size):
        found.append(part.indices(model.encoder(view.padded(size)))[: len(view)].cpu())
        known.append(view.context)
    told = [rows.cpu() for rows in known if rows is not None]
    return torch.cat(found), torch.cat(told) if told else None


def decoded(
    model: AutoencoderModule,
    schema: Schema,
    codes: Tensor,
    context: Tensor | None,
    read: Callable[[Code, Tensor | None], Tensor],
) -> Any:
    """Raw samples that codes (n, latent_dim) stand for.

    Args:
        model: A trained model.
        schema: How raw values become tensors.
        codes: (n, latent_dim), at least one.
        context: What is known of each sample, (n, c), for models that are told.
        read: What is made of codes, and of what is known of the samples: a median, or a draw.
    """
    device = next(model.parameters()).device
    size = block_rows(schema.spec)
    found = []
    with torch.inference_mode():
        for first in range(0, len(codes), size):
            z, known = codes[first : first + size], None
            if context is not None:
                rows = context[first : first + size]
                known = _padded(rows, size).to(device)
            padded = _padded(z.float(), size).to(device)
            nothing = padded.new_zeros(size)
            found.append(schema.raw(read(Code(padded, nothing, nothing), known)[: len(z)]))
    return schema.join(found)


def _padded(rows: Tensor, size: int) -> Tensor:
    return torch.cat([rows, rows[:1].expand(size - len(rows), -1)])


def between(a: Array, b: Array, steps: int, path: str) -> Array:
    """Codes on the way from each of a to its fellow in b, both (n, d), ends included, (n * steps, d).

    On a sphere the angle is shared out evenly and the length changes evenly, so that the way between two draws of a
    normal prior passes where other draws lie (White 2016, https://arxiv.org/abs/1609.04468).

    Args:
        a: Where to begin.
        b: Where to end.
        steps: How many codes, at least 2.
        path: `"linear"` or `"spherical"`.

    Raises:
        ChoiceError: An unknown path, or fewer than 2 steps.
        InputError: Ends that do not go together.

    >>> between(np.array([[0.0, 0.0]]), np.array([[1.0, 2.0]]), 3, "linear").tolist()
    [[0.0, 0.0], [0.5, 1.0], [1.0, 2.0]]
    """
    if path not in get_args(Path):
        raise unknown("path", path, get_args(Path))
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 2:
        raise ChoiceError(f"steps is a whole number of at least 2, both ends included, got {steps!r}")
    if a.shape != b.shape:
        raise InputError(f"interpolation runs between as many samples as samples, got {len(a)} and {len(b)}")
    t = np.linspace(0, 1, steps)[:, None]
    if path == "linear":
        found = [(1 - t) * p + t * q for p, q in zip(a, b, strict=True)]
    else:
        found = [_arc(p, q, t) for p, q in zip(a, b, strict=True)]
    return np.concatenate(found)


def _arc(p: Array, q: Array, t: Array) -> Array:
    """From p to q around the origin; straight where they lie in one direction, or one has none."""
    lengths = np.linalg.norm(p), np.linalg.norm(q)
    if min(lengths) == 0:
        return (1 - t) * p + t * q
    u, v = p / lengths[0], q / lengths[1]
    angle = np.arccos(np.clip(u @ v, -1, 1))
    if np.sin(angle) < 1e-6:
        return (1 - t) * p + t * q
    turned = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    return ((1 - t) * lengths[0] + t * lengths[1]) * turned


def traversal(codes: Array, dimension: int, values: Array) -> Array:
    """Each code (n, d) with one entry set to each of the values in turn, (n * len(values), d).

    Raises:
        ChoiceError: There is no such entry.

    >>> traversal(np.zeros((1, 2)), 1, np.array([5.0, 6.0])).tolist()
    [[0.0, 5.0], [0.0, 6.0]]
    """
    d = codes.shape[1]
    if isinstance(dimension, bool) or not isinstance(dimension, int | np.integer) or not -d <= dimension < d:
        raise ChoiceError(f"dimension is a whole number from 0 to {d - 1}, the entries of the code, got {dimension!r}")
    edited = np.repeat(codes, len(values), axis=0)
    edited[:, dimension] = np.tile(values, len(codes))
    return edited
