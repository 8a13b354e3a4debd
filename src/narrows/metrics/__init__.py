"""Pure functions on arrays: how far a reconstruction is from its original, and how good a code is."""

from .errors import binary_cross_entropy as binary_cross_entropy
from .errors import mean_squared_error as mean_squared_error
from .neighbours import nearest_neighbour_accuracy as nearest_neighbour_accuracy
from .symbols import codebook_use as codebook_use
from .symbols import dead_units as dead_units
from .symbols import perplexity as perplexity

__all__ = [
    "binary_cross_entropy",
    "codebook_use",
    "dead_units",
    "mean_squared_error",
    "nearest_neighbour_accuracy",
    "perplexity",
]
