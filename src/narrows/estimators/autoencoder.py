"""The estimator for codes: fit, transform, and back."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from narrows.core.errors import InputError
from narrows.data.arrays import Array, as_array
from narrows.data.schema import ArraySchema
from narrows.estimators.base import Estimator
from narrows.model import AutoencoderModule
from narrows.tasks import clusters, codes, symbols


@dataclass(kw_only=True, eq=False, repr=False)
class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):  # type: ignore[misc]
    r"""Learns a code: fewer numbers for each sample, from which the sample can be rebuilt.

        loss(x) = distortion + rate + penalties        z = transform(x),  x' = inverse_transform(z)

    Takes tables `(n, d)` and images `(n, height, width)`, `(n, height, width, channels)` or `(n, channels, height,
    width)` of any numeric type, as arrays, data frames or memory maps. With a plain code the model is never worse than
    PCA with as many dimensions on the rows that validate it, which `fit` begins from; tied weights, a likelihood
    asked for whose mean is not linear, and `linear_path=False` go without that promise.

    Args:
        recipe: A named model, see `narrows.recipes()`; `"auto"` is `"convolutional"` for images, else `"deep"`.
        latent_dim: Size of the code; None for the square root of the number of values, at most 64; `"auto"` for the
            knee of the errors of short fits, at most 64, which are in `chosen_["knee"]` by size.
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
        columns: Kinds of a table's columns by name, `"number"`, `"count"`, `"truth"`, `"category"` or
            `"identifier"` (left out), where their values alone would say something else.

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

    def fit(self, X: Any, y: Any = None, *, validation_data: Any = None) -> Self:
        """Learn the code.

        Args:
            X: Samples, (n, d), sparse or dense, or images.
            y: Labels, (n,), or other conditions, (n, c), for recipes that take them, as `"conditional"`; a missing
                one is None or NaN. Other recipes ignore it.
            validation_data: Samples that judge the model instead of a part of X; with labels, the pair of both.

        Raises:
            InputError: Data that cannot be used: missing values, text, fewer than two rows or columns, labels of
                another number than samples.
            ChoiceError: An unknown name, with the nearest known one, or an impossible value.
            TrainingError: The loss was not finite even at lower learning rates.
        """
        return self._learn(X, validation_data, y)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Train on one more batch of samples: a single pass, at a constant learning rate.

        The first call learns the schema and begins as PCA of its batch, so let that batch be a fair sample.

        Args:
            X: Samples, (n, d) or images.
            y: As in `fit`; the first call has to see every label.
        """
        return self._go_on(X, y)

    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """`fit`, and the codes of the same samples."""
        return self.fit(X, y).transform(X, y)

    def transform(self, X: Any, y: Any = None) -> Array:
        """The codes of samples: the posterior mean where the code is random.

        Args:
            X: Samples of the same shape as in fit.
            y: Their labels, where the model was fitted with labels; None where all are missing.

        Returns:
            (n, latent_dim), float64 for float64 input, otherwise float32.
        """
        given = self._checked(X, y)
        found = codes.encode(self._module(), self.schema_, given)
        return found.astype(np.float64) if given.form == np.float64 else found

    def inverse_transform(self, Z: Any, y: Any = None) -> Any:
        """The samples that codes stand for, in the units and type of the data in fit.

        Args:
            Z: Codes, (n, latent_dim).
            y: The labels of the samples to be, as in `transform`.
        """
        check_is_fitted(self)
        z = as_array(Z)
        context = None if self.conditions_ is None else self.conditions_.encode(y, len(z))
        found = codes.decode(self._module(), self.schema_, z, context)
        return self.schema_.container(found, Z, getattr(self, "feature_names_in_", None))

    def reconstruct(self, X: Any, y: Any = None) -> Any:
        """The samples, encoded and decoded: same container, shape, units and type.

        Args:
            X: Samples of the same shape as in fit.
            y: Their labels, as in `transform`.
        """
        given = self._checked(X, y)
        return codes.reconstruct(self._module(), self.schema_, given)

    def clusters(self, X: Any) -> Array:
        """The groups that samples fall into, of recipes that learn centres, as `"clustering"`.

        Args:
            X: Samples of the same shape as in fit.

        Returns:
            (n,) int64, from 0 to one less than the number of groups.

        Raises:
            ChoiceError: The model has no centres.
        """
        return clusters.clusters(self._module(), self.schema_, self._checked(X))

    def indices(self, X: Any) -> Array:
        """The symbols of samples, of recipes whose code is quantised, such as `"vq"` and `"fsq"`.

        Args:
            X: Samples of the same shape as in fit.

        Returns:
            (n, symbols) int64; `module_.bottleneck.sizes` says how many values each symbol can take.

        Raises:
            ChoiceError: The code has no symbols.
        """
        given = self._checked(X)
        return symbols.indices(self._module(), self.schema_, given)

    def from_indices(self, indices: Any) -> Any:
        """The samples that symbols stand for, in the units and type of the data in fit.

        Args:
            indices: Symbols, (n, symbols), as `indices` gives them.
        """
        check_is_fitted(self)
        found = symbols.from_indices(self._module(), self.schema_, as_array(indices))
        return self.schema_.container(found, indices, getattr(self, "feature_names_in_", None))

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

    def score_samples(self, X: Any, y: Any = None) -> Array:
        """How well each sample is explained, in nats: minus distortion and rate. Higher is more normal.

        Args:
            X: Samples of the same shape as in fit.
            y: Their labels, as in `transform`.

        Returns:
            (n,) float64.
        """
        given = self._checked(X, y)
        return given.like_scores(codes.score_samples(self._module(), self.schema_, given))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(self.score_samples(X, y).mean())

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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn names the columns of the code by."""
        return self.module_.bottleneck.latent_dim


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
