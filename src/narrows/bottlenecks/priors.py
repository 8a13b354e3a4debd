r"""What codes are expected to be like before a sample is seen: priors, parts of bottlenecks with a normal posterior.

    rate = KL(q(z | x) || p(z)) = E_q[log q(z | x) - log p(z)]

A closed form where there is one; otherwise the difference at the code that was drawn, which has the rate as its mean,
and where nothing is drawn a bound or an average over fixed points.
"""

from __future__ import annotations

from abc import abstractmethod
from math import log, pi

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from narrows.bottlenecks import normal
from narrows.core.contracts import Encoder, Part
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View

__all__ = ["Flow", "Mixture", "Standard", "Vamp"]

WITHIN = (0.05, 0.95)
"""Between what values pseudo-inputs of the unit interval begin."""


class Prior(Part):
    """A density of codes.

    Args:
        latent_dim: The size d of a code.
    """

    latent_dim: int
    by_dimension: bool = False
    """Whether `divergence` falls apart by dimension."""
    start_rows: int = 0
    """How many training samples, at most, it wants to see before training begins."""

    def meet(self, encoder: Encoder, spec: SampleSpec) -> None:
        """Get to know the encoder, where the prior looks at samples of its own."""

    def start(self, x: Tensor) -> None:
        """Begin with training samples (n, *s), where `start_rows` are wanted."""

    @abstractmethod
    def sample(self, n: int, rng: Generator) -> Tensor:
        """Codes, (n, latent_dim)."""

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density of codes (n, latent_dim) in nats, (n,)."""

    @abstractmethod
    def divergence(self, mean: Tensor, log_scale: Tensor, z: Tensor | None) -> Tensor:
        """The divergence of normal posteriors (n, d) from this prior in nats, (n, d) by dimension or (n, 1).

        Args:
            mean: Of the posteriors.
            log_scale: Of the posteriors.
            z: Codes drawn from them, at which the divergence is estimated where it has no closed form; None for a bound
                or an average over fixed points.
        """


def drawn_divergence(prior: Prior, mean: Tensor, log_scale: Tensor, z: Tensor) -> Tensor:
    """An unbiased estimate of a divergence at drawn codes, (n, 1)."""
    return (normal.log_prob(z, mean, log_scale) - prior.log_prob(z)).unsqueeze(-1)


class Standard(Prior):
    r"""The standard normal distribution, N(0, 1) in each dimension.

        KL = sum_j (m_j^2 + s_j^2 - 1) / 2 - log s_j

    Source: Kingma and Welling (2014), https://arxiv.org/abs/1312.6114.

    Args:
        latent_dim: The size d of a code.

    >>> Standard(2).log_prob(torch.zeros(1, 2))
    tensor([-1.8379])
    """

    by_dimension = True

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def sample(self, n: int, rng: Generator) -> Tensor:
        return torch.randn(n, self.latent_dim, generator=rng, device=rng.device)

    def log_prob(self, z: Tensor) -> Tensor:
        return -0.5 * (z.square().sum(-1) + self.latent_dim * log(2 * pi))

    def divergence(self, mean: Tensor, log_scale: Tensor, z: Tensor | None) -> Tensor:
        return normal.divergence(mean, log_scale)


class Components(Part):
    """Densities of mixtures of diagonal normal distributions, in double precision, where products lose nothing."""

    def log_prob(self, z: Tensor, mean: Tensor, log_scale: Tensor, log_weight: Tensor) -> Tensor:
        """Log-density of codes (n, d) under a mixture of k components (k, d) in nats, (n,)."""
        return (log_weight.double() - self._costs(z.double(), None, mean, log_scale)).logsumexp(-1).to(z.dtype)

    def divergence(self, of: tuple[Tensor, Tensor], mean: Tensor, log_scale: Tensor, log_weight: Tensor) -> Tensor:
        """An upper bound of the divergence of normal posteriors (n, d) from a mixture; exact for one component, (n,).

        -log sum_k w_k exp(-KL(q || N_k)), by Jensen's inequality (Hershey and Olsen 2007).
        """
        m, log_s = of[0].double(), of[1].double()
        kl = self._costs(m, log_s.exp().square(), mean, log_scale) - normal.entropy(log_s).unsqueeze(-1)
        return -(log_weight.double() - kl).logsumexp(-1).to(of[0].dtype)

    @staticmethod
    def _costs(m: Tensor, variance: Tensor | None, mean: Tensor, log_scale: Tensor) -> Tensor:
        """-E log N(z; mean_k, scale_k) for z of mean m and this variance, (n, k)."""
        mean, log_scale = mean.double(), log_scale.double()
        precision = (-2 * log_scale).exp()
        squares = m.square() if variance is None else m.square() + variance
        away = squares @ precision.mT - 2 * m @ (mean * precision).mT + (mean.square() * precision).sum(-1)
        return 0.5 * away + log_scale.sum(-1) + 0.5 * m.shape[-1] * log(2 * pi)


class Mixture(Prior):
    r"""A mixture of normal distributions with means, scales and weights of its own.

        p(z) = sum_k w_k N(z; m_k, s_k^2)

    Source: Dilokthanakul et al. (2016), https://arxiv.org/abs/1611.02648; Tomczak and Welling (2018).

    Args:
        latent_dim: The size d of a code.
        components: How many.

    >>> Mixture(2, components=5)
    Mixture(components=5)
    """

    def __init__(self, latent_dim: int, components: int = 10) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.components = _at_least_one("components", components)
        self.means = nn.Embedding(components, latent_dim, _weight=torch.empty(components, latent_dim))
        self.log_scales = nn.Parameter(torch.zeros(components, latent_dim))
        self.logits = nn.Parameter(torch.zeros(components))
        self.densities = Components()

    def sample(self, n: int, rng: Generator) -> Tensor:
        return _of_mixture(n, self.means.weight, self.log_scales, self.logits, rng)

    def log_prob(self, z: Tensor) -> Tensor:
        return self.densities.log_prob(z, self.means.weight, self.log_scales, self.logits.log_softmax(0))

    def divergence(self, mean: Tensor, log_scale: Tensor, z: Tensor | None) -> Tensor:
        if z is not None and self.components > 1:
            return drawn_divergence(self, mean, log_scale, z)
        parts = (self.means.weight, self.log_scales, self.logits.log_softmax(0))
        return self.densities.divergence((mean, log_scale), *parts).unsqueeze(-1)

    def __repr__(self) -> str:
        return f"Mixture(components={self.components})"


class Vamp(Prior):
    r"""The variational mixture of posteriors: what the encoder makes of pseudo-inputs u_k, samples that are learned.

        p(z) = 1/K sum_k q(z | u_k)

    Pseudo-inputs begin as training samples, so that none of them is far from all that there is.

    Source: Tomczak and Welling (2018), VAE with a VampPrior, https://arxiv.org/abs/1705.07120.

    Args:
        latent_dim: The size d of a code.
        components: How many pseudo-inputs.

    >>> Vamp(2, components=5)
    Vamp(components=5)
    """

    def __init__(self, latent_dim: int, components: int = 100) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.components = self.start_rows = _at_least_one("components", components)
        self.densities = Components()
        self._met: tuple[Encoder, SampleSpec] | None = None  # no submodule: the model owns the encoder

    def meet(self, encoder: Encoder, spec: SampleSpec) -> None:
        if spec.values not in ("real", "unit", "count") or spec.sparse:
            what = "sparse samples" if spec.sparse else f"{spec.values} values"
            raise ChoiceError(f"the prior 'vamp' learns samples of its own, which are numbers, not {what}")
        self._met = encoder, spec
        self.inputs = nn.Embedding(self.components, spec.size, _weight=torch.empty(self.components, spec.size))

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        assert self._met is not None, "the model introduces its encoder"
        values = x.flatten(1)[torch.arange(self.components, device=x.device) % len(x)]
        kind = self._met[1].values
        if kind == "unit":  # away from the bounds, where a sigmoid hardly moves
            values = values.clamp(*WITHIN).logit()
        elif kind == "count":
            values = values.clamp(min=WITHIN[0])
            values = values + (-(-values).expm1()).log()  # softplus, undone
        self.inputs.weight.copy_(values)

    def pseudo_inputs(self) -> Tensor:
        """The samples that stand for all, (k, *spec.shape)."""
        assert self._met is not None, "the model introduces its encoder"
        spec = self._met[1]
        values = self.inputs.weight.clone().view(-1, *spec.shape)  # a view of a weight would carry its flags around
        if spec.values == "unit":
            return values.sigmoid()
        return F.softplus(values) if spec.values == "count" else values

    def _parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Means, log standard deviations and log weights of the components."""
        assert self._met is not None, "the model introduces its encoder"
        mean, log_scale = normal.posterior(self._met[0](View(self.pseudo_inputs())).values)
        return mean, log_scale, mean.new_full((self.components,), -log(self.components))

    def sample(self, n: int, rng: Generator) -> Tensor:
        return _of_mixture(n, *self._parts(), rng)

    def log_prob(self, z: Tensor) -> Tensor:
        return self.densities.log_prob(z, *self._parts())

    def divergence(self, mean: Tensor, log_scale: Tensor, z: Tensor | None) -> Tensor:
        if z is not None and self.components > 1:
            return drawn_divergence(self, mean, log_scale, z)
        return self.densities.divergence((mean, log_scale), *self._parts()).unsqueeze(-1)

    def __repr__(self) -> str:
        return f"Vamp(components={self.components})"


class Coupling(nn.Module):
    """One step of a flow: half of the dimensions are scaled and shifted by what a network makes of the other half."""

    def __init__(self, latent_dim: int, width: int, flip: bool) -> None:
        super().__init__()
        kept = latent_dim // 2
        self.order = (slice(kept, None), slice(0, kept)) if flip else (slice(0, kept), slice(kept, None))
        moved = latent_dim - kept if not flip else kept
        self.hidden = nn.Sequential(normal.linear(latent_dim - moved, width), nn.SiLU())
        self.head = normal.linear(width, 2 * moved)
        self.gain = nn.Parameter(torch.zeros(2 * moved))
        """Zero in the beginning, so that the flow begins as the identity."""

    def numbers(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Log scales and shifts of the moved dimensions."""
        log_scale, shift = (self.gain * self.head(self.hidden(kept))).chunk(2, -1)
        return 3 * (log_scale / 3).tanh(), shift

    def joined(self, kept: Tensor, moved: Tensor) -> Tensor:
        """Both halves in their places."""
        return torch.cat([kept, moved] if self.order[0].start == 0 else [moved, kept], -1)

    def forward(self, u: Tensor) -> Tensor:
        """From noise towards codes."""
        kept, moved = u[:, self.order[0]], u[:, self.order[1]]
        log_scale, shift = self.numbers(kept)
        return self.joined(kept, moved * log_scale.exp() + shift)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """From codes towards noise, and the log of the determinant of that map's Jacobian, (n,)."""
        kept, moved = z[:, self.order[0]], z[:, self.order[1]]
        log_scale, shift = self.numbers(kept)
        return self.joined(kept, (moved - shift) * (-log_scale).exp()), -log_scale.sum(-1)


class Flow(Prior):
    r"""A normalising flow: a standard normal distribution bent by steps that can be undone.

        z = f_L(... f_1(u)),    u ~ N(0, 1),    log p(z) = log N(u; 0, 1) + log |det du/dz|

    Each step scales and shifts one half of the dimensions by what a network makes of the other half. It begins as the
    identity, so that a model begins with the standard prior.

    Source: Dinh, Sohl-Dickstein and Bengio (2017), https://arxiv.org/abs/1605.08803.

    Args:
        latent_dim: The size d of a code, at least 2.
        steps: How many steps.
        width: Hidden units of each network.

    >>> Flow(3, steps=2)
    Flow(steps=2, width=64)
    """

    points = 16
    """Over how many pairs of fixed points a rate is averaged where nothing is drawn."""

    def __init__(self, latent_dim: int, steps: int = 4, width: int = 64) -> None:
        super().__init__()
        if latent_dim < 2:
            raise ChoiceError(f"the prior 'flow' bends half of a code by the other half, and {latent_dim} is too short")
        self.latent_dim = latent_dim
        _at_least_one("steps", steps)
        _at_least_one("width", width)
        self.steps = nn.ModuleList([Coupling(latent_dim, width, bool(i % 2)) for i in range(steps)])
        self.base = Standard(latent_dim)
        self.width = width

    def sample(self, n: int, rng: Generator) -> Tensor:
        z = self.base.sample(n, rng)
        for step in self.steps:
            z = step(z)
        return z

    def log_prob(self, z: Tensor) -> Tensor:
        total = z.new_zeros(len(z))
        for step in reversed(self.steps):
            assert isinstance(step, Coupling)
            z, log_det = step.inverse(z)
            total = total + log_det
        return total + self.base.log_prob(z)

    def divergence(self, mean: Tensor, log_scale: Tensor, z: Tensor | None) -> Tensor:
        if z is not None:
            return drawn_divergence(self, mean, log_scale, z)
        noise = torch.randn(self.points, self.latent_dim, generator=Generator().manual_seed(0)).to(mean)
        noise = noise / noise.square().mean(0).sqrt()  # exact where the log-density is quadratic
        around = torch.cat([noise, -noise]).unsqueeze(1) * log_scale.exp() + mean
        expected = self.log_prob(around.flatten(0, 1)).view(len(around), -1).mean(0)
        return (-normal.entropy(log_scale) - expected).unsqueeze(-1)

    def __repr__(self) -> str:
        return f"Flow(steps={len(self.steps)}, width={self.width})"


def _of_mixture(n: int, mean: Tensor, log_scale: Tensor, log_weight: Tensor, rng: Generator) -> Tensor:
    """Draws from a mixture of normal distributions, (n, d)."""
    which = torch.multinomial(log_weight.softmax(0), n, replacement=True, generator=rng)
    noise = torch.randn(n, mean.shape[1], generator=rng, device=rng.device)
    return mean[which] + log_scale[which].exp() * noise


def _at_least_one(name: str, value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ChoiceError(f"{name} is a whole number of at least 1, got {value!r}")
    return value
