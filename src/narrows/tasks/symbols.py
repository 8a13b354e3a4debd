"""The symbols of samples whose code is quantised, which can be counted, coded and drawn, and the samples of symbols."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from narrows.core.contracts import Quantizer
from narrows.core.errors import ChoiceError, InputError
from narrows.core.registry import snake_case
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.model import AutoencoderModule
from narrows.tasks import codes


def quantizer(model: AutoencoderModule) -> Quantizer:
    """The bottleneck of a model whose code is a row of symbols.

    Raises:
        ChoiceError: It is none.
    """
    if not isinstance(model.bottleneck, Quantizer):
        name = snake_case(type(model.bottleneck).__name__)
        raise ChoiceError(
            f"a code of the bottleneck {name!r} has no symbols: choose a recipe that quantises, such as 'vq' or 'fsq'"
        )
    return model.bottleneck


def indices(model: AutoencoderModule, schema: Schema, samples: Samples) -> Array:
    """The symbols of raw samples, (n, symbols) int64."""
    part = quantizer(model)
    nothing = np.empty((0, len(part.sizes)), np.int64)
    blocks = codes.in_blocks(model, schema, samples, lambda view: part.indices(model.encoder(view)))
    return np.concatenate([nothing, *(block.numpy() for block in blocks)])


def from_indices(model: AutoencoderModule, schema: Schema, found: Array) -> Any:
    """Raw samples that symbols (n, symbols) stand for.

    Raises:
        InputError: Numbers that stand for nothing.
    """
    part = quantizer(model)
    if found.ndim != 2 or found.shape[1] != len(part.sizes) or found.dtype.kind not in "iu":
        raise InputError(
            f"symbols are whole numbers of shape (n, {len(part.sizes)}), got {found.dtype} of shape {found.shape}"
        )
    if len(found) and ((found < 0).any() or (found >= np.array(part.sizes)).any()):
        raise InputError(f"symbols lie from 0 to {max(part.sizes) - 1} here, got {found.min()} to {found.max()}")
    device = next(model.parameters()).device
    with torch.inference_mode():
        z = part.values(torch.from_numpy(found.astype(np.int64)).to(device)).cpu().numpy()
    return codes.decode(model, schema, z)
