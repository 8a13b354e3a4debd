r"""A code of two parts: which class a sample is of, and what else there is to say.

    q(y | x) = softmax(a),    q(z | x, y) = N(m + U y, s^2)
    rate = KL(q(y | x) || 1 / K) + KL(q(z | x, y) || N(0, 1))

The bottleneck of semi-supervised models: a label that is known takes the place of q(y | x).
"""

from collections.abc import Sequence
from math import log, pi

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from narrows.core.contracts import Bottleneck
from narrows.core.errors import ChoiceError
from narrows.core.trace import Branch, Code, Features


class LabelledGaussian(Bottleneck):
    r"""Probabilities of K classes, and a normal code that knows the class (model M2 of Kingma et al. 2014).

    A code is [q(y | x), z]; its branches are the classes, each as a row of zeros with one 1.

    Args:
        latent_dim: The size of the code, K numbers of which are the probabilities.
        classes: K.
        label_weight: What a nat of -log q(y | x) costs where the label is known.

    Source: Kingma, Rezende, Mohamed and Welling (2014), https://arxiv.org/abs/1406.5298.

    >>> import torch
    >>> LabelledGaussian(3)(Features(torch.zeros(1, 4)), None).z
    tensor([[0.5000, 0.5000, 0.0000]])
    """

    free = False
    draws = True
    limits = (-9.0, 5.0)
    """Bounds of the log standard deviation."""

    def __init__(self, latent_dim: int, classes: int = 2, label_weight: float = 1000.0) -> None:
        super().__init__()
        if not 2 <= classes <= latent_dim:
            raise ChoiceError(f"a code has a number for each of 2 classes or more, got {classes} and {latent_dim=}")
        if not label_weight >= 0:
            raise ChoiceError(f"label_weight is a number of at least 0, got {label_weight!r}")
        self.latent_dim = latent_dim
        self.classes = classes
        self.label_weight = label_weight
        self.rest = latent_dim - classes
        self.in_features = classes + 2 * self.rest
        self.shift = nn.Parameter(torch.zeros(self.rest, classes))

    def forward(self, features: Features, rng: Generator | None) -> Code:
        logits = features.values[:, : self.classes]
        log_q = logits.log_softmax(1)
        label_rate = (log_q.exp() * log_q).sum(1) + log(self.classes)
        z, rate = self._rest(features.values, log_q.exp(), rng)
        total = label_rate + rate
        return Code(torch.cat([log_q.exp(), z], 1), total, total, features.side, features.values)

    def branches(self, code: Code, context: Tensor | None, rng: Generator | None) -> Sequence[Branch]:
        """The classes, each weighed by its probability; of a sample whose label is known, that one alone."""
        assert code.features is not None
        log_q = code.features[:, : self.classes].log_softmax(1)
        told = torch.zeros_like(log_q) if context is None else context.to(log_q.dtype)
        known = told.sum(1) > 0
        found = []
        for y in range(self.classes):
            one = F.one_hot(torch.full_like(known, y, dtype=torch.long), self.classes).to(log_q.dtype)
            z, rate = self._rest(code.features, one, rng)
            rate = rate + log(self.classes)
            unsure = log_q[:, y]
            weight = torch.where(known, told[:, y], unsure.exp())
            charge = rate + torch.where(known, -self.label_weight * unsure, unsure)
            branch = Code(torch.cat([one, z], 1), rate + torch.where(known, 0.0, unsure), charge, code.side)
            found.append(Branch(branch, weight))
        return found

    def _rest(self, features: Tensor, y: Tensor, rng: Generator | None) -> tuple[Tensor, Tensor]:
        """A draw of z, or its mean without a generator, (n, d), and its divergence, (n,)."""
        mean, log_scale = features[:, self.classes :].chunk(2, 1)
        mean, log_scale = mean + y @ self.shift.T, log_scale.clamp(*self.limits)
        rate = (0.5 * (mean.square() + (2 * log_scale).exp() - 1) - log_scale).sum(1)
        if rng is None:
            return mean, rate
        noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
        return mean + log_scale.exp() * noise, rate

    def linear_start(self, variances: Tensor, noise: Tensor) -> None:
        return None

    def sample(self, n: int, rng: Generator) -> Tensor:
        y = torch.randint(self.classes, (n,), generator=rng, device=rng.device)
        z = torch.randn(n, self.rest, generator=rng, device=rng.device)
        return torch.cat([F.one_hot(y, self.classes).to(z.dtype), z], 1)

    def log_prior(self, z: Tensor) -> Tensor:
        rest = z[:, self.classes :]
        return -0.5 * (rest.square() + log(2 * pi)).sum(1) - log(self.classes)

    def extra_repr(self) -> str:
        return f"latent_dim={self.latent_dim}, classes={self.classes}, label_weight={self.label_weight}"
