"""How probable samples are under a model with a prior, and what the bound on that is made of.

    log p(x) ~ log 1/K sum_k p(x | z_k) p(z_k) / q(z_k | x),    z_k ~ q(z | x)

Importance sampling gives a number that is too low on average, and less so the more codes are drawn.
"""

from __future__ import annotations

from math import log

import numpy as np
import torch
from torch import Tensor

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Features, View
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.model import AutoencoderModule
from narrows.objectives.terms import weigh
from narrows.tasks.codes import block_rows
from narrows.training.seeds import generator

AT_ONCE = 1 << 22
"""How many values are decoded at once, at most, unless one block of samples has more."""


def draws_at_once(spec: SampleSpec) -> int:
    """How many draws of a block of samples run at once.

    >>> draws_at_once(SampleSpec("image", (1, 28, 28)))
    20
    """
    return max(1, AT_ONCE // (block_rows(spec) * spec.size))


def log_likelihood(
    model: AutoencoderModule, schema: Schema, samples: Samples, draws: int = 200, seed: int = 0
) -> Array:
    """Importance-sampled log p(x) of each raw sample in nats, (n,) float64: exactly so many draws, the same each time.

    A density of the raw values where the likelihood is one. Values that are missing count for nothing. The noise
    belongs to a sample's place among the others.

    Args:
        model: A trained model whose codes have densities.
        schema: How raw values become tensors.
        samples: Raw samples.
        draws: How many codes are drawn for each sample.
        seed: What they are drawn by.

    Raises:
        ChoiceError: No draws, or a model whose codes have no density.
    """
    if not isinstance(draws, int | np.integer) or isinstance(draws, bool) or draws < 1:
        raise ChoiceError(f"draws is a whole number of at least 1, got {draws!r}")
    if not model.bottleneck.weighs:
        raise ChoiceError(
            "the likelihood of samples needs codes with a prior and a posterior: choose a recipe such as 'variational'"
        )
    device = next(model.parameters()).device
    volumes = (schema.log_volumes * model.likelihood.density).to(device)
    size, most = block_rows(schema.spec), draws_at_once(schema.spec)
    found = [torch.empty(0, dtype=torch.float64)]
    for number, view in enumerate(samples.source(schema, device=device).batches(size)):
        rng = generator(seed, number, device=device)
        with torch.inference_mode():
            padded = view.padded(size)
            trace = model(padded)
            parts = [
                weigh(trace, model, min(most, int(draws) - first), rng).log_weights.double().logsumexp(0)
                for first in range(0, int(draws), most)
            ]
            total = torch.stack(parts).logsumexp(0) - log(int(draws)) - _volume(volumes, padded)
            found.append(total[: len(view)].cpu())
    return torch.cat(found).numpy()


def _volume(volumes: Tensor, view: View) -> Tensor:
    """Log |d raw / d tensor| of the values that are there, (n,)."""
    if view.present is None:
        return volumes.sum().expand(len(view))
    return (volumes * view.present).flatten(1).sum(1)


def bound_terms(
    model: AutoencoderModule, schema: Schema, samples: Samples, seed: int = 0, most: int = 2_000
) -> dict[str, float]:
    r"""The evidence lower bound of samples in its parts, each a mean in nats per sample.

        bound = -distortion - rate        rate = information + marginal

    `information` is what the code says of which sample it is, at most the log of their number; `marginal` is how far
    the codes of all samples together are from the prior. Both are estimates: of the first `most` samples alone.

    Source: Hoffman and Johnson (2016), ELBO surgery.

    Args:
        model: A trained model whose codes have densities.
        schema: How raw values become tensors.
        samples: Raw samples.
        seed: What codes are drawn by, one for each sample.
        most: Over how many samples the rate is split.

    Returns:
        `bound`, `distortion`, `rate`, `information` and `marginal`, in units of the model's tensor.

    Raises:
        ChoiceError: A model whose codes have no density.
    """
    if not model.bottleneck.weighs:
        raise ChoiceError("a rate can be split where codes have densities: choose a recipe such as 'variational'")
    device = next(model.parameters()).device
    rng = generator(seed, 0, device=device)
    distortions, rates, features, codes = [], [], [], []
    with torch.inference_mode():
        for view in samples.source(schema, device=device).batches(block_rows(schema.spec)):
            trace = model(view)
            drawn = weigh(trace, model, 1, rng)
            distortions.append(drawn.distortions[0])
            rates.append(-drawn.log_weights[0] - drawn.distortions[0])
            features.append(trace.code.features)
            codes.append(drawn.z)
        distortion, rate = torch.cat(distortions).double(), torch.cat(rates).double()
        information = _information(model, torch.cat(features)[:most], torch.cat(codes)[:most])
    split = float(rate[:most].mean())
    return {
        "bound": -float(distortion.mean()) - float(rate.mean()),
        "distortion": float(distortion.mean()),
        "rate": float(rate.mean()),
        "information": information,
        "marginal": split - information,
    }


def _information(model: AutoencoderModule, features: Tensor, z: Tensor) -> float:
    """The mean of log q(z | x) - log 1/n sum_j q(z | x_j), over the codes of n samples."""
    n, total = len(z), 0.0
    step = max(1, AT_ONCE // (n * features.shape[1]))
    for first in range(0, n, step):
        rows = z[first : first + step]
        every = Features(features.repeat(len(rows), 1))
        log_q = model.bottleneck.log_posterior(every, rows.repeat_interleave(n, 0)).view(len(rows), n).double()
        own = log_q[torch.arange(len(rows)), torch.arange(first, first + len(rows))]
        total += float((own - log_q.logsumexp(1) + log(n)).sum())
    return total / n
