"""What objectives share: the distortion of a trace, its penalties, and the weights of several draws.

distortion = -log p(x | z), in nats per sample         log w = log p(x | z) + log p(z) - log q(z | x)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import Generator, Tensor
from torch.func import functional_call

from narrows.core.contracts import Bottleneck, Part
from narrows.core.registry import snake_case
from narrows.core.trace import Code, Features, Trace, View

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


def log_density(trace: Trace) -> Tensor:
    """Log p(x | z) of each value in nats, (n, *s); 0 for values that are not scored."""
    log_prob = trace.prediction.log_prob(trace.x)
    return log_prob if trace.view.scored is None else log_prob * trace.view.scored


def distortion(trace: Trace) -> Tensor:
    """-log p(x | z) of each sample in nats, (n,): summed over the values that are scored."""
    return trace.prediction.distortion(trace.x, trace.view.scored)


def paid(trace: Trace, model: AutoencoderModule, rng: Generator | None) -> tuple[dict[str, Tensor], Tensor | float]:
    """The penalties of a model by name, and what they add to the loss."""
    penalties = {snake_case(type(p).__name__): p(trace, model, rng) for p in model.penalties}
    return penalties, sum((term.mean() for term in penalties.values()), start=0.0)


@dataclass(frozen=True)
class Draws:
    """Several codes for each sample of a batch.

    Args:
        z: The codes, (draws * n, d), all of the first draw first.
        distortions: -log p(x | z) in nats, (draws, n).
        log_weights: Log p(x, z) - log q(z | x) in nats, (draws, n).
    """

    z: Tensor
    distortions: Tensor
    log_weights: Tensor


class _Posterior(Part):
    """`log_posterior` as a module, so that it can be called with other weights."""

    def __init__(self, bottleneck: Bottleneck) -> None:
        super().__init__()
        self.bottleneck = bottleneck

    def forward(self, features: Features, z: Tensor) -> Tensor:
        return self.bottleneck.log_posterior(features, z)


def weigh(trace: Trace, model: AutoencoderModule, draws: int, rng: Generator, *, twice: bool = False) -> Draws:
    """Draw codes for the samples of a trace, and say how well each explains its sample.

    Args:
        trace: One pass, whose encoder's features are drawn from again.
        model: The model that made it.
        draws: How many codes for each sample.
        rng: What they are drawn by.
        twice: Whether the density under the posterior shall move with the codes alone, not with its own weights, as
            doubly reparametrised gradients want it.
    """
    assert trace.code.features is not None, "a bottleneck whose draws are weighed hands on what it was handed"
    features = Features(trace.code.features, trace.code.side).repeated(draws)
    code: Code = model.bottleneck(features, rng)
    target: View = replace(trace.view, x=trace.x).repeated(draws)
    prediction = model.predict(code, target)
    found = prediction.distortion(target.x, target.scored)
    if twice:
        held = {name: weight.detach() for name, weight in _Posterior(model.bottleneck).named_parameters()}
        fixed = Features(features.values.detach(), tuple(part.detach() for part in features.side))
        log_posterior = functional_call(_Posterior(model.bottleneck), held, (fixed, code.z))
    else:
        log_posterior = model.bottleneck.log_posterior(features, code.z)
    log_w = model.bottleneck.log_prior(code.z) - log_posterior - found
    return Draws(code.z, found.view(draws, -1), log_w.view(draws, -1))
