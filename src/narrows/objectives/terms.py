"""What objectives share: the distortion of a trace.

distortion = -log p(x | z), in nats per sample
"""

from torch import Tensor

from narrows.core.trace import Trace


def log_density(trace: Trace) -> Tensor:
    """Log p(x | z) of each value in nats, (n, *s); 0 for values that are not scored."""
    log_prob = trace.prediction.log_prob(trace.x)
    return log_prob if trace.view.scored is None else log_prob * trace.view.scored


def distortion(trace: Trace) -> Tensor:
    """-log p(x | z) of each sample in nats, (n,): summed over the values that are scored."""
    return trace.prediction.distortion(trace.x, trace.view.scored)
