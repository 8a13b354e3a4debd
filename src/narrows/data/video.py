"""Video files as clips: runs of frames of one length, size and mode, (n, time, height, width, channels)."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from narrows.core.errors import ChoiceError, FileError, InputError, NarrowsError
from narrows.data import av_video, gif
from narrows.data.arrays import Array
from narrows.data.faults import report_faults
from narrows.data.fitting import CHANNELS, Fit, Frame, Mode, Size, automatic, check_picture, target, words
from narrows.data.growing import Spool

if TYPE_CHECKING:
    from pathlib import Path

VIDEOS = (".mp4", ".avi", ".gif", ".mov", ".mkv", ".webm")
MOST = 64 * 64
"""How many pixels frames have at most, where no size is asked for."""


@dataclass(frozen=True)
class VideoOptions:
    """How `open_data` reads video.

    Args:
        frames: How many frames a clip has.
        stride: How many frames lie between the starts of two clips; None for `frames`, so that clips do not overlap.
            Frames at the end that fill no clip are left out.
        size: What frames are brought to: (height, width), or one number for both; `"original"` leaves them. None
            leaves frames of at most 64 x 64 pixels and reduces others to about as many, and a warning says so.
        fit: As in `ImageOptions`.
        mode: `"grey"`, `"rgb"`, `"rgba"`, or `"auto"`: grey where all files are, otherwise colours.
        strict: Refuse files of a folder that cannot be read, rather than leave them out with a warning.
    """

    frames: int = 16
    stride: int | None = None
    size: Any = None
    fit: Fit = "crop"
    mode: Mode = "auto"
    strict: bool = False

    def __post_init__(self) -> None:
        check_picture(self.size, self.fit, self.mode)
        for name, value in (("frames", self.frames), ("stride", self.step)):
            try:
                enough = index(value) >= 1
            except TypeError:
                enough = False
            if not enough:
                raise ChoiceError(f"{name} is a number of frames, at least 1, got {value!r}")

    @property
    def step(self) -> int:
        """How many frames lie between the starts of two clips."""
        return self.frames if self.stride is None else self.stride


def read_videos(source: Path, paths: Sequence[Path], options: VideoOptions) -> Array:
    """The clips of one or more videos, in the order of their paths, (n, time, height, width, channels) uint8.

    Args:
        source: The folder that they lie in, or the only one.
        paths: The files.
        options: How to read them.

    Raises:
        FileError: None can be read; or one, with `strict`; or PyAV is not installed.
        InputError: They differ in size, which is to be kept; or the only one has too few frames.
    """
    faults: dict[Path, NarrowsError] = {}
    looks: dict[Path, tuple[Size, str]] = {}
    for path in paths:
        with _noted(path, source, options, faults):
            looks[path] = _module(path).look(path)
    clips = _clips(source, looks, options, faults) if looks else None
    if clips is None or len(clips) == 0:
        raise FileError(f"no video in {source} can be read: {min(faults.items())[1]}")
    report_faults(source, "videos", len(paths), faults)
    return clips


def write_video(path: Path, clips: Array, rate: int = 25) -> None:
    """Write clips, one after another, as one `.gif`, in which equal frames in a row become one long one, or `.mp4`.

    Args:
        path: Where to.
        clips: (n, time, height, width, channels) uint8, of 1, 3 or 4 channels; alpha is dropped.
        rate: Frames per second.
    """
    frames = clips.reshape(-1, *clips.shape[2:])
    colours = np.repeat(frames, 3, -1) if frames.shape[-1] == 1 else frames[..., :3]
    _module(path).write(path, np.ascontiguousarray(colours), rate)


def _module(path: Path) -> Any:
    """What reads and writes a file: Pillow for GIF, which needs no further package, PyAV for everything else."""
    return gif if path.suffix.lower() == ".gif" else av_video


@contextmanager
def _noted(path: Path, source: Path, options: VideoOptions, faults: dict[Path, NarrowsError]) -> Iterator[None]:
    """Note what is wrong with one file of a folder, or refuse it."""
    try:
        yield
    except (FileError, InputError) as error:
        if options.strict or path == source:
            raise
        faults[path] = error


def _clips(
    source: Path, looks: Mapping[Path, tuple[Size, str]], options: VideoOptions, faults: dict[Path, NarrowsError]
) -> Array:
    frame = _frame(source, [size for size, _ in looks.values()], options)
    modes = {mode for _, mode in looks.values()} if options.mode == "auto" else {options.mode}
    mode = max(modes, key=CHANNELS.__getitem__)
    spool = Spool((options.frames, *frame.size, CHANNELS[mode]), np.dtype(np.uint8))
    for path in looks:
        before = len(spool)
        with _noted(path, source, options, faults):
            _append(spool, path, frame, mode, options)
        if path in faults:
            spool.cut(before)
    return spool.array()


def _append(spool: Spool, path: Path, frame: Frame, mode: str, options: VideoOptions) -> None:
    """Add the clips of one file."""
    held: list[Array] = []
    seen = clips = 0
    for pixels in _module(path).frames(path, frame, mode):
        if seen >= clips * options.step:
            held.append(pixels)
        seen += 1
        if len(held) == options.frames:
            spool.append(np.stack(held))
            clips += 1
            held = held[options.step :]
    if seen == 0:
        raise FileError(f"{path} holds no frames")
    if clips == 0:
        raise InputError(
            f"{path} has {seen} frame(s), fewer than the {options.frames} of one clip: pass frames={seen} or fewer"
        )


def _frame(source: Path, sizes: Collection[Size], options: VideoOptions) -> Frame:
    """The size for frames of these sizes, chosen where it was not asked for."""
    asked = target(options.size)
    if asked is not None:
        return Frame(*asked, options.fit)
    if options.size == "original":
        if len(set(sizes)) > 1:
            raise InputError(
                f"videos in {source} differ in size, so size='original' cannot be kept: {words(min(sizes))} to "
                f"{words(max(sizes))} pixels"
            )
        return Frame(*next(iter(sizes)), options.fit)
    chosen = automatic(sizes, MOST, MOST)
    if set(sizes) != {chosen}:
        warnings.warn(
            f"frames of {source} have {' to '.join(words(size) for size in sorted({min(sizes), max(sizes)}))} pixels, "
            f"and are read as {words(chosen)} (height x width): size=(height, width) chooses otherwise",
            stacklevel=2,
        )
    return Frame(*chosen, options.fit)
