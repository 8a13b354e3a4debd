"""The scikit-learn face, one class for each task."""

from .anomaly import AnomalyDetector as AnomalyDetector
from .autoencoder import Autoencoder as Autoencoder
from .generator import Generator as Generator
from .imputer import Imputer as Imputer
from .pretrained import PretrainedClassifier as PretrainedClassifier
from .pretrained import PretrainedRegressor as PretrainedRegressor

__all__ = ["AnomalyDetector", "Autoencoder", "Generator", "Imputer", "PretrainedClassifier", "PretrainedRegressor"]
