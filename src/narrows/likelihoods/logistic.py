r"""A logistic distribution, rounded to the levels of a pixel.

    p(x | z) = S((x + h - m) / s) - S((x - h - m) / s),    S the sigmoid, h half a step between two levels

The lowest level takes all that lies below it and the highest all above, so that the levels' probabilities sum to one,
and the distortion is what a lossless code of the pixels would cost.
"""

from math import log, pi

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Likelihood
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec

NARROWEST = 0.05
"""The least scale s, in steps between two levels."""
WIDEST = 100.0
"""The largest scale s, in units of the whole range."""


class DiscretizedLogistic(Likelihood):
    r"""The probability of one of 2^bits levels within [0, 1], 0 and 1 included, as of 8-bit pixels divided by 255.

    The decoder has two numbers for each value: the location m, and the logarithm of the scale s in units of the noise
    that training began with. Values between two levels count as the nearest.

    The mean is that of the logistic distribution clipped to [0, 1], s softplus(m / s) - s softplus((m - 1) / s): within
    half a level of the mean over levels, and within a hundredth of a level where s is at least one.

    Source: Kingma et al. (2016), https://arxiv.org/abs/1606.04934; Salimans, Karpathy, Chen and Kingma (2017),
    https://arxiv.org/abs/1701.05517, with one component.

    Args:
        bits: How many bits a value has, 1 to 16.

    >>> import torch
    >>> params, x = torch.tensor([[[0.5], [-9.0]]]), torch.tensor([[128 / 255]])
    >>> DiscretizedLogistic().log_prob(params, x).exp()  # all but certain of the two levels in the middle
    tensor([[0.5000]])
    """

    support = "unit"
    density = False
    linear_mean = True

    usual: Tensor

    def __init__(self, bits: int = 8) -> None:
        super().__init__()
        if not isinstance(bits, int) or not 1 <= bits <= 16:
            raise ChoiceError(f"the bits of a discretized logistic likelihood are a number from 1 to 16, got {bits!r}")
        self.bits = bits
        self.top = 2.0**bits - 1
        """The number of the highest level."""
        self.register_buffer("usual", torch.zeros(()))

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (2, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        m, s = self._numbers(params)
        level = (x * self.top).round()
        above = (level + 0.5 - m * self.top) / (s * self.top)
        below = (level - 0.5 - m * self.top) / (s * self.top)
        within = torch.log(-torch.expm1(-1 / (s * self.top)))  # S(a) - S(b) = S(a) S(-b) (1 - exp(b - a))
        lowest, highest = level <= 0, level >= self.top
        up = F.logsigmoid(above).masked_fill(highest, 0)
        down = F.logsigmoid(-below).masked_fill(lowest, 0)
        return up + down + within.masked_fill(lowest | highest, 0)

    def mean(self, params: Tensor) -> Tensor:
        m, s = self._numbers(params)
        return (s * (F.softplus(m / s) - F.softplus((m - 1) / s))).clamp(0, 1)

    def median(self, params: Tensor) -> Tensor:
        return self._to_level(params[:, 0])

    def mode(self, params: Tensor) -> Tensor:
        middle = self.median(params)
        choices = torch.stack([middle, torch.zeros_like(middle), torch.ones_like(middle)])
        likely = torch.stack([self.log_prob(params, x) for x in choices]).argmax(0, keepdim=True)
        return choices.gather(0, likely)[0]

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        m, s = self._numbers(params)
        u = torch.rand(m.shape, generator=rng, device=m.device, dtype=m.dtype)
        return self._to_level(m + s * u.logit(eps=1e-7))

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        width = (3 * noise.mean()).sqrt() / pi
        self.usual.copy_(width.clamp(min=1 / self.top).log())

    def _numbers(self, params: Tensor) -> tuple[Tensor, Tensor]:
        """Location m and scale s."""
        log_s = (params[:, 1] + self.usual).clamp(log(NARROWEST / self.top), log(WIDEST))
        return params[:, 0], log_s.exp()

    def _to_level(self, x: Tensor) -> Tensor:
        """The nearest level."""
        return (x.clamp(0, 1) * self.top).round() / self.top

    def extra_repr(self) -> str:
        return f"bits={self.bits}"
