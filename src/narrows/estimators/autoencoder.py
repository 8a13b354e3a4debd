"""The estimator for codes: fit, transform, and back."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from narrows.core.errors import ChoiceError, InputError
from narrows.core.spec import Kind
from narrows.core.values import plain
from narrows.data.arrays import Array, as_array
from narrows.data.door import samples, samples_like
from narrows.data.samples import Samples
from narrows.data.schema import ArraySchema, Schema
from narrows.estimators import model_file
from narrows.model import AutoencoderModule
from narrows.recipes.catalogue import takes_sparse
from narrows.tasks import codes
from narrows.training import rules
from narrows.training.checkpoint import seed_in
from narrows.training.fit import Continuation, Request, fit
from narrows.training.seeds import seed_of

REQUESTED = {field.name for field in fields(Request)} | {"recipe_options"}
"""The arguments of an estimator that training takes."""


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Learns a code: fewer numbers for each sample, from which the sample can be rebuilt.

        loss(x) = distortion + rate + penalties        z = transform(x),  x' = inverse_transform(z)

    Takes tables `(n, d)` and images `(n, height, width)`, `(n, height, width, channels)` or `(n, channels, height,
    width)` of any numeric type, as arrays, data frames or memory maps. With a plain code the model is never worse than
    PCA with as many dimensions on the rows that validate it, which `fit` begins from; tied weights, a likelihood
    asked for whose mean is not linear, and `linear_path=False` go without that promise.

    Args:
        recipe: A named model, see `narrows.recipes()`; `"auto"` is `"convolutional"` for images, else `"deep"`.
        latent_dim: Size of the code; None for the square root of the number of values, at most 64.
        recipe_options: Options of the recipe, such as `{"widths": [256, 64]}`.
        likelihood: `"auto"` (a coin for zeros and ones, Poisson for sparse counts, else normal with a learned scale),
            `"normal"` (squared error), `"bernoulli"` (binary cross-entropy), or a name with options.
        scaling: `"shared"` (one scale for all columns), `"column"` (one each), `"none"`, or `"auto"`: shared unless
            most columns have ranges far below the widest.
        epochs: Passes over the data, at most; None for about 10,000 steps, fewer where steps are heavy.
        batch_size: Rows of a step; `"auto"` for 32 to 256 by the number of rows.
        learning_rate: Of the optimiser; `"auto"` for its default.
        optimizer: `"adamw"`, `"adam"`, `"sgd"` or `"muon"`.
        weight_decay: Of the optimiser; `"auto"` for 0.1 with `"adamw"` and `"muon"`, none with the others.
        schedule: `"cosine"`, `"one_cycle"` or `"constant"`.
        warmup: Steps over which the learning rate climbs, at most a fifth of the run.
        gradient_clip: Largest norm of the gradient of the loss per value; None for no limit, which is what `"auto"`
            means but for `"sgd"`.
        validation_fraction: Share of the rows set aside to judge the model.
        patience: Epochs without a better score before training stops; `"auto"` for a tenth of them, None for never.
        max_time: Seconds after which training stops.
        checkpoint: Folder to write moments to, and to resume from.
        tensorboard: Folder for TensorBoard; needs the extra `narrows[tensorboard]`.
        device: `"auto"`, `"cpu"`, `"cuda"`, ...
        precision: `"float32"`, `"bfloat16"`, or `"auto"`: by a fixed rule on hardware and shapes.
        random_state: A whole number for the same result each time.
        verbose: 0 for silence, 1 for a progress bar on a terminal, 2 for a line each epoch.
        columns: Kinds of a table's columns by name, `"number"`, `"count"`, `"truth"` or `"category"`, where their
            values alone would say something else.

    Attributes:
        module_: The trained `AutoencoderModule`, a torch module.
        schema_: How raw values become tensors and come back.
        chosen_: What was chosen where the choice was ours, and the best epoch.
        history_: A row of losses for each epoch.
        n_features_in_: Columns seen in fit (for images, the length of the first axis of one).

    Source: Hinton and Salakhutdinov (2006) for the default recipe; the recipes name theirs.

    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> ae = Autoencoder(latent_dim=2, epochs=5, random_state=0).fit(X)
    >>> ae.transform(X).shape, ae.reconstruct(X).shape
    ((150, 2), (150, 4))
    """

    module_: AutoencoderModule
    schema_: Schema
    chosen_: dict[str, Any]
    history_: list[dict[str, Any]]
    n_features_in_: int
    _continuation: Continuation | None = None

    def __init__(
        self,
        *,
        recipe: str = "auto",
        latent_dim: int | None = None,
        recipe_options: Mapping[str, Any] | None = None,
        likelihood: str | Mapping[str, Any] = "auto",
        scaling: str = "auto",
        epochs: int | None = None,
        batch_size: int | str = "auto",
        learning_rate: float | str = "auto",
        optimizer: str = "adamw",
        weight_decay: float | str = "auto",
        schedule: str = "cosine",
        warmup: int = 100,
        gradient_clip: float | str | None = "auto",
        validation_fraction: float = 0.1,
        patience: int | str | None = "auto",
        max_time: float | None = None,
        checkpoint: str | Path | None = None,
        tensorboard: str | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: Any = None,
        verbose: int = 1,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        self.recipe = recipe
        self.latent_dim = latent_dim
        self.recipe_options = recipe_options
        self.likelihood = likelihood
        self.scaling = scaling
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.warmup = warmup
        self.gradient_clip = gradient_clip
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_time = max_time
        self.checkpoint = checkpoint
        self.tensorboard = tensorboard
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose
        self.columns = columns

    def fit(self, X: Any, y: Any = None, *, validation_data: Any = None) -> Self:
        """Learn the code.

        Args:
            X: Samples, (n, d), sparse or dense, or images.
            y: Ignored.
            validation_data: Samples that judge the model instead of a part of X.

        Raises:
            InputError: Data that cannot be used: missing values, text, fewer than two rows or columns.
            ChoiceError: An unknown name, with the nearest known one, or an impossible value.
            TrainingError: The loss was not finite even at lower learning rates.
        """
        given = self._samples(X, least_rows=2)
        newcomer = clone(self)
        newcomer._know_columns(given, reset=True)
        held_out = None
        if validation_data is not None:
            held_out = self._samples(validation_data, least_rows=1, kind=given.kind)
        if held_out is not None and given.names is None:
            newcomer._know_columns(held_out, reset=False)
        found = fit(given, self._request(), held_out)
        self._know_columns(given, reset=True)
        self.module_, self.schema_, self.chosen_, self.history_ = (
            found.module,
            found.schema,
            found.chosen,
            found.history,
        )
        self._continuation = None
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Train on one more batch of samples: a single pass, at a constant learning rate.

        The first call learns the schema and begins as PCA of its batch, so let that batch be a fair sample.

        Args:
            X: Samples, (n, d) or images.
            y: Ignored.
        """
        first = not hasattr(self, "module_")
        given = self._samples(X, least_rows=2) if first else self._checked(X)
        self._know_columns(given, reset=first)
        if self._continuation is None:
            begun = None if first else (self.module_, self.schema_, self.chosen_)
            self._continuation = Continuation(given, self._request(), begun)
            if first:
                self.history_ = []
        self._continuation.go_on(given)
        self.module_, self.schema_, self.chosen_ = (
            self._continuation.module,
            self._continuation.schema,
            self._continuation.chosen,
        )
        return self

    def transform(self, X: Any) -> Array:
        """The codes of samples: the posterior mean where the code is random.

        Args:
            X: Samples of the same shape as in fit.

        Returns:
            (n, latent_dim), float64 for float64 input, otherwise float32.
        """
        given = self._checked(X)
        found = codes.encode(self._module(), self.schema_, given)
        return found.astype(np.float64) if given.form == np.float64 else found

    def inverse_transform(self, Z: Any) -> Any:
        """The samples that codes stand for, in the units and type of the data in fit.

        Args:
            Z: Codes, (n, latent_dim).
        """
        check_is_fitted(self)
        found = codes.decode(self._module(), self.schema_, as_array(Z))
        return self.schema_.container(found, Z, getattr(self, "feature_names_in_", None))

    def reconstruct(self, X: Any) -> Any:
        """The samples, encoded and decoded: same container, shape, units and type.

        Args:
            X: Samples of the same shape as in fit.
        """
        given = self._checked(X)
        return codes.reconstruct(self._module(), self.schema_, given)

    def transform_blocks(self, X: Any) -> Iterator[Array]:
        """The codes of samples, a block after another, for data whose codes are too many for memory.

        Args:
            X: Samples of the same shape as in fit, for example a stream that `narrows.open_data` gives.
        """
        given = self._checked(X)
        kind = np.float64 if given.form == np.float64 else np.float32
        return (block.astype(kind, copy=False) for block in codes.encoded(self._module(), self.schema_, given))

    def reconstruct_blocks(self, X: Any) -> Iterator[Any]:
        """The samples, encoded and decoded, a block after another; their shape, units and type.

        Args:
            X: Samples of the same shape as in fit, for example a stream that `narrows.open_data` gives.
        """
        return codes.reconstructed(self._module(), self.schema_, self._checked(X))

    def score_samples(self, X: Any) -> Array:
        """How well each sample is explained, in nats: minus distortion and rate. Higher is more normal.

        Args:
            X: Samples of the same shape as in fit.

        Returns:
            (n,) float64.
        """
        given = self._checked(X)
        return given.like_scores(codes.score_samples(self._module(), self.schema_, given))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(self.score_samples(X).mean())

    def encoder_module(self) -> nn.Module:
        """A plain torch encoder for other networks: raw samples as a tensor in, codes out, with gradients.

        It is a copy: training it further leaves this estimator as it is.

        Raises:
            InputError: A model of a table with columns of several kinds.
        """
        check_is_fitted(self)
        if not isinstance(self.schema_, ArraySchema):
            raise InputError("encoder_module takes raw samples as a tensor, and a table with text or dates is none")
        return RawEncoder(copy.deepcopy(self.module_), self.schema_)

    def save(self, path: str | Path) -> None:
        """Write everything needed to use the model to one `.safetensors` file."""
        check_is_fitted(self)
        model_file.save(self, path)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = takes_sparse(self.recipe)
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_continuation", None)
        if "module_" in state:
            state["module_"] = copy.deepcopy(state["module_"]).cpu()
        return state

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn names the columns of the code by."""
        return self.module_.bottleneck.latent_dim

    def _request(self) -> Request:
        params = {name: plain(value) for name, value in self.get_params().items() if name in REQUESTED}
        options = params.pop("recipe_options") or {}
        if not isinstance(options, Mapping):
            raise ChoiceError(f"recipe_options is a dictionary, got {options!r}")
        options = dict(options)
        if "likelihood" in options:  # it decides how values are scaled, so it is the estimator's
            if params["likelihood"] != "auto":
                raise ChoiceError("the likelihood is given twice: as likelihood= and in recipe_options")
            params["likelihood"] = options.pop("likelihood")
        begun = seed_in(self.checkpoint) if self.random_state is None and self.checkpoint is not None else None
        seed = seed_of(self.random_state) if begun is None else begun
        return Request(**params, options=options, seed=seed)

    def _module(self) -> AutoencoderModule:
        """The module, on the device that was asked for."""
        check_is_fitted(self)
        return self.module_.to(rules.device(self.device))

    def _know_columns(self, given: Samples, reset: bool) -> None:
        """Learn number and names of columns, or compare them with those of fit, in one sentence where they differ."""
        if given.names is not None:  # a schema that knows its columns by name compares them itself
            if reset:
                self.n_features_in_ = len(given.names)
                self.feature_names_in_ = np.array(given.names, dtype=object)
            return
        try:
            validate_data(self, given.columned, skip_check_array=True, reset=reset)
        except ValueError as error:
            raise InputError(" ".join(str(error).split())) from error

    def _checked(self, X: Any) -> Samples:
        """Samples of the kind that fit saw."""
        check_is_fitted(self)
        given = samples_like(X, self.schema_, getattr(self, "feature_names_in_", None))
        spec = self.schema_.spec
        by_shape = spec.kind == "sequence" and spec.shape[0] > 1  # where channels lie, the schema knows
        if not by_shape or hasattr(given.columned, "columns"):
            self._know_columns(given, reset=False)
        given.check(self.schema_)
        return given

    def _samples(self, X: Any, least_rows: int, kind: Kind | None = None) -> Samples:
        """Samples to learn from."""
        likelihood = self.likelihood if isinstance(self.likelihood, str) else self.likelihood.get("name")
        return samples(X, least_rows, self.columns, mixed=likelihood == "mixed", kind=kind)


class RawEncoder(nn.Module):
    """From raw samples to codes, as one torch module."""

    def __init__(self, model: AutoencoderModule, schema: ArraySchema) -> None:
        super().__init__()
        self.encoder = model.encoder
        self.bottleneck = model.bottleneck
        self.schema = schema

    def forward(self, x: Tensor) -> Tensor:
        """Codes (n, latent_dim) of raw samples, as they lie in arrays."""
        code: Tensor = self.bottleneck(self.encoder(self.schema.view(x, self.schema.spec.gaps)), None).z
        return code
