r"""What energy-based models are asked: the free energy of samples, and samples by Gibbs sampling.

    p(x, h) = p(x | 0) exp(h . a(x)) / Z        F(x) = -log p(x | 0) - sum_j log(1 + exp a_j(x))

a are the encoder's numbers, the log-odds of the bits h, and p(x | 0) is what is decoded from no bits. Encoder and
decoder are tied, so that p(x | h) is what the decoder says. For Bernoulli units this is the free energy of the
restricted Boltzmann machine and a constant, sum_i log(1 + exp b_i).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.trace import Code, View

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


def from_nothing(model: AutoencoderModule, x: Tensor) -> Tensor:
    """Log p(x | 0) of samples (n, *s) in nats, (n,): as if no bit were set."""
    nothing = x.new_zeros(1, model.bottleneck.latent_dim)
    params = model.decoder(Code(nothing, nothing[:, 0], nothing[:, 0]), None).float()
    return model.likelihood.log_prob(params.expand(len(x), *params.shape[1:]), x).flatten(1).sum(1)


def free_energy(model: AutoencoderModule, x: Tensor) -> Tensor:
    """F(x) of samples (n, *s), (n,): minus their log-probability, up to log Z."""
    log_odds = model.encoder(View(x)).values.float()
    return -from_nothing(model, x) - F.softplus(log_odds).sum(1)


@torch.no_grad()
def gibbs(model: AutoencoderModule, x: Tensor, steps: int, rng: Generator) -> Tensor:
    """Samples (n, *s) after so many turns of drawing bits from samples and samples from bits."""
    for _ in range(steps):
        x = model.decode(model.encode(View(x), rng)).sample(rng)
    return x


@torch.no_grad()
def log_pseudo_likelihood(model: AutoencoderModule, x: Tensor) -> Tensor:
    """Sum of log p(x_i | the other values) of zeros and ones (n, *s), (n,), which needs no log Z (Besag 1975).

    log p(x_i | others) = log sigmoid(F(x with x_i turned over) - F(x))
    """
    energy = free_energy(model, x)
    total = torch.zeros_like(energy)
    flat = x.flatten(1)
    for i in range(flat.shape[1]):
        turned = flat.clone()
        turned[:, i] = 1 - turned[:, i]
        total += F.logsigmoid(free_energy(model, turned.view_as(x)) - energy)
    return total
