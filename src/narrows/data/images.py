"""Images in files: one, or a folder of them, all of one size and mode."""

from pathlib import Path

import numpy as np
from PIL import Image

from narrows.core.errors import FileError, InputError
from narrows.data.arrays import Array

IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")


def read_image(path: Path) -> Array:
    """One image as (1, height, width) or (1, height, width, channels); of several frames, the first."""
    return _pixels(path)[None]


def read_folder(folder: Path) -> Array:
    """All images in a folder and its folders, in the order of their paths, (n, height, width[, channels]).

    Raises:
        InputError: No images, or one that differs from the first in size or mode.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGES and path.is_file())
    if not paths:
        raise InputError(f"the folder {folder} holds no images ({', '.join(IMAGES)})")
    first = _pixels(paths[0])
    images = np.empty((len(paths), *first.shape), first.dtype)
    for place, path in zip(images, paths, strict=True):
        pixels = _pixels(path)
        if pixels.shape != first.shape or pixels.dtype != first.dtype:
            raise InputError(
                f"images must all be of one size and mode: {path} is {_described(pixels)}, and {paths[0]} is "
                f"{_described(first)}"
            )
        place[...] = pixels
    return images


def write_image(path: Path, pixels: Array) -> None:
    """Write one image, (height, width) or (height, width, channels) uint8 or bool."""
    if pixels.dtype == bool and pixels.shape[2:] > (1,):
        pixels = pixels * np.uint8(255)  # black and white has no colours
    Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels).save(path)


def _pixels(path: Path) -> Array:
    try:
        with Image.open(path) as image:
            colours = image.convert("RGBA" if image.has_transparency_data else "RGB") if image.mode == "P" else image
            return np.asarray(colours)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FileError(f"{path} is no image, or it is damaged or cut short ({error})") from error


def _described(pixels: Array) -> str:
    height, width, *channels = pixels.shape
    return f"{width} x {height} with {channels[0] if channels else 1} channel(s) of {pixels.dtype}"
