"""`narrows recipes`."""

import narrows
from narrows.cli.show import show_pairs


def recipes() -> None:
    """List the named models."""
    show_pairs(narrows.recipes())  # type: ignore[operator]  # a folder that can be called
