"""Reading a fitted estimator of any kind back from its file."""

from __future__ import annotations

from pathlib import Path

from narrows.estimators import model_file
from narrows.estimators.anomaly import AnomalyDetector
from narrows.estimators.autoencoder import Autoencoder
from narrows.estimators.base import Estimator
from narrows.estimators.generator import Generator
from narrows.estimators.imputer import Imputer
from narrows.estimators.pretrained import PretrainedClassifier, PretrainedRegressor

ESTIMATORS: tuple[type[Estimator], ...] = (
    AnomalyDetector,
    Autoencoder,
    Generator,
    Imputer,
    PretrainedClassifier,
    PretrainedRegressor,
)
KNOWN: dict[str, type[Estimator]] = {estimator.__name__: estimator for estimator in ESTIMATORS}


def load(path: str | Path) -> Estimator:
    """A fitted estimator from its model file.

    Nothing in the file is executed. Damaged and foreign files, files of a newer format and files that name parts which
    narrows does not know are refused.

    Args:
        path: What `save` wrote.

    Raises:
        FileError: The file cannot be used, with the reason.
    """
    return model_file.load(path, KNOWN)
