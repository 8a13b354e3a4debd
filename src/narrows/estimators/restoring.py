"""What estimators that restore have in common: what they learn from, how pictures and clips are gone through."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils import Tags
from torch import Tensor

from narrows.data import clips, pictures
from narrows.data.arrays import Array, in_type
from narrows.data.pairs import PairedSamples
from narrows.data.samples import Samples
from narrows.data.schema import of_array
from narrows.data.streams import StreamSamples
from narrows.estimators import model_file
from narrows.estimators.base import Estimator
from narrows.recipes.assemble import Asked
from narrows.tasks import codes, restoration
from narrows.training import rules
from narrows.training.fit import Request
from narrows.training.seeds import SPLIT, VALIDATION, generator

WHOLE = 4
"""How many numbers say what is true of a whole picture, unless `latent_dim` does."""
WEIGHTS = Path(__file__).with_name("weights")
"""The model files that ship with narrows, see tools/train_restorers.py."""


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
                what `open_data(folder, size="each")` gives; video (n, time, height, width, channels), cut into
                short clips; series, vectors or tables. With `y`, the corrupted ones.
            y: The clean samples that belong to X, where there are pairs; then nothing else is corrupted.
            validation_data: Samples that judge the model instead of a part of X.

        Raises:
            InputError: Data that cannot be used.
            ChoiceError: An unknown name, with the nearest known one, or an impossible value.
            TrainingError: The loss was not finite even at lower learning rates.
        """
        cut = _to_learn(X)
        given = self._samples(cut, least_rows=2) if y is None else PairedSamples(cut, _to_learn(y))
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
        if self._gaps and self.schema_.spec.kind == "video":
            self.share_ = restoration.share_of_model(self._module(), held_out)
        return self

    def _restored(
        self,
        X: Any,
        masks: Sequence[Array] | None = None,
        like: np.dtype[Any] | None = None,
        told: float | Sequence[Array] | None = None,
    ) -> Any:
        """Samples, restored; of pictures a list, in a type of their own or that of others.

        Args:
            X: Samples as in fit, pictures of any size.
            masks: Where each picture is not known.
            like: What type the pictures were of before they were enlarged.
            told: What the code says of all pictures, or of each pixel of each, where it is not to be read off them.
        """
        kind = self.schema_.spec.kind
        if kind not in ("image", "video"):
            given = self._checked(X)
            return X if self.kept_ == "input" else codes.reconstruct(self._module(), self.schema_, given)
        if kind == "image" and clips.are_clips(X):  # frame by frame
            frames = self._restored(X.reshape(-1, *X.shape[2:]), masks, like, told)
            return frames.reshape(*X.shape[:2], *frames.shape[1:])
        module, schema = self._module(), of_array(self.schema_)
        whole = []
        for place, picture in enumerate(pictures.all_of(X) if kind == "image" else clips.all_of(X)):
            mask = None if masks is None else masks[place]
            dtype = picture.dtype if like is None else like
            if self.kept_ == "input":
                whole.append(in_type(picture, dtype))
            else:
                says = told[place] if isinstance(told, Sequence) else told
                whole.append(restoration.restore(module, schema, picture, mask, dtype, says))
        return np.stack(whole) if kind == "video" else pictures.as_given(X, whole)

    @classmethod
    def _shipped(cls) -> Self:
        """The model of this class that comes with narrows."""
        name = cls.__name__
        found = model_file.load(WEIGHTS / f"{name.lower()}.safetensors", {name: cls})
        assert isinstance(found, cls)
        return found

    def _given(self, X: Any) -> Samples:
        return self._samples(_to_learn(X), least_rows=2)

    def _request(self) -> Request:
        asked = super()._request()
        recipe = ("restoring" if self._drawn else "denoising") if asked.recipe == "auto" else asked.recipe
        size = WHOLE if asked.latent_dim is None and recipe == "restoring" else asked.latent_dim
        options = {"corruption": self._undone} | dict(asked.options)
        found = replace(asked, recipe=recipe, latent_dim=size, options=options, gaps=self._gaps)
        endless = isinstance(self._undone, dict) and self._undone["name"] == "recorrupted"
        # fresh noise on the input and on what is to be rebuilt cannot be learned by heart, however long it takes
        return replace(found, patience=None) if endless and asked.patience == "auto" else found

    _gaps = False
    share_ = 1.0

    def _keepsake(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return {"kept": self.kept_, "share": self.share_}, {}

    def _recall(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        self.kept_ = str(facts["kept"])
        self.share_ = float(facts.get("share", 1.0))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


def _to_learn(X: Any) -> Any:
    """What is learned from: patches of pictures, short clips of video."""
    return clips.to_learn(X) if clips.are_clips(X) else pictures.to_learn(X)
