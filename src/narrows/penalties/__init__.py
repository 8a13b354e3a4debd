"""What is neither distortion nor rate: one penalty a file."""

from .contractive import Contractive as Contractive
from .kl_sparsity import KLSparsity as KLSparsity
from .l1 import L1 as L1

__all__ = ["L1", "Contractive", "KLSparsity"]
