"""Diagonal normal distributions: what bottlenecks and priors that are made of them share."""

from math import log, pi

import torch
from torch import Tensor, nn

from narrows.core.contracts import LinearStart

LIMITS = (-9.0, 5.0)
"""Bounds of log standard deviations: far from any useful posterior, near enough to stay finite."""


def posterior(values: Tensor) -> tuple[Tensor, Tensor]:
    """Means and log standard deviations (n, d) of features (n, 2 d)."""
    mean, log_scale = values.chunk(2, dim=-1)
    return mean, log_scale.clamp(*LIMITS)


def log_prob(z: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Log-density of a diagonal normal distribution in nats, (n,)."""
    whitened = (z - mean) * (-log_scale).exp()
    return -(0.5 * whitened.square() + log_scale).sum(-1) - 0.5 * z.shape[-1] * log(2 * pi)


def entropy(log_scale: Tensor) -> Tensor:
    """The entropy of a diagonal normal distribution in nats, (n,)."""
    return log_scale.sum(-1) + 0.5 * log_scale.shape[-1] * (1 + log(2 * pi))


def divergence(mean: Tensor, log_scale: Tensor) -> Tensor:
    """KL(N(mean, scale^2) || N(0, 1)) in nats in each dimension, (n, d)."""
    return 0.5 * (mean.square() + log_scale.exp().square() - 1) - log_scale


def start(latent_dim: int, variances: Tensor, noise: Tensor) -> LinearStart:
    """Probabilistic PCA (Tipping and Bishop 1999), whose exact posterior is diagonal in the principal axes."""
    noise = noise.clamp(min=1e-8)
    signal = (variances - noise).clamp(min=0).sqrt()
    shared = torch.maximum(variances, noise)
    unused = variances.new_zeros(latent_dim - len(variances))
    log_scales = torch.cat([0.5 * (noise.log() - shared.log()), unused])
    return LinearStart(signal / shared, signal, torch.zeros_like(signal), torch.cat([unused, log_scales]))


def linear(inputs: int, outputs: int) -> nn.Linear:
    """An affine map without weights yet."""
    with torch.device("meta"):
        made = nn.Linear(inputs, outputs)
    return made.to_empty(device=torch.get_default_device())
