"""The estimator for smaller data: fit on data of a kind, then compress more of it to bytes, and back."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from narrows.coding import pictures
from narrows.core.errors import FileError
from narrows.data import tensor_file
from narrows.data.arrays import Array
from narrows.tasks.compression import Plan, form_of, to_bytes
from narrows.tasks.decompression import from_bytes

PIXELS = 1 << 20
"""So many pixels of what `fit` saw prime the counts, at most."""


class Compressor(BaseEstimator):  # type: ignore[misc]
    r"""Compresses data to bytes, and gives them back bit for bit, or within an error that is allowed.

        decompress(compress(X)) = X,    or |x' - x| <= max_error for floating-point numbers

    What `fit` saw of images of whole numbers from 0 to 255 primes the counts by which pixels are foretold, so that few
    images cost little; it is part of the estimator and of its file, not of the bytes, which only the same estimator can
    read. All other data are compressed as `narrows.compress` does it, and anyone can read them.

    Args:
        max_error: How far a floating-point number may come back from what it was.
        effort: `"fast"`, `"default"` or `"max"`: how much is tried to make the bytes fewer.

    Source: adaptive coding by mixed contexts, Mahoney (2005).

    >>> import numpy as np
    >>> X = np.arange(3000.0).reshape(1000, 3)
    >>> compressor = Compressor(max_error=0.5).fit(X)
    >>> data = compressor.compress(X)
    >>> len(data) < 2000, float(np.abs(compressor.decompress(data) - X).max()) <= 0.5
    (True, True)
    """

    primer_: Array | None

    def __init__(self, *, max_error: float = 0, effort: str = "default") -> None:
        self.max_error = max_error
        self.effort = effort

    def fit(self, X: Any, y: Any = None) -> Self:
        """Look at data of the kind that will be compressed.

        Args:
            X: What `narrows.compress` takes.
            y: Ignored.

        Raises:
            InputError: Data that cannot be compressed.
            ChoiceError: An unknown effort, or an error below 0.
        """
        _, data = form_of(X, Plan.of(self.max_error, "fast"))
        Plan.of(self.max_error, self.effort)
        self.primer_ = _primer(data) if isinstance(data, np.ndarray) else None
        return self

    def compress(self, X: Any) -> bytes:
        """Data as few bytes.

        Args:
            X: What `narrows.compress` takes.
        """
        check_is_fitted(self)
        plan = Plan.of(self.max_error, self.effort)
        if self.primer_ is None or not _alike(self.primer_, X):
            return to_bytes(X, plan)
        return to_bytes(X, Plan(plan.bound, plan.effort, self.primer_))

    def decompress(self, data: bytes) -> Any:
        """The data that `compress` was given, in the container and types that they had.

        Args:
            data: What it gave.

        Raises:
            FileError: The bytes are damaged, foreign, or made by another `Compressor`.
        """
        check_is_fitted(self)
        return from_bytes(data, self.primer_)

    def save(self, path: str | Path) -> None:
        """Write everything that is needed to use the estimator to one `.safetensors` file."""
        check_is_fitted(self)
        dtype = "" if self.primer_ is None else self.primer_.dtype.str
        tensors = {} if self.primer_ is None else {"primer": torch.from_numpy(self.primer_.astype(np.uint8))}
        params = {"max_error": float(self.max_error), "effort": self.effort}
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
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(f"{path} is damaged: its document lacks or garbles {error}") from error
        return found

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "primer_")


def _primer(data: Array) -> Array | None:
    """Some images out of all; None for other data."""
    if data.ndim < 3 or not data.size or data.dtype.kind not in "biuf":
        return None
    most = max(1, PIXELS // data[0].size)
    some = np.ascontiguousarray(data[:: -(-len(data) // most)])
    images = pictures.as_images(some)
    return some if images is not None and pictures.numbers(images) is not None else None


def _alike(primer: Array, X: Any) -> bool:
    """Whether data are images as those of a primer."""
    return isinstance(X, np.ndarray) and X.dtype == primer.dtype and X.shape[1:] == primer.shape[1:]
