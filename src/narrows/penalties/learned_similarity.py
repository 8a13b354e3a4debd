"""A price on reconstructions and new samples that a critic can tell from real ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Critic, Critics, Penalty
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class LearnedSimilarity(Penalty):
    r"""weight * [similarity * |f(x) - f(x')|^2 / 2 - log D(x') - log D(g(z_p))]: a likeness that a critic has learned.

        the critic wants     E[-log D(x)] + E[-log(1 - D(x'))] + E[-log(1 - D(g(z_p)))]    to be small

    Here f are the features by which the critic D goes, x' the mean of the reconstruction, and g(z_p) the mean sample of
    a code from the prior, where the bottleneck has one. The first term is the distortion of Larsen et al. in the
    critic's features; it comes beside the likelihood of the values, not in its place.

    Source: Larsen, Soenderby, Larochelle and Winther (2016), https://arxiv.org/abs/1512.09300.

    Args:
        critics: What builds the critic; `assemble` gives it.
        weight: Nats per nat of the critic's verdict.
        similarity: Nats of distortion in the critic's features per nat of its verdict.
        widths: Sizes of the critic's hidden layers, of images the channels of each level; None for two.
    """

    needs_dense = True

    def __init__(
        self, critics: Critics, weight: float = 1.0, similarity: float = 1.0, widths: Sequence[int] | None = None
    ) -> None:
        super().__init__(critics.of_samples(None if widths is None else tuple(widths)))
        if similarity < 0:
            raise ChoiceError(f"similarity is a number of at least 0, got {similarity!r}")
        self.weight = weight
        self.similarity = similarity

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        critic = self._critic()
        rebuilt = _like(trace, trace.prediction.mean())
        apart = 0.5 * (critic.features(trace.x) - critic.features(rebuilt)).square().sum(1)
        price = self.similarity * apart + F.softplus(-critic(rebuilt))
        if rng is not None and model.bottleneck.has_prior:
            price = price + F.softplus(-critic(_made(trace, model, rng)))
        return self.weight * price

    def opponent_loss(self, trace: Trace, model: AutoencoderModule, rng: Generator) -> Tensor:
        critic = self._critic()
        loss = F.softplus(-critic(trace.x)).mean()
        loss = loss + F.softplus(critic(_like(trace, trace.prediction.mean().detach()))).mean()
        if model.bottleneck.has_prior:
            with torch.no_grad():
                made = _made(trace, model, rng)
            loss = loss + F.softplus(critic(made)).mean()
        return loss

    def _critic(self) -> Critic:
        assert isinstance(self.opponent, Critic)
        return self.opponent

    def extra_repr(self) -> str:
        return f"weight={self.weight}, similarity={self.similarity}"


def _made(trace: Trace, model: AutoencoderModule, rng: Generator) -> Tensor:
    """As many new samples as the batch has, the mean of each."""
    z = model.bottleneck.sample(len(trace.x), rng).to(trace.code.z.dtype)
    nothing = z.new_zeros(len(z))
    return _like(trace, model.decode(Code(z, nothing, nothing), trace.view.context).mean())


def _like(trace: Trace, values: Tensor) -> Tensor:
    """Values with the gaps of the batch, which would give them away."""
    return values if trace.view.present is None else values * trace.view.present
