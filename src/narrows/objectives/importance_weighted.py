r"""The importance-weighted bound: several codes for each sample, of which those that explain it well count more.

    bound_K(x) = E[log 1/K sum_k w_k],    log w_k = log p(x | z_k) + log p(z_k) - log q(z_k | x)

It grows with K from the mean bound towards log p(x).
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from torch import Generator, Tensor

from narrows.core.contracts import Bottleneck, Objective
from narrows.core.errors import ChoiceError
from narrows.core.trace import Loss, Trace
from narrows.objectives.terms import distortion, paid, weigh

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


def at_the_mean(trace: Trace, penalties: dict[str, Tensor], extra: Tensor | float) -> tuple[Tensor, Loss]:
    """The mean bound at the mean code, which is reported where nothing is drawn."""
    costs = distortion(trace)
    return (costs + trace.code.rate).mean() + extra, Loss(costs.detach(), trace.code.rate, penalties)


class ImportanceWeighted(Objective):
    r"""Minus the importance-weighted bound, plus the penalties.

        loss = -log 1/K sum_k w_k,    of which distortion is sum_k (w_k / sum w) * -log p(x | z_k) and rate is the rest

    With one draw it is the mean bound, but for the noise of the rate, which is taken at the draw. Without a generator
    nothing is drawn, and what is reported is the mean bound at the mean code.

    Source: Burda, Grosse and Salakhutdinov (2016), https://arxiv.org/abs/1509.00519; with missing values, Mattei and
    Frellsen (2019), https://arxiv.org/abs/1812.02633.

    Args:
        draws: K, how many codes are drawn for each sample.

    Raises:
        ChoiceError: No draws.

    >>> ImportanceWeighted(draws=50)
    ImportanceWeighted(draws=50)
    """

    def __init__(self, draws: int = 5) -> None:
        super().__init__()
        self.draws = at_least_one(draws)

    def check(self, model: AutoencoderModule) -> None:
        weighed(model.bottleneck)

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> tuple[Tensor, Loss]:
        penalties, extra = paid(trace, model, rng)
        if rng is None:
            return at_the_mean(trace, penalties, extra)
        weighed_draws = weigh(trace, model, self.draws, rng)
        log_w = weighed_draws.log_weights
        loss = log(self.draws) - log_w.logsumexp(0)
        costs = (log_w.softmax(0) * weighed_draws.distortions).sum(0).detach()
        return loss.mean() + extra, Loss(costs, loss.detach() - costs, penalties)

    def extra_repr(self) -> str:
        return f"draws={self.draws}"


class DoublyReparametrized(Objective):
    r"""The importance-weighted bound, with a gradient of the encoder whose noise does not grow with K.

        d loss / d phi = -E[sum_k v_k^2  d log w_k / d z_k  d z_k / d phi],    v_k = w_k / sum w

    The bound, and the gradient of the decoder and the prior, are those of `ImportanceWeighted`. Of the encoder, only
    the way through the codes counts, by the square of the weights; the mean of the gradient is the same.

    Source: Tucker, Lawson, Gu and Maddison (2019), https://arxiv.org/abs/1810.04152.

    Args:
        draws: K, how many codes are drawn for each sample.

    Raises:
        ChoiceError: No draws.

    >>> DoublyReparametrized(draws=50)
    DoublyReparametrized(draws=50)
    """

    def __init__(self, draws: int = 5) -> None:
        super().__init__()
        self.draws = at_least_one(draws)

    def check(self, model: AutoencoderModule) -> None:
        weighed(model.bottleneck)

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> tuple[Tensor, Loss]:
        penalties, extra = paid(trace, model, rng)
        if rng is None:
            return at_the_mean(trace, penalties, extra)
        drawn = weigh(trace, model, self.draws, rng, twice=True)
        shares = drawn.log_weights.softmax(0).detach()
        loss = log(self.draws) - drawn.log_weights.logsumexp(0)
        costs = (shares * drawn.distortions).sum(0).detach()
        if drawn.z.requires_grad:  # on its way back to the encoder, the gradient is weighed a second time
            drawn.z.register_hook(lambda g: g * shares.flatten().unsqueeze(-1))  # type: ignore[no-untyped-call]
        return loss.mean() + extra, Loss(costs, loss.detach() - costs, penalties)

    def extra_repr(self) -> str:
        return f"draws={self.draws}"


def at_least_one(draws: int) -> int:
    """How many codes are drawn, if that can be."""
    if not isinstance(draws, int) or isinstance(draws, bool) or draws < 1:
        raise ChoiceError(f"draws is a whole number of at least 1, got {draws!r}")
    return draws


def weighed(bottleneck: Bottleneck) -> None:
    """Refuse a bottleneck whose draws have no weights."""
    if not bottleneck.weighs:
        raise ChoiceError("importance weights need codes with densities: choose the bottleneck 'gaussian'")
    if bottleneck.priced:
        raise ChoiceError("importance weights pay the rate itself: leave beta, free_bits, capacity and warmup alone")
