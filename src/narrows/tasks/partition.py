r"""The partition function of energy-based models, by annealed importance sampling.

    Z = 2^d E[prod_k p_k(x_{k-1}) / p_{k-1}(x_{k-1})],    0 = beta_0 < ... < beta_K = 1

where p_k is the model with the log-odds of its bits times beta_k, not normalised, and x_k a step of Gibbs sampling on.

Where it is known, scores are log-probabilities: log p(x) = -F(x) - log Z.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log

import torch
import torch.nn.functional as F
from torch import Generator

from narrows.core.trace import Code, View
from narrows.model import AutoencoderModule


@dataclass(frozen=True)
class LogPartition:
    """An estimate of log Z, with the standard error that its chains show."""

    value: float
    error: float


@torch.no_grad()
def log_partition(
    model: AutoencoderModule, rng: Generator, chains: int = 256, temperatures: int = 1000
) -> LogPartition:
    """Estimate log Z by annealed importance sampling (Neal 2001; Salakhutdinov and Murray 2008).

    Args:
        model: A model that learns by contrastive divergence, on the device of `rng`.
        rng: What chains are drawn from.
        chains: How many chains.
        temperatures: How many steps from no bits that matter to the model itself.
    """
    d = model.bottleneck.latent_dim
    nothing = torch.zeros(chains, device=rng.device)
    x = model.decode(Code(nothing.unsqueeze(1).expand(-1, d), nothing, nothing)).sample(rng)
    weights = torch.zeros(chains, dtype=torch.float64, device=rng.device)
    betas = torch.linspace(0, 1, temperatures + 1, dtype=torch.float64).tolist()
    for before, beta in pairwise(betas):
        log_odds = model.encoder(View(x)).values
        weights += (F.softplus(beta * log_odds.double()) - F.softplus(before * log_odds.double())).sum(1)
        bits = torch.rand(log_odds.shape, generator=rng, device=rng.device) < (beta * log_odds).sigmoid()
        x = model.decode(Code(beta * bits, nothing, nothing)).sample(rng)
    value = float(torch.logsumexp(weights, 0)) - log(chains)
    ratios = (weights - weights.max()).exp()
    return LogPartition(d * log(2) + value, float(ratios.std() / ratios.mean() / chains**0.5))
