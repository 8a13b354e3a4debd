"""Reading a fitted estimator of any kind back from its file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from narrows.core.errors import FileError
from narrows.estimators import model_file
from narrows.estimators.anomaly import AnomalyDetector
from narrows.estimators.autoencoder import Autoencoder
from narrows.estimators.base import Estimator
from narrows.estimators.compressor import Compressor
from narrows.estimators.generator import Generator
from narrows.estimators.imputer import Imputer
from narrows.estimators.pretrained import PretrainedClassifier, PretrainedRegressor
from narrows.estimators.restorer import Denoiser, Inpainter, Restorer, Upscaler

ESTIMATORS: tuple[type[Estimator], ...] = (
    AnomalyDetector,
    Autoencoder,
    Denoiser,
    Generator,
    Imputer,
    Inpainter,
    PretrainedClassifier,
    PretrainedRegressor,
    Restorer,
    Upscaler,
)
KNOWN: dict[str, type[Estimator]] = {estimator.__name__: estimator for estimator in ESTIMATORS}


def load(path: str | Path) -> Any:
    """A fitted estimator from its model file.

    Nothing in the file is executed. Damaged and foreign files, files of a newer format and files that name parts which
    narrows does not know are refused.

    Args:
        path: What `save` wrote.

    Raises:
        FileError: The file cannot be used, with the reason.
    """
    with suppress(FileError):  # what is wrong with a file, the reader of models says best
        if model_file.load_document(path).get("estimator") == Compressor.__name__:
            return Compressor._from_file(path)
    return model_file.load(path, KNOWN)
