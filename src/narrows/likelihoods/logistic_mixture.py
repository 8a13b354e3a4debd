r"""A mixture of logistic distributions, rounded to the levels of a pixel.

    p(x | z) = sum_k w_k [S((x + h - m_k) / s_k) - S((x - h - m_k) / s_k)],    S the sigmoid, h half a step

As `DiscretizedLogistic`, for values that may be one thing or another, such as the edge of a stroke: black or white, and
seldom grey.
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


class LogisticMixture(Likelihood):
    r"""The probability of one of 2^bits levels within [0, 1] under several logistic distributions with weights.

    The decoder has 3 K numbers for each value: K locations, K logarithms of scales and K logarithms of weights, each
    beside a start at which the components lie side by side, around the first of the numbers, and together have the
    variance that training began with. The first location moves all of them.

    Source: Salimans, Karpathy, Chen and Kingma (2017), https://arxiv.org/abs/1701.05517, each channel by itself.

    Args:
        components: How many logistic distributions, K, at least 1.
        bits: How many bits a value has, 1 to 8.

    >>> import torch
    >>> levels = torch.arange(256.0)[:, None] / 255
    >>> params = torch.tensor([0.2, 0.5, -1.0, -3.0, 0.0, 1.0]).view(1, 6, 1).expand(256, 6, 1)
    >>> LogisticMixture(components=2).log_prob(params, levels).exp().sum().round(decimals=4)
    tensor(1.)
    """

    support = "unit"
    density = False
    linear_mean = True

    usual: Tensor
    places: Tensor

    def __init__(self, components: int = 5, bits: int = 8) -> None:
        super().__init__()
        for name, value, most in (("components", components, 100), ("bits", bits, 8)):
            if not isinstance(value, int) or not 1 <= value <= most:
                raise ChoiceError(
                    f"the {name} of a logistic mixture are a whole number from 1 to {most}, got {value!r}"
                )
        self.components = components
        self.bits = bits
        self.top = 2.0**bits - 1
        """The number of the highest level."""
        self.register_buffer("usual", torch.zeros(()))
        places = torch.linspace(-1, 1, components) if components > 1 else torch.zeros(1)
        self.register_buffer("places", 2 * places)

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (3 * self.components, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        m, s, log_w = self._numbers(params)
        level = (x * self.top).round().unsqueeze(1)
        above = (level + 0.5 - m * self.top) / (s * self.top)
        below = (level - 0.5 - m * self.top) / (s * self.top)
        within = torch.log(-torch.expm1(-1 / (s * self.top)))  # S(a) - S(b) = S(a) S(-b) (1 - exp(b - a))
        lowest, highest = level <= 0, level >= self.top
        up = F.logsigmoid(above).masked_fill(highest, 0)
        down = F.logsigmoid(-below).masked_fill(lowest, 0)
        return torch.logsumexp(log_w + up + down + within.masked_fill(lowest | highest, 0), 1)

    def mean(self, params: Tensor) -> Tensor:
        m, s, log_w = self._numbers(params)
        clipped = s * (F.softplus(m / s) - F.softplus((m - 1) / s))
        return (log_w.exp() * clipped).sum(1).clamp(0, 1)

    def median(self, params: Tensor) -> Tensor:
        """The least level at or below which lies half of the probability, by bisection."""
        m, s, log_w = self._numbers(params)
        low = torch.zeros_like(m[:, 0])
        for bit in reversed(range(self.bits)):  # below `low`, less than half of it lies
            higher = low + 2.0**bit
            upto = (log_w.exp() * torch.sigmoid(((higher - 0.5).unsqueeze(1) / self.top - m) / s)).sum(1)
            low = torch.where(upto < 0.5, higher, low)
        return low / self.top

    def mode(self, params: Tensor) -> Tensor:
        best = torch.zeros_like(params[:, 0])
        most = self.log_prob(params, best)
        for level in range(1, int(self.top) + 1):
            here = torch.full_like(best, level / self.top)
            found = self.log_prob(params, here)
            best, most = torch.where(found > most, here, best), torch.maximum(found, most)
        return best

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        m, s, log_w = self._numbers(params)
        u = torch.rand(2, *m.shape, generator=rng, device=m.device, dtype=m.dtype).clamp(1e-7, 1 - 1e-7)
        chosen = (log_w - (-u[0].log()).log()).argmax(1, keepdim=True)
        return self._to_level((m + s * u[1].logit()).gather(1, chosen).squeeze(1))

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        """Share the variance out: of the places of the components, and of each around its place."""
        around = self.places.square().mean() + pi**2 / 3
        self.usual.copy_((noise.mean() / around).sqrt().clamp(min=1 / self.top).log())

    def _numbers(self, params: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Locations m, scales s and logarithms of weights, (n, K, *s) each."""
        k = self.components
        shape = (-1, *[1] * (params.ndim - 2))
        first, others = params[:, :1], params[:, 1:k]
        m = torch.cat([first, first + others], 1) + self.places.view(shape) * self.usual.exp()
        log_s = (params[:, k : 2 * k] + self.usual).clamp(log(NARROWEST / self.top), log(WIDEST))
        return m, log_s.exp(), params[:, 2 * k :].log_softmax(1)

    def _to_level(self, x: Tensor) -> Tensor:
        """The nearest level."""
        return (x.clamp(0, 1) * self.top).round() / self.top

    def extra_repr(self) -> str:
        return f"components={self.components}, bits={self.bits}"
