r"""A code that has a class in it, beside a normal part that says all else: what M2 squeezes a sample into.

z = [a, y],    q(y | x) q(a | x, y)
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import torch
from torch import Generator, Tensor, nn

from narrows.bottlenecks import normal
from narrows.bottlenecks.labels import TINY, completed, summed, surprise
from narrows.core.contracts import Answer, Bottleneck, LinearStart
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features


class ClassPart(Answer):
    """The class that a code says itself.

    Args:
        outputs: How many classes there are.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, z: Tensor) -> Tensor:
        """Log-probabilities, (n, latent_dim) to (n, outputs)."""
        return z[:, -self.outputs :].clamp(min=TINY).log()


@dataclass(frozen=True)
class Each:
    """The code of each sample for each class that it could be of.

    Args:
        z: The codes, (classes * n, d), all of the first class first.
        rates: L(y), (n, classes).
        share: The probabilities of the classes, (n, classes).
    """

    z: Tensor
    rates: Tensor
    share: Tensor


class ClassCode(Bottleneck):
    r"""A class y and a normal code a: the code of M2, in which the classes stand last, as probabilities.

        L(y) = KL(q(a | x, y) || N(0, 1)) - log p(y),    q(a | x, y) = N(m + U_y, exp(s + V_y)^2)
        rate = L(y)                                      where the label is known
        rate = sum_y q(y | x) (L(y) + log q(y | x))      where it is not
        charge = rate - alpha log q(y | x)               the last where the label is known

    All classes are as probable before a sample is seen. A code holds the probabilities of the classes, and its normal
    part is that of their mean; what a sample costs for each class by itself, the objective `summed_labels` asks.
    Labels come in `Features.context`, as for `Labelled`.

    Source: Kingma, Rezende, Mohamed and Welling (2014), https://arxiv.org/abs/1406.5298: M2.

    Args:
        latent_dim: The size d of the code, classes and all.
        classes: How many classes there are, at least 2 and at most d.
        alpha: The price of a nat of surprise at a label that is known.

    Raises:
        ChoiceError: A code too small for the classes, fewer than two of them, or a negative price.

    >>> ClassCode(5, classes=3).in_features
    7
    """

    free = False
    draws = True
    priced = True

    def __init__(self, latent_dim: int, classes: int = 2, alpha: float = 50.0) -> None:
        super().__init__()
        if not isinstance(classes, int) or isinstance(classes, bool) or classes < 2:
            raise ChoiceError(f"classes is a whole number of at least 2, got {classes!r}")
        if latent_dim < classes:
            raise ChoiceError(
                f"a code with {classes} classes in it needs latent_dim={classes} or more, not {latent_dim}"
            )
        if not isinstance(alpha, int | float) or isinstance(alpha, bool) or alpha < 0:
            raise ChoiceError(f"alpha is a number of at least 0, got {alpha!r}")
        self.latent_dim = latent_dim
        self.classes = classes
        self.alpha = alpha
        self.normal = latent_dim - classes
        self.in_features = 2 * self.normal + classes
        self.of_class = nn.Parameter(torch.zeros(classes, 2 * self.normal))
        """U and V."""

    @property
    def guess(self) -> Answer:
        return ClassPart(self.classes)

    def forward(self, features: Features, rng: Generator | None) -> Code:
        log_odds = features.values[:, 2 * self.normal :].float()
        share = completed(features.context, log_odds.softmax(1))
        mean, log_scale = normal.posterior(features.values[:, : 2 * self.normal].float() + share @ self.of_class)
        z = torch.cat([_drawn(mean, log_scale, _noise(mean, rng)), share], 1)
        rate = summed(share, self._rates(*self._posteriors(features.values)))
        charge = rate + self.alpha * surprise(log_odds, features.context)
        return Code(z, rate, charge, features.side, features.values)

    def each(self, features: Features, rng: Generator | None) -> Each:
        """The code for each class, with the same noise; the mean code where `rng` is None."""
        share = completed(features.context, features.values[:, 2 * self.normal :].float().softmax(1))
        mean, log_scale = self._posteriors(features.values)
        a = _drawn(mean, log_scale, _noise(mean[:, :1], rng))
        y = torch.eye(self.classes, device=a.device).repeat_interleave(len(a), 0)
        return Each(torch.cat([a.mT.permute(2, 0, 1).flatten(0, 1), y], 1), self._rates(mean, log_scale), share)

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart | None:
        return None

    def sample(self, n: int, rng: Generator) -> Tensor:
        return self.sample_given(torch.zeros(n, self.classes, device=rng.device), rng)

    def sample_given(self, context: Tensor, rng: Generator) -> Tensor:
        """Codes of samples of these classes, (n, classes), zeros for any class; (n, latent_dim)."""
        equal = torch.full_like(context, 1 / self.classes)
        label = torch.multinomial(completed(context, equal), 1, generator=rng).squeeze(1)
        a = torch.randn(len(label), self.normal, generator=rng, device=rng.device)
        return torch.cat([a, torch.eye(self.classes, device=rng.device)[label]], 1)

    def log_prior(self, z: Tensor) -> Tensor:
        a = z[:, : self.normal]
        return normal.log_prob(a, torch.zeros_like(a), torch.zeros_like(a)) - log(self.classes)

    def _posteriors(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of a for each class, (n, classes, normal)."""
        return normal.posterior(values[:, None, : 2 * self.normal].float() + self.of_class)

    def _rates(self, mean: Tensor, log_scale: Tensor) -> Tensor:
        """L(y), (n, classes)."""
        return normal.divergence(mean, log_scale).sum(-1) + log(self.classes)

    def __repr__(self) -> str:
        return f"ClassCode(latent_dim={self.latent_dim}, classes={self.classes}, alpha={self.alpha})"


def _noise(like: Tensor, rng: Generator | None) -> Tensor | None:
    """Standard normal noise; None without a generator."""
    return None if rng is None else torch.randn(like.shape, generator=rng, device=like.device, dtype=like.dtype)


def _drawn(mean: Tensor, log_scale: Tensor, noise: Tensor | None) -> Tensor:
    return mean if noise is None else torch.addcmul(mean, log_scale.exp(), noise)
