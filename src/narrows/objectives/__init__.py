"""How the draws of a trace become one number to differentiate, and the honest terms to report: one objective a file."""

from .marginal_bound import MarginalBound as MarginalBound
from .mean_bound import MeanBound as MeanBound

__all__ = ["MarginalBound", "MeanBound"]
