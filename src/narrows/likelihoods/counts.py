r"""Counts: whole numbers from 0 on, that vary more than a Poisson distribution would.

    x ~ Poisson(g),  g ~ Gamma with mean m and shape r:    Var x = m + m^2 / r

The decoder's outputs are added to what one distribution for all samples would have (`start`), so that a decoder which
says nothing is that distribution, and counts in the thousands are as near as counts of one.
"""

from collections.abc import Sequence
from math import exp, log, pi

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Likelihood
from narrows.core.spec import SampleSpec

MOST_LOG_MEAN = 20.0
MOST_LOG_SHAPE = 12.0
"""Beyond these a parameter counts as these, so that everything stays finite in float32."""


def stirling_rest(n: Tensor) -> Tensor:
    """What Stirling leaves: log n! - (n log n - n) for real n >= 0, without cancellation: the series five places on."""
    later = n + 5
    series = (1 / 12 - 1 / (360 * later.square())) / later + 0.5 * log(2 * pi) - 5
    product = (n + 1) * (n + 2) * (n + 3) * (n + 4)
    return n * torch.log1p(5 / n.clamp(min=1e-30)) + 4.5 * later.log() - product.log() + series


def log_ratio(x: Tensor, m: Tensor, share: Tensor) -> Tensor:
    """Log(x / m) of positive numbers, where `share`, (x - m) / m, is known better than they are."""
    near = share > -0.5
    return torch.where(near, torch.log1p(torch.where(near, share, 0)), x.log() - m.log())


def log_prob(log_m: Tensor, log_r: Tensor, x: Tensor) -> Tensor:
    r"""Log-probability of counts under the negative binomial, (n, *s).

        log p = s(x + r) - s(r) - s(x) - log(1 + x / r) - x log(x (m + r) / (m (x + r))) + r log((x + r) / (m + r)),

    where s is what Stirling's formula leaves: no term is much larger than their sum, unlike in the usual sum of
    log-gamma functions, which in float32 is off by whole nats for counts in the millions (after Loader 2000).
    """
    m, r = log_m.exp(), log_r.exp()
    some = x.clamp(min=1)  # of no count there is x log x = 0
    excess = log_ratio(some * (m + r), m * (some + r), r * (some - m) / (m * (some + r)))
    rest = stirling_rest(x + r) - stirling_rest(r) - stirling_rest(x) - torch.log1p(x / r)
    return rest - x * excess + r * log_ratio(x + r, m + r, (x - m) / (m + r))


def quantile(m: Tensor, r: Tensor, level: Tensor) -> Tensor:
    """The least count whose cumulative probability reaches `level`, at most a half; 0 where `level` <= 0.

    The distribution is read as the gamma distribution of the same mean, variance and skewness (Pearson's type III),
    which is seldom off by more than 0.005 and gives the exact count, or at such a tie its neighbour.
    """
    shape = 4 * m * (r / (r + 2 * m)) * ((m + r) / (r + 2 * m))
    width = (m + m * (m / r)).sqrt()
    low, high = torch.full_like(m, -1), m.ceil()
    for _ in range(32):
        if not (high - low > 1).any():
            break
        middle = ((low + high) / 2).floor()
        place = shape + shape.sqrt() * (middle + 0.5 - m) / width
        reached = torch.special.gammainc(shape, place.clamp(min=0)) >= level
        low, high = torch.where(reached, low, middle), torch.where(reached, middle, high)
    return high.clamp(min=0).where(level > 0, 0)


def draw(m: Tensor, r: Tensor, rng: Generator) -> Tensor:
    """Counts from the gamma-Poisson mixture."""
    return torch.poisson(torch._standard_gamma(r, generator=rng) * (m / r), generator=rng)


def usual(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of m and r by the method of moments."""
    m = mean.clamp(min=1e-4)
    r = m.square() / (variance - m).clamp(min=1e-6)
    return m.log(), r.clamp(min=1e-2, max=1e3).log()


class NegativeBinomial(Likelihood):
    r"""Counts with a mean m and a shape r: Var x = m + m^2 / r, the Poisson distribution where r is large.

        p(x | z) = G(x + r) / (G(r) x!) (m / (m + r))^x (r / (m + r))^r,    G the gamma function

    The decoder has two numbers for each value, added to log m and log r of the value over all samples. The mean is
    m; the mode is floor(m (r - 1) / r), or 0 where r <= 1; the median comes from `quantile`, within one count.

    Source: Eraslan et al. (2019), https://doi.org/10.1038/s41467-018-07931-2; Loader (2000) for the computation.

    Args:
        shape: The shape of a sample, to know what is usual for each value; () for one of all.

    >>> import torch
    >>> params, x = torch.zeros(1, 2, 3), torch.tensor([[0.0, 1.0, 5.0]])
    >>> NegativeBinomial().log_prob(params, x)  # m = r = 1: a half, a quarter, ...
    tensor([[-0.6931, -1.3863, -4.1589]])
    """

    support = "count"
    density = False
    linear_mean = False
    zero_is_marginal = True

    usual: Tensor

    def __init__(self, shape: Sequence[int] = ()) -> None:
        super().__init__()
        self.register_buffer("usual", torch.zeros(2, *shape))

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (2, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        return log_prob(*self._logs(params), x)

    def mean(self, params: Tensor) -> Tensor:
        return self._logs(params)[0].exp()

    def median(self, params: Tensor) -> Tensor:
        m, r = self._numbers(params)
        return quantile(m, r, torch.full_like(m, 0.5))

    def mode(self, params: Tensor) -> Tensor:
        m, r = self._numbers(params)
        return (m * (1 - 1 / r).clamp(min=0)).floor()

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        return draw(*self._numbers(params), rng)

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        logs = usual(*over(self.usual.shape[1:], mean, variance))
        self.usual.copy_(torch.stack(logs))

    def marginal(self, mean: Tensor, variance: Tensor) -> Tensor:
        return torch.stack(usual(mean, variance)) - self.usual.unsqueeze(1)

    def _logs(self, params: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithms of m and r."""
        return limited(params[:, 0] + self.usual[0], params[:, 1] + self.usual[1])

    def _numbers(self, params: Tensor) -> tuple[Tensor, Tensor]:
        """Mean m and shape r."""
        log_m, log_r = self._logs(params)
        return log_m.exp(), log_r.exp()


class ZeroInflatedNegativeBinomial(Likelihood):
    r"""Counts of which some are zero for a reason of their own, with a probability q.

        p(x | z) = q [x = 0] + (1 - q) NB(x; m, r)

    The decoder has three numbers for each value, added to log m, log r and the log-odds of q of the value over all
    samples. The mean is (1 - q) m; median and mode are those of the mixture.

    Source: Eraslan et al. (2019), https://doi.org/10.1038/s41467-018-07931-2; Lopez et al. (2018),
    https://doi.org/10.1038/s41592-018-0229-2.

    Args:
        shape: The shape of a sample, to know what is usual for each value; () for one of all.

    >>> import torch
    >>> params, x = torch.zeros(1, 3, 2), torch.tensor([[0.0, 1.0]])
    >>> ZeroInflatedNegativeBinomial().log_prob(params, x).exp()  # m = r = 1, q = 0.1: 0.1 + 0.9 / 2, 0.9 / 4
    tensor([[0.5500, 0.2250]])
    """

    support = "count"
    density = False
    linear_mean = False
    zero_is_marginal = True
    usual_gate = log(0.1 / 0.9)
    """Log-odds of a zero of its own kind where the decoder says nothing."""

    usual: Tensor

    def __init__(self, shape: Sequence[int] = ()) -> None:
        super().__init__()
        self.register_buffer("usual", torch.zeros(2, *shape))

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (3, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        log_m, log_r, gate = self._parts(params)
        counted = log_prob(log_m, log_r, x) + F.logsigmoid(-gate)
        return torch.where(x == 0, torch.logaddexp(F.logsigmoid(gate), counted), counted)

    def mean(self, params: Tensor) -> Tensor:
        log_m, _, gate = self._parts(params)
        return log_m.exp() * (-gate).sigmoid()

    def median(self, params: Tensor) -> Tensor:
        log_m, log_r, gate = self._parts(params)
        return quantile(log_m.exp(), log_r.exp(), (0.5 - gate.sigmoid()) / (-gate).sigmoid().clamp(min=1e-6))

    def mode(self, params: Tensor) -> Tensor:
        log_m, log_r, _ = self._parts(params)
        peak = (log_m.exp() * (1 - (-log_r).exp()).clamp(min=0)).floor()
        zero = torch.zeros_like(peak)
        return zero.where(self.log_prob(params, zero) >= self.log_prob(params, peak), peak)

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        log_m, log_r, gate = self._parts(params)
        counted = draw(log_m.exp(), log_r.exp(), rng)
        u = torch.rand(gate.shape, generator=rng, device=gate.device, dtype=gate.dtype)
        return torch.where(u < gate.sigmoid(), 0, counted)

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        self.usual.copy_(self._usual(*over(self.usual.shape[1:], mean, variance)))

    def marginal(self, mean: Tensor, variance: Tensor) -> Tensor:
        return torch.stack([*(self._usual(mean, variance) - self.usual.unsqueeze(1)), torch.zeros_like(mean)])

    def _usual(self, mean: Tensor, variance: Tensor) -> Tensor:
        """Logarithms of m and r of counts that are not zeros of their own kind, by the moments of all."""
        q = 1 / (1 + exp(-self.usual_gate))
        inner = mean / (1 - q)
        return torch.stack(usual(inner, (variance - q * (1 - q) * inner.square()) / (1 - q)))

    def _parts(self, params: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logarithms of m and r, and the log-odds of q."""
        logs = limited(params[:, 0] + self.usual[0], params[:, 1] + self.usual[1])
        return *logs, params[:, 2] + self.usual_gate


def limited(log_m: Tensor, log_r: Tensor) -> tuple[Tensor, Tensor]:
    """Both within what float32 can bear."""
    return log_m.clamp(-MOST_LOG_MEAN, MOST_LOG_MEAN), log_r.clamp(-MOST_LOG_SHAPE, MOST_LOG_SHAPE)


def over(shape: torch.Size, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each value as they are, or of all values together where the shape is ()."""
    if shape:
        return mean, variance
    return mean.mean(), variance.mean() + mean.var(correction=0)
