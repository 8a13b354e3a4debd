"""One corruption after another."""

from collections.abc import Iterable

from torch import Generator, nn

from narrows.core.contracts import Corruption
from narrows.core.errors import ChoiceError
from narrows.core.trace import View
from narrows.corruptions.clean import Clean


class Compose(Corruption):
    """Several corruptions, each of what the one before has left.

    Where parts are asked for by name, a list of them stands for their composition: `corruption=["blur", "jpeg"]`.

    Args:
        parts: From the first to the last.

    >>> import torch
    >>> Compose()(View(torch.ones(1, 2)), torch.Generator()).x
    tensor([[1., 1.]])
    """

    supports = Clean.supports
    kinds = Clean.kinds

    def __init__(self, parts: Iterable[Corruption] = ()) -> None:
        super().__init__()
        made = list(parts)
        if not all(isinstance(part, Corruption) for part in made):
            raise ChoiceError("corruptions that follow each other are a list of names, as in ['blur', 'jpeg']")
        self.parts = nn.ModuleList(made)
        self.supports = tuple(v for v in Clean.supports if all(v in part.supports for part in made))
        self.kinds = tuple(kind for kind in Clean.kinds if all(kind in part.kinds for part in made))

    def forward(self, view: View, rng: Generator) -> View:
        for part in self.parts:
            view = part(view, rng)
        return view
