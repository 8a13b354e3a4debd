"""What the decoder's numbers say about data: one distribution a file."""

from .bernoulli import Bernoulli as Bernoulli
from .normal import Normal as Normal
from .poisson import Poisson as Poisson

__all__ = ["Bernoulli", "Normal", "Poisson"]
