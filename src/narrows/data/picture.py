"""One image file: what its header says, and its pixels in an asked size, mode and type."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from narrows.core.errors import FileError
from narrows.data.arrays import Array
from narrows.data.deep import deep_pixels, has_deep_reader
from narrows.data.fitting import CHANNELS, Frame, Size

if TYPE_CHECKING:
    from pathlib import Path

PILLOW = {"grey": "L", "rgb": "RGB", "rgba": "RGBA"}
"""What Pillow calls the modes."""
DRAFT, GAP = 2.0, 3.0
"""How much larger than asked a JPEG file is decoded at least, and other pictures are reduced to, before resampling."""
NUMBERS = {"I": np.dtype("int32"), "F": np.dtype("float32")}
"""The modes of Pillow whose pixels are numbers of no fixed range."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a picture is turned upright, by its Exif orientation."""


@dataclass(frozen=True)
class Look:
    """What the header of an image file says.

    Args:
        size: (height, width), upright.
        mode: `"grey"`, `"rgb"` or `"rgba"`, the narrowest that holds it.
        dtype: The type of its pixels: bool, uint8, uint16, int32 or float32.
        shortened: Whether its 16 bits per colour can only be read as 8, for want of a package.
    """

    size: Size
    mode: str
    dtype: np.dtype[Any]
    shortened: bool = False


@dataclass(frozen=True)
class Plan:
    """What pixels are to become.

    Args:
        frame: Their size, and how it is reached.
        mode: `"grey"`, `"rgb"` or `"rgba"`.
        dtype: Their type.
    """

    frame: Frame
    mode: str
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what is read: grey pictures have no axis of channels."""
        return self.frame.size if self.mode == "grey" else (*self.frame.size, CHANNELS[self.mode])


def look(path: Path) -> Look:
    """Read the header of an image file; of several frames, the first.

    Raises:
        FileError: It is no image, or damaged.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = _orientation(image) > 4 and image.format != "TIFF"  # Pillow turns TIFF files itself
            deep = _is_deep(image)
            return Look(
                (width, height) if turned else (height, width),
                _mode(image),
                np.dtype("uint16") if deep and has_deep_reader() else _dtype(image),
                deep and not has_deep_reader(),
            )
    except Exception as error:  # there is no end to what damage can raise in a decoder
        raise _unreadable(path, error) from error


def decode(path: Path, plan: Plan) -> Array:
    """The pixels of an image file, upright, (height, width[, channels]).

    Raises:
        FileError: It is no image, or damaged.
    """
    try:
        with Image.open(path) as image:
            turn = TURNS.get(_orientation(image))
            if _is_deep(image) and has_deep_reader() and plan.dtype == np.uint16:
                return _whole(_bands_in_frame(deep_pixels(path, plan.mode), turn, plan.frame), plan.dtype)
            if image.mode.startswith("I") or image.mode in NUMBERS:
                return _in_mode(_numbers(image, turn, plan), plan)
            return _in_depth(_colours(image, turn, plan), plan.dtype)
    except Exception as error:  # there is no end to what damage can raise in a decoder
        raise _unreadable(path, error) from error


def flat(image: Image.Image, mode: str) -> Image.Image:
    """An image laid on white, where it has alpha and the mode has none."""
    if image.mode != "RGBA" or mode == "rgba":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def in_frame(image: Image.Image, frame: Frame, mode: str) -> Array:
    """The pixels of an image in the size of a frame; in the mode asked for, unless it is black and white or numbers."""
    if image.size != (frame.width, frame.height):
        height, width = frame.size if frame.fit == "crop" else frame.scaled(image.height, image.width)
        box = frame.box(image.height, image.width)
        image = image.resize((width, height), Image.Resampling.BICUBIC, box=box, reducing_gap=GAP)
    wanted = image.mode if image.mode in ("1", "F") else PILLOW[mode]
    return frame.centred(np.asarray(image if image.mode == wanted else image.convert(wanted)))


def _unreadable(path: Path, error: Exception) -> FileError:
    return FileError(f"{path} is no image, or it is damaged or cut short ({str(error) or type(error).__name__})")


def _orientation(image: Image.Image) -> int:
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # asking further would decode the file
    return int(image.getexif().get(0x0112, 1))


def _rawmode(image: Image.Image) -> str:
    """What Pillow calls the pixels in the file."""
    tiles = getattr(image, "tile", None)
    args = tiles[0].args if tiles else ""
    return str(args[0]) if isinstance(args, tuple) and args else str(args)


def _is_deep(image: Image.Image) -> bool:
    """Whether there are 16 bits per colour, which Pillow cuts to 8."""
    return image.mode in ("LA", "RGB", "RGBA") and ";16" in _rawmode(image)


def _mode(image: Image.Image) -> str:
    if image.mode in ("LA", "PA", "RGBA") or image.has_transparency_data:
        return "rgba"
    return "grey" if len(image.getbands()) == 1 and image.mode != "P" else "rgb"


def _dtype(image: Image.Image) -> np.dtype[Any]:
    if image.mode == "1":
        return np.dtype(np.bool_)
    if image.mode.startswith("I;16") or _rawmode(image) in ("I;16", "I;16B", "I;16N"):
        return np.dtype(np.uint16)
    return NUMBERS.get(image.mode, np.dtype(np.uint8))


def _colours(image: Image.Image, turn: Image.Transpose | None, plan: Plan) -> Array:
    """8 bits per channel, or black and white, in the mode of the plan."""
    black_and_white = plan.dtype == np.bool_
    if image.format in ("JPEG", "MPO"):
        _draft(image, turn, plan)
    plain: Image.Image = image if black_and_white or image.mode in ("L", "RGB") else image.convert(_full(image))
    if turn is not None and image.format != "TIFF":
        plain = plain.transpose(turn)
    return in_frame(plain if black_and_white else flat(plain, plan.mode), plan.frame, plan.mode)


def _full(image: Image.Image) -> str:
    """The mode without palettes, black and white, or inks that holds all of an image."""
    return PILLOW["rgb" if image.mode == "P" and not image.has_transparency_data else _mode(image)]


def _draft(image: Image.Image, turn: Image.Transpose | None, plan: Plan) -> None:
    """Have a JPEG file decoded at a half, a quarter or an eighth of its size, where that is enough."""
    width, height = image.size
    sideways = turn in (TURNS[5], TURNS[6], TURNS[7], TURNS[8])
    high, wide = plan.frame.scaled(width, height) if sideways else plan.frame.scaled(height, width)
    high, wide = (wide, high) if sideways else (high, wide)
    if high < height or wide < width:
        image.draft("L" if plan.mode == "grey" else None, (ceil(wide * DRAFT), ceil(high * DRAFT)))


def _numbers(image: Image.Image, turn: Image.Transpose | None, plan: Plan) -> Array:
    """One channel of more than 8 bits."""
    pixels = np.asarray(image)
    turn = None if image.format == "TIFF" else turn
    if turn is None and pixels.shape == plan.frame.size:
        return pixels.astype(plan.dtype)
    return _whole(_bands_in_frame(pixels, turn, plan.frame), plan.dtype)


def _bands_in_frame(pixels: Array, turn: Image.Transpose | None, frame: Frame) -> Array:
    """Pixels of any type turned and fitted, channel by channel, as float64."""
    bands = []
    for band in np.moveaxis(np.atleast_3d(pixels), -1, 0):
        image = Image.fromarray(band.astype(np.float32))
        bands.append(in_frame(image if turn is None else image.transpose(turn), frame, "grey"))
    return np.stack(bands, -1).astype(np.float64)[..., slice(None) if pixels.ndim == 3 else 0]


def _whole(values: Array, dtype: np.dtype[Any]) -> Array:
    """Real values in a type of pixels, rounded and clipped."""
    if dtype.kind == "f":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)


def _in_mode(pixels: Array, plan: Plan) -> Array:
    """One channel as the channels of a mode."""
    if plan.mode == "grey":
        return pixels
    colours = np.repeat(pixels[..., None], CHANNELS[plan.mode], -1)
    if plan.mode == "rgba":
        colours[..., 3] = np.iinfo(plan.dtype).max
    return colours


def _in_depth(pixels: Array, dtype: np.dtype[Any]) -> Array:
    """8 bits as 16, so that white stays white."""
    return pixels.astype(np.uint16) * np.uint16(257) if dtype == np.uint16 else pixels
