"""Pretraining: the stages that a recipe declares, one layer after another, each on what the layers below it give.

Every stage is an ordinary run, with a checkpoint of its own in a folder beside that of the whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import torch
from torch import Generator, nn

from narrows.core.trace import View
from narrows.data.sources import Source
from narrows.model import AutoencoderModule
from narrows.training.checkpoint import STAGE, Checkpoint
from narrows.training.loop import Loop, Plan
from narrows.training.report import Reports
from narrows.training.seeds import START, generator
from narrows.training.start import begin

EPOCHS = 1.0
"""Share of the epochs of the whole run that all stages take together; each is but a layer, so that costs less time."""
TIME = 0.3
"""Share of `max_time` that all stages take together, at most."""


class Mapped(Source):
    """What the lower layers of a model make of the samples of another source.

    Args:
        of: The source.
        layers: From a view to (n, width).
        stage: The model that learns from it.
    """

    def __init__(self, of: Source, layers: nn.Module, stage: AutoencoderModule) -> None:
        super().__init__(stage.spec, of.device)
        self.of = of
        self.layers = layers.eval()  # they are done learning, and round as they will in use
        self.stage = stage

    def __len__(self) -> int:
        return len(self.of)

    def digest(self) -> str:
        """A hash of the samples below, and of the size of what is made of them."""
        return sha256(f"{self.of.digest()} {self.spec.shape}".encode()).hexdigest()

    def batches(self, size: int, rng: Generator | None = None, start: int = 0) -> Iterator[View]:
        """What the layers make of each batch of the samples below."""
        for view in self.of.batches(size, rng, start):
            with torch.no_grad():  # not around the yield, after which the caller's code runs
                samples = self.layers(view).float()
            yield View(samples)

    def some(self, most: int, rng: Generator) -> Source:
        """Some of the samples."""
        return Mapped(self.of.some(most, rng), self.layers, self.stage)


def pretrain(
    model: AutoencoderModule,
    train: Source,
    held_out: Source,
    plan: Plan,
    checkpoint: Checkpoint | None,
) -> list[dict[str, Any]]:
    """Train the stages of a model, and leave it as they unroll.

    Args:
        model: The whole; its stages are gone afterwards.
        train: What it learns from.
        held_out: What it is judged by.
        plan: How the whole will be trained; stages take a share of its epochs and time.
        checkpoint: Of the whole; stages write moments into folders in its folder, and resume from there.

    Returns:
        For each stage its width, and its losses on held-out samples before and after.
    """
    told = []
    for number, stage in enumerate(model.stages, 1):
        layer = stage.model.to(train.device)
        sources = [
            source if stage.below is None else Mapped(source, stage.below, layer) for source in (train, held_out)
        ]
        epochs = max(1, round(EPOCHS * plan.epochs / len(model.stages)))
        most = None if plan.max_time is None else TIME * plan.max_time / len(model.stages)
        pace = layer.objective.pace / model.objective.pace
        own = replace(plan, epochs=epochs, patience=None, max_time=most)
        own = replace(own, learning_rate=plan.learning_rate * pace, weight_decay=plan.weight_decay / pace)
        begin(layer, sources[0], None, generator(plan.seed, START, number))
        moments = None if checkpoint is None else checkpoint.part(f"{STAGE}{number}")
        loop = Loop(layer, sources[0], sources[1], own, moments, time.monotonic())
        history = loop.run(Reports())
        stage.unroll()
        first, last = history[0]["held_out"], history[-1]["held_out"]
        told.append({"width": layer.bottleneck.latent_dim, "epochs": own.epochs, "first": first, "last": last})
    model.stages = ()
    return told
