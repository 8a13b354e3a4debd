"""Estimators that predict, learned from many samples of which few have labels."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d
from torch import Tensor

from narrows.core.contracts import Answer
from narrows.core.errors import InputError
from narrows.data.arrays import Array
from narrows.data.labels import classified, labelled
from narrows.data.sources import GatheredSource
from narrows.estimators.base import Estimator
from narrows.networks.head import Head
from narrows.recipes.catalogue import classifies
from narrows.tasks import codes, prediction
from narrows.training import rules
from narrows.training.fit import Request
from narrows.training.self_training import self_taught
from narrows.training.supervised import HowMuch, Question, WhichClass, teach

SHARE = 0.6
"""Share of `max_time` that is the autoencoder's."""


class Taught:
    """What an estimator that predicts knows besides: the head, and the labels or their scale."""

    head_: Answer
    classes_: Array
    target_mean_: float
    target_scale_: float


@dataclass(kw_only=True, eq=False, repr=False)
class Pretrained(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Taught, Estimator):  # type: ignore[misc]
    """What the classifier and the regressor share."""

    def transform(self, X: Any) -> Array:
        """The codes of samples, as the labels have shaped them.

        Args:
            X: Samples of the same shape as in fit.

        Returns:
            (n, latent_dim), float64 for float64 input, otherwise float32.
        """
        given = self._checked(X)
        found = codes.encode(self._module(), self.schema_, given)
        return found.astype(np.float64) if given.form == np.float64 else found

    def _labels(self, X: Any, y: Any) -> Array:
        """A label for each sample, (n,), whether there or not."""
        if y is None:
            raise InputError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        if isinstance(X, Iterator):
            raise InputError("labels go with samples that can be gone over twice: X is an iterator")
        try:
            labels: Array = column_or_1d(y, warn=True)
        except ValueError as error:
            raise InputError(" ".join(str(error).split())) from error
        count = len(self._samples(X, least_rows=2))
        if len(labels) != count:
            raise InputError(f"y has {len(labels)} labels, but X has {count} samples: inconsistent numbers of samples")
        return labels

    def _request(self) -> Request:
        asked = super()._request()
        return (
            asked
            if asked.max_time is None or classifies(asked.recipe)
            else replace(asked, max_time=SHARE * asked.max_time)
        )

    def _teach(self, X: Any, rows: Array, targets: Array, question: Question) -> Self:
        """Train the autoencoder on all samples, then head and encoder on those with labels."""
        started = time.monotonic()
        if classifies(self._recipe()):
            return self._ask(X, rows, targets, question)
        self._learn(X)
        deadline = None if self.max_time is None else started + self.max_time
        source = self._checked(X).source(self.schema_, device=rules.device(self.device))
        if not isinstance(source, GatheredSource):
            raise InputError("labels go with samples in memory, and X is a stream: read it into an array")
        seed, fraction = self.chosen_["seed"], self.validation_fraction
        way = self_taught if question.spreads and len(rows) < len(source) else teach
        taught = way(self._module(), source, rows, targets, question, seed, fraction, deadline).cpu()
        self.module_, self.head_ = self.module_.cpu().eval(), taught.head
        return self

    def _ask(self, X: Any, rows: Array, targets: Array, question: Question) -> Self:
        """Train an autoencoder that learns the labels itself, so that it can be asked for the class."""
        if not question.spreads:
            raise InputError(f"the recipe {self.recipe!r} learns classes, not numbers: give it to PretrainedClassifier")
        labels = np.full(len(self._samples(X, least_rows=2)), None, dtype=object)
        labels[rows] = targets.argmax(1)
        self._learn(X, y=labels)
        self.head_ = self._guess()
        return self

    def _guess(self) -> Answer:
        """The part of the model that guesses classes."""
        guess = self.module_.bottleneck.guess
        assert guess is not None, "a recipe that classifies has such a part"
        return guess

    def _outputs(self, X: Any) -> Array:
        """The numbers that the head gives, (n, outputs)."""
        check_is_fitted(self)
        given = self._checked(X)
        module = self._module()
        return prediction.predict(module, self.head_.to(rules.device(self.device)), self.schema_, given)

    def _keepsake(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return {}, {} if classifies(self._recipe()) else dict(self.head_.state_dict())

    def _recall(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        if classifies(self._recipe()):
            self.head_ = self._guess()
            return
        outputs, latent_dim = tensors["map.weight"].shape
        self.head_ = Head(latent_dim, outputs)
        self.head_.load_state_dict(tensors)
        self.head_.eval()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn names the columns of the code by."""
        return self.module_.bottleneck.latent_dim


@dataclass(kw_only=True, eq=False, repr=False)
class PretrainedClassifier(ClassifierMixin, Pretrained):  # type: ignore[misc]
    r"""Classifies samples, learned from many of which few have labels.

        p(class | x) = softmax(A f(x) + b)

    An autoencoder is trained on all samples; a head, one affine map, on the codes f(x) of those with labels; then
    encoder and head together. The samples without a label take part by what two teachers say of them: labels spread
    along the graph of nearest neighbours among the codes, and networks trained on the labels alone. How much each is
    believed, or which alone, is what does best on labels that neither of them was shown, over five folds. A student
    learns labels and teaching, in mixtures of samples two by two, and teaches the next; there are three. If the last is
    clearly worse on the samples with labels than the head on the codes as they were, that is kept instead.

    With the recipe `"semi_supervised"` the labels are learned inside the model instead, all of them, and its own guess
    q(class | x) is what is asked.

    Args:
        unlabelled: What stands in y where there is no label; None and NaN do in any case. Where -1 is a label, say
            another mark, or None. A y of -1 and one label more has two labels.
        recipe, latent_dim, ...: All others as in `Autoencoder`; `validation_fraction` is also the share of the labelled
            samples that the head is judged by, and of `max_time` three fifths are the autoencoder's.

    Attributes:
        classes_: The labels that there are, in order.
        head_: The head, a torch module: (n, latent_dim) to (n, classes); with `"semi_supervised"` a part of the model.
        module_: The autoencoder, whose encoder the labels have changed.

    Source: Hinton and Salakhutdinov (2006); Zhou et al. (2004) for the labels that are spread; Xie, Luong, Hovy and Le
    (2020), https://arxiv.org/abs/1911.04252, for students of noisy samples; Zhang, Cisse, Dauphin and Lopez-Paz (2018),
    https://arxiv.org/abs/1710.09412, for mixtures.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> some = [label if i % 5 == 0 else -1 for i, label in enumerate(y)]
    >>> classifier = PretrainedClassifier(latent_dim=2, epochs=5, random_state=0).fit(X, some)
    >>> classifier.score(X, y) > 0.8
    True
    """

    unlabelled: Any = -1

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from all samples, and from the labels of some.

        Args:
            X: Samples: anything that `Autoencoder.fit` takes and that lies in memory.
            y: A label for each, (n,), numbers or text; `unlabelled`, None or NaN where there is none.

        Raises:
            InputError: Data that cannot be used, no labels, another number of them, or a single class.
            ChoiceError: An unknown name, with the nearest known one, or an impossible value.
        """
        found = classified(self._labels(X, y), self.unlabelled)
        check_classification_targets(found.values)
        kinds, places = np.unique(found.values, return_inverse=True)
        self._teach(X, found.rows, np.eye(len(kinds))[places], WhichClass(len(kinds)))
        self.classes_ = kinds
        return self

    def predict(self, X: Any) -> Array:
        """The most probable class of each sample, (n,).

        Args:
            X: Samples of the same shape as in fit.
        """
        best = self._outputs(X).argmax(1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, in the order of `classes_`, (n, classes).

        Args:
            X: Samples of the same shape as in fit.
        """
        return prediction.softmax(self._outputs(X))

    def _keepsake(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        facts, tensors = super()._keepsake()
        return facts | {"classes": self.classes_.tolist(), "type": self.classes_.dtype.str}, tensors

    def _recall(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        super()._recall(facts, tensors)
        self.classes_ = np.array(facts["classes"], dtype=np.dtype(facts["type"]))


@dataclass(kw_only=True, eq=False, repr=False)
class PretrainedRegressor(RegressorMixin, Pretrained):  # type: ignore[misc]
    r"""Predicts a number for each sample, learned from many of which few have one.

        y(x) = A f(x) + b

    An autoencoder is trained on all samples; a head, one affine map, on the codes f(x) of those with a number; then
    encoder and head together. A share of those samples is set aside; on them the result is never worse than the head on
    the codes as they were.

    Args:
        unlabelled: What stands in y where there is no number; None and NaN do in any case.
        recipe, latent_dim, ...: All others as in `Autoencoder` and `PretrainedClassifier`.

    Attributes:
        head_: The head, a torch module, in units of the standard deviation of y.
        module_: The autoencoder, whose encoder the numbers have changed.

    Source: Hinton and Salakhutdinov (2006), https://doi.org/10.1126/science.1127647.

    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> regressor = PretrainedRegressor(latent_dim=2, epochs=5, random_state=0).fit(X[:, :3], X[:, 3])
    >>> regressor.score(X[:, :3], X[:, 3]) > 0.8
    True
    """

    unlabelled: Any = None

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from all samples, and from the numbers of some.

        Args:
            X: Samples: anything that `Autoencoder.fit` takes and that lies in memory.
            y: A number for each, (n,); `unlabelled`, None or NaN where there is none.

        Raises:
            InputError: Data that cannot be used, no numbers, or another number of them.
            ChoiceError: An unknown name, with the nearest known one, or an impossible value.
        """
        found = labelled(self._labels(X, y), self.unlabelled)
        try:
            numbers = found.values.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"y holds something else than numbers: {error}") from error
        if not np.isfinite(numbers).all():
            raise InputError("Input y contains infinity or a value too large for dtype('float64').")
        mean, scale = float(numbers.mean()), float(numbers.std()) or 1.0
        self._teach(X, found.rows, (numbers[:, None] - mean) / scale, HowMuch(1))
        self.target_mean_, self.target_scale_ = mean, scale
        return self

    def predict(self, X: Any) -> Array:
        """The number of each sample, (n,).

        Args:
            X: Samples of the same shape as in fit.
        """
        found = self._outputs(X)[:, 0]
        return self.target_mean_ + self.target_scale_ * found

    def _keepsake(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        facts, tensors = super()._keepsake()
        return facts | {"mean": self.target_mean_, "scale": self.target_scale_}, tensors

    def _recall(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        super()._recall(facts, tensors)
        self.target_mean_, self.target_scale_ = facts["mean"], facts["scale"]
