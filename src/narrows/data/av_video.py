"""Frames of video files, by PyAV (the extra `video`)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from narrows.core.errors import FileError
from narrows.data.arrays import Array
from narrows.data.fitting import Frame, Size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMATS = {"grey": "gray", "rgb": "rgb24", "rgba": "rgba"}
"""What PyAV calls the modes."""
MICRO = 1_000_000
"""Units of time of a file in a second."""
WHOLE, SLACK = 0.95, 0.2
"""How much of the time that its header says a file has to hold, or it was cut short: a share, less some seconds."""


def look(path: Path) -> tuple[Size, str]:
    """(height, width), upright, and mode of a file.

    Raises:
        FileError: It is no video, or damaged; or PyAV is not installed.
    """
    with _opened(path) as container:
        for frame in container.decode(video=0):
            size = frame.height, frame.width
            return (size[::-1] if frame.rotation % 180 else size), _mode(frame)
    raise FileError(f"{path} holds no frames")


def frames(path: Path, frame: Frame, mode: str) -> Iterator[Array]:
    """Every frame, upright, (height, width, channels) uint8.

    Raises:
        FileError: It is no video, or damaged; or PyAV is not installed.
    """
    with _opened(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        start = end = (container.start_time or 0) / MICRO
        for packet in container.demux():
            if packet.pts is not None:
                end = max(end, float(packet.pts * packet.time_base))
            if packet.stream_index == stream.index:
                for picture in packet.decode():
                    yield _pixels(picture, frame, mode)
        said = (container.duration or 0) / MICRO
        if end - start < WHOLE * said - SLACK:
            raise FileError(
                f"{path} is damaged or cut short: its header says {said:.1f} seconds, and {end - start:.1f} can be read"
            )


def write(path: Path, pixels: Array, rate: int) -> None:
    """Write frames, (time, height, width, 3) uint8, as H.264.

    Raises:
        FileError: PyAV is not installed.
    """
    av = pyav(path)
    even = not (pixels.shape[1] % 2 or pixels.shape[2] % 2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=rate, options={"crf": "16"})
        stream.height, stream.width = pixels.shape[1:3]
        stream.pix_fmt = "yuv420p" if even else "yuv444p"  # which every player knows, but has even sides only
        for picture in pixels:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def pyav(path: Path) -> Any:
    """The package that reads and writes a file.

    Raises:
        FileError: It is not installed.
    """
    try:
        import av  # optional: the extra "video"
    except ImportError as error:
        raise FileError(f"{path} needs PyAV, which is not installed: pip install 'narrows[video]'") from error
    return av


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    av = pyav(path)
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise FileError(f"{path} holds no frames")
            yield container
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        if isinstance(error, FileError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{path} is no video, or it is damaged or cut short ({reason})") from error


def _mode(picture: Any) -> str:
    return "grey" if picture.format.name.startswith("gray") else "rgb"


def _pixels(picture: Any, frame: Frame, mode: str) -> Array:
    """One frame scaled and fitted, turned as its recorder says."""
    sideways = picture.rotation % 180 != 0
    height, width = (picture.width, picture.height) if sideways else (picture.height, picture.width)
    scaled = frame.scaled(height, width)
    high, wide = scaled[::-1] if sideways else scaled
    found = picture.to_ndarray(format=FORMATS[mode], width=wide, height=high, interpolation="AREA")
    return np.ascontiguousarray(frame.centred(np.rot90(np.atleast_3d(found), picture.rotation // 90)))
