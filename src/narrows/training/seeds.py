"""Randomness from one seed: a generator for each purpose, none of them global."""

from typing import Any

import numpy as np
import torch
from torch import Generator

from narrows.core.errors import ChoiceError

ORDER, NOISE, WEIGHTS, SPLIT, START, VALIDATION, CODES, DRAWS, NEIGHBOURS, KNEE = range(10)
"""Purposes, each with a stream of its own."""


def generator(seed: int, *path: int, device: torch.device | str = "cpu") -> Generator:
    """A generator for one purpose: the same seed and path give the same stream.

    >>> a, b = generator(0, ORDER, 3), generator(0, ORDER, 3)
    >>> bool((torch.rand(4, generator=a) == torch.rand(4, generator=b)).all())
    True
    """
    state = np.random.SeedSequence([seed, *path]).generate_state(1, np.uint64)[0]
    return Generator(device).manual_seed(int(state) >> 1)


def seed_of(random_state: Any) -> int:
    """A seed from what scikit-learn calls a random state: None, a whole number, or a NumPy generator.

    None takes entropy from the system, never from the global generator.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return int(random_state)
    raise ChoiceError(f"random_state is None, a whole number of at least 0 or a NumPy generator, got {random_state!r}")
