"""The scikit-learn face, one class for each task."""

from .anomaly import AnomalyDetector as AnomalyDetector
from .autoencoder import Autoencoder as Autoencoder
from .compressor import Compressor as Compressor
from .generator import Generator as Generator
from .imputer import Imputer as Imputer
from .pretrained import PretrainedClassifier as PretrainedClassifier
from .pretrained import PretrainedRegressor as PretrainedRegressor
from .restorer import Denoiser as Denoiser
from .restorer import Inpainter as Inpainter
from .restorer import Restorer as Restorer
from .restorer import Upscaler as Upscaler

__all__ = [
    "AnomalyDetector",
    "Autoencoder",
    "Compressor",
    "Denoiser",
    "Generator",
    "Imputer",
    "Inpainter",
    "PretrainedClassifier",
    "PretrainedRegressor",
    "Restorer",
    "Upscaler",
]
