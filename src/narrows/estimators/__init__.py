"""The scikit-learn face, one class for each task."""

from .autoencoder import Autoencoder as Autoencoder
from .imputer import Imputer as Imputer

__all__ = ["Autoencoder", "Imputer"]
