"""Values that a network has to guess from those around them, so that noise can't be learned by heart."""

from dataclasses import replace

import torch
from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.trace import View


class BlindSpots(Corruption):
    """Some values are replaced by a neighbour's, and only those are scored.

    What is independent from value to value cannot be predicted from the neighbours, so a network that is trained on
    noisy samples alone learns what is below the noise.

    Source: Krull, Buchholz and Jug (2019), https://arxiv.org/abs/1811.10980.

    Args:
        fraction: The share of the values that is replaced, at least one of each sample.
        reach: How far away a neighbour lies at most.

    >>> view = BlindSpots(0.1)(View(torch.arange(64.0).view(1, 1, 8, 8)), torch.Generator().manual_seed(0))
    >>> bool((view.x[~view.scored] == torch.arange(64.0).view(1, 1, 8, 8)[~view.scored]).all())
    True
    """

    supports = ("real", "unit")
    kinds = ("image", "sequence", "video")

    def __init__(self, fraction: float = 0.03, reach: int = 2) -> None:
        super().__init__()
        if not 0 < fraction < 1:
            raise ChoiceError(f"the fraction of blind spots lies in (0, 1), got {fraction!r}")
        if not isinstance(reach, int) or reach < 1:
            raise ChoiceError(f"the reach is a whole number of at least 1, got {reach!r}")
        self.fraction = fraction
        self.reach = reach

    def forward(self, view: View, rng: Generator) -> View:
        x, grid = view.x, view.x.shape[2:]
        dice = torch.rand((len(x), 1, *grid), generator=rng, device=x.device)
        spots = dice <= dice.flatten(1).amin(1).clamp(min=self.fraction).view(-1, *(1,) * (x.ndim - 1))
        places = []
        for axis, size in enumerate(grid):
            steps = torch.randint(-self.reach, self.reach + 1, spots.shape, generator=rng, device=x.device)
            if axis == len(grid) - 1:  # never the value itself
                far = torch.randint(1, self.reach + 1, spots.shape, generator=rng, device=x.device)
                steps = torch.where(steps == 0, far, steps)
            own = torch.arange(size, device=x.device).view(size, *(1,) * (len(grid) - 1 - axis))
            place = own + steps
            place = torch.where(place < 0, -place, place)
            places.append(torch.where(place >= size, 2 * (size - 1) - place, place).clamp(0, size - 1))
        flat = places[0]
        for place, size in zip(places[1:], grid[1:], strict=True):
            flat = flat * size + place
        neighbours = x.flatten(2).gather(2, flat.flatten(2).expand(-1, x.shape[1], -1)).view(x.shape)
        replaced = spots.expand_as(x)
        for known in (view.visible, view.scored):
            replaced = replaced if known is None else replaced & known
        return replace(view, x=torch.where(replaced, neighbours, x), scored=replaced)

    def extra_repr(self) -> str:
        return f"fraction={self.fraction}, reach={self.reach}"


class Paired(Corruption):
    """What was recorded beside the clean sample: the view's context takes the place of its values.

    >>> Paired()(View(torch.ones(1, 2), context=torch.zeros(1, 2)), torch.Generator()).x
    tensor([[0., 0.]])
    """

    supports = ("real", "unit", "count")

    def forward(self, view: View, rng: Generator) -> View:
        return view if view.context is None else replace(view, x=view.context, context=None)
