"""What a head on an encoder answers for samples, in padded blocks, so that nothing depends on how rows are batched."""

from __future__ import annotations

import numpy as np

from narrows.core.contracts import Answer
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.model import AutoencoderModule
from narrows.networks.head import Predictor
from narrows.tasks.codes import in_blocks


def predict(model: AutoencoderModule, head: Answer, schema: Schema, samples: Samples) -> Array:
    """The outputs of a head, (n, outputs) float64.

    Args:
        model: Whose encoder and bottleneck are used.
        head: What stands on them.
        schema: How raw values become tensors.
        samples: Raw samples.
    """
    predictor = Predictor(model.encoder, model.bottleneck, head).eval()
    nothing = np.empty((0, head.outputs))
    blocks = in_blocks(model, schema, samples, predictor)
    return np.concatenate([nothing, *(block.double().numpy() for block in blocks)])


def softmax(outputs: Array) -> Array:
    """Probabilities that outputs (n, classes) stand for, (n, classes).

    >>> softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    shares = np.exp(outputs - outputs.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))
