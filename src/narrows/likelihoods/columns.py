"""What `Mixed` has for columns that no other likelihood describes: given ones, and those of very many levels."""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Generator, Tensor, nn

from narrows.core.contracts import Likelihood
from narrows.core.spec import SampleSpec


class Given(Likelihood):
    """Columns that are known to whoever decodes: no numbers, no cost, read as 0."""

    support = "mixed"
    density = False
    linear_mean = False

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (0, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        return torch.zeros_like(x)

    def mean(self, params: Tensor) -> Tensor:
        return params.sum(1)

    def median(self, params: Tensor) -> Tensor:
        return params.sum(1)

    def mode(self, params: Tensor) -> Tensor:
        return params.sum(1)

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        return params.sum(1)

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        pass


class Embedded(Likelihood):
    r"""Columns of very many levels: a logit is the product of the decoder's numbers h with a vector of the level.

        -log p(x | z) = -log softmax(W h / sqrt(16) + b)_x

    So the decoder has 16 numbers for each column however many levels there are.

    Args:
        levels: How many levels each column has; level 0 is an unknown one, and neither read nor drawn.
    """

    support = "mixed"
    density = False
    linear_mean = False
    dims = 16
    """How many numbers the decoder has for each column."""

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        self.levels = list(levels)
        # drawn by whoever initialises the model, as every embedding is
        self.embedding = nn.Embedding(sum(levels), self.dims, _weight=torch.zeros(sum(levels), self.dims))
        self.bias = nn.Parameter(torch.zeros(sum(levels)))

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (self.dims, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        found = [
            logits.log_softmax(1).gather(1, x[:, i : i + 1].long().clamp(0, logits.shape[1] - 1))
            for i, logits in enumerate(self._logits(params))
        ]
        return torch.cat(found, 1)

    def mean(self, params: Tensor) -> Tensor:
        return self.mode(params)

    def median(self, params: Tensor) -> Tensor:
        return self.mode(params)

    def mode(self, params: Tensor) -> Tensor:
        return torch.stack([logits[:, 1:].argmax(1) + 1 for logits in self._logits(params)], 1).to(params.dtype)

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        drawn = [
            (logits - torch.empty_like(logits).exponential_(generator=rng).log())[:, 1:].argmax(1) + 1
            for logits in self._logits(params)
        ]
        return torch.stack(drawn, 1).to(params.dtype)

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        pass

    def _logits(self, params: Tensor) -> list[Tensor]:
        """The logits of each column, (n, its levels)."""
        vectors = torch.split(self.embedding.weight, self.levels)
        biases = torch.split(self.bias, self.levels)
        columns = (params / sqrt(self.dims)).unbind(2)
        return [torch.addmm(b, h, w.T) for h, w, b in zip(columns, vectors, biases, strict=True)]
