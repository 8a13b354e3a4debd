"""What is neither distortion nor rate: one penalty a file."""

from .adversarial import Adversarial as Adversarial
from .batch_total_correlation import BatchTotalCorrelation as BatchTotalCorrelation
from .clustering import Clustering as Clustering
from .contractive import Contractive as Contractive
from .contrastive import Contrastive as Contrastive
from .kl_sparsity import KLSparsity as KLSparsity
from .l1 import L1 as L1
from .learned_similarity import LearnedSimilarity as LearnedSimilarity
from .mmd import MMD as MMD
from .neighbour_preserving import NeighbourPreserving as NeighbourPreserving
from .total_correlation import TotalCorrelation as TotalCorrelation

__all__ = [
    "L1",
    "MMD",
    "Adversarial",
    "BatchTotalCorrelation",
    "Clustering",
    "Contractive",
    "Contrastive",
    "KLSparsity",
    "LearnedSimilarity",
    "NeighbourPreserving",
    "TotalCorrelation",
]
