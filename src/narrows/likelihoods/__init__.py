"""What the decoder's numbers say about data: one distribution a file."""

from .bernoulli import Bernoulli as Bernoulli
from .normal import Normal as Normal

__all__ = ["Bernoulli", "Normal"]
