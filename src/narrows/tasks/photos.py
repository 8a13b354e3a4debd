"""Image files restored one by one, each in its own size, mode and type, and written under the names that they had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from narrows.core.errors import FileError, InputError
from narrows.data.arrays import Array, in_type
from narrows.data.files import image_files, open_data
from narrows.data.images import ImageOptions, images_of_each_size, write_image
from narrows.data.picture_files import PictureFiles
from narrows.data.pictures import beside, check_mask, with_gaps
from narrows.data.tensor_file import replacing
from narrows.data.writing import PICTURES, check_output, replacing_folder

SHOWN = 6
"""How many pictures a contact sheet shows."""
NAMED = 5
"""How many files that cannot be read are named."""
Restored = Callable[[Array, Array | None], Array]
"""What restores one picture, with its mask where there is one."""


@dataclass
class Photos:
    """The image files of a command: a file, or those in a folder.

    Args:
        source: The file or folder.
        files: Those that can be read, each as it is.
        learned: The same in one mode and type, to learn from.
        faults: Those that cannot be read, with the reason.
        masks: Where each is to be filled, in their order; none where nothing is.
    """

    source: Path
    files: PictureFiles
    learned: PictureFiles
    faults: dict[Path, FileError]
    masks: list[Array] = field(default_factory=list)

    def hide(self, mask: str) -> None:
        """Take one mask for all, or one for each from a folder where they lie under the same names.

        Args:
            mask: An image, of which what is brighter than half is filled; an array, (height, width); or a folder.

        Raises:
            InputError: A mask of another shape, one that hides nothing or everything, or none for a file.
        """
        one = None if Path(mask).is_dir() else read_mask(mask)
        found = {} if one is not None else {_stem(path, Path(mask)): path for path in image_files(mask)}
        for path in self.files.paths:
            name = _stem(path, self.root)
            if one is None and name not in found:
                raise InputError(f"there is no mask for {path} in {mask}: it has the same name")
            hidden = read_mask(str(found[name])) if one is None else one
            check_mask(hidden, self.files.looks[path].size, str(path))
            self.masks.append(hidden)

    @property
    def root(self) -> Path:
        """The folder that names are relative to."""
        return self.source if self.source.is_dir() else self.source.parent

    def known(self) -> Sequence[Array]:
        """What the masks leave, as float32 in the range of 8 bits, NaN where hidden."""
        pairs = zip(self.learned, self.masks, strict=True)
        return [with_gaps(in_range(picture), mask) for picture, mask in pairs]

    def check(self, output: Path) -> None:
        """Refuse a path that they could not be written to, before any work is done."""
        check_output(output, PICTURES if self.source.is_file() else ("",))

    def write(self, output: Path, restored: Restored) -> list[tuple[Array, Array]]:
        """Restore and write all, one after another; the first few before and after are given back.

        Args:
            output: An image, or a new folder that mirrors the names; PNG where the ending is of no exact format.
            restored: What restores a picture.
        """
        shown: list[tuple[Array, Array]] = []
        if self.source.is_file():
            with replacing(output) as temporary:
                self._write(0, temporary, restored, shown)
            return shown
        with replacing_folder(output) as folder:
            for place, name in enumerate(names(self.files.paths, self.source)):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                self._write(place, folder / name, restored, shown)
        return shown

    def _write(self, place: int, path: Path, restored: Restored, shown: list[tuple[Array, Array]]) -> None:
        before = self.files[place]
        after = restored(before, self.masks[place] if self.masks else None)
        write_image(path, after)
        if len(shown) < SHOWN:
            shown.append((before, after))

    def report(self) -> None:
        """Say which files could not be read, once all others are done.

        Raises:
            FileError: There are some.
        """
        if self.faults:
            bad = [str(path) for path in sorted(self.faults)]
            more = f" and {len(bad) - NAMED:,} more" if len(bad) > NAMED else ""
            count = len(bad) + len(self.files)
            raise FileError(
                f"{len(bad):,} of {count:,} images cannot be read and were left out, the others are done: "
                f"{', '.join(bad[:NAMED])}{more}"
            )


def open_photos(source: str) -> Photos | None:
    """The images at a path; None where it holds other data, or nothing.

    Raises:
        FileError: None of them can be read.
        InputError: They have types that share no range.
    """
    paths = image_files(source)
    if not paths:
        return None
    root, faults = Path(source), dict[Path, FileError]()
    learned = images_of_each_size(root, paths, ImageOptions(size="each"), faults)
    for path, seen in learned.looks.items():
        if seen.dtype.itemsize > 2:
            raise InputError(f"{path} holds {seen.dtype} numbers: images of 8 or 16 bits are restored, others as .npy")
    return Photos(root, PictureFiles(learned.looks), learned, faults)


def names(paths: Sequence[Path], root: Path) -> list[Path]:
    """What restored images are called, below their folder: as before, but PNG where an ending is of no exact format.

    >>> [str(name) for name in names([Path("a/x.jpg"), Path("a/x.png"), Path("a/b/y.tif")], Path("a"))]
    ['x.jpg.png', 'x.png', 'b/y.tif']
    """
    kept = {path for path in paths if path.suffix.lower() in PICTURES}
    taken = [path.with_suffix(".png") for path in paths]
    found = []
    for path, other in zip(paths, taken, strict=True):
        alone = taken.count(other) == 1 and other not in kept
        named = path if path in kept else other if alone else path.with_name(f"{path.name}.png")
        found.append(named.relative_to(root))
    return found


def _stem(path: Path, folder: Path) -> str:
    """The name of a file below its folder, without its ending."""
    return path.relative_to(folder).with_suffix("").as_posix()


def read_mask(path: str) -> Array:
    """A mask from an image, of which what is brighter than half or transparent is filled, or from an array.

    Returns:
        bool; of an image (height, width).
    """
    if not image_files(path):
        given = np.asarray(open_data(path))
        if given.dtype.kind not in "buif":
            raise InputError(f"a mask holds numbers or truth values, {path} holds {given.dtype}")
        return np.asarray(given != 0)
    found: Array = open_data(path, mode="grey")[0]
    return np.asarray(found > (0 if found.dtype.kind in "bf" else np.iinfo(found.dtype).max // 2))


def in_range(picture: Array) -> Array:
    """Pixels in the range of 8 bits, float64."""
    return picture * (255.0 / np.iinfo(picture.dtype).max)


def like_floats(restored: Restored) -> Restored:
    """What restores floats in the range of 8 bits as what restores whole numbers, known pixels untouched."""

    def of_whole_numbers(picture: Array, mask: Array | None) -> Array:
        found = restored(in_range(picture).astype(np.float32), mask) * (np.iinfo(picture.dtype).max / 255.0)
        whole = in_type(found, picture.dtype)
        return whole if mask is None else np.where(beside(mask, picture), whole, picture)

    return of_whole_numbers
