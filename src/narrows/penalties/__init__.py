"""What is neither distortion nor rate: one penalty a file."""

from .adversarial import Adversarial as Adversarial
from .contractive import Contractive as Contractive
from .kl_sparsity import KLSparsity as KLSparsity
from .l1 import L1 as L1
from .learned_similarity import LearnedSimilarity as LearnedSimilarity
from .mmd import MMD as MMD
from .total_correlation import TotalCorrelation as TotalCorrelation

__all__ = ["L1", "MMD", "Adversarial", "Contractive", "KLSparsity", "LearnedSimilarity", "TotalCorrelation"]
