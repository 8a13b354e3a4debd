"""The estimator that fills gaps."""

from dataclasses import dataclass, replace
from typing import Any, Self

from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from narrows.core.errors import ChoiceError, InputError
from narrows.core.spec import Kind
from narrows.core.values import plain
from narrows.data.door import cells, cells_like
from narrows.data.samples import Samples
from narrows.estimators.base import Estimator
from narrows.tasks import imputation
from narrows.tasks.guesses import Design, Guess, LinearGuess, MeanGuess
from narrows.training import rules
from narrows.training.fit import Request
from narrows.training.seeds import SPLIT, VALIDATION, generator, seed_of

HIDING = {"name": "masking", "fraction": [0.1, 0.7]}
"""What the network learns to undo unless the recipe is told otherwise."""


@dataclass(kw_only=True, eq=False, repr=False)
class Imputer(OneToOneFeatureMixin, TransformerMixin, Estimator):  # type: ignore[misc]
    r"""Fills gaps: tables of numbers and categories, series, images, in the container and types that they came in.

        x_h = w f(x_o) + (1 - w) E[x_h | x_o]

    A network f learns to rebuild cells that are hidden from it at random; beside it stands the conditional mean of a
    normal distribution (of wide samples each value's own mean), and on held-out rows it is decided, column by column,
    how much each of them counts. Cells that are there come back untouched, to the bit.

    It takes the arguments of `Autoencoder`. Here `recipe="auto"` is `"denoising"` with 10 to 70 % of the cells hidden,
    a share drawn for each row; with a normal code, as of `"variational"`, `sample` draws from the importance-weighted
    posterior.

    Attributes:
        shares_: How much the network counts in each column, by name, 0 for the linear guess alone; of images and series
            one number for all values.
        module_, schema_, chosen_, history_, n_features_in_: As of `Autoencoder`.

    Source: Vincent et al. (2008) for the network; Mattei and Frellsen (2019) for draws from a normal code.

    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data.copy()
    >>> X[::3, 2] = np.nan
    >>> imputer = Imputer(epochs=20, random_state=0).fit(X)
    >>> bool(np.isfinite(imputer.transform(X)).all())
    True
    """

    def fit(self, X: Any, y: Any = None, *, validation_data: Any = None) -> Self:
        """Learn to fill gaps, from samples with gaps or without.

        Args:
            X: Samples: a data frame, an array (n, d), images, the windows of a recording.
            y: Ignored.
            validation_data: Samples that judge the network instead of a part of X.

        Raises:
            InputError: Data that cannot be used.
            ChoiceError: An unknown name, with the nearest known one, or an impossible value.
            TrainingError: The loss was not finite even at lower learning rates.
        """
        given = self._samples(X, least_rows=2)
        aside = None if validation_data is None else self._samples(validation_data, least_rows=1, kind=given.kind)
        self._learn(given, aside)
        seed, device = self.chosen_["seed"], rules.device(self.device)
        train, held_out = given.split(self.schema_, self.validation_fraction, generator(seed, SPLIT), device)
        if aside is not None:
            train, held_out = given.source(self.schema_, device=device), aside.source(self.schema_, device=device)
        rng = generator(seed, VALIDATION)
        self._filler = imputation.learn_filler(self._module(), self.schema_, train, held_out, rng)
        return self

    def transform(self, X: Any) -> Any:
        """The samples with their gaps filled: same container, columns, types and index.

        Args:
            X: Samples of the same shape as in fit.
        """
        given = self._checked(X)
        return imputation.fill(self._module(), self.schema_, self._filler, given)

    def sample(self, X: Any, n: int = 5) -> list[Any]:
        """The samples with their gaps filled n times, each time by a draw from what they may have been.

        Args:
            X: Samples of the same shape as in fit.
            n: How many draws.

        Raises:
            ChoiceError: A number of draws that is not at least 1.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ChoiceError(f"the number of draws is a whole number of at least 1, got {n!r}")
        given = self._checked(X)
        rng = generator(seed_of(self.chosen_["seed"]), VALIDATION, 1)
        return imputation.draws(self._module(), self.schema_, self._filler, given, n, rng)

    @property
    def shares_(self) -> dict[str, float]:
        """How much the network counts in each column, by name."""
        check_is_fitted(self)
        shares = self._filler.shares.tolist()
        if self.schema_.spec.kind != "table":
            return {"values": shares[0]}
        return {column.name: share for column, share in zip(self.schema_.spec.columns, shares, strict=True)}

    def _request(self) -> Request:
        asked = super()._request()
        recipe = "denoising" if asked.recipe == "auto" else asked.recipe
        return replace(asked, recipe=recipe, options={"corruption": HIDING} | plain(asked.options), gaps=True)

    def _samples(self, X: Any, least_rows: int, kind: Kind | None = None) -> Samples:
        return cells(X, least_rows, self.columns, kind)

    def _checked(self, X: Any, y: Any = None) -> Samples:
        check_is_fitted(self)
        given = cells_like(X, self.schema_, getattr(self, "feature_names_in_", None))
        self._know_columns(given, reset=False)
        given.check(self.schema_)
        return given

    def _keepsake(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        guess = self._filler.guess
        design = guess.design
        kept = {"shares": self._filler.shares, "errors": self._filler.errors, "common": guess.common}
        kept |= {"owner": design.owner, "level": design.level, "mean": design.mean, "deviation": design.deviation}
        return {}, kept | guess.moments()

    def _recall(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        design = Design(*(tensors[name] for name in ("owner", "level", "mean", "deviation")))
        guess: Guess = MeanGuess(design, tensors["common"])
        if "covariance" in tensors:
            guess = LinearGuess(design, tensors["common"], tensors["centre"], tensors["covariance"])
        size = self.schema_.spec.size
        if tensors["shares"].shape != (size,) or tensors["errors"].shape != (size, imputation.QUANTILES):
            raise InputError("its shares are not those of its columns")
        self._filler = imputation.Filler(guess, tensors["shares"], tensors["errors"])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.n_features_in_
