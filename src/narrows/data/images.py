"""Images in files: one, or a folder of them, brought to one size, mode and type, decoded in the background."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from narrows.core.errors import ChoiceError, FileError, InputError
from narrows.data.arrays import Array
from narrows.data.deep import write_deep
from narrows.data.faults import report_faults
from narrows.data.fitting import CHANNELS, Fit, Frame, Mode, Size, automatic, check_picture, target, words
from narrows.data.growing import Spool
from narrows.data.picture import Look, Plan, decode, look
from narrows.data.picture_files import PictureFiles, own_plan

IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
KEEP = 256 * 256
"""How many pixels images of one size may have to stay as they are, where no size is asked for."""
MOST = 128 * 128
"""How many pixels images have at most, otherwise."""
BLOCK = 16
"""How many files a worker is handed at once."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class ImageOptions:
    """How `open_data` reads images.

    Args:
        size: What all are brought to: (height, width), or one number for both; `"original"` leaves images of one size
            as they are, and refuses others; `"each"` gives a sequence of images of any sizes, decoded one at a time.
            None leaves them as they are where they have one size of at most 256 x 256 pixels; otherwise it is the
            median height and width, reduced to about 128 x 128 pixels, and a warning says so.
        fit: `"crop"` cuts the middle out to the aspect of the size, `"pad"` keeps the whole image on black,
            `"stretch"` ignores the aspect.
        mode: `"grey"`, `"rgb"`, `"rgba"`, or `"auto"`, the narrowest that holds all images. Where alpha is dropped,
            images are laid on white.
        strict: Refuse files that cannot be read, rather than leave them out with a warning.
        labels: Give (images, labels), the label of an image being the sub-folder that it lies in, or below.
        workers: How many files are decoded at once; None for the number of processors.
    """

    size: Any = None
    fit: Fit = "crop"
    mode: Mode = "auto"
    strict: bool = False
    labels: bool = False
    workers: int | None = None

    def __post_init__(self) -> None:
        check_picture(self.size, self.fit, self.mode)
        if self.workers is not None and self.workers < 1:
            raise ChoiceError(f"workers has to be at least 1, got {self.workers}")

    def frame(self, sizes: Sequence[Size]) -> Frame:
        """The size for images of these sizes, chosen where it was not asked for."""
        if self.size == "original":
            return Frame(*sizes[0], self.fit)
        return Frame(*(target(self.size) or automatic(sizes, KEEP, MOST)), self.fit)


def read_image(path: Path, options: ImageOptions) -> Array:
    """One image as (1, height, width[, channels]), in its own size unless another is asked for.

    Raises:
        FileError: It is no image, or damaged.
    """
    if options.labels:
        raise ChoiceError(f"labels=True takes a folder with a sub-folder for each class, and {path} is one image")
    seen = look(path)
    frame = Frame(*(target(options.size) or seen.size), options.fit)
    _warn_shortened(path, [seen])
    return decode(path, _plan({path: seen}, frame, options))[None]


def read_images(
    folder: Path, paths: Sequence[Path], options: ImageOptions
) -> Array | tuple[Array, Array] | PictureFiles:
    """Images in the order of their paths, (n, height, width[, channels]), and their labels if asked for.

    Raises:
        FileError: None can be read; or one, with `strict`.
        InputError: They cannot be brought to one type; or they differ in size, which is to be kept.
    """
    labels = [_label(folder, path) for path in paths] if options.labels else []
    faults: dict[Path, FileError] = {}
    if options.size == "each":
        if options.labels:
            raise ChoiceError("labels=True takes images of one size: size='each' does not go with it")
        several = images_of_each_size(folder, paths, options, faults)
        report_faults(folder, "images", len(paths), faults)
        return several
    looks = dict(_readable(look, paths, options, faults))
    if not looks:
        raise _none(folder, faults)
    frame = options.frame([seen.size for seen in looks.values()])
    plan = _plan(looks, frame, options)
    spool, kept = Spool(plan.shape, plan.dtype), set()
    for path, pixels in _readable(partial(decode, plan=plan), list(looks), options, faults):
        spool.append(pixels)
        kept.add(path)
    if not kept:
        raise _none(folder, faults)
    _tell(folder, looks, frame, options)
    report_faults(folder, "images", len(paths), faults)
    if not options.labels:
        return spool.array()
    return spool.array(), np.array([label for path, label in zip(paths, labels, strict=True) if path in kept])


def images_of_each_size(
    folder: Path, paths: Sequence[Path], options: ImageOptions, faults: dict[Path, FileError]
) -> PictureFiles:
    """Images of one mode and type, each in its own size; every one is decoded once, to see that it can be.

    Args:
        folder: Where they lie.
        paths: The files.
        options: How they are read.
        faults: Where those that cannot be read are noted.

    Raises:
        FileError: None can be read; or one, with `strict`.
    """
    looks = dict(_readable(look, paths, options, faults))
    sound = dict(_readable(lambda path: decode(path, own_plan(looks[path])).shape, list(looks), options, faults))
    if not sound:
        raise _none(folder, faults)
    looks = {path: seen for path, seen in looks.items() if path in sound}
    plan = _plan(looks, Frame(*next(iter(looks.values())).size), options)
    whole = np.dtype(np.uint8) if plan.dtype == np.bool_ else plan.dtype
    return PictureFiles(looks, Plan(plan.frame, plan.mode, whole))


def write_image(path: Path, pixels: Array) -> None:
    """Write one image, (height, width) or (height, width, channels), of bool, uint8 or uint16."""
    pixels = pixels[..., 0] if pixels.shape[2:] == (1,) else pixels
    if pixels.dtype == np.uint16 and pixels.ndim == 3:
        write_deep(path, pixels)
        return
    if pixels.dtype == bool and pixels.ndim == 3:
        pixels = pixels * np.uint8(255)  # black and white has no colours
    Image.fromarray(pixels).save(path)


def _readable(
    read: Callable[[Path], Found], paths: Sequence[Path], options: ImageOptions, faults: dict[Path, FileError]
) -> Iterator[tuple[Path, Found]]:
    """What is read of each file, in order, by several workers; files that cannot be read are noted, or refused.

    Threads are enough: Pillow decodes and resamples outside of the interpreter's lock.
    """

    def block(first: int) -> list[tuple[Path, Found | FileError]]:
        return [(path, _or_error(read, path)) for path in paths[first : first + BLOCK]]

    pool = ThreadPoolExecutor(options.workers or os.cpu_count())
    try:
        for done in pool.map(block, range(0, len(paths), BLOCK)):
            for path, found in done:
                if not isinstance(found, FileError):
                    yield path, found
                elif options.strict:
                    raise found
                else:
                    faults[path] = found
    finally:
        pool.shutdown(cancel_futures=True)


def _or_error(read: Callable[[Path], Found], path: Path) -> Found | FileError:
    try:
        return read(path)
    except FileError as error:
        return error


def _none(folder: Path, faults: Mapping[Path, FileError]) -> FileError:
    path, fault = min(faults.items())
    if path == folder:  # a single file
        return fault
    return FileError(f"none of the {len(faults):,} images in {folder} can be read: {fault}")


def _label(folder: Path, path: Path) -> str:
    """The sub-folder that an image lies in, or below."""
    inside = path.relative_to(folder).parts
    if len(inside) < 2:
        raise InputError(f"labels=True takes a folder with a sub-folder for each class, and {path} lies in none")
    return inside[0]


def _plan(looks: Mapping[Path, Look], frame: Frame, options: ImageOptions) -> Plan:
    """What all images become: the widest mode and type that any of them needs."""
    if options.size == "original":
        _check_one_size(looks)
    modes = {seen.mode for seen in looks.values()} if options.mode == "auto" else {options.mode}
    mode = max(modes, key=CHANNELS.__getitem__)
    dtypes = {seen.dtype: path for path, seen in looks.items()}
    widest = max(dtypes, key=lambda dtype: dtype.itemsize)
    numbers = [dtype for dtype in dtypes if dtype.itemsize > 2]
    if numbers and len(dtypes) > 1:
        other = next(dtype for dtype in dtypes if dtype != numbers[0])
        raise InputError(
            f"images of {numbers[0]} have no range that others share: {dtypes[numbers[0]]} has them, and "
            f"{dtypes[other]} is {other}"
        )
    if numbers and mode != "grey":
        raise InputError(f"{dtypes[numbers[0]]} holds one channel of {numbers[0]}, which cannot be read as {mode}")
    if widest == np.bool_ or (widest.itemsize == 1 and np.bool_ in dtypes):
        plain = len(dtypes) == 1 and mode == "grey" and all(seen.size == frame.size for seen in looks.values())
        widest = np.dtype(np.bool_ if plain else np.uint8)
    return Plan(frame, mode, widest)


def _check_one_size(looks: Mapping[Path, Look]) -> None:
    first, *others = looks.items()
    for path, seen in others:
        if seen.size != first[1].size:
            raise InputError(
                f"images differ in size, so size='original' cannot be kept: {first[0]} has {words(first[1].size)} "
                f"pixels, and {path} {words(seen.size)}"
            )


def _tell(folder: Path, looks: Mapping[Path, Look], frame: Frame, options: ImageOptions) -> None:
    """Warn of what was chosen, and of what was lost."""
    sizes = sorted({seen.size for seen in looks.values()}, key=lambda size: (size[0] * size[1], size))
    if options.size is None and sizes != [frame.size]:
        have = f"from {words(sizes[0])} to {words(sizes[-1])}" if len(sizes) > 1 else words(sizes[0])
        warnings.warn(
            f"images in {folder} have {have} pixels, and are read as {words(frame.size)} (height x width) by "
            f"fit={options.fit!r}: size=(height, width) chooses otherwise",
            stacklevel=2,
        )
    _warn_shortened(folder, looks.values())


def _warn_shortened(source: Path, looks: Iterable[Look]) -> None:
    shortened = sum(seen.shortened for seen in looks)
    if shortened:
        warnings.warn(
            f"{shortened:,} images in {source} have 16 bits per colour and are read with 8: pip install "
            "'narrows[video]' reads all of them",
            stacklevel=2,
        )
