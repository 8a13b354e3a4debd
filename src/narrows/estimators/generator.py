"""The estimator for new samples: fit, then sample, interpolate and traverse."""

from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
import pyarrow as pa
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from narrows.core.contracts import Quantizer
from narrows.core.errors import ChoiceError, InputError, unknown
from narrows.core.trace import Code
from narrows.data.arrays import Array
from narrows.data.frames import Frame, as_table, is_frame
from narrows.estimators.base import Estimator
from narrows.tasks import codes, generation
from narrows.tasks.likelihood import log_likelihood
from narrows.tasks.mixture import Mixture, choose_mixture
from narrows.tasks.symbol_density import SymbolDensity, fit_symbols
from narrows.tasks.symbols import quantizer
from narrows.training.seeds import CODES, DRAWS, generator, seed_of

Density = Literal["auto", "prior", "mixture", "autoregressive"]
Values = Literal["auto", "drawn", "median"]
SMOOTH = ("image", "sequence", "video")
"""Kinds of sample of which the median is shown, since noise that is drawn for each value alone looks like none."""
WIDE = 2.0
"""How many standard deviations of the codes a traversal reaches to either side."""


@dataclass(kw_only=True, eq=False, repr=False)
class Generator(Estimator):
    r"""Learns to make new samples like those it was shown.

        z ~ p(z),    x ~ p(x | z)

    Codes are drawn from the prior of the bottleneck. Where the code is deterministic and has none, a mixture of normal
    distributions is fitted to the codes of the training samples after training (Ghosh et al. 2020,
    https://arxiv.org/abs/1903.12436), with as many components as explain held-out codes best. Where the code is a row
    of symbols, as of `"vq"`, `"residual_vq"` and `"fsq"`, a network learns after training how each symbol follows from
    the ones before it (van den Oord et al. 2017, https://arxiv.org/abs/1711.00937).

    Args:
        recipe: A named model, see `narrows.recipes()`; `"auto"` is `"variational"`, or `"conditional"` where labels are
            given.
        density: What codes are drawn from: `"prior"`, `"mixture"` or `"autoregressive"` (fitted to the codes or the
            symbols of training samples), or `"auto"`: by symbols where there are any, else the prior where there is
            one.
        values: `"median"` for the point estimate of each sample, `"drawn"` for a draw of each value from its
            likelihood, or `"auto"`: the median of images, series and video, and draws of everything else.

    All other arguments are those of `Autoencoder`.

    Attributes:
        density_: The mixture, or the network over symbols, that codes are drawn from; None for the prior.
        module_, schema_, chosen_, history_, n_features_in_: As of `Autoencoder`.

    Source: Kingma and Welling (2014) for the default recipe; the recipes name theirs.

    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> made = Generator(latent_dim=2, epochs=5, random_state=0).fit(X).sample(3, random_state=0)
    >>> made.shape, made.dtype == X.dtype
    ((3, 4), True)
    """

    density: str = "auto"
    values: str = "auto"

    def fit(self, X: Any, y: Any = None, *, validation_data: Any = None) -> Self:
        """Learn to make samples.

        Args:
            X: Samples, as for `Autoencoder.fit`.
            y: Labels, (n,), or other conditions, (n, c), by which samples can then be asked for; None for none.
            validation_data: Samples that judge the model instead of a part of X; with labels, the pair of both.

        Raises:
            InputError: Data that cannot be used.
            ChoiceError: An unknown name, with the nearest known one, or an impossible value.
            TrainingError: The loss was not finite even at lower learning rates.
        """
        for name, value, known in (("density", self.density, Density), ("values", self.values, Values)):
            if value not in get_args(known):
                raise unknown(name, value, get_args(known))
        given = self._samples(X, least_rows=2)
        self._labelled = y is not None
        self._learn(given, validation_data, y)
        self._frame = Frame.of(X, as_table(X)) if is_frame(X) else None
        rng = generator(self.chosen_["seed"], CODES)
        told = self._told(given, y, self.conditions_)
        known_codes = generation.training_codes(self._module(), self.schema_, told, rng)
        density = self._chosen_density()
        self.density_: Mixture | SymbolDensity | None = None
        if density == "prior" and not self.module_.bottleneck.has_prior:
            generation.draw_codes(self.module_, 1, 1.0, rng)  # says why there is none
        elif density == "mixture":
            self.density_ = choose_mixture(known_codes, rng)
        elif density == "autoregressive":
            symbols, conditions = generation.training_symbols(self.module_, self.schema_, told, rng)
            self.density_ = fit_symbols(quantizer(self.module_), symbols, rng, conditions)
        self._code_mean, self._code_scale = known_codes.mean(0), known_codes.std(0, correction=0)
        return self

    def sample(self, n: int = 1, y: Any = None, temperature: float = 1.0, random_state: Any = None) -> Any:
        """New samples, in the container, units, type and shape of those that the model was fitted on.

        Args:
            n: How many.
            y: The label of all of them, or a label for each, of models that were fitted with labels.
            temperature: How far codes are drawn from the middle: 1 as they come, less for more usual samples; of
                symbols, what log-probabilities are divided by, so that 0 is the most probable one each time.
            random_state: A whole number for the same samples each time.

        Raises:
            ChoiceError: n below 1, or a negative temperature.
            InputError: Labels for a model without, or none for a model with.
        """
        check_is_fitted(self)
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ChoiceError(f"n is the number of samples, at least 1, got {n!r}")
        if not isinstance(temperature, int | float | np.floating) or not 0 <= temperature < float("inf"):
            raise ChoiceError(f"temperature is a number of at least 0, got {temperature!r}")
        seed = seed_of(random_state)
        context = self._context(y, int(n))
        return self._shown(self._drawn(int(n), float(temperature), seed, context), context, seed)

    def interpolate(self, a: Any, b: Any, steps: int = 8, *, path: str = "linear", y: Any = None) -> Any:
        """Samples on the way from one to another, by their codes, both ends included.

        Args:
            a: A sample, or several, (n, ...).
            b: As many.
            steps: How many samples make a way, its ends included.
            path: `"linear"`, or `"spherical"`: around the origin, where draws of a normal prior lie.
            y: Labels of a, of models that were fitted with labels; the way keeps them.

        Returns:
            (n * steps, ...): one way after another.
        """
        ends = [self._codes(x, y) for x in (a, b)]
        way = generation.between(ends[0], ends[1], steps, path)
        return self._shown(torch.from_numpy(way), self._repeated(y, len(ends[0]), steps))

    def traverse(self, X: Any, dimension: int, values: Any = None, *, y: Any = None) -> Any:
        """Samples with one entry of their code set to each of several values.

        Args:
            X: A sample, or several, (n, ...).
            dimension: Which entry of the code.
            values: What it is set to; None for nine values, up to two standard deviations of the training codes to
                either side of their mean.
            y: Their labels, of models that were fitted with labels.

        Returns:
            (n * len(values), ...): all of the first sample, then all of the next.
        """
        start = self._codes(X, y)
        generation.traversal(start[:0], dimension, np.empty(0))  # refuses an entry that is not there
        if values is None:
            mean, scale = float(self._code_mean[dimension]), float(self._code_scale[dimension])
            values = np.linspace(mean - WIDE * scale, mean + WIDE * scale, 9)
        edited = generation.traversal(start, dimension, np.asarray(values, dtype=np.float32))
        return self._shown(torch.from_numpy(edited), self._repeated(y, len(start), len(values)))

    def log_likelihood(self, X: Any, draws: int = 200, random_state: Any = 0, *, y: Any = None) -> Array:
        """How probable samples are, log p(x) in nats, by importance sampling: higher with more draws, up to the truth.

        Codes are weighed by the prior of the model, also where samples are drawn from a mixture.

        Args:
            X: Samples of the same shape as in fit.
            draws: How many codes are drawn for each, exactly.
            random_state: What they are drawn by; the same number gives the same result.
            y: Their labels, of models that were fitted with labels.

        Returns:
            (n,) float64, as a density of the raw values where the likelihood is one.

        Raises:
            ChoiceError: No draws, or a deterministic code, under which no sample has a likelihood.
        """
        given = self._checked(X, y)
        return log_likelihood(self._module(), self.schema_, given, draws, seed_of(random_state))

    def _recipe(self) -> str:
        if self.recipe != "auto":
            return self.recipe
        return "conditional" if self._labelled else "variational"

    def _chosen_density(self) -> str:
        """What codes are drawn from."""
        if self.density != "auto":
            return self.density
        model = self.module_
        if isinstance(model.bottleneck, Quantizer) and not model.objective.draws_codes:
            return "autoregressive"
        return "prior" if model.bottleneck.has_prior else "mixture"

    def _drawn(self, n: int, temperature: float, seed: int, context: Tensor | None) -> Tensor:
        """Codes from the density, (n, latent_dim); from the prior, of samples of which something may be known."""
        if isinstance(self.density_, Mixture):
            return self.density_.sample(n, generator(seed, CODES), temperature)
        model = self._module()
        device = next(model.parameters()).device
        if self.density_ is not None:
            symbols = self.density_.sample(n, generator(seed, CODES), temperature, context)
            return quantizer(model).values(symbols.to(device)).cpu()
        known = None if context is None else context.to(device)
        return generation.draw_codes(model, n, temperature, generator(seed, CODES, device=device), known)

    def _shown(self, found: Tensor, context: Tensor | None, seed: int | None = None) -> Any:
        """The samples that codes stand for, in their container; drawn where there is a seed and draws are wanted."""
        model = self._module()
        smooth = self.schema_.spec.kind in SMOOTH
        drawn = seed is not None and (self.values == "drawn" or (self.values == "auto" and not smooth))
        rng = generator(seed or 0, DRAWS, device=next(model.parameters()).device)

        def read(code: Code, known: Tensor | None) -> Tensor:
            if drawn or model.decoder.foretells:
                return model.decoder.drawn(code, known, model.likelihood, rng)
            return model.decode(code, known).median()

        values = generation.decoded(model, self.schema_, found, context, read)
        if self._frame is not None and isinstance(values, np.ndarray):
            return self._frame.restore(pa.table(list(values.T), list(map(str, self.feature_names_in_))))
        return self.schema_.container(values, None, None)

    def _codes(self, X: Any, y: Any) -> Array:
        """Codes of a sample or several, (n, latent_dim)."""
        check_is_fitted(self)
        one = np.shape(X) == getattr(self.schema_, "raw_shape", None)
        return codes.encode(self._module(), self.schema_, self._checked(np.asarray(X)[None] if one else X, y))

    def _context(self, y: Any, n: int) -> Tensor | None:
        """What is known of each sample, (n, c); None for models that are told nothing."""
        if self.conditions_ is None:
            if y is not None:
                raise InputError(
                    "the model was fitted without labels, so none can be asked for: give them to fit, as y"
                )
            return None
        alone = y is not None and np.ndim(y) == 0
        return self.conditions_.encode(np.full(n, y) if alone else y, n)

    def _repeated(self, y: Any, n: int, times: int) -> Tensor | None:
        context = self._context(y, n)
        return None if context is None else context.repeat_interleave(times, 0)

    def _keepsake(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        tensors = {"codes.mean": self._code_mean, "codes.scale": self._code_scale}
        if self.density_ is not None:
            tensors |= {f"density.{name}": tensor for name, tensor in self.density_.tensors().items()}
        return {"frame": None if self._frame is None else self._frame.to_json()}, tensors

    def _recall(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        self._frame = None if facts["frame"] is None else Frame.from_json(facts["frame"])
        self._code_mean, self._code_scale = tensors["codes.mean"], tensors["codes.scale"]
        prefix = "density."
        parts = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        self.density_ = None
        if "factors" in parts:
            self.density_ = Mixture(**parts)
        elif parts:
            self.density_ = SymbolDensity.of(quantizer(self.module_), parts)
