"""The knee: the size of a code beyond which more of it says little, found by short fits.

Each short fit begins as PCA where the recipe can, so that its error is never greater than PCA's. The knee is where the
curve of errors lies furthest below the straight line between its ends,

    argmax_k  (1 - x_k) - y_k,    x_k = (k - k_min) / (k_max - k_min),  y_k = (e_k - e_min) / (e_max - e_min)

Source: Satopaa, Albrecht, Irwin and Raghavan (2011), Kneedle, https://doi.org/10.1109/ICDCSW.2011.20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

from narrows.data.sources import Source
from narrows.model import AutoencoderModule
from narrows.training import rules
from narrows.training.loop import Loop, Plan
from narrows.training.report import Reports
from narrows.training.seeds import KNEE, START, generator
from narrows.training.start import begin, linear_path, principal_components

MOST = 64
"""The largest size that is tried."""
ROWS = 5_000
"""How many samples a short fit learns from, at most."""
STEPS = 400
"""How many steps it takes, at most."""
WORK = 2e11
"""And how many multiplications and additions, unless ten steps are more."""
BATCH = 64
"""Rows of a step."""
TIME = 0.3
"""Share of `max_time` that all short fits take together, at most."""
TRIALS = 16
"""How many sizes are tried, at most."""


def knee_of(errors: Mapping[int, float]) -> int:
    """The knee of errors by size: the smallest size where none of them falls with size.

    >>> knee_of({1: 1.0, 2: 0.6, 3: 0.2, 4: 0.19, 8: 0.18})
    3
    """
    sizes = sorted(errors)
    least, most = min(errors.values()), errors[sizes[0]]
    if not least < most:
        return sizes[0]
    width = max(1, sizes[-1] - sizes[0])
    return max(sizes, key=lambda k: 1 - (k - sizes[0]) / width - (errors[k] - least) / (most - least))


def knee(
    make: Callable[[int], AutoencoderModule], train: Source, held_out: Source, largest: int, plan: Plan, linear: bool
) -> dict[int, float]:
    """The errors of short fits by size, the knee of which is the size to choose: powers of two, then around the knee.

    Args:
        make: A model of a recipe with a code of a size, with weights of its own.
        train: What to learn from.
        held_out: What to judge by.
        largest: The largest size that makes sense.
        plan: How the whole run is made: optimiser, rate and seed are taken from it.
        linear: Whether models begin as principal components.
    """
    rng = generator(plan.seed, KNEE)
    some, judges = train.some(ROWS, rng), held_out.some(ROWS, rng)
    found: dict[int, float] = {}

    def tried(size: int) -> None:
        if size not in found and len(found) < TRIALS:
            found[size] = _short_fit(make(size), some, judges, plan, linear)

    largest = max(1, min(MOST, largest))
    for size in sorted({1 << i for i in range(largest.bit_length())} | {largest}):
        tried(size)
    while True:
        known, middle = sorted(found), knee_of(found)
        place = known.index(middle)
        around = [(middle + other) // 2 for other in known[max(0, place - 1) : place + 2]]
        if all(size in found for size in around) or len(found) >= TRIALS:
            return found
        for size in around:
            tried(size)


def _short_fit(model: AutoencoderModule, some: Source, judges: Source, plan: Plan, linear: bool) -> float:
    """The mean squared error per value on held-out samples, the least of a few epochs."""
    model.to(some.device)
    model.stages = ()
    steps = max(10, min(STEPS, int(WORK / (3 * rules.operations(model) * BATCH))))
    batch = min(BATCH, len(some))
    found = principal_components(some, model.bottleneck.latent_dim, generator(plan.seed, START)) if linear else None
    begun = begin(model, some, found, generator(plan.seed, START))
    own = Plan(
        epochs=max(1, ceil(steps * batch / len(some))),
        batch_size=batch,
        optimizer=plan.optimizer,
        learning_rate=plan.learning_rate,
        weight_decay=plan.weight_decay,
        gradient_clip=plan.gradient_clip,
        max_time=None if plan.max_time is None else TIME * plan.max_time / TRIALS,
        seed=plan.seed,
    )
    history = Loop(model, some, judges, own, settled=linear_path(model) if begun else ()).run(Reports())
    return min(float(row["held_out"]["error"]) for row in history)
