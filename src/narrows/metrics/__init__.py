"""Pure functions on arrays: how far a reconstruction is from its original, and how good codes and samples are."""

from .causes import active_units as active_units
from .causes import bits_per_dimension as bits_per_dimension
from .causes import disentanglement as disentanglement
from .causes import mutual_information_gap as mutual_information_gap
from .errors import binary_cross_entropy as binary_cross_entropy
from .errors import mean_squared_error as mean_squared_error
from .neighbours import nearest_neighbour_accuracy as nearest_neighbour_accuracy
from .samples import density_and_coverage as density_and_coverage
from .samples import kernel_distance as kernel_distance
from .symbols import codebook_use as codebook_use
from .symbols import dead_units as dead_units
from .symbols import perplexity as perplexity

__all__ = [
    "active_units",
    "binary_cross_entropy",
    "bits_per_dimension",
    "codebook_use",
    "dead_units",
    "density_and_coverage",
    "disentanglement",
    "kernel_distance",
    "mean_squared_error",
    "mutual_information_gap",
    "nearest_neighbour_accuracy",
    "perplexity",
]
