"""No corruption: the encoder is shown everything."""

from typing import get_args

from torch import Generator

from narrows.core.contracts import Corruption
from narrows.core.spec import Values
from narrows.core.trace import View


class Clean(Corruption):
    """The view as it is.

    >>> import torch
    >>> view = View(torch.ones(1, 2))
    >>> Clean()(view, torch.Generator()) is view
    True
    """

    supports = get_args(Values)

    def forward(self, view: View, rng: Generator) -> View:
        return view
