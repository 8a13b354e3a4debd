r"""One of a few levels for each value.

-log p(x | z) = -log softmax(l)_x,    l the decoder's L numbers

"""

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Likelihood
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec


class Categorical(Likelihood):
    r"""Cross-entropy: x in {0, ..., L - 1}, where the decoder's outputs are the logits of the levels.

    Levels have no order, so that neither mean nor median says anything: both are the mode, the most probable level. A
    value beyond the levels counts as the last.

    Args:
        levels: How many levels L there are.
        least: The least level that is ever read or drawn; those below it stand for what is not known.

    >>> import torch
    >>> logits, x = torch.tensor([[[0.0], [0.0], [2.0]]]), torch.tensor([[2.0]])
    >>> part = Categorical(levels=3)
    >>> part.log_prob(logits, x), part.mode(logits)
    (tensor([[-0.2395]]), tensor([[2.]]))
    """

    support = "level"
    density = False
    linear_mean = False

    def __init__(self, levels: int, least: int = 0) -> None:
        super().__init__()
        if not isinstance(levels, int) or levels < 1:
            raise ChoiceError(f"a categorical likelihood is for levels, whole numbers from 0 on, got levels={levels!r}")
        if not isinstance(least, int) or not 0 <= least < levels:
            raise ChoiceError(f"least is one of the levels 0 to {levels - 1}, got {least!r}")
        self.levels = levels
        self.least = least

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (self.levels, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        place = x.long().clamp(0, self.levels - 1).unsqueeze(1)
        return params.log_softmax(1).gather(1, place).squeeze(1)

    def mean(self, params: Tensor) -> Tensor:
        return self.mode(params)

    def median(self, params: Tensor) -> Tensor:
        return self.mode(params)

    def mode(self, params: Tensor) -> Tensor:
        return (params[:, self.least :].argmax(1) + self.least).to(params.dtype)

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        race = torch.empty_like(params).exponential_(generator=rng)  # the first of exponential clocks to ring
        return self.mode(params - race.log())

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        pass

    def extra_repr(self) -> str:
        return f"levels={self.levels}, least={self.least}"
