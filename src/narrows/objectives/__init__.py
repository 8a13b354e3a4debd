"""How the draws of a trace become one number to differentiate, and the honest terms to report: one objective a file."""

from .contrastive_divergence import ContrastiveDivergence as ContrastiveDivergence
from .importance_weighted import DoublyReparametrized as DoublyReparametrized
from .importance_weighted import ImportanceWeighted as ImportanceWeighted
from .mean_bound import MeanBound as MeanBound
from .summed_labels import SummedLabels as SummedLabels

__all__ = ["ContrastiveDivergence", "DoublyReparametrized", "ImportanceWeighted", "MeanBound", "SummedLabels"]
