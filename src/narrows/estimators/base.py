"""What all estimators share: the options, how a model is learned from whatever a user hands over, and how it is kept.

An estimator is a data class, so that its fields are its constructor and its configuration; they are only stored. It has
no annotations of its own beside them: what `fit` learns is declared in `Learned`, which is no data class.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from narrows.core.errors import ChoiceError, InputError
from narrows.core.spec import Kind
from narrows.core.values import plain
from narrows.data.conditions import ConditionedSamples, Conditions
from narrows.data.door import samples, samples_like
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.estimators import model_file
from narrows.model import AutoencoderModule
from narrows.recipes.catalogue import check_takes, classifies, takes_conditions, takes_gaps, takes_sparse
from narrows.training import rules
from narrows.training.checkpoint import seed_in
from narrows.training.fit import Continuation, Request, fit
from narrows.training.seeds import seed_of

REQUESTED = {field.name for field in fields(Request)} | {"recipe_options"}
"""The arguments of an estimator that training takes."""


class Learned:
    """What every fitted estimator knows."""

    module_: AutoencoderModule
    schema_: Schema
    chosen_: dict[str, Any]
    history_: list[dict[str, Any]]
    n_features_in_: int
    conditions_: Conditions | None = None
    _continuation: Continuation | None = None


@dataclass(kw_only=True, eq=False, repr=False)
class Estimator(Learned, BaseEstimator):  # type: ignore[misc]
    """The options of every estimator, described in `Autoencoder`, and what is done with them."""

    recipe: str = "auto"
    latent_dim: int | str | None = None
    recipe_options: Mapping[str, Any] | None = None
    likelihood: str | Mapping[str, Any] = "auto"
    scaling: str = "auto"
    epochs: int | None = None
    batch_size: int | str = "auto"
    learning_rate: float | str = "auto"
    optimizer: str = "adamw"
    weight_decay: float | str = "auto"
    schedule: str = "cosine"
    warmup: int = 100
    gradient_clip: float | str | None = "auto"
    validation_fraction: float = 0.1
    patience: int | str | None = "auto"
    max_time: float | None = None
    checkpoint: str | Path | None = None
    tensorboard: str | None = None
    device: str = "auto"
    precision: str = "auto"
    random_state: Any = None
    verbose: int = 1
    columns: Mapping[str, str] | None = None

    def save(self, path: str | Path) -> None:
        """Write everything needed to use the model to one `.safetensors` file."""
        check_is_fitted(self)
        model_file.save(self, path)

    def _keepsake(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What a model file holds of this estimator besides model and schema: facts for JSON, and tensors by name."""
        return {}, {}

    def _recall(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Take up what `_keepsake` gave; the model and schema are there already."""

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = takes_gaps(self.recipe)
        tags.input_tags.sparse = takes_sparse(self.recipe)
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_continuation", None)
        if "module_" in state:
            state["module_"] = copy.deepcopy(state["module_"]).cpu()
        return state

    def _learn(self, X: Any, validation_data: Any = None, y: Any = None) -> Self:
        """Train on samples, and take over what was found when all has gone well.

        Args:
            X: Samples.
            validation_data: Samples that judge the model; with labels, the pair of both.
            y: What is known of each sample, for recipes that take conditions; ignored by the others.
        """
        given = self._samples(X, least_rows=2)
        newcomer = clone(self)
        newcomer._know_columns(given, reset=True)
        conditions = self._conditions(y, len(given))
        held_out, known = None, None
        if validation_data is not None:
            if conditions is not None:
                validation_data, known = self._pair(validation_data)
            held_out = self._samples(validation_data, least_rows=1, kind=given.kind)
        if held_out is not None and given.names is None:
            newcomer._know_columns(held_out, reset=False)
        told = self._told(given, y, conditions)
        found = fit(told, self._request(), None if held_out is None else self._told(held_out, known, conditions))
        self._know_columns(given, reset=True)
        self.conditions_ = conditions
        self.module_, self.schema_, self.chosen_, self.history_ = (
            found.module,
            found.schema,
            found.chosen,
            found.history,
        )
        self._continuation = None
        return self

    def _conditions(self, y: Any, n: int) -> Conditions | None:
        """What labels or conditions there are of n samples, for recipes that take them; None for none."""
        recipe = self._recipe()
        if y is None or not takes_conditions(recipe):
            return None
        found = Conditions.learn(y, n)
        if not classifies(recipe):
            return found
        if found.classes is None:
            raise InputError(f"the recipe {recipe!r} learns classes, and y holds numbers: give one label a sample")
        return replace(found, missing=True)

    def _told(self, given: Samples, y: Any, conditions: Conditions | None) -> Samples:
        """Samples, with what is known of each where the model is told."""
        if conditions is None:
            return given
        return ConditionedSamples(given, conditions.encode(y, len(given)), classifies(self._recipe()))

    def _pair(self, validation_data: Any) -> tuple[Any, Any]:
        if not isinstance(validation_data, tuple) or len(validation_data) != 2:
            raise InputError(f"the recipe {self.recipe!r} is told labels: validation_data is a pair (X, y) of both")
        return validation_data

    def _go_on(self, X: Any, y: Any = None) -> Self:
        """One more pass, over more samples; the first of them are learned from as in `fit`."""
        first = not hasattr(self, "module_")
        if first:
            given = self._samples(X, least_rows=2)
            learned = self._conditions(y, len(given))
            given = self._told(given, y, learned)
        else:
            given = self._checked(X, y)
        self._know_columns(given, reset=first)
        if first:
            self.conditions_ = learned
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

    def _recipe(self) -> str:
        """The recipe to train."""
        return self.recipe

    def _request(self) -> Request:
        params = {name: plain(value) for name, value in self.get_params().items() if name in REQUESTED}
        params["recipe"] = self._recipe()
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

    def _checked(self, X: Any, y: Any = None) -> Samples:
        """Samples of the kind that fit saw, with what is known of each where the model is told."""
        check_is_fitted(self)
        given = samples_like(X, self.schema_, getattr(self, "feature_names_in_", None))
        spec = self.schema_.spec
        by_shape = spec.kind == "sequence" and spec.shape[0] > 1  # where channels lie, the schema knows
        if not by_shape or hasattr(given.columned, "columns"):
            self._know_columns(given, reset=False)
        given.check(self.schema_)
        check_takes(self.chosen_["recipe"], sparse=False, gaps=bool(given.gaps))
        return self._told(given, y, self.conditions_)

    def _samples(self, X: Any, least_rows: int, kind: Kind | None = None) -> Samples:
        """Samples to learn from."""
        likelihood = self.likelihood if isinstance(self.likelihood, str) else self.likelihood.get("name")
        return samples(X, least_rows, self.columns, mixed=likelihood == "mixed", kind=kind)
