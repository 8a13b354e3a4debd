"""How the draws of a trace become one number to differentiate, and the honest terms to report: one objective a file."""

from .mean_bound import MeanBound as MeanBound

__all__ = ["MeanBound"]
