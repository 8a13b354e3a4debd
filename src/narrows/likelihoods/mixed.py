r"""One likelihood for each column of a table.

    -log p(x | z) = sum over columns j of -log p_j(x_j | z)

Columns of one kind are computed together, so that a step costs a few operations however many columns there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Generator, Tensor, nn

from narrows.core.contracts import Likelihood
from narrows.core.errors import ChoiceError
from narrows.core.spec import Column, SampleSpec
from narrows.core.trace import Prediction, Trace, View
from narrows.likelihoods.bernoulli import Bernoulli
from narrows.likelihoods.categorical import Categorical
from narrows.likelihoods.columns import Embedded, Given
from narrows.likelihoods.counts import NegativeBinomial
from narrows.likelihoods.laplace import Laplace
from narrows.likelihoods.normal import Normal


class Mixed(Likelihood):
    r"""A table whose columns are of several kinds: `log_prob` is the log-probability of each column in nats.

    Numbers have a normal or a Laplace distribution with a learned scale for each column, truth values a coin,
    categories a softmax, counts a negative binomial distribution. Columns of kind `"given"` cost nothing and read 0. A
    category of more than 32 levels takes 16 numbers from the decoder, of which its logits are products with a vector
    for each level. Categories have no mean or median: both are the mode, among the levels that are known.

    Source: Nazábal, Olmos, Ghahramani and Valera (2020), https://arxiv.org/abs/1807.03653.

    Args:
        columns: What each column is: a `Column`, or its fields as a dictionary.
        floor: The least learned scale of numbers, which are standardised: a copy of another column may not buy density
            without bound.

    >>> import torch
    >>> part = Mixed([Column("sex", "categorical", levels=2), Column("age", "normal")])
    >>> params = torch.tensor([[40.0, 0.0, 0.0]])  # columns of one kind together, numbers first
    >>> part.log_prob(params, torch.tensor([[1.0, 40.0]]))
    tensor([[-0.6931, -0.9189]])
    """

    support = "mixed"
    density = True
    linear_mean = False
    zero_is_marginal = True
    most_levels = 32
    """Up to how many levels the decoder has a number for each."""

    grouped: Tensor
    """The columns, group by group."""
    order: Tensor
    """Where each column stands among them."""

    def __init__(self, columns: Sequence[Column | Mapping[str, Any]], floor: float = 1e-2) -> None:
        super().__init__()
        known = [column if isinstance(column, Column) else Column(**column) for column in columns]
        if not known:
            raise ChoiceError("a mixed likelihood describes the columns of a table, and there are none")
        groups = list(_groups(known, floor, self.most_levels))
        self.parts = nn.ModuleList(part for part, _ in groups)
        self.widths = [len(places) for _, places in groups]
        self.shapes = [part.params_shape(SampleSpec("vector", (len(places),))) for part, places in groups]
        grouped = torch.tensor([place for _, places in groups for place in places])
        self.register_buffer("grouped", grouped)
        self.register_buffer("order", grouped.argsort())

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (sum(prod(shape) for shape in self.shapes),)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        groups = zip(self._each(params), self._apart(x), strict=True)
        return self._together([part.log_prob(numbers, values) for (part, numbers), values in groups])

    def mean(self, params: Tensor) -> Tensor:
        return self._together([part.mean(numbers) for part, numbers in self._each(params)])

    def median(self, params: Tensor) -> Tensor:
        return self._together([part.median(numbers) for part, numbers in self._each(params)])

    def mode(self, params: Tensor) -> Tensor:
        return self._together([part.mode(numbers) for part, numbers in self._each(params)])

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        return self._together([part.sample(numbers, rng) for part, numbers in self._each(params)])

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        # without a linear path the model begins as one distribution for all rows: what is left is all that varies
        means, variances = self._apart(mean.unsqueeze(0)), self._apart(variance.unsqueeze(0))
        for part, m, v in zip(self._likelihoods(), means, variances, strict=True):
            part.start(m[0], v[0], v[0])

    def after_step(self, trace: Trace, rng: Generator) -> None:
        every = [None] * len(self.parts) if trace.view.scored is None else self._apart(trace.view.scored)
        assert isinstance(trace.prediction, Prediction), "tables are dense"
        groups = zip(self._each(trace.prediction.params), self._apart(trace.x), every, strict=True)
        for (part, numbers), x, scored in groups:
            part.after_step(Trace(x, View(x, scored=scored), trace.code, Prediction(part, numbers)), rng)

    def _likelihoods(self) -> Iterator[Likelihood]:
        for part in self.parts:
            assert isinstance(part, Likelihood)
            yield part

    def _each(self, params: Tensor) -> Iterator[tuple[Likelihood, Tensor]]:
        """Each group's likelihood with its numbers, (n, p, columns of the group)."""
        slices = torch.split(params, [prod(shape) for shape in self.shapes], 1)
        for part, numbers, shape in zip(self._likelihoods(), slices, self.shapes, strict=True):
            yield part, numbers.reshape(len(params), *shape)

    def _apart(self, x: Tensor) -> Sequence[Tensor]:
        """(n, columns) as one tensor for each group."""
        return torch.split(x[:, self.grouped], self.widths, 1)

    def _together(self, found: Sequence[Tensor]) -> Tensor:
        """What each group found, (n, columns) in the order of the table."""
        together = torch.cat(list(found), 1)
        return together.gather(1, self.order.expand_as(together))  # its gradient is the fastest of its kind


def _groups(columns: Sequence[Column], floor: float, most_levels: int) -> Iterator[tuple[Likelihood, list[int]]]:
    """Likelihoods, each with the places of its columns."""
    of_kind: dict[str, list[int]] = {}
    of_levels: dict[int, list[int]] = {}
    embedded: list[int] = []
    for place, column in enumerate(columns):
        if column.levels > most_levels:
            embedded.append(place)
        elif column.levels:
            of_levels.setdefault(column.levels, []).append(place)
        else:
            of_kind.setdefault(column.kind, []).append(place)
    for kind, places in of_kind.items():
        yield _simple(kind, len(places), floor), places
    for levels, places in of_levels.items():
        yield Categorical(levels, least=min(1, levels - 1)), places
    if embedded:
        yield Embedded([columns[place].levels for place in embedded]), embedded


def _simple(kind: str, width: int, floor: float) -> Likelihood:
    """The likelihood of so many columns of a kind that is not categorical."""
    match kind:
        case "normal":
            return Normal("learned", floor, scales=(width,))
        case "laplace":
            return Laplace("learned", floor, scales=(width,))
        case "bernoulli":
            return Bernoulli()
        case "negative_binomial":
            return NegativeBinomial((width,))
        case _:
            return Given()
