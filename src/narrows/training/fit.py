"""From raw values to a trained model: the schema, the parts, the start as PCA, the loop, and the promise.

The promise: with a plain code the model handed back is never worse on held-out rows than PCA with as many dimensions,
and with a Gaussian code at beta = 1 never below probabilistic PCA's bound. The model begins as PCA and the best moment
is kept, so the beginning itself is the floor; where a likelihood has no linear mean, PCA is fitted beside it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch

from narrows.core.errors import ChoiceError, FileError, InputError
from narrows.core.spec import SampleSpec
from narrows.corruptions import Clean
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.data.sources import Source
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import LIKELIHOODS, Asked
from narrows.recipes.catalogue import DEFAULT_RECIPES, build, check_takes, kind_of
from narrows.training import rules
from narrows.training.checkpoint import Checkpoint, Moment, run_in
from narrows.training.guessing import labels_often, spread_labels
from narrows.training.knee import knee, knee_of
from narrows.training.loop import Loop, Plan, judge
from narrows.training.neighbours import with_neighbours
from narrows.training.optimisers import DEFAULT_RATES
from narrows.training.pretraining import pretrain
from narrows.training.report import reports
from narrows.training.seeds import NEIGHBOURS, SPLIT, START, WEIGHTS, generator
from narrows.training.start import Components, begin, effects, group, linear_path, principal_components, start_as

DEFAULT_LIKELIHOODS: dict[str, dict[str, Any]] = {
    "real": {"name": "normal", "scale": "learned"},
    "unit": {"name": "bernoulli"},
    "count": {"name": "negative_binomial"},
    "level": {"name": "categorical"},
    "mixed": {"name": "mixed"},
}
"""The likelihood of values of each kind, unless one is asked for."""
SPARSE_COUNTS: dict[str, Any] = {"name": "poisson"}
"""And of sparse counts."""


@dataclass(frozen=True)
class Request:
    """What was asked for, with None and "auto" where narrows shall choose."""

    recipe: str = "auto"
    latent_dim: int | Literal["auto"] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    likelihood: Asked = "auto"
    scaling: str = "auto"
    epochs: int | None = None
    batch_size: int | Literal["auto"] = "auto"
    learning_rate: float | Literal["auto"] = "auto"
    optimizer: str = "adamw"
    weight_decay: float | Literal["auto"] = "auto"
    schedule: str = "cosine"
    warmup: int = 100
    gradient_clip: float | Literal["auto"] | None = "auto"
    validation_fraction: float = 0.1
    patience: int | Literal["auto"] | None = "auto"
    max_time: float | None = None
    checkpoint: str | Path | None = None
    tensorboard: str | None = None
    device: str = "auto"
    precision: str = "auto"
    seed: int = 0
    verbose: int = 0
    gaps: bool = False
    """Whether samples may lack values later, though those of training may not."""


@dataclass
class Fitted:
    """A trained model, what it knows of its data, and how it came about."""

    module: AutoencoderModule
    schema: Schema
    chosen: dict[str, Any]
    history: list[dict[str, Any]]


def fit(samples: Samples, asked: Request, held_out: Samples | None = None) -> Fitted:
    """Train a model on samples.

    Args:
        samples: Raw samples.
        asked: What to train and how.
        held_out: Samples to judge the model on; None to set aside a part of `samples`.

    Raises:
        InputError: Data that cannot be used.
        ChoiceError: An unknown name or an impossible value.
        TrainingError: The loss was not finite, again and again.
    """
    started = time.monotonic()
    model, schema, chosen = prepare(samples, asked)
    device = rules.device(asked.device)
    model.to(device)
    train, judges = _sources(samples, held_out, schema, asked, device)
    plan = plan_for(asked, model, len(train), device)
    checkpoint = _checkpoint(asked, plan, chosen, train, judges)
    train, judges = with_neighbours(model, train, judges, generator(asked.seed, NEIGHBOURS))
    found = _components(model, train, asked, chosen["latent_dim"])
    begun = begin(model, train, found, generator(asked.seed, START))
    stages = pretrain(model, train, judges, plan, checkpoint)
    group(model, train, generator(asked.seed, START, 0))
    if model.bottleneck.guess is not None:
        train, judges = spread_labels(model, train, judges, asked.seed) if stages else (labels_often(train), judges)
    loop = Loop(model, train, judges, plan, checkpoint, started, linear_path(model) if begun else ())
    with reports(asked.verbose, loop.total_steps, loop.progress.step, asked.tensorboard) as report:
        history = loop.run(report)
    chosen |= {"device": str(device), **{k: v for k, v in asdict(plan).items() if k != "seed"}}
    chosen["best_epoch"] = loop.progress.best_epoch
    if stages:
        chosen["pretraining"] = stages
    if loop.by_error and begun and loop.progress.best_epoch == 0:
        everything = samples.source(schema, device=device)
        of_all = _components(model, everything, asked, chosen["latent_dim"])
        if of_all is not None:
            start_as(model, of_all)
    if loop.by_error and found is not None and not begun and asked.likelihood == "auto":
        model = _or_linear(model, found, judges, asked, chosen)
    return Fitted(model.cpu().eval(), schema, chosen, history)


class Continuation:
    """Training that goes on, one batch of rows after another, at a constant learning rate.

    Args:
        samples: The first of them.
        asked: What to train and how.
        begun: A model, its schema and what was chosen, to go on from; None to begin with PCA of the first samples.
    """

    def __init__(
        self,
        samples: Samples,
        asked: Request,
        begun: tuple[AutoencoderModule, Schema, dict[str, Any]] | None,
    ) -> None:
        self.module, self.schema, self.chosen = begun or prepare(samples, asked)
        self.module.stages = ()  # one pass is too little for many
        self.device = rules.device(asked.device)
        self.module.to(self.device)
        if begun is None:
            source = samples.source(self.schema, device=self.device)
            found = _components(self.module, source, asked, self.chosen["latent_dim"])
            begin(self.module, source, found, generator(asked.seed, START))
            group(self.module, source, generator(asked.seed, START, 0))
        plan = plan_for(asked, self.module, len(samples), self.device)
        self.plan = replace(plan, epochs=1, schedule="constant", warmup=0, max_time=None)
        self.passes = 0
        self.moment: Moment | None = None

    def go_on(self, samples: Samples) -> None:
        """One pass over more samples, which are known to be of the kind that the schema was learned on."""
        source = samples.source(self.schema, device=self.device)
        self.module.train()
        source, _ = with_neighbours(self.module, source, source, generator(self.plan.seed, NEIGHBOURS, self.passes))
        loop = Loop(self.module, source, source, replace(self.plan, seed=self.plan.seed + self.passes))
        self.moment = loop.one_pass(self.moment)
        self.passes += 1
        self.module.eval()


def prepare(samples: Samples, asked: Request) -> tuple[AutoencoderModule, Schema, dict[str, Any]]:
    """The untrained model for samples, their schema, and what was chosen where the choice was ours."""
    wanted = _likelihood(asked.likelihood)
    values = None if wanted is None else LIKELIHOODS[str(wanted["name"])].support
    schema = samples.learn(values, asked.scaling, kind_of(asked.recipe))
    schema = schema.with_gaps() if asked.gaps else schema
    sparse_counts = schema.spec.sparse and schema.spec.values == "count"
    likelihood = wanted or dict(SPARSE_COUNTS if sparse_counts else DEFAULT_LIKELIHOODS[schema.spec.values])
    if schema.spec.kind == "vector" and schema.spec.size == 1:
        raise InputError("X has 1 feature(s), n_features = 1: an autoencoder needs at least 2 columns to find a code")
    if likelihood.get("scale") == "learned":
        likelihood.setdefault("floor", schema.resolution)
    recipe = DEFAULT_RECIPES.get(schema.spec.kind, "deep") if asked.recipe == "auto" else asked.recipe
    check_takes(recipe, schema.spec.sparse, schema.spec.gaps)
    spec = replace(schema.spec, context=samples.condition)

    def make(size: Any) -> AutoencoderModule:
        rng = generator(asked.seed, WEIGHTS)
        return build(recipe, spec, size, likelihood=likelihood, options=asked.options, rng=rng)

    errors = _errors_by_size(samples, schema, asked, make) if asked.latent_dim == "auto" else {}
    size = knee_of(errors) if errors else _size(asked.latent_dim, spec)
    chosen: dict[str, Any] = {"recipe": recipe, "latent_dim": size, "likelihood": likelihood, "seed": asked.seed}
    chosen |= {"options": dict(asked.options), "context": samples.condition}
    chosen |= {"knee": sorted(errors.items())} if errors else {}
    model = make(size)
    if (
        size > schema.spec.size
        and model.bottleneck.free
        and not model.penalties
        and isinstance(model.corruption, Clean)
    ):
        warnings.warn(
            f"a code of {size} dimensions for {schema.spec.size} values that nothing regularises can copy its input: "
            "choose a smaller latent_dim, or a sparse, denoising, contractive or variational recipe",
            stacklevel=4,
        )
    return model, schema, chosen


def _size(asked: Any, spec: SampleSpec) -> Any:
    """The size of the code: what was asked for, which `assemble` checks, or a rule on the spec."""
    return rules.latent_dim(spec) if asked is None else asked


def _errors_by_size(
    samples: Samples, schema: Schema, asked: Request, make: Callable[[int], AutoencoderModule]
) -> dict[int, float]:
    """Errors of short fits with codes of several sizes; those of the run that is gone on with, where there is one."""
    known = run_in(asked.checkpoint).get("model", {}).get("knee") if asked.checkpoint is not None else None
    if known is not None:
        return dict(known)
    device = rules.device(asked.device)
    train, judges = _sources(samples, None, schema, asked, device)
    plan = plan_for(asked, make(1).to(device), len(train), device)
    return knee(make, train, judges, schema.spec.size - 1, plan, _linear(train, asked))


def plan_for(asked: Request, model: AutoencoderModule, rows: int, device: torch.device) -> Plan:
    """The plan of a run, every choice made."""
    work = rules.operations(model)
    batch = (
        rules.batch_size(rows, work, model.spec.sparse)
        if asked.batch_size == "auto"
        else whole("batch_size", asked.batch_size)
    )
    epochs = rules.epochs(rows, batch, work) if asked.epochs is None else whole("epochs", asked.epochs)
    clip = rules.gradient_clip(asked.optimizer) if asked.gradient_clip == "auto" else asked.gradient_clip
    usual, pace = DEFAULT_RATES.get(asked.optimizer, 1e-3), model.objective.pace
    rate = usual * pace if asked.learning_rate == "auto" else asked.learning_rate
    return Plan(
        epochs=epochs,
        batch_size=batch,
        optimizer=asked.optimizer,
        learning_rate=rate,
        weight_decay=rules.weight_decay(asked.optimizer) / pace if asked.weight_decay == "auto" else asked.weight_decay,
        schedule=asked.schedule,
        warmup=asked.warmup,
        gradient_clip=clip,
        patience=rules.patience(epochs) if asked.patience == "auto" else asked.patience,
        max_time=asked.max_time,
        precision=rules.precision(asked.precision, device, model.spec, batch, work),
        seed=asked.seed,
    )


def whole(name: str, value: Any) -> int:
    """A whole number of at least 1, or a sentence."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ChoiceError(f"{name} is a whole number of at least 1, got {value!r}")
    return value


def _components(model: AutoencoderModule, source: Source, asked: Request, k: int) -> Components | None:
    """Principal components, of numbers alone, unless no linear path is wanted or each block has its own.

    They are of what a condition leaves, where one is known.
    """
    if model.encoder.block_path() is not None or not _linear(source, asked):
        return None
    told = model.encoder.condition_path()
    if told is None or model.bottleneck.guess is not None:  # what is guessed is not known of every sample
        return principal_components(source, k, generator(asked.seed, START))
    given = effects(source, told.in_features, generator(asked.seed, START))
    return principal_components(source, k, generator(asked.seed, START), given)


def _linear(source: Source, asked: Request) -> bool:
    """Whether models begin as principal components, where their parts allow it."""
    numbers = source.spec.values in ("real", "unit") and not source.spec.sparse
    return numbers and bool(asked.options.get("linear_path", True))


def _likelihood(asked: Asked) -> dict[str, Any] | None:
    """The likelihood as name and options; None for `"auto"`, which goes by the data."""
    if asked == "auto":
        return None
    if not isinstance(asked, str) and not (isinstance(asked, Mapping) and "name" in asked):
        raise ChoiceError(f"a likelihood is a name or a dictionary with a 'name', got {asked!r}")
    return {"name": asked} if isinstance(asked, str) else dict(asked)


def _sources(
    samples: Samples, held_out: Samples | None, schema: Schema, asked: Request, device: torch.device
) -> tuple[Source, Source]:
    """Rows to train on and rows to judge by; without any to spare, the training rows judge themselves."""
    if not (isinstance(asked.validation_fraction, int | float) and 0 <= asked.validation_fraction < 1):
        raise ChoiceError(f"validation_fraction lies in [0, 1), got {asked.validation_fraction!r}")
    if held_out is not None:
        held_out.check(schema)
        return samples.source(schema, device=device), held_out.source(schema, device=device)
    return samples.split(schema, asked.validation_fraction, generator(asked.seed, SPLIT), device)


def _checkpoint(asked: Request, plan: Plan, chosen: dict[str, Any], train: Source, judges: Source) -> Checkpoint | None:
    if asked.checkpoint is None:
        return None
    try:
        Path(asked.checkpoint).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"checkpoint={str(asked.checkpoint)!r} cannot be a folder: {error.strerror}") from error
    run = asdict(replace(plan, max_time=None)) | {"model": chosen}
    run |= {"data": train.digest(), "validation data": judges.digest()}
    return Checkpoint(Path(asked.checkpoint), run)


def _or_linear(
    model: AutoencoderModule, found: Components, judges: Source, asked: Request, chosen: dict[str, Any]
) -> AutoencoderModule:
    """The model, or PCA as a model where that has the smaller error on held-out rows."""
    likelihood = {"name": "normal", "scale": "learned"}
    spec, size = model.spec, chosen["latent_dim"]
    linear = build(chosen["recipe"], spec, size, likelihood=likelihood, options=asked.options).to(judges.device)
    if not start_as(linear, found):
        return model
    batch = chosen["batch_size"]
    if judge(model, judges, batch, asked.seed)["error"] <= judge(linear, judges, batch, asked.seed)["error"]:
        return model
    chosen |= {"likelihood": likelihood, "best_epoch": 0}
    return linear
