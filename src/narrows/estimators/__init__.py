"""The scikit-learn face, one class for each task."""

from .anomaly import AnomalyDetector as AnomalyDetector
from .autoencoder import Autoencoder as Autoencoder

__all__ = ["AnomalyDetector", "Autoencoder"]
