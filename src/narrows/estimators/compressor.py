"""The estimator for smaller data: fit on data of a kind, then compress more of it to bytes, and back."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self, overload

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from narrows.coding import pictures
from narrows.coding.learned import as_stack
from narrows.core.errors import ChoiceError, FileError, InputError
from narrows.core.values import plain
from narrows.data import tensor_file
from narrows.data.arrays import Array
from narrows.tasks import lossless, lossy
from narrows.tasks.compression import Plan, compress_to, form_of, pays, to_bytes
from narrows.tasks.decompression import from_bytes, open_compressed
from narrows.tasks.lossless import LosslessImages
from narrows.tasks.lossy import LossyImages
from narrows.tasks.shared import Shared
from narrows.training.fit import Request
from narrows.training.seeds import seed_of

PIXELS = 1 << 20
"""So many pixels of what `fit` saw prime the counts, at most."""


class Compressor(BaseEstimator):  # type: ignore[misc]
    r"""Compresses data to bytes, and gives them back bit for bit, or as nearly as was asked for.

        decompress(compress(X)) = X,    or |x' - x| <= max_error for floating-point numbers,
        or, with a quality, 10 log10(255^2 / mean (x' - x)^2) of about that many decibels for images

    With the effort `"max"`, `fit` trains an autoencoder on images of whole numbers from 0 to 255 whose decoder sees the
    pixels before each (recipe `"causal"`), and makes it into networks of whole numbers by which others of the same size
    are foretold. Large images, few ones, and all with less effort, prime the counts by which pixels are foretold
    instead. What was learned is part of the estimator and of its file; bytes without it only the same estimator can
    read. All other data are compressed as `narrows.compress` does it, and anyone can read them.

    With a quality, `fit` trains an autoencoder on images of a kind, for the bits of its code and the error that it
    leaves (recipe `"compressive"`), and makes it into a network of whole numbers, so that the same pixels come back on
    every machine. What foretells the numbers of a code from those around them is a network too, or tables.

    Args:
        max_error: How far a floating-point number may come back from what it was.
        effort: `"fast"`, `"default"` or `"max"`: how much is tried to make the bytes fewer.
        quality: The peak signal-to-noise ratio of images that is aimed at, in decibels, 15 to 50; None for images that
            come back exactly. What is reached, `measure` tells; it is seldom less.
        recipe_options: `{"widths": (64, 64)}`, the hidden units of the autoencoder, 64 and 64 by default; with a
            quality, the channels between its convolutions, by default 96 for images that blocks of 8 x 8 pixels fit,
            else 64 for blocks of 4 x 4.
        epochs: Passes over the images, at most; None for about 10,000 steps, fewer where steps are heavy.
        max_time: Seconds after which training stops.
        checkpoint: Folder to write moments to, and to resume from.
        device: Where to train: `"auto"`, `"cpu"`, `"cuda"`, ...
        random_state: A whole number for the same model each time.
        verbose: 0 for silence, 1 for a progress bar on a terminal, 2 for a line each epoch.

    Source: adaptive coding by mixed contexts, Mahoney (2005); van den Oord, Kalchbrenner and Kavukcuoglu (2016) for
    pixels given those before them, and Gulrajani et al. (2017) with a code beside; Ballé, Laparra and Simoncelli (2017)
    for images that need not come back exactly, and Minnen, Ballé and Toderici (2018) for what foretells their codes;
    Ballé, Johnston and Minnen (2019) for networks of whole numbers.

    >>> import numpy as np
    >>> X = np.arange(3000.0).reshape(1000, 3)
    >>> compressor = Compressor(max_error=0.5).fit(X)
    >>> data = compressor.compress(X)
    >>> len(data) < 2000, float(np.abs(compressor.decompress(data) - X).max()) <= 0.5
    (True, True)
    """

    primer_: Array | None
    lossless_: LosslessImages | None
    lossy_: LossyImages | None

    def __init__(
        self,
        *,
        max_error: float = 0,
        effort: str = "default",
        quality: float | None = None,
        recipe_options: dict[str, Any] | None = None,
        epochs: int | None = None,
        max_time: float | None = None,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: int = 1,
    ) -> None:
        self.max_error = max_error
        self.effort = effort
        self.quality = quality
        self.recipe_options = recipe_options
        self.epochs = epochs
        self.max_time = max_time
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Look at data of the kind that will be compressed.

        Args:
            X: What `narrows.compress` takes; with a quality, images (n, height, width[, channels]) or (n, channels,
                height, width) of whole numbers from 0 to 255.
            y: Ignored.

        Raises:
            InputError: Data that cannot be compressed.
            ChoiceError: An unknown effort, an error below 0, or a quality out of reach.
        """
        _, data = form_of(X, Plan.of(self.max_error, "fast"))
        Plan.of(self.max_error, self.effort)
        self.primer_ = self.lossless_ = self.lossy_ = None
        if self.quality is not None:
            self.lossy_ = lossy.learn(_images(data), self.quality, self._request())
        elif isinstance(data, np.ndarray):
            images = lossless.learnable(data) if self.effort == "max" else None
            if images is None:
                self.primer_ = _primer(data)
            else:
                self.lossless_ = lossless.learn(images, self._request())
        return self

    def _request(self) -> Request:
        options = dict(self.recipe_options or {})
        if set(options) - {"widths"}:
            raise ChoiceError(f"recipe_options of a Compressor are {{'widths': ...}}, got {self.recipe_options!r}")
        return Request(
            options=options,
            epochs=self.epochs,
            max_time=self.max_time,
            checkpoint=self.checkpoint,
            device=self.device,
            seed=seed_of(self.random_state),
            verbose=self.verbose,
        )

    @overload
    def compress(self, X: Any, path: None = None, *, embed: bool | None = None) -> bytes: ...

    @overload
    def compress(self, X: Any, path: str | Path, *, embed: bool | None = None) -> int: ...

    def compress(self, X: Any, path: str | Path | None = None, *, embed: bool | None = None) -> bytes | int:
        """Data as few bytes.

        Args:
            X: What `narrows.compress` takes; with a quality, images as in `fit`, of any size.
            path: A file to write them to, by convention ending in `.nrw`; None to have them back.
            embed: Whether they hold what is needed to read them, so that anyone can; without, only this estimator can.
                None for in files alone. What would cost more than it saves is left out, and images are then compressed
                by themselves.

        Returns:
            The bytes or, of a file, how many they are.

        Raises:
            InputError: Data that cannot be compressed, or that are no images as those of `fit`, with a quality.
            FileError: The path cannot be written to.
        """
        plan = self.plan_for(X, path is not None if embed is None else embed)
        return to_bytes(X, plan) if path is None else compress_to(path, X, plan)[1]

    def plan_for(self, X: Any, embed: bool) -> Plan:
        """How data are to be compressed, as `compress` does it.

        Args:
            X: The data.
            embed: As in `compress`.

        Raises:
            InputError: As in `compress`.
        """
        check_is_fitted(self)
        asked = Plan.of(self.max_error, self.effort)
        if self.lossy_ is not None:
            if not isinstance(X, np.ndarray) or not self.lossy_.takes(X):
                channels = self.lossy_.model.channels
                raise InputError(
                    f"with a quality, images of whole numbers from 0 to 255 and {channels} channel(s) are compressed, "
                    f"as in fit, got {_described(X)}"
                )
            return replace(asked, lossy=self.lossy_, embed=embed)
        if self.lossless_ is not None and isinstance(X, np.ndarray) and self.lossless_.takes(X):
            learned = replace(asked, lossless=self.lossless_, embed=embed)
            return learned if not embed or pays(X, learned) else asked
        primed = not embed and self.primer_ is not None and _alike(self.primer_, X)
        return replace(asked, primer=self.primer_) if primed else asked

    def decompress(self, data: bytes | str | Path) -> Any:
        """The data that `compress` was given, in the container and types that they had.

        Args:
            data: What it gave, or the path that it wrote to.

        Raises:
            FileError: The bytes are damaged, foreign, or made by another `Compressor`.
        """
        check_is_fitted(self)
        if isinstance(data, bytes):
            return from_bytes(data, self.shared)
        with open_compressed(data, shared=self.shared) as file:
            return file.read()

    def measure(self, X: Any) -> dict[str, float]:
        """How small and how near data come back.

        Args:
            X: What `compress` takes.

        Returns:
            `bytes`, without the model; `ratio`, how many times fewer; and of images with a quality `bits_per_pixel`,
            `psnr` (peak signal-to-noise ratio, decibels) and `ms_ssim` (multi-scale structural similarity).
        """
        data = self.compress(X)
        found = {"bytes": float(len(data)), "ratio": form_of(X, Plan.of(0, "fast"))[1].nbytes / len(data)}
        return found if self.lossy_ is None else found | lossy.nearness(X, self.decompress(data), len(data))

    @property
    def shared(self) -> Shared:
        """What is needed to read what was compressed, beside the bytes."""
        return Shared(self.primer_, None if self._learned is None else self._learned.model)

    @property
    def _learned(self) -> LossyImages | LosslessImages | None:
        return self.lossy_ or self.lossless_

    def save(self, path: str | Path) -> None:
        """Write everything that is needed to use the estimator to one `.safetensors` file."""
        check_is_fitted(self)
        dtype = "" if self.primer_ is None else self.primer_.dtype.str
        tensors = {} if self.primer_ is None else {"primer": torch.from_numpy(self.primer_.astype(np.uint8))}
        tensors |= {} if self._learned is None else self._learned.tensors()
        params = {name: _as_json(value) for name, value in self.get_params().items()}
        document = {"narrows": version("narrows"), "estimator": "Compressor", "params": params, "dtype": dtype}
        tensor_file.write(path, "model", document, tensors)

    @classmethod
    def _from_file(cls, path: str | Path) -> Compressor:
        """What `save` wrote."""
        document, tensors = tensor_file.read(path, "model")
        try:
            found = cls(**document["params"])
            primer, dtype = tensors.get("primer"), document["dtype"]
            found.primer_ = None if primer is None else primer.numpy().astype(np.dtype(dtype))
            found.lossy_ = LossyImages.of(tensors) if "model" in tensors else None
            found.lossless_ = LosslessImages.of(tensors) if "causal" in tensors else None
        except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
            raise FileError(f"{path} is damaged: its document lacks or garbles {error}") from error
        return found

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "primer_")


def _as_json(value: Any) -> Any:
    """An argument as JSON can hold it."""
    found = plain(value)
    return str(found) if isinstance(found, Path) else found


def _primer(data: Array) -> Array | None:
    """Some images out of all; None for other data."""
    if data.ndim < 3 or not data.size or data.dtype.kind not in "biuf":
        return None
    most = max(1, PIXELS // data[0].size)
    some = np.ascontiguousarray(data[:: -(-len(data) // most)])
    images = pictures.as_images(some)
    return some if images is not None and pictures.numbers(images) is not None else None


def _images(data: Any) -> Array:
    """Images to learn from, (n, height, width, channels).

    Raises:
        InputError: Something else.
    """
    images = as_stack(data) if isinstance(data, np.ndarray) and data.size else None
    if images is None or not lossy.are_pixels(images):
        raise InputError(
            "a quality is for images (n, height, width[, channels]) of whole numbers from 0 to 255, got "
            f"{_described(data)}: leave it out for other data"
        )
    return images


def _described(data: Any) -> str:
    """What data are, in a few words."""
    if isinstance(data, np.ndarray):
        return f"an array of shape {data.shape} and type {data.dtype}"
    return f"a {type(data).__name__}"


def _alike(primer: Array, X: Any) -> bool:
    """Whether data are images as those of a primer."""
    return isinstance(X, np.ndarray) and X.dtype == primer.dtype and X.shape[1:] == primer.shape[1:]
