"""narrows: the autoencoder toolkit.

An autoencoder **corrupts** its input, **encodes** it, squeezes the features through a **bottleneck** that charges a
**rate**, **decodes** the code into a **likelihood** of the clean input, and pays **penalties**.

>>> import narrows
>>> ae = narrows.Autoencoder(latent_dim=2, epochs=5, random_state=0)

Importing narrows is quick: torch is imported when one of its names is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from narrows import recipes as recipes
    from narrows.core.errors import ChoiceError, FileError, InputError, NarrowsError, TrainingError
    from narrows.core.spec import SampleSpec
    from narrows.data.files import open_data
    from narrows.estimators import (
        AnomalyDetector,
        Autoencoder,
        Compressor,
        Denoiser,
        Generator,
        Imputer,
        Inpainter,
        PretrainedClassifier,
        PretrainedRegressor,
        Restorer,
        Upscaler,
    )
    from narrows.estimators.loading import load
    from narrows.estimators.observations import encoded_observations
    from narrows.estimators.tuning import tune
    from narrows.model import AutoencoderModule
    from narrows.tasks.comparison import compare
    from narrows.tasks.compression import compress
    from narrows.tasks.decompression import decompress, open_compressed
    from narrows.tasks.retrieval import duplicates, search

_HOMES = {
    "AnomalyDetector": "narrows.estimators",
    "Autoencoder": "narrows.estimators",
    "AutoencoderModule": "narrows.model",
    "ChoiceError": "narrows.core.errors",
    "Compressor": "narrows.estimators",
    "Denoiser": "narrows.estimators",
    "FileError": "narrows.core.errors",
    "Generator": "narrows.estimators",
    "Imputer": "narrows.estimators",
    "Inpainter": "narrows.estimators",
    "InputError": "narrows.core.errors",
    "NarrowsError": "narrows.core.errors",
    "PretrainedClassifier": "narrows.estimators",
    "PretrainedRegressor": "narrows.estimators",
    "Restorer": "narrows.estimators",
    "SampleSpec": "narrows.core.spec",
    "TrainingError": "narrows.core.errors",
    "Upscaler": "narrows.estimators",
    "compare": "narrows.tasks.comparison",
    "compress": "narrows.tasks.compression",
    "decompress": "narrows.tasks.decompression",
    "duplicates": "narrows.tasks.retrieval",
    "encoded_observations": "narrows.estimators.observations",
    "load": "narrows.estimators.loading",
    "open_compressed": "narrows.tasks.decompression",
    "open_data": "narrows.data.files",
    "search": "narrows.tasks.retrieval",
    "tune": "narrows.estimators.tuning",
}

__version__ = "0.1.0"
__all__ = [
    "AnomalyDetector",
    "Autoencoder",
    "AutoencoderModule",
    "ChoiceError",
    "Compressor",
    "Denoiser",
    "FileError",
    "Generator",
    "Imputer",
    "Inpainter",
    "InputError",
    "NarrowsError",
    "PretrainedClassifier",
    "PretrainedRegressor",
    "Restorer",
    "SampleSpec",
    "TrainingError",
    "Upscaler",
    "__version__",
    "compare",
    "compress",
    "decompress",
    "duplicates",
    "encoded_observations",
    "load",
    "open_compressed",
    "open_data",
    "recipes",
    "search",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name == "recipes":  # a folder that can be called
        return import_module("narrows.recipes")
    if name not in _HOMES:
        raise AttributeError(f"module 'narrows' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
