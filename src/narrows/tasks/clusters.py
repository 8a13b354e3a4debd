"""The groups that samples fall into, by a model that has learned centres for them."""

from __future__ import annotations

import numpy as np

from narrows.core.errors import ChoiceError
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.model import AutoencoderModule
from narrows.penalties import Clustering
from narrows.tasks import codes


def clusters(model: AutoencoderModule, schema: Schema, samples: Samples) -> Array:
    """The group whose centre is nearest to the code of each raw sample, (n,) int64.

    Raises:
        ChoiceError: The model has no centres.
    """
    found = [penalty for penalty in model.penalties if isinstance(penalty, Clustering)]
    if not found:
        raise ChoiceError(
            "the model knows no clusters: choose the recipe 'clustering', or its penalty with another recipe"
        )
    blocks = codes.in_blocks(model, schema, samples, lambda view: found[0].assigned(model.encode(view).z).argmax(1))
    return np.concatenate([np.empty(0, np.int64), *(block.numpy() for block in blocks)])
