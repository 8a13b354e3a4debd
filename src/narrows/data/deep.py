"""16 bits per colour, which Pillow cuts to 8: read and written with PyAV, where it is installed."""

from __future__ import annotations

from fractions import Fraction
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from narrows.core.errors import FileError
from narrows.data.arrays import Array

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = {"grey": "gray16le", "rgb": "rgb48le", "rgba": "rgba64le"}
"""What PyAV calls the modes at 16 bits."""
ENCODERS = {".png": ("png", {3: "rgb48be", 4: "rgba64be"}), ".tif": ("tiff", {3: "rgb48le", 4: "rgba64le"})}
"""Encoder and pixel format by ending and number of channels."""


def has_deep_reader() -> bool:
    """Whether 16 bits per colour can be read and written."""
    return find_spec("av") is not None


def deep_pixels(path: Path, mode: str) -> Array:
    """The pixels of an image file, (height, width[, channels]) uint16, as they lie in the file."""
    import av  # optional: the extra "video"

    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format=FORMATS[mode])


def write_deep(path: Path, pixels: Array) -> None:
    """Write an image of 16 bits per colour, (height, width, 3 or 4) uint16, as `.png` or `.tif`.

    Raises:
        FileError: PyAV is not installed.
    """
    if not has_deep_reader():
        raise FileError(f"cannot write {path} with 16 bits per colour without PyAV: pip install 'narrows[video]'")
    import av  # optional: the extra "video"

    name, formats = ENCODERS[path.suffix.lower()[:4]]
    height, width, channels = pixels.shape
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = width, height
    encoder.pix_fmt, encoder.time_base = formats[channels], Fraction(1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format={3: "rgb48le", 4: "rgba64le"}[channels])
    packets = [*encoder.encode(frame.reformat(format=formats[channels])), *encoder.encode(None)]
    path.write_bytes(b"".join(map(bytes, packets)))
