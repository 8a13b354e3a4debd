"""What a method promises of values before it codes them."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """A candidate that is not made yet.

    Args:
        bits: About how many it takes.
        make: Makes it.
    """

    bits: float
    make: Callable[[], bytes]
