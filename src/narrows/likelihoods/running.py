"""Scales that no gradient moves: moving averages of how far the data lies from the model."""

from torch import Tensor

from narrows.core.trace import Prediction, Term, Trace


def found_errors(trace: Trace, error: Term, scale: Tensor) -> Tensor:
    """The mean error that a batch shows, shaped like the scale: of all values, or of each value over the batch.

    Args:
        trace: The batch, of which the values that are scored count.
        error: From the decoder's numbers and the values to an error of each value, (n, *s).
        scale: The present scale, () or (*s), which stays where nothing is scored; of sparse rows ().
    """
    prediction, scored = trace.prediction, trace.view.scored
    if not isinstance(prediction, Prediction):
        return prediction.total(error, trace.x, scored).sum() / trace.x.numel()
    errors = error(prediction.params, trace.x)
    axes = tuple(range(errors.ndim - scale.ndim))
    if scored is None:
        return errors.mean(axes)
    count = scored.sum(axes)
    return ((errors * scored).sum(axes) / count.clamp(min=1)).where(count > 0, scale)
