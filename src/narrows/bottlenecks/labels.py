r"""What bottlenecks with a class share: labels that are known, guessed, or known in part, and what they cost.

rate = sum_y s_y (L(y) + log s_y),    s_y = known_y + (1 - sum known) q(y | x)
"""

from torch import Tensor

TINY = 1e-30
"""What a share of nothing counts as in its logarithm."""


def completed(context: Tensor | None, share: Tensor) -> Tensor:
    """Probabilities of the classes: what is known of them, and a share of what is not, (n, k)."""
    if context is None:
        return share
    total = context.sum(1, keepdim=True)
    return (context / total.clamp(min=1) + (1 - total).clamp(min=0) * share).to(share.dtype)


def summed(share: Tensor, rates: Tensor) -> Tensor:
    """The rate of each sample by those of its classes, (n, k) each, and what the choice among them costs, (n,)."""
    return (share * (rates + share.clamp(min=TINY).log())).sum(1)


def surprise(log_odds: Tensor, context: Tensor | None) -> Tensor | float:
    """-log q(y | x) in nats as far as the label is known, (n,)."""
    return 0.0 if context is None else -(context * log_odds.log_softmax(1)).sum(1)
