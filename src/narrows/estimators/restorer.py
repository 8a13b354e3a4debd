"""Estimators that restore: any corruption undone, and three with a corruption of their own."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils import Tags
from torch import Tensor

from narrows.core.errors import ChoiceError, InputError, unknown
from narrows.data import pictures
from narrows.data.arrays import Array, in_type
from narrows.data.pairs import PairedSamples
from narrows.data.samples import Samples
from narrows.data.schema import of_array
from narrows.data.streams import StreamSamples
from narrows.estimators.base import Estimator
from narrows.recipes.assemble import Asked
from narrows.tasks import codes, restoration
from narrows.training import rules
from narrows.training.fit import Request
from narrows.training.seeds import SPLIT, VALIDATION, generator

WHOLE = 4
"""How many numbers say what is true of a whole picture, unless `latent_dim` does."""
TRAININGS = ("clean", "pairs", "noisy")
"""What a denoiser may learn from."""
ANY_LEVEL = (0.05, 2.0)
"""Levels of noise that a denoiser learns where none is given, in standard deviations of the data."""


@dataclass(kw_only=True, eq=False, repr=False)
class PictureRestorer(TransformerMixin, Estimator):  # type: ignore[misc]
    """What all that restore have in common; each says what it learns to undo."""

    @abstractmethod
    def _corruption(self, X: Any, paired: bool) -> Asked | Sequence[Asked]:
        """What is to be undone of clean samples X, unless they come in pairs."""

    def fit(self, X: Any, y: Any = None, *, validation_data: Any = None) -> Self:
        """Learn to restore.

        Args:
            X: Clean samples: pictures (n, height, width[, channels]), or a list of pictures of any sizes, or
                what `open_data(folder, size="each")` gives; series, vectors or tables. With `y`, the corrupted ones.
            y: The clean samples that belong to X, where there are pairs; then nothing else is corrupted.
            validation_data: Samples that judge the model instead of a part of X.

        Raises:
            InputError: Data that cannot be used.
            ChoiceError: An unknown name, with the nearest known one, or an impossible value.
            TrainingError: The loss was not finite even at lower learning rates.
        """
        cut = pictures.to_learn(X)
        given = self._samples(cut, least_rows=2) if y is None else PairedSamples(cut, pictures.to_learn(y))
        aside = None if validation_data is None else self._given(validation_data)
        shown = given.array if isinstance(given, StreamSamples) else given.given
        self._drawn = given.kind == "sequence" or np.ndim(shown) > 2
        undone = self._corruption(cut, paired=y is not None)
        self._undone = undone if y is None else {"name": "paired"}
        self._learn(given, aside)
        seed, device = self.chosen_["seed"], rules.device(self.device)
        _, held_out = given.split(self.schema_, self.validation_fraction, generator(seed, SPLIT), device)
        held_out = held_out if aside is None else aside.source(self.schema_, device=device)
        helps = restoration.helps(self._module(), held_out, generator(seed, VALIDATION))
        self.kept_ = "model" if helps else "input"
        return self

    def _restored(self, X: Any, masks: Sequence[Array] | None = None, like: np.dtype[Any] | None = None) -> Any:
        """Samples, restored; of pictures a list, in a type of their own or that of others.

        Args:
            X: Samples as in fit, pictures of any size.
            masks: Where each picture is not known.
            like: What type the pictures were of before they were enlarged.
        """
        if self.schema_.spec.kind != "image":
            given = self._checked(X)
            return X if self.kept_ == "input" else codes.reconstruct(self._module(), self.schema_, given)
        module, schema = self._module(), of_array(self.schema_)
        whole, found = [], pictures.all_of(X)
        for place, picture in enumerate(found):
            restoration.check_channels(schema, picture)
            mask = None if masks is None else masks[place]
            kind = picture.dtype if like is None else like
            if self.kept_ == "input":
                whole.append(in_type(picture, kind))
            else:
                whole.append(restoration.restore(module, schema, picture, mask, kind))
        return pictures.as_given(X, whole)

    def _given(self, X: Any) -> Samples:
        return self._samples(pictures.to_learn(X), least_rows=2)

    def _request(self) -> Request:
        asked = super()._request()
        recipe = ("restoring" if self._drawn else "denoising") if asked.recipe == "auto" else asked.recipe
        size = WHOLE if asked.latent_dim is None and recipe == "restoring" else asked.latent_dim
        options = {"corruption": self._undone} | dict(asked.options)
        return replace(asked, recipe=recipe, latent_dim=size, options=options, gaps=self._gaps)

    _gaps = False

    def _keepsake(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return {"kept": self.kept_}, {}

    def _recall(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        self.kept_ = str(facts["kept"])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


def _deviation(X: Any) -> float:
    """The standard deviation of all values, 1 where there is none."""
    if isinstance(X, Samples):
        raise InputError("noise in units of the data needs samples in memory: choose noise='auto' for these")
    found = [np.asarray(part, dtype=np.float64) for part in (X if isinstance(X, list) else [X])]
    return float(np.nanstd(np.concatenate([part.ravel() for part in found]))) or 1.0


@dataclass(kw_only=True, eq=False, repr=False)
class Restorer(PictureRestorer):
    r"""Learns to undo a corruption, or several after each other: blur, noise, JPEG, fewer pixels, gaps.

        loss(x) = -log p(x | x~),    x~ = corruption(x), drawn afresh at each step

    Pictures are restored by the recipe `restoring`, whose skip connections pass the bottleneck by, at any size, tile by
    tile; other samples by `denoising`. Where restored samples are not nearer to the clean ones than corrupted samples
    are, on the rows that were held out, `transform` gives back its input.

    Besides its own it takes the arguments of `Autoencoder`.

    Args:
        corruption: What is to be undone: a name, a dictionary with options, or a list of them, one after another.

    Attributes:
        kept_: `"model"`, or `"input"` where the model does not help.
        module_, schema_, chosen_, history_: As of `Autoencoder`.

    Source: as of the recipe `restoring`.

    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().images[:60]
    >>> Restorer(corruption="blur", epochs=1, random_state=0).fit(X).transform(X[:2]).shape
    (2, 8, 8)
    """

    corruption: Any = "gaussian_noise"

    def transform(self, X: Any) -> Any:
        """The samples, restored; pictures may have any size, 8 or 16 bits, and keep their alpha.

        Args:
            X: Samples as in fit; pictures as an array (n, height, width[, channels]) or a list.
        """
        return self._restored(X)

    def _corruption(self, X: Any, paired: bool) -> Asked | Sequence[Asked]:
        asked = self.corruption
        if not isinstance(asked, str | Mapping | list | tuple):
            raise ChoiceError(f"a corruption is a name, a dictionary or a list of them, got {asked!r}")
        return list(asked) if isinstance(asked, tuple) else asked


@dataclass(kw_only=True, eq=False, repr=False)
class Denoiser(PictureRestorer):
    """Takes noise away: learned from clean samples, from pairs, or from noisy samples alone.

    `training="clean"`: noise is added to X. `"pairs"`: `fit(noisy, clean)`; two noisy recordings of the same scene do
    as well (Noise2Noise; Lehtinen et al. 2018). `"noisy"`: X is all there is, and values are guessed from those around
    them (Noise2Void; Krull et al. 2019), which takes away noise that is independent from pixel to pixel.

    Besides its own it takes the arguments of `Autoencoder`; the rest is as of `Restorer`.

    Args:
        noise: The standard deviation of the noise in units of the data; `"auto"` to learn all levels at once, so that
            the network finds out itself.
        training: `"clean"`, `"pairs"` or `"noisy"`.

    Attributes:
        kept_: `"model"`, or `"input"` where the model does not help.
        module_, schema_, chosen_, history_: As of `Autoencoder`.

    Source: as of the recipe `restoring`.

    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().images[:60]
    >>> Denoiser(noise=4.0, epochs=1, random_state=0).fit(X).transform(X[:2]).shape
    (2, 8, 8)
    """

    noise: float | str = "auto"
    training: str = "clean"

    def transform(self, X: Any) -> Any:
        """The samples, restored; pictures may have any size, 8 or 16 bits, and keep their alpha.

        Args:
            X: Samples as in fit; pictures as an array (n, height, width[, channels]) or a list.
        """
        return self._restored(X)

    def _corruption(self, X: Any, paired: bool) -> Asked | Sequence[Asked]:
        if self.training not in TRAININGS:
            raise unknown("training", self.training, TRAININGS)
        if (self.training == "pairs") != paired:
            said = "choose training='pairs'" if paired else "the clean samples are missing: fit(noisy, clean)"
            raise InputError(f"training={self.training!r} does not fit what was given: {said}")
        if self.training == "noisy":
            if not self._drawn:
                raise InputError("training='noisy' guesses a value from its neighbours, which only pictures have")
            return {"name": "blind_spots"}
        if self.noise == "auto":
            return {"name": "gaussian_noise", "scale": list(ANY_LEVEL)}
        if isinstance(self.noise, str) or not self.noise > 0:
            raise ChoiceError(f"the noise is a number greater than 0 or 'auto', got {self.noise!r}")
        return {"name": "gaussian_noise", "scale": float(self.noise) / _deviation(X)}


@dataclass(kw_only=True, eq=False, repr=False)
class Inpainter(PictureRestorer):
    """Fills regions of pictures; what is known is returned untouched, to the bit.

    Blots and single pixels are hidden from a network, which learns to fill them. It looks about 60 pixels far.

    It takes the arguments of `Autoencoder`; the rest is as of `Restorer`.

    Attributes:
        kept_: `"model"`, or `"input"` where the model does not help.
        module_, schema_, chosen_, history_: As of `Autoencoder`.

    Source: as of the recipe `restoring`.

    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().images[:60]
    >>> mask = np.zeros((8, 8), bool)
    >>> mask[2:4] = True
    >>> filled = Inpainter(epochs=1, random_state=0).fit(X).transform(X[:2], mask)
    >>> bool((filled[:, ~mask] == X[:2, ~mask]).all())
    True
    """

    _gaps = True

    def transform(self, X: Any, mask: Any = None) -> Any:
        """The pictures with their masked regions filled.

        Args:
            X: Pictures as an array (n, height, width[, channels]) or a list.
            mask: Where they are to be filled, bool: (height, width) for all, or (n, height, width), or a list of one
                for each. None for where X is NaN.

        Raises:
            InputError: A mask of another shape, or one that hides nothing, or everything.
        """
        if self.schema_.spec.kind != "image":
            raise InputError("an Inpainter fills pictures: gaps of other samples are what narrows.Imputer fills")
        given = pictures.all_of(X, gaps=True)
        masks = pictures.masks_of(given, mask)
        cleared = [np.where(pictures.beside(m, p), 0, p).astype(p.dtype) for p, m in zip(given, masks, strict=True)]
        found = self._restored(cleared, masks)
        whole = [np.where(pictures.beside(m, p), f, p) for p, m, f in zip(given, masks, found, strict=True)]
        return pictures.as_given(X, whole)

    def _corruption(self, X: Any, paired: bool) -> Asked | Sequence[Asked]:
        blots = {"name": "free_form_mask", "fraction": 0.15, "size": 6}
        return [blots, {"name": "free_form_mask", "fraction": 0.5, "size": 1}]


@dataclass(kw_only=True, eq=False, repr=False)
class Upscaler(PictureRestorer):
    """Gives pictures more pixels: bicubic interpolation, and what a network adds to it.

    It takes the arguments of `Autoencoder`; the rest is as of `Restorer`.

    Args:
        factor: How many pixels one becomes along each side: 2, 3 or 4.

    Attributes:
        kept_: `"model"`, or `"input"` where the model does not help, so that what comes out is bicubic.
        module_, schema_, chosen_, history_: As of `Autoencoder`.

    Source: as of the recipe `restoring`.

    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().images[:60]
    >>> Upscaler(factor=2, epochs=1, random_state=0).fit(X).transform(X[:2]).shape
    (2, 16, 16)
    """

    factor: int = 2

    def transform(self, X: Any) -> Any:
        """The pictures with `factor` times as many pixels along each side.

        Args:
            X: Pictures as an array (n, height, width[, channels]) or a list.
        """
        if self.schema_.spec.kind != "image":
            raise InputError("an Upscaler enlarges pictures")
        small = pictures.all_of(X)
        large = [restoration.enlarged(picture, self.factor) for picture in small]
        found = [self._restored([p], like=s.dtype)[0] for p, s in zip(large, small, strict=True)]
        return pictures.as_given(X, found)

    def _corruption(self, X: Any, paired: bool) -> Asked | Sequence[Asked]:
        if self.factor not in (2, 3, 4):
            raise ChoiceError(f"the factor is 2, 3 or 4, got {self.factor!r}")
        return {"name": "downscale", "factor": self.factor}
