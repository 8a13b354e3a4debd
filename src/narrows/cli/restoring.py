"""What the commands that restore have in common: the data, the model or one that is trained on them, and the sheet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import narrows
from narrows import plots
from narrows.core.errors import ChoiceError, InputError
from narrows.data import pictures
from narrows.data.arrays import Array
from narrows.data.frames import is_frame
from narrows.data.tensor_file import replacing
from narrows.data.writing import check_output, write_data
from narrows.estimators.restoring import PictureRestorer
from narrows.plots.style import png
from narrows.tasks.photos import SHOWN, Photos, like_floats, open_photos, read_mask

COMMANDS = {"Denoiser": "denoise", "Inpainter": "inpaint", "Restorer": "restore", "Upscaler": "upscale"}
"""Which command uses which model."""
ON_THE_DATA: dict[str, Any] = {"batch_size": 4, "recipe_options": {"widths": (16, 24)}}
"""A narrower network and smaller batches, since training on a few pictures should take minutes."""
Kind = TypeVar("Kind", bound=PictureRestorer)
Shown = list[tuple[Array, Array]]


def loaded(path: Path, kind: type[Kind]) -> Kind:
    """The model of a file.

    Raises:
        FileError: The file cannot be used.
        InputError: It holds a model for something else.
    """
    estimator = narrows.load(path)
    if isinstance(estimator, kind):
        return estimator
    held = type(estimator).__name__
    use = f": `narrows {COMMANDS[held]}` uses that" if held in COMMANDS else ""
    raise InputError(
        f"{path} holds a model of class {held}, not what `narrows train {kind.__name__.lower()}` writes{use}"
    )


def check_choice(model: Path | None, train: bool) -> None:
    """Refuse a model for which another is to be trained.

    Raises:
        ChoiceError: Both were asked for.
    """
    if train and model is not None:
        raise ChoiceError(f"--train trains a model on the data, and --model {model} names one: choose one of both")


@dataclass(frozen=True)
class Restoration:
    """What a command was asked for.

    Args:
        data: A file or a folder.
        output: Where restored data go.
        estimator: What restores them.
        fresh: Whether it is to be trained on the data first.
        mask: Where pictures are to be filled: a file or a folder.
        sheet: Where a picture of the first few, before and after, goes.
        verbose: 0 for silence.
    """

    data: str
    output: Path
    estimator: Any
    fresh: bool
    mask: str | None = None
    sheet: Path | None = None
    verbose: int = 1

    def run(self) -> None:
        """Restore the data and write them; files that cannot be read are named at the end."""
        if self.sheet is not None:
            check_output(self.sheet, (".png",))
        photos = open_photos(self.data)
        count, shown = self._arrays() if photos is None else self._photos(photos)
        if self.sheet is not None:
            with replacing(self.sheet) as temporary:
                temporary.write_bytes(png(plots.contact_sheet(*zip(*shown, strict=True))))
        if self.verbose and self.estimator.kept_ == "input":
            print("on what was held out the model does not help: what comes out is what went in")
        if self.verbose:
            print(f"{count:,} restored in {self.output}")
        if photos is not None:
            photos.report()

    def _photos(self, photos: Photos) -> tuple[int, Shown]:
        photos.check(self.output)
        if self.mask is not None:
            photos.hide(self.mask)
        elif isinstance(self.estimator, narrows.Inpainter):
            raise InputError("image files hold no gaps: --mask says where they are to be filled")
        if self.fresh:
            self.estimator.fit(photos.known() if photos.masks else photos.learned)
        spec = self.estimator.schema_.spec
        if spec.kind != "image":
            raise InputError(f"the model was trained on samples of kind {spec.kind}, and {self.data} holds images")
        restored = like_floats(self._one) if self.fresh and photos.masks else self._one
        return len(photos.files), photos.write(self.output, restored)

    def _one(self, picture: Array, mask: Array | None) -> Array:
        masks = () if mask is None else ([mask],)
        found: Array = self.estimator.transform([picture], *masks)[0]
        return found

    def _arrays(self) -> tuple[int, Shown]:
        check_output(self.output)
        given = narrows.open_data(self.data)
        if is_frame(given) and not self.fresh and self.estimator.schema_.spec.kind == "image":
            raise InputError(f"the model was trained on pictures, and {self.data} holds a table: --model names another")
        drawn = isinstance(given, np.ndarray) and given.ndim in (3, 4)
        for asked, what in ((self.sheet, "a sheet shows"), (self.mask, "a mask belongs to")):
            if asked is not None and not drawn:
                raise InputError(f"{what} pictures, and {self.data} holds none")
        learned = given
        masks: tuple[list[Array], ...] = ()
        if self.mask is not None:
            several = pictures.all_of(given, gaps=True)
            found = pictures.masks_of(several, read_mask(self.mask))
            learned = [pictures.with_gaps(picture, mask) for picture, mask in zip(several, found, strict=True)]
            masks = (found,)
        if self.fresh:
            self.estimator.fit(learned)
        restored = self.estimator.transform(given, *masks)
        write_data(self.output, restored, columns=getattr(self.estimator, "feature_names_in_", None))
        few = range(min(SHOWN, len(restored)) if drawn else 0)
        return len(restored), [(np.asarray(given[place]), restored[place]) for place in few]
