"""What squeezes the features into a code, and charges a rate for it: one bottleneck a file."""

from .gaussian import Gaussian as Gaussian
from .plain import Plain as Plain

__all__ = ["Gaussian", "Plain"]
