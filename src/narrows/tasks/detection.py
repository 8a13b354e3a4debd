"""From samples to a detector: an ensemble, and scores of samples that it has not seen.

About a seventh of the samples calibrates. Of fewer than 100 all do: five ensembles score the fifth that each has not
seen, and the one that is kept learns from everything.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from narrows.core.errors import InputError
from narrows.core.spec import SampleSpec
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.data.sources import TensorSource, split
from narrows.model import AutoencoderModule
from narrows.recipes.catalogue import build
from narrows.tasks.anomaly import Ensemble, Regime, blocks_of
from narrows.tasks.calibration import FEW, Calibration, held_out
from narrows.tasks.squash import Squash
from narrows.training import rules
from narrows.training.fit import Request, prepare, whole
from narrows.training.seeds import ORDER, SPLIT, START, WEIGHTS, generator
from narrows.training.stacked import StackPlan, everything, fit_stack, some_rows
from narrows.training.start import Components, begin, group, principal_components

VALUES = 1 << 27
"""How many values of samples are held in memory to learn from; of more, a sample is drawn."""
CORRUPTION = [{"name": "gaussian_noise", "scale": 0.5}, {"name": "masking", "fraction": 0.2}]
"""What members are not shown of tables of numbers, so that they learn to fill in a column by the others."""
DENSE = 1 << 14
"""Up to so many values images, series and video are taken for rows of numbers, in a tenth of the time."""
LEAST_SPREAD = 1e-6
"""Share of the greatest variance below which a direction counts as constant."""
FOLDS = 5
"""In how many parts few samples are cross-fitted."""
WARNED = 20
"""Below so many samples there is a warning."""


@dataclass(frozen=True)
class Detection:
    """What training a detector gives.

    Args:
        ensemble: The members, and what they know.
        schema: How raw values become tensors.
        calibration: Scores of samples that the members which scored them had not seen.
        chosen: What was chosen where the choice was ours.
    """

    ensemble: Ensemble
    schema: Schema
    calibration: Calibration
    chosen: dict[str, Any]


def detect(samples: Samples, asked: Request, taken: Regime, members: int, alpha: float) -> Detection:
    """Train a detector.

    Args:
        samples: Raw samples.
        asked: What to train and how.
        taken: What the samples are taken for.
        members: How many autoencoders the ensemble has.
        alpha: The level that calibration is made for.

    Raises:
        InputError: Data that cannot be used.
        ChoiceError: An unknown name or an impossible value.
        TrainingError: The loss was not finite, again and again.
    """
    maker = _Maker(samples, asked, taken, members)
    count, rng = len(maker.view), generator(asked.seed, SPLIT)
    if count < WARNED:
        warnings.warn(
            f"{count} samples are few to learn from: a detector wants at least {WARNED}, and {FEW} to calibrate well",
            stacklevel=4,
        )
    if count >= FEW:
        train, aside = maker.divided(held_out(count, alpha) / count, rng)
        ensemble = maker.ensemble(train)
        scores = maker.scores(ensemble, aside)
    else:
        in_time = samples.kind == "sequence"  # neighbours share steps, so they stay together
        order = torch.arange(count) if in_time else torch.randperm(count, generator=rng)
        folds = [fold.sort().values for fold in order.tensor_split(min(FOLDS, count))]
        every = torch.arange(count)
        parts = [
            maker.scores(maker.ensemble(every[~torch.isin(every, fold)], number), fold)
            for number, fold in enumerate(folds, 1)
        ]
        scores = np.concatenate(parts)
        ensemble = maker.ensemble(every)
    calibration = Calibration.of(scores)
    if len(calibration) == 0:
        raise InputError("X has no samples to calibrate by: every value of those set aside is missing")
    return Detection(ensemble, maker.schema, calibration, maker.chosen | {"calibration": len(calibration)})


class _Maker:
    """Ensembles of one make, from some of the samples each."""

    def __init__(self, samples: Samples, asked: Request, taken: Regime, members: int) -> None:
        self.samples, self.taken, self.members, self.asked = samples, taken, members, asked
        _, self.schema, self.chosen = prepare(samples, _suited(asked))
        spec = self.schema.spec
        if spec.sparse:
            raise InputError("X is sparse, and a detector needs dense samples: give it .toarray()")
        if asked.latent_dim is None:
            self.chosen["latent_dim"] = _latent_dim(spec)
        if spec.kind == "vector" and spec.values == "real" and asked.likelihood == "auto":
            self.chosen["likelihood"] |= {"scales": list(spec.shape), "floor": max(0.01, self.schema.resolution)}
        options, denoising = self.chosen["options"], self.chosen["recipe"] == "denoising"
        if spec.kind in ("vector", "table"):
            options.setdefault("widths", [_width(spec)])
        elif denoising and spec.size <= DENSE and not {"network", "widths"} & set(options):
            options |= {"network": "mlp", "widths": [_width(spec)]}
        if denoising and spec.kind == "vector" and spec.values == "real":
            options.setdefault("corruption", CORRUPTION)
        self.device = rules.device(asked.device)
        most = max(1000, VALUES // spec.size)
        self.view = everything(samples.source(self.schema, device=self.device), most, generator(asked.seed, ORDER))
        self.chosen |= {"members": members, "device": str(self.device)}

    def divided(self, fraction: float, rng: Generator) -> tuple[Tensor, Tensor]:
        """Samples to train on and samples to calibrate by."""
        whole = len(self.view) == len(self.samples)
        return self.samples.divide(fraction, rng) if whole else split(len(self.view), fraction, rng)

    def ensemble(self, rows: Tensor, number: int = 0) -> Ensemble:
        """Train on some of the samples, by their numbers."""
        seed = self.asked.seed
        view = some_rows(self.view, rows.to(self.device))
        columns = self.schema.spec.kind == "vector" and self.schema.spec.values == "real"
        squash = Squash.of(view) if self.taken.squashed and columns else None
        view = view if squash is None else squash.view(view)
        gaps = view.x if view.present is None else view.x.where(view.present, torch.nan)
        source = TensorSource(gaps, self.schema.spec, self.device)
        found = self._components(source)
        models = [self._model(generator(seed, WEIGHTS, number, member)) for member in range(self.members)]
        for model in models:
            begin(model, source, found, generator(seed, START))
            group(model, source, generator(seed, START, 0))
        plan = self._plan(len(view), number)
        self.chosen |= {"steps": plan.steps, "batch_size": plan.batch_size}
        return Ensemble.learn(fit_stack(models, view, plan), squash, view, self.taken, generator(seed, START, number))

    def scores(self, ensemble: Ensemble, rows: Tensor) -> Array:
        """How unusual some of the samples are, as a user counts samples."""
        view = some_rows(self.view, rows.to(self.device))
        found = ensemble.unusual(blocks_of(view), self.samples.tally)
        if len(self.view) < len(self.samples):
            return found
        every = np.full((len(self.samples), *found.shape[1:]), np.nan)
        every[rows.numpy()] = found
        return np.asarray(self.samples.like_scores(every))  # NaN where others take part

    def _model(self, rng: Generator) -> AutoencoderModule:
        chosen = self.chosen
        likelihood, options = chosen["likelihood"], chosen["options"]
        model = build(
            chosen["recipe"], self.schema.spec, chosen["latent_dim"], likelihood=likelihood, options=options, rng=rng
        )
        return model.to(self.device)

    def _components(self, source: TensorSource) -> Components | None:
        if source.spec.values not in ("real", "unit") or not self.asked.options.get("linear_path", True):
            return None
        found = principal_components(source, self.chosen["latent_dim"], generator(self.asked.seed, START))
        # where nothing ever varied a code would only copy what is strange
        varied = max(1, int((found.variances > LEAST_SPREAD * found.variances.max()).sum()))
        return replace(found, axes=found.axes[:varied], variances=found.variances[:varied])

    def _plan(self, rows: int, number: int) -> StackPlan:
        asked = self.asked
        batch = _batch_size(rows) if asked.batch_size == "auto" else whole("batch_size", asked.batch_size)
        passes = None if asked.epochs is None else whole("epochs", asked.epochs)
        steps = _steps(rows, batch) if passes is None else passes * max(1, rows // batch)
        rate = 2e-3 if asked.learning_rate == "auto" else float(asked.learning_rate)
        return StackPlan(steps, batch, rate, self.taken.kept, max_time=asked.max_time, seed=asked.seed + number)


def _suited(asked: Request) -> Request:
    """What was asked, with the choices that suit a detector: denoising, and a scale for each column."""
    recipe = "denoising" if asked.recipe == "auto" else asked.recipe
    return replace(asked, recipe=recipe, scaling="column" if asked.scaling == "auto" else asked.scaling)


def _latent_dim(spec: SampleSpec) -> int:
    """As many numbers as a sample has values, at most 64 of tables, and 128 of others: what holds codes back is noise.

    >>> _latent_dim(SampleSpec("vector", (30,))), _latent_dim(SampleSpec("image", (1, 28, 28)))
    (30, 128)
    """
    return min(64 if spec.kind in ("vector", "table") else 128, spec.size)


def _width(spec: SampleSpec) -> int:
    """The hidden layer: about twice as wide as a sample, within 64 and 256.

    >>> [_width(SampleSpec("vector", (d,))) for d in (5, 30, 100, 500)]
    [64, 64, 256, 256]
    """
    return min(256, max(64, 1 << (2 * spec.size - 1).bit_length()))


def _batch_size(rows: int) -> int:
    """Rows of a step of each member.

    >>> [_batch_size(n) for n in (500, 5_000, 50_000)]
    [64, 128, 256]
    """
    return 64 if rows < 5_000 else 128 if rows < 20_000 else 256


def _steps(rows: int, batch: int) -> int:
    """Ten passes, within 200 and 2,000 steps.

    >>> [_steps(n, _batch_size(n)) for n in (500, 5_000, 50_000, 1_000_000)]
    [200, 391, 1954, 2000]
    """
    return max(200, min(2_000, ceil(10 * rows / batch)))
