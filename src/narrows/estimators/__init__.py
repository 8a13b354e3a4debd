"""The scikit-learn face, one class for each task."""

from .autoencoder import Autoencoder as Autoencoder

__all__ = ["Autoencoder"]
