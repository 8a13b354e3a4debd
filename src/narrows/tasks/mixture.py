r"""A mixture of normal distributions over codes, fitted by expectation maximisation.

    p(z) = sum_k w_k N(z; m_k, S_k)

What deterministic codes are drawn from, which have no prior of their own (Ghosh et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import torch
from torch import Generator, Tensor

from narrows.core.errors import InputError

SIZES = (2, 4, 8, 16, 32, 64)
"""Numbers of components that are tried beside one, each with at least `FEWEST` codes a component."""
FEWEST = 20
MOST = 5_000
"""Of how many codes, at most, the number of components is chosen."""
ROUNDS = 50
"""Rounds of expectation and maximisation, at most."""
ENOUGH = 1e-4
"""Nats a code by which a round has to better the fit, lest it be the last."""


@dataclass(frozen=True)
class Mixture:
    """Normal distributions with weights.

    Args:
        weights: Their shares, (k,).
        means: (k, d).
        factors: Cholesky factors of their covariances, lower triangular, (k, d, d).
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    def log_density(self, z: Tensor) -> Tensor:
        """Log-density of codes (n, d) in nats, (n,)."""
        return torch.logsumexp(self._joint(z), 1)

    def sample(self, n: int, rng: Generator, temperature: float = 1.0) -> Tensor:
        """Draw codes, (n, d).

        Args:
            n: How many.
            rng: What they are drawn from.
            temperature: How wide each component is, in units of its own width.
        """
        chosen = torch.multinomial(self.weights, n, replacement=True, generator=rng) if n else self.weights[:0].long()
        noise = torch.randn(n, self.means.shape[1], generator=rng, dtype=self.means.dtype)
        return self.means[chosen] + temperature * (self.factors[chosen] @ noise.unsqueeze(2)).squeeze(2)

    def _joint(self, z: Tensor) -> Tensor:
        """Log of weight times density of each component, (n, k)."""
        away = (z.to(self.means.dtype).unsqueeze(0) - self.means.unsqueeze(1)).mT
        scaled = torch.linalg.solve_triangular(self.factors, away, upper=False)
        volumes = self.factors.diagonal(dim1=1, dim2=2).log().sum(1)
        constant = self.weights.log() - volumes - 0.5 * self.means.shape[1] * log(2 * pi)
        return (constant.unsqueeze(1) - 0.5 * scaled.square().sum(1)).mT

    def tensors(self) -> dict[str, Tensor]:
        """Itself by name, for a file."""
        return dict(vars(self))


def fit_mixture(codes: Tensor, components: int, rng: Generator) -> Mixture:
    """Fit a mixture of so many components.

    A component's covariance is that of its codes and, for `d` codes more, a round one as wide as a share of all codes,
    so that none collapses onto a few codes (a maximum a posteriori estimate; Fraley and Raftery 2007).

    Args:
        codes: (n, d).
        components: How many.
        rng: Which codes the means begin at.
    """
    z = codes.double()
    n, d = z.shape
    spread = z.var(0, correction=0).clamp(min=1e-10)
    prior = torch.diag(spread * components ** (-2 / d))
    means = _apart(z / spread.sqrt(), components, rng) * spread.sqrt()
    factors = torch.linalg.cholesky(prior).expand(components, d, d)
    fitted = Mixture(z.new_full((components,), 1 / components), means, factors)
    last = float("-inf")
    for _ in range(ROUNDS):
        joint = fitted._joint(z)
        total = torch.logsumexp(joint, 1, keepdim=True)
        if float(total.mean()) - last < ENOUGH:
            break
        last = float(total.mean())
        belongs = (joint - total).exp()
        counts = belongs.sum(0)
        means = (belongs.T @ z) / counts.clamp(min=1e-10).unsqueeze(1)
        away = z.unsqueeze(0) - means.unsqueeze(1)
        scatter = (belongs.T.unsqueeze(2) * away).mT @ away
        covariances = (scatter + d * prior) / (counts + d)[:, None, None]
        fitted = Mixture((counts + 1) / (n + components), means, torch.linalg.cholesky(covariances))
    return fitted


def choose_mixture(codes: Tensor, rng: Generator) -> Mixture:
    """The mixture, of one component to 64, under which codes that it was not fitted to are most probable.

    A tenth of 5,000 of the codes judges: more components have to be better than fewer by two standard errors, and two
    sizes in a row that are not end the search. The winning number is then fitted to all codes.

    Raises:
        InputError: Fewer than two codes.
    """
    n = len(codes)
    if n < 2:
        raise InputError(f"a density of codes is learned from at least 2 of them, got {n}")
    order = torch.randperm(n, generator=rng)[:MOST]
    aside = max(1, len(order) // 10)
    judges, others = codes[order[:aside]].double(), codes[order[aside:]]
    choice, best = 1, fit_mixture(others, 1, rng).log_density(judges)
    in_vain = 0
    for components in SIZES:
        if in_vain == 2 or len(others) < FEWEST * components:
            break
        found = fit_mixture(others, components, rng).log_density(judges)
        gain = found - best
        if gain.mean() > 2 * gain.std(correction=0) / len(gain) ** 0.5:
            choice, best, in_vain = components, found, 0
        else:
            in_vain += 1
    return fit_mixture(codes, choice, rng)


def _apart(z: Tensor, k: int, rng: Generator) -> Tensor:
    """Codes to begin at, drawn far from one another (k-means++; Arthur and Vassilvitskii 2007), (k, d)."""
    chosen = [int(torch.randint(len(z), (1,), generator=rng))]
    squared = (z - z[chosen[0]]).square().sum(1)
    for _ in range(k - 1):
        chosen.append(int(torch.multinomial(squared + 1e-12, 1, generator=rng)))
        squared = torch.minimum(squared, (z - z[chosen[-1]]).square().sum(1))
    return z[chosen]
