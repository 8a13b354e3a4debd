"""The peers of `training.py`, run as their documentation says: Pythae's pipeline and PyOD's detector.

Each function trains once and gives (seconds of everything that the user's call did, seconds of the epochs alone).
"""

from __future__ import annotations

import contextlib
import io
import logging
import time
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pyod.models.auto_encoder import AutoEncoder
from pythae.models import AE, AEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.pipelines import TrainingPipeline
from pythae.trainers import BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn

Timing = tuple[float, float]


@contextlib.contextmanager
def quiet() -> Any:
    """Let progress bars and logs go on, but out of sight."""
    logging.getLogger("pythae.pipelines.training").handlers.clear()
    logging.getLogger("pythae.trainers.base_trainer.base_trainer").handlers.clear()
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield


class Encoder(BaseEncoder):
    """Layers that were handed over, as Pythae wants an encoder."""

    def __init__(self, layers: nn.Module) -> None:
        BaseEncoder.__init__(self)
        self.layers = layers

    def forward(self, x: Tensor) -> ModelOutput:
        """The code, under the name that Pythae asks for."""
        return ModelOutput(embedding=self.layers(x))


class Decoder(BaseDecoder):
    """Layers that were handed over, as Pythae wants a decoder."""

    def __init__(self, layers: nn.Module) -> None:
        BaseDecoder.__init__(self)
        self.layers = layers

    def forward(self, z: Tensor) -> ModelOutput:
        """The reconstruction, under the name that Pythae asks for."""
        return ModelOutput(reconstruction=self.layers(z))


class Clock(TrainingCallback):
    """Notes when the first epoch began and the last one ended."""

    began = ended = 0.0

    def on_epoch_begin(self, training_config: Any, **kwargs: Any) -> None:
        """Pythae's hook before an epoch."""
        self.began = self.began or time.perf_counter()

    def on_epoch_end(self, training_config: Any, **kwargs: Any) -> None:
        """Pythae's hook after an epoch."""
        self.ended = time.perf_counter()


def pythae(x: np.ndarray, encoder: nn.Module, decoder: nn.Module, code: int, batch: int, epochs: int) -> Timing:
    """Pythae's training pipeline for its plain autoencoder, without an evaluation set."""
    clock = Clock()
    with quiet(), TemporaryDirectory() as folder:
        began = time.perf_counter()
        model = AE(AEConfig(input_dim=x.shape[1:], latent_dim=code), Encoder(encoder), Decoder(decoder))
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=epochs, per_device_train_batch_size=batch, learning_rate=1e-3
        )
        TrainingPipeline(model, config)(x, callbacks=[clock])
        return time.perf_counter() - began, clock.ended - clock.began


class TimedAutoEncoder(AutoEncoder):
    """PyOD's autoencoder; the epochs are timed apart from the scoring of all rows that follows them."""

    epochs_seconds = 0.0

    def train(self, train_loader: Any) -> None:
        """PyOD's epochs."""
        began = time.perf_counter()
        super().train(train_loader)
        self.epochs_seconds = time.perf_counter() - began


def pyod(x: np.ndarray, hidden: list[int], batch: int, epochs: int) -> Timing:
    """PyOD's detector with its own defaults, but for the batch normalisation and dropout that no other row has."""
    with quiet():
        began = time.perf_counter()
        detector = TimedAutoEncoder(
            hidden_neuron_list=hidden, batch_size=batch, epoch_num=epochs, batch_norm=False, dropout_rate=0.0
        )
        detector.fit(x)
        return time.perf_counter() - began, detector.epochs_seconds
