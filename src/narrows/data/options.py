"""Options of `open_data`: each kind of data has its own, a frozen class whose fields they are."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from narrows.core.errors import ChoiceError, unknown
from narrows.data.images import ImageOptions
from narrows.data.video import VideoOptions

KINDS = {"images": ImageOptions, "videos": VideoOptions}
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


def _check(options: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for name in options:
        owners = [owner for owner, kind in KINDS.items() if name in names(kind)]
        if not owners:
            raise unknown("option", name, known or {one for kind in KINDS.values() for one in names(kind)})
        if name not in known:
            takes = ", ".join(known) if known else "no options"
            raise ChoiceError(f"{name}= is an option of {' and '.join(owners)}, and {what} takes {takes}")
