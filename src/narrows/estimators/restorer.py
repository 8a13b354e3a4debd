"""Estimators that restore: any corruption undone, and three with a corruption of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from narrows.core.errors import ChoiceError, InputError, unknown
from narrows.data import clips, pictures
from narrows.data.arrays import Array, in_type
from narrows.data.samples import Samples
from narrows.estimators.restoring import PictureRestorer
from narrows.recipes.assemble import Asked
from narrows.tasks import motion, restoration
from narrows.tasks.noise import noise_level

TRAININGS = ("clean", "pairs", "noisy")
"""What a denoiser may learn from."""
LEVEL = "level"
"""What the code of a denoiser says, where it may be told: the standard deviation of the noise."""
ANY_LEVEL = (0.05, 2.0)
"""Levels of noise that a denoiser learns where none is given, in standard deviations of the data."""


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
    as well (Noise2Noise; Lehtinen et al. 2018). `"noisy"`: X is all there is; noise is added for the network, and taken
    from what it is to rebuild, in such a way that both are independent (Recorrupted-to-Recorrupted; Pang et al. 2021),
    which takes away normal noise of one level. Of samples that are read as a stream, values are guessed from those
    around them (Noise2Void; Krull et al. 2019), which takes away noise that is independent from pixel to pixel.

    Besides its own it takes the arguments of `Autoencoder`; the rest is as of `Restorer`.

    Args:
        noise: The standard deviation of the noise in units of the data; `"auto"` to learn all levels at once, so that
            the network finds out itself, or, of noisy samples alone, to estimate it (`narrows.tasks.noise`).
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

    @classmethod
    def pretrained(cls, noise: float | str = "auto") -> Self:
        """A denoiser of photographs, grey or in colours, that is ready for use.

        It was trained on Kodak's 24 photographs with normal noise of standard deviations up to 55 of 255, see
        `tools/train_restorers.py`; what it was measured to do stands in `chosen_["made"]`.

        Args:
            noise: The standard deviation of the noise in units of the pictures; `"auto"` to estimate it from each.
                Floats that are all less than 8 in size are taken to have white at 1, others at 255.

        Raises:
            ChoiceError: A noise that is no number greater than 0.

        >>> draw = np.random.default_rng(0)
        >>> flat = np.full((1, 32, 32), 0.5)
        >>> noisy = flat + 0.1 * draw.normal(size=flat.shape)
        >>> bool(np.abs(Denoiser.pretrained(noise=0.1).transform(noisy) - flat).mean() < 0.04)
        True
        """
        found = cls._shipped()
        found.noise = noise
        found._level()
        return found

    def transform(self, X: Any) -> Any:
        """The samples, restored; pictures may have any size, 8 or 16 bits, and keep their alpha.

        A model of pictures that can be told the noise denoises video along its motion, others of pictures frame by
        frame. One that learned from noisy pictures alone has fitted some of their noise, and restores each picture in
        the eight ways that it can be turned and mirrored, of which the mean has less of that.

        Args:
            X: Samples as in fit; pictures as an array (n, height, width[, channels]) or a list, video
                (n, time, height, width, channels).
        """
        if self.training == "noisy" and self.schema_.spec.kind == "image" and not clips.are_clips(X):
            return pictures.as_given(X, [self._in_every_way(picture) for picture in pictures.all_of(X)])
        if self.chosen_.get("code") != LEVEL:
            return self._restored(X)
        level = self._level()
        if not clips.are_clips(X):
            return self._restored(X, told=level)
        return np.stack([self._along_motion(clip, level) for clip in clips.all_of(X)])

    def _in_every_way(self, picture: Array) -> Array:
        """One picture restored in eight ways, the mean in its own type."""
        total = np.zeros(picture.shape, np.result_type(picture, np.float32))
        for way in range(pictures.WAYS):
            total += pictures.turned_back(self._restored([pictures.turned(picture, way)])[0], way)
        return in_type(total / pictures.WAYS, picture.dtype)

    def _along_motion(self, clip: Array, level: float | None) -> Array:
        """One clip, (time, height, width, channels), denoised along its motion."""
        sigma = noise_level(clip[None]) if level is None else level

        def denoise(frames: Array, told: Any) -> Array:
            return np.stack(self._restored(list(frames), told=told, like=clip.dtype))

        return motion.denoised_along_motion(clip, sigma, denoise)

    def _level(self) -> float | None:
        """The standard deviation of the noise; None where it is to be found out."""
        if self.noise == "auto":
            return None
        if isinstance(self.noise, str) or not self.noise > 0:
            raise ChoiceError(f"the noise is a number greater than 0 or 'auto', got {self.noise!r}")
        return float(self.noise)

    def _corruption(self, X: Any, paired: bool) -> Asked | Sequence[Asked]:
        if self.training not in TRAININGS:
            raise unknown("training", self.training, TRAININGS)
        if (self.training == "pairs") != paired:
            said = "choose training='pairs'" if paired else "the clean samples are missing: fit(noisy, clean)"
            raise InputError(f"training={self.training!r} does not fit what was given: {said}")
        if self.training == "noisy":
            if not self._drawn:
                raise InputError(
                    "training='noisy' tells noise from neighbours that are alike, which only pictures have"
                )
            if isinstance(X, Samples):  # the level of their noise is not known
                return {"name": "blind_spots"}
            found = self._level()
            found = noise_level(X) if found is None else found
            return {"name": "recorrupted", "scale": found / _deviation(X)}
        level = self._level()
        scale = list(ANY_LEVEL) if level is None else level / _deviation(X)
        return {"name": "gaussian_noise", "scale": scale}


@dataclass(kw_only=True, eq=False, repr=False)
class Inpainter(PictureRestorer):
    """Fills regions of pictures, and frames and regions of video; what is known is returned untouched, to the bit.

    Blots and single pixels are hidden from a network, which learns to fill them; of video, whole frames too. It looks
    about 60 pixels far, and of video 8 frames. Frames that are missing are drawn along the motion as well, from those
    before to those after, and held-out clips say how much the network counts beside that.

    It takes the arguments of `Autoencoder`; the rest is as of `Restorer`.

    Attributes:
        share_: How much the network counts in whole frames of video.
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
        """The pictures or clips with their masked regions filled.

        Args:
            X: Pictures as an array (n, height, width[, channels]) or a list; video (n, time, height, width, channels).
            mask: Where they are to be filled, bool: (height, width) for all, or (n, height, width), or a list of one
                for each; of video (time,) or (n, time) for whole frames, or with height and width. None for where X
                is NaN.

        Raises:
            InputError: A mask of another shape, or one that hides nothing, or everything.
        """
        if self.schema_.spec.kind == "video":
            video = clips.all_of(X, gaps=True)
            gone = clips.masks_of(video, mask)
            shown = np.where(gone[..., None], 0, video).astype(video.dtype)
            found = np.where(gone[..., None], self._restored(shown, list(gone)), video)
            return np.stack([self._weighed(clip, hidden.all((1, 2))) for clip, hidden in zip(found, gone, strict=True)])
        if self.schema_.spec.kind != "image":
            raise InputError(
                "an Inpainter fills pictures and video: gaps of other samples are what narrows.Imputer fills"
            )
        given = pictures.all_of(X, gaps=True)
        masks = pictures.masks_of(given, mask)
        cleared = [np.where(pictures.beside(m, p), 0, p).astype(p.dtype) for p, m in zip(given, masks, strict=True)]
        found = self._restored(cleared, masks)
        whole = [np.where(pictures.beside(m, p), f, p) for p, m, f in zip(given, masks, found, strict=True)]
        return pictures.as_given(X, whole)

    def _weighed(self, clip: Array, gone: Array) -> Array:
        """A clip, of which whole frames are also drawn along the motion, each as much as held-out clips say."""
        found = clip.copy()
        if gone.any() and self.share_ < 1:
            drawn = motion.drawn_between(clip, gone)[gone]
            found[gone] = in_type(self.share_ * clip[gone] + (1 - self.share_) * drawn, clip.dtype)
        return found

    def _corruption(self, X: Any, paired: bool) -> Asked | Sequence[Asked]:
        if clips.are_clips(X):
            return [{"name": "dropped_frames", "fraction": 0.2}, {"name": "free_form_mask", "fraction": 0.1, "size": 6}]
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

    @classmethod
    def pretrained(cls) -> Self:
        """An upscaler of photographs by 2, grey or in colours, that is ready for use.

        It was trained on Kodak's 24 photographs, halved by means over boxes or bicubic interpolation, see
        `tools/train_restorers.py`; what it was measured to do stands in `chosen_["made"]`.

        >>> Upscaler.pretrained().transform(np.zeros((1, 20, 30), np.uint8)).shape
        (1, 40, 60)
        """
        return cls._shipped()

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
