"""Frames of animated GIF files, by Pillow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageSequence

from narrows.core.errors import FileError
from narrows.data.arrays import Array
from narrows.data.fitting import Frame, Size
from narrows.data.picture import flat, in_frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def look(path: Path) -> tuple[Size, str]:
    """(height, width) and mode of a file.

    Raises:
        FileError: It is no GIF file, or damaged.
    """
    try:
        with Image.open(path) as image:
            return (image.height, image.width), "rgb"
    except Exception as error:  # there is no end to what damage can raise in a decoder
        raise _unreadable(path, error) from error


def frames(path: Path, frame: Frame, mode: str) -> Iterator[Array]:
    """Every frame, (height, width, channels) uint8; what is transparent is laid on white, unless alpha is asked for.

    Raises:
        FileError: It is no GIF file, or damaged.
    """
    try:
        with Image.open(path) as image:
            for picture in ImageSequence.Iterator(image):
                yield np.atleast_3d(in_frame(flat(picture.convert("RGBA"), mode), frame, mode))
    except Exception as error:  # as above
        raise _unreadable(path, error) from error


def write(path: Path, pixels: Array, rate: int) -> None:
    """Write frames, (time, height, width, 3) uint8."""
    first, *others = map(Image.fromarray, pixels)
    first.save(path, save_all=True, append_images=others, duration=round(1000 / rate), loop=0)


def _unreadable(path: Path, error: Exception) -> FileError:
    return FileError(f"{path} is no GIF file, or it is damaged or cut short ({str(error) or type(error).__name__})")
