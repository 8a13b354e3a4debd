"""The scikit-learn face, one class for each task."""

from .autoencoder import Autoencoder as Autoencoder
from .compressor import Compressor as Compressor

__all__ = ["Autoencoder", "Compressor"]
