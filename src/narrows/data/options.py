"""Options of `open_data`: each kind of data has its own, a frozen class whose fields they are."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from narrows.core.errors import ChoiceError, unknown
from narrows.data.fitting import CHANNELS
from narrows.data.images import IMAGES, ImageOptions
from narrows.data.series import RecordingOptions
from narrows.data.video import VIDEOS, VideoOptions

KINDS = {"images": ImageOptions, "recordings": RecordingOptions, "videos": VideoOptions}
"""The kinds of data that have options."""
Options = TypeVar("Options")


def chosen(kind: type[Options], options: Mapping[str, Any], what: str) -> Options:
    """The options of a kind of data.

    Args:
        kind: Their class.
        options: Names and values.
        what: What was opened, in words.

    Raises:
        ChoiceError: A name that is no option, or none of this kind; a value that cannot be.
    """
    _check(options, names(kind), what)
    return kind(**options)


def refuse(options: Mapping[str, Any], what: str) -> None:
    """Refuse all options, for data that has none.

    >>> refuse({"size": 64}, "x.csv")
    Traceback (most recent call last):
    narrows.core.errors.ChoiceError: size= is an option of images and videos, and x.csv takes no options
    """
    _check(options, (), what)


def names(kind: type) -> tuple[str, ...]:
    """The names of the options of a kind.

    >>> names(VideoOptions)
    ('frames', 'stride', 'size', 'fit', 'mode', 'strict')
    """
    return tuple(field.name for field in fields(kind))


def options_like(source: str | Path, shape: tuple[int, ...]) -> dict[str, Any]:
    """The options that bring images or videos to the shape that a model was fitted on; none for other data.

    Args:
        source: A file, or a folder of images or of videos.
        shape: That of one sample, as it lies in raw arrays.

    >>> options_like("a.jpg", (48, 64, 3)), options_like("a.mp4", (16, 48, 64, 1)), options_like("a.npy", (9,))
    ({'size': (48, 64), 'mode': 'rgb'}, {'frames': 16, 'size': (48, 64), 'mode': 'grey'}, {})
    """
    path = Path(source)
    ending = path.suffix.lower()
    modes = {count: mode for mode, count in CHANNELS.items()}
    if len(shape) == 4 and shape[3] in modes and (ending in VIDEOS or path.is_dir()):
        return {"frames": shape[0], "size": shape[1:3], "mode": modes[shape[3]]}
    pictures = ending in IMAGES or path.is_dir()
    if pictures and (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))):
        return {"size": shape[:2], "mode": modes[shape[2]] if len(shape) == 3 else "grey"}
    return {}


def _check(options: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for name in options:
        owners = [owner for owner, kind in KINDS.items() if name in names(kind)]
        if not owners:
            raise unknown("option", name, known or {one for kind in KINDS.values() for one in names(kind)})
        if name not in known:
            takes = ", ".join(known) if known else "no options"
            raise ChoiceError(f"{name}= is an option of {' and '.join(owners)}, and {what} takes {takes}")
