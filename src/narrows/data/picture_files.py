"""Image files as pictures of many sizes, decoded one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from narrows.data.arrays import Array
from narrows.data.fitting import Frame
from narrows.data.picture import Look, Plan, decode


class PictureFiles(Sequence[Array]):
    """Image files, each decoded in its own size when it is asked for, so that no more than one is in memory.

    Args:
        looks: What the header of each says, by its path.
        plan: The mode and the type that all are brought to; None for those of each itself.
    """

    def __init__(self, looks: Mapping[Path, Look], plan: Plan | None = None) -> None:
        self.looks = looks
        self.paths = list(looks)
        self.plan = plan

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return PictureFiles({path: self.looks[path] for path in self.paths[place]}, self.plan)
        path = self.paths[place]
        return decode(path, own_plan(self.looks[path], self.plan))


def own_plan(look: Look, plan: Plan | None = None) -> Plan:
    """What an image becomes in its own size; black and white becomes 8 bits.

    Args:
        look: What its header says.
        plan: The mode and the type; None for its own.
    """
    frame = Frame(*look.size)
    if plan is not None:
        return Plan(frame, plan.mode, plan.dtype)
    return Plan(frame, look.mode, np.dtype(np.uint8) if look.dtype == np.bool_ else look.dtype)
