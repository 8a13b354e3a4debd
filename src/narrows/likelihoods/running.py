"""Scales that no gradient moves: moving averages of how far the data lies from the model."""

from torch import Tensor


def found_errors(errors: Tensor, scored: Tensor | None, scale: Tensor) -> Tensor:
    """The mean error that a batch shows, shaped like the scale: of all values, or of each value over the batch.

    Args:
        errors: (n, *s).
        scored: Which of them count, (n, *s) bool; None for all.
        scale: The present scale, () or (*s), which stays where nothing is scored.
    """
    axes = tuple(range(errors.ndim - scale.ndim))
    if scored is None:
        return errors.mean(axes)
    count = scored.sum(axes)
    return ((errors * scored).sum(axes) / count.clamp(min=1)).where(count > 0, scale)
