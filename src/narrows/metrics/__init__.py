"""Pure functions on arrays: how far a reconstruction is from its original, and how good codes and samples are."""

from .causes import active_units as active_units
from .causes import bits_per_dimension as bits_per_dimension
from .causes import disentanglement as disentanglement
from .causes import mutual_information_gap as mutual_information_gap
from .clusters import k_means as k_means
from .clusters import v_measure as v_measure
from .errors import binary_cross_entropy as binary_cross_entropy
from .errors import mean_squared_error as mean_squared_error
from .neighbours import nearest_neighbour_accuracy as nearest_neighbour_accuracy
from .pictures import multi_scale_structural_similarity as multi_scale_structural_similarity
from .pictures import peak_signal_to_noise_ratio as peak_signal_to_noise_ratio
from .pictures import structural_similarity as structural_similarity
from .probes import linear_probe_accuracy as linear_probe_accuracy
from .samples import density_and_coverage as density_and_coverage
from .samples import kernel_distance as kernel_distance
from .structure import continuity as continuity
from .structure import silhouette as silhouette
from .structure import trustworthiness as trustworthiness
from .structure import used_dimensions as used_dimensions
from .symbols import codebook_use as codebook_use
from .symbols import dead_units as dead_units
from .symbols import perplexity as perplexity

__all__ = [
    "active_units",
    "binary_cross_entropy",
    "bits_per_dimension",
    "codebook_use",
    "continuity",
    "dead_units",
    "density_and_coverage",
    "disentanglement",
    "k_means",
    "kernel_distance",
    "linear_probe_accuracy",
    "mean_squared_error",
    "multi_scale_structural_similarity",
    "mutual_information_gap",
    "nearest_neighbour_accuracy",
    "peak_signal_to_noise_ratio",
    "perplexity",
    "silhouette",
    "structural_similarity",
    "trustworthiness",
    "used_dimensions",
    "v_measure",
]
