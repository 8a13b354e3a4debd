r"""A code of several levels, each expected from those above it: a ladder, which the bottleneck climbs down.

p(z) = p(z_L) p(z_{L-1} | z_L) ... p(z_1 | z_2, ..., z_L)         q(z | x) likewise, with features of x beside
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from narrows.bottlenecks.normal import LIMITS, divergence, linear, log_prob, start
from narrows.bottlenecks.price import Price
from narrows.core.contracts import Bottleneck, LinearStart
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features


class Step(nn.Module):
    """What a level is expected to be by those above it, and what samples add to that.

    Args:
        above: How many numbers the levels above have.
        size: How many this one has.
        width: Hidden units, and features of a sample that are looked at beside the levels above.
    """

    def __init__(self, above: int, size: int, width: int) -> None:
        super().__init__()
        self.state = nn.Sequential(linear(above, width), nn.SiLU(), linear(width, width), nn.SiLU())
        self.expected = linear(width, 2 * size)
        self.joined = nn.Sequential(linear(2 * width, width), nn.SiLU())
        self.found = linear(width, 2 * size)
        self.gain = nn.Parameter(torch.zeros(4 * size))
        """Zero in the beginning, so that no level knows of the others."""

    def prior(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation that the levels above expect."""
        mean, log_scale = (self.gain[: len(self.gain) // 2] * self.expected(state)).chunk(2, -1)
        return mean, log_scale.clamp(*LIMITS)

    def correction(self, state: Tensor, seen: Tensor) -> Tensor:
        """What the levels above and a sample add to mean and log standard deviation of the whitened posterior."""
        return self.gain[len(self.gain) // 2 :] * self.found(self.joined(torch.cat([state, seen], -1)))


class Ladder(Bottleneck):
    r"""Several levels of normal codes, drawn from the top down; the decoder hears all of them.

        z_l = mu_l + sigma_l * (m_l + s_l * noise),    mu_l, sigma_l = f_l(z_{l+1}, ..., z_L)
        rate = sum_l (m_l^2 + s_l^2 - 1) / 2 - log s_l

    The prior of a level, N(mu_l, sigma_l^2), depends on the levels above; the posterior is given by how it differs from
    that, m_l and s_l, which depend on the sample and on the levels above. With one level it is `Gaussian`, and with
    several it begins as that: no level knows of another until training finds a use for it.

    Source: Sonderby, Raiko, Maaloe, Sonderby and Winther (2016), https://arxiv.org/abs/1602.02282, with the residual
    posterior of Vahdat and Kautz (2020), https://arxiv.org/abs/2007.03898.

    Args:
        latent_dim: The size d of the code, all levels together.
        levels: How many, each about half the size of the one below; or their sizes, the bottom first; None for three,
            or as many as the code has numbers.
        width: Hidden units between the levels.
        beta: The price of a nat.
        free_bits: Nats in each dimension that are not charged for.
        warmup: Over which part of a run the price grows from nothing, see `Price`.

    Raises:
        ChoiceError: Levels that do not add up to the code, or a number out of range.

    >>> Ladder(14, levels=3).sizes
    (8, 4, 2)
    """

    free = False
    draws = True
    weighs = True

    def __init__(
        self,
        latent_dim: int,
        levels: int | Sequence[int] | None = None,
        width: int = 128,
        beta: float = 1.0,
        free_bits: float = 0.0,
        warmup: float = 0,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.sizes = _sizes(latent_dim, min(3, latent_dim) if levels is None else levels)
        self.width = width if len(self.sizes) > 1 else 0
        self.in_features = 2 * latent_dim + self.width
        self.price = Price(beta, free_bits, warmup=warmup)
        above = [sum(self.sizes[i + 1 :]) for i in range(len(self.sizes) - 1)]
        self.steps = nn.ModuleList([Step(n, size, width) for n, size in zip(above, self.sizes, strict=False)])

    def forward(self, features: Features, rng: Generator | None) -> Code:
        mean, log_scale, seen = self._split(features.values)
        noise = None
        if rng is not None:
            noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
        z, found = mean[:, :0], []
        for level, place in self._downwards():
            m, log_s, mu, log_sigma = self._level(level, place, (mean, log_scale, seen), z)
            whitened = m if noise is None else torch.addcmul(m, log_s.exp(), noise[:, place])
            z = torch.cat([mu + log_sigma.exp() * whitened, z], -1)
            found.append(divergence(m, log_s))
        kl = torch.cat(found[::-1], -1)
        rate = kl.sum(-1)
        return Code(z, rate, self.price(kl), features.side, features.values)

    @property
    def priced(self) -> bool:  # type: ignore[override]
        return self.price.of_its_own

    def sample(self, n: int, rng: Generator) -> Tensor:
        noise = torch.randn(n, self.latent_dim, generator=rng, device=rng.device)
        z = noise[:, :0]
        for level, place in self._downwards():
            mu, log_sigma, _ = self._expected(level, z, noise[:, place])
            z = torch.cat([mu + log_sigma.exp() * noise[:, place], z], -1)
        return z

    def log_prior(self, z: Tensor) -> Tensor:
        total = z.new_zeros(len(z))
        for level, place in self._downwards():
            mu, log_sigma, _ = self._expected(level, z[:, place.stop :], z[:, place])
            total = total + log_prob(z[:, place], mu, log_sigma)
        return total

    def log_posterior(self, features: Features, z: Tensor) -> Tensor:
        split = self._split(features.values)
        total = z.new_zeros(len(z))
        for level, place in self._downwards():
            m, log_s, mu, log_sigma = self._level(level, place, split, z[:, place.stop :])
            whitened = (z[:, place] - mu) * (-log_sigma).exp()
            total = total + log_prob(whitened, m, log_s) - log_sigma.sum(-1)
        return total

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart:
        """As of `Gaussian`: in the beginning no level knows of another."""
        as_one = start(self.latent_dim, variances, noise)
        others = as_one.features.new_zeros(self.width)
        return LinearStart(as_one.encode, as_one.decode, as_one.lift, torch.cat([as_one.features, others]))

    def _split(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means and log standard deviations of all levels (n, d), and what else is seen of a sample (n, width)."""
        d = self.latent_dim
        return values[:, :d], values[:, d : 2 * d].clamp(*LIMITS), values[:, 2 * d :]

    def _downwards(self) -> list[tuple[int, slice]]:
        """Levels from the top down, and where each lies in the code."""
        places, first = [], 0
        for level, size in enumerate(self.sizes):
            places.append((level, slice(first, first + size)))
            first += size
        return places[::-1]

    def _expected(self, level: int, above: Tensor, like: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Mean and log standard deviation of a level's prior, and what the levels above came to."""
        if level == len(self.steps):
            return torch.zeros_like(like), torch.zeros_like(like), None
        step = self.steps[level]
        assert isinstance(step, Step)
        state = step.state(above)
        return *step.prior(state), state

    def _level(
        self, level: int, place: slice, split: tuple[Tensor, Tensor, Tensor], above: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Whitened mean and log standard deviation of a level's posterior, and those of its prior."""
        mean, log_scale, seen = split
        m, log_s = mean[:, place], log_scale[:, place]
        mu, log_sigma, state = self._expected(level, above, m)
        if state is not None:
            step = self.steps[level]
            assert isinstance(step, Step)
            more_m, more_s = step.correction(state, seen).chunk(2, -1)
            m, log_s = m + more_m, (log_s + more_s).clamp(*LIMITS)
        return m, log_s, mu, log_sigma

    def __repr__(self) -> str:
        return f"Ladder(latent_dim={self.latent_dim}, sizes={self.sizes}, {self.price.options()})"


def _sizes(latent_dim: int, levels: int | Sequence[int]) -> tuple[int, ...]:
    """The sizes of the levels, the bottom first."""
    if isinstance(levels, int) and not isinstance(levels, bool):
        if not 1 <= levels <= latent_dim:
            raise ChoiceError(f"a ladder has from 1 to latent_dim={latent_dim} levels, got levels={levels}")
        shares = [2 ** (levels - 1 - i) / (2**levels - 1) for i in range(levels)]
        sizes = [max(1, round(latent_dim * share)) for share in shares[1:]]
        while latent_dim - sum(sizes) < 1:
            sizes[sizes.index(max(sizes))] -= 1
        return latent_dim - sum(sizes), *sizes
    found = tuple(levels) if isinstance(levels, Sequence) else ()
    if not found or any(not isinstance(size, int) or size < 1 for size in found) or sum(found) != latent_dim:
        raise ChoiceError(
            f"the levels of a ladder are positive whole numbers that add up to latent_dim={latent_dim}, got {levels!r}"
        )
    return found
