r"""A normal code whose prior knows classes: a label, given or guessed, and a code above say what code to expect.

    p(z) = sum_y p(y) int p(z | y, a) p(a) da,      q(z | x) q(y | x) q(a | x, y)

The bottleneck of semi-supervised models: a label that is missing is summed over, exactly.
"""

from __future__ import annotations

from math import log

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from narrows.bottlenecks import normal
from narrows.bottlenecks.labels import completed, summed, surprise
from narrows.bottlenecks.price import Price
from narrows.core.contracts import Answer, Bottleneck, LinearStart
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features

ABOVE = 16
"""How many numbers the code above has, at most, unless asked otherwise."""


class Classifier(Answer):
    """Which class a code is of.

    Args:
        latent_dim: The size of the code.
        width: Hidden units.
        outputs: How many classes there are.
    """

    def __init__(self, latent_dim: int, width: int, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.hidden = nn.Sequential(normal.linear(latent_dim, width), nn.SiLU())
        self.last = normal.linear(width, outputs)

    def forward(self, z: Tensor) -> Tensor:
        """Log-odds, (n, latent_dim) to (n, outputs): rows as columns, so that each is rounded alike wherever it is."""
        return (self.last.weight @ self.hidden(z).mT).mT + self.last.bias


class Labelled(Bottleneck):
    r"""A normal code z that a class y and a normal code a above it lead to expect: M1 with M2 as its prior.

        L(y) = KL(q(z | x) || p(z | y, a)) + KL(q(a | x, y) || N(0, 1)) - log p(y)
        rate = L(y)                                        where the label is known
        rate = sum_y q(y | x) (L(y) + log q(y | x))        where it is not
        charge = beta * rate - alpha log q(y | x)          the last where the label is known

    Distortion and rate together are minus the evidence lower bound, of p(x, y) where the label is known and of p(x)
    where it is not. All classes are as probable before a sample is seen. `q(y | x)` and `q(a | x, y)` look at a draw
    from `q(z | x)` of their own, so that the divergences have closed forms and the guess learns to bear noise. In the
    beginning neither class nor code above make a difference, and the prior of z is N(0, 1).

    Labels come in `Features.context`, a row for each sample: 1 for its class, or zeros where it is not known. A label
    may be known in part: what a row lacks of 1 is guessed.

    Source: Kingma, Rezende, Mohamed and Welling (2014), Semi-supervised learning with deep generative models,
    https://arxiv.org/abs/1406.5298: M1 and M2 stacked, here as one bound that is learned as a whole.

    Args:
        latent_dim: The size d of the code z.
        classes: How many classes there are, at least 2.
        above: The size of the code a; None for d, at most 16.
        width: Hidden units of each of the three networks between them.
        alpha: The price of a nat of surprise at a label that is known.
        beta: The price of a nat of the rate.
        warmup: Over which part of a run that price grows from nothing, see `Price`.

    Raises:
        ChoiceError: Fewer than two classes, or a number out of range.

    >>> part = Labelled(2, classes=3)
    >>> part.in_features, part.above
    (4, 2)
    """

    free = False
    draws = True
    priced = True

    def __init__(
        self,
        latent_dim: int,
        classes: int = 2,
        above: int | None = None,
        width: int = 128,
        alpha: float = 50.0,
        beta: float = 1.0,
        warmup: float = 0,
    ) -> None:
        super().__init__()
        self.above = min(latent_dim, ABOVE) if above is None else above
        for name, value, least in (("classes", classes, 2), ("above", self.above, 1), ("width", width, 1)):
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ChoiceError(f"{name} is a whole number of at least {least}, got {value!r}")
        if not isinstance(alpha, int | float) or isinstance(alpha, bool) or alpha < 0:
            raise ChoiceError(f"alpha is a number of at least 0, got {alpha!r}")
        self.latent_dim = latent_dim
        self.in_features = 2 * latent_dim
        self.classes = classes
        self.alpha = alpha
        self.price = Price(beta, warmup=warmup)
        self.classifier = Classifier(latent_dim, width, classes)
        self.seen = nn.Sequential(normal.linear(latent_dim, width), nn.SiLU(), normal.linear(width, 2 * self.above))
        self.of_class = normal.linear(classes, 2 * self.above)
        self.enter = normal.linear(self.above, width)
        self.enter_class = normal.linear(classes, width)
        self.leave = normal.linear(width, latent_dim)
        self.gain = nn.Parameter(torch.zeros(latent_dim + 2 * self.above))
        """Zero in the beginning, so that what is above the code makes no difference, and costs nothing."""
        self.log_scale = nn.Parameter(torch.zeros(classes, latent_dim))

    @property
    def guess(self) -> Answer:
        return self.classifier

    def forward(self, features: Features, rng: Generator | None) -> Code:
        mean, log_scale = (part.float() for part in normal.posterior(features.values))
        z, looked_at = (_drawn(mean, log_scale, rng) for _ in range(2))
        log_odds = self.classifier(looked_at).float()
        share = completed(features.context, log_odds.softmax(1))
        rate = summed(share, self.rates(mean, log_scale, looked_at, rng))
        charge = self.price(rate.unsqueeze(-1)) + self.alpha * surprise(log_odds, features.context)
        return Code(z, rate, charge, features.side, features.values)

    def rates(self, mean: Tensor, log_scale: Tensor, looked_at: Tensor, rng: Generator | None) -> Tensor:
        """L(y) of each class in nats, (n, classes).

        Args:
            mean: Of the posterior of z, (n, d).
            log_scale: Of it, (n, d).
            looked_at: What the posterior of a goes by, (n, d).
            rng: What a is drawn by, with the same noise for each class; None for its mean.
        """
        m, log_s = self._above(looked_at)
        a = m if rng is None else torch.addcmul(m, log_s.exp(), _noise(m[:, :1], rng))
        mu, log_sigma = self._expected(self._each(self.enter_class), a), self._log_sigma()
        away = (mean.unsqueeze(1) - mu) * (-log_sigma).exp()
        kl = normal.divergence(away, log_scale.unsqueeze(1) - log_sigma).sum(-1)
        return kl + normal.divergence(m, log_s).sum(-1) + log(self.classes)

    def posterior(self, features: Features) -> tuple[Tensor, Tensor]:
        mean, log_scale = normal.posterior(features.values)
        return mean, log_scale.exp()

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart:
        """As of `Gaussian`: in the beginning no class makes a difference."""
        return normal.start(self.latent_dim, variances, noise)

    def sample(self, n: int, rng: Generator) -> Tensor:
        return self.sample_given(torch.zeros(n, self.classes, device=rng.device), rng)

    def sample_given(self, context: Tensor, rng: Generator) -> Tensor:
        """Codes of samples of these classes, (n, classes), zeros for any class; (n, latent_dim)."""
        equal = torch.full_like(context, 1 / self.classes)
        label = torch.multinomial(completed(context, equal), 1, generator=rng).squeeze(1)
        sizes = (self.above, self.latent_dim)
        a, noise = (torch.randn(len(label), size, generator=rng, device=rng.device) for size in sizes)
        return self._expected(self._each(self.enter_class)[label], a) + self._log_sigma()[label].exp() * noise

    def log_prior(self, z: Tensor) -> Tensor:
        """About the log-density of codes (n, latent_dim) in nats, (n,): its lower bound, at the mean of a."""
        m, log_s = self._above(z)
        mu, log_sigma = self._expected(self._each(self.enter_class), m), self._log_sigma()
        rates = normal.divergence(m, log_s).sum(-1) + log(self.classes)
        rates = rates - normal.log_prob(z.unsqueeze(1), mu, log_sigma)
        return -summed(self.classifier(z).softmax(1), rates)

    def _above(self, looked_at: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of the posterior of a for each class, (n, classes, above)."""
        found = self.seen(looked_at).unsqueeze(1) + self._each(self.of_class)
        m, log_s = (self.gain[self.latent_dim :] * found).float().chunk(2, -1)
        return m, log_s.clamp(*normal.LIMITS)

    def _expected(self, of_class: Tensor, a: Tensor) -> Tensor:
        """The mean of z by what classes add to the hidden units (..., width) and codes above, (..., above)."""
        hidden = F.silu(self.enter(a) + of_class)
        return (self.gain[: self.latent_dim] * self.leave(hidden)).float()

    def _log_sigma(self) -> Tensor:
        return self.log_scale.clamp(*normal.LIMITS)

    def _each(self, layer: nn.Linear) -> Tensor:
        """What a layer makes of each class, (classes, outputs)."""
        return layer.weight.mT + layer.bias

    def __repr__(self) -> str:
        return (
            f"Labelled(latent_dim={self.latent_dim}, classes={self.classes}, above={self.above}, alpha={self.alpha}, "
            f"{self.price.options()})"
        )


def _noise(like: Tensor, rng: Generator) -> Tensor:
    return torch.randn(like.shape, generator=rng, device=like.device, dtype=like.dtype)


def _drawn(mean: Tensor, log_scale: Tensor, rng: Generator | None) -> Tensor:
    """A draw from a normal distribution; its mean without a generator."""
    return mean if rng is None else torch.addcmul(mean, log_scale.exp(), _noise(mean, rng))
