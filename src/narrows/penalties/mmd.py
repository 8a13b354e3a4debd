r"""The maximum mean discrepancy: how far two samples are apart, as a kernel sees them.

    MMD^2(x, y) = mean k(x_i, x_j) + mean k(y_i, y_j) - 2 mean k(x_i, y_j)

The biased form takes the means over all pairs; the unbiased one leaves out pairs of a point with itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Penalty
from narrows.core.errors import unknown
from narrows.core.trace import Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Widths of the kernels that are added up, in units of the usual squared distance."""
Kernel = Callable[[Tensor, Tensor], Tensor]
KernelName = Literal["inverse_multiquadric", "rbf"]


def inverse_multiquadric(x: Tensor, y: Tensor) -> Tensor:
    """Sum over c of c / (c + |x - y|^2), (n, m), c around the mean squared distance of two normal draws, 2 d."""
    squared = _squared_distances(x, y)
    wide = [2 * x.shape[1] * scale for scale in SCALES]
    return torch.stack([c / (c + squared) for c in wide]).sum(0)


def rbf(x: Tensor, y: Tensor) -> Tensor:
    """Sum over c of exp(-|x - y|^2 / c), (n, m), c around the mean squared distance of two normal draws, 2 d."""
    squared = _squared_distances(x, y)
    wide = [2 * x.shape[1] * scale for scale in SCALES]
    return torch.stack([(-squared / c).exp() for c in wide]).sum(0)


def biased_mmd(x: Tensor, y: Tensor, kernel: Kernel) -> Tensor:
    """MMD^2 of (n, d) and (m, d) over all pairs: never negative, and 0 for the same points.

    >>> x = torch.eye(3)
    >>> biased_mmd(x, x, rbf)
    tensor(0.)
    """
    return kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean()


def unbiased_mmd(x: Tensor, y: Tensor, kernel: Kernel) -> Tensor:
    """MMD^2 of (n, d) and (m, d) without pairs of a point with itself: its expectation is that of infinite samples."""
    return _without_diagonal(kernel(x, x)) + _without_diagonal(kernel(y, y)) - 2 * kernel(x, y).mean()


def _squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """Between all pairs, (n, m)."""
    return (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T).clamp(min=0)


def _without_diagonal(values: Tensor) -> Tensor:
    """The mean of a square matrix but for its diagonal; 0 for a single point."""
    n = len(values)
    return (values.sum() - values.diagonal().sum()) / max(1, n * (n - 1))


KERNELS: dict[str, Kernel] = {"inverse_multiquadric": inverse_multiquadric, "rbf": rbf}


class MMD(Penalty):
    r"""weight * MMD^2 between the codes of a batch and draws of the prior N(0, 1), without bias.

    The estimate is noisy and may be negative; its mean is not. Without a generator the draws are always the same.

    Source: Gretton, Borgwardt, Rasch, Schoelkopf and Smola (2012), https://jmlr.org/papers/v13/gretton12a.html;
    Tolstikhin, Bousquet, Gelly and Schoelkopf (2018), https://arxiv.org/abs/1711.01558, for codes.

    Args:
        weight: Nats per unit of MMD^2.
        kernel: `"inverse_multiquadric"`, whose tails reach far, or `"rbf"`; each a sum over seven widths.
    """

    def __init__(self, weight: float = 100.0, kernel: KernelName = "inverse_multiquadric") -> None:
        super().__init__()
        if kernel not in get_args(KernelName):
            raise unknown("kernel", kernel, get_args(KernelName))
        self.weight = weight
        self.kernel = kernel

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        z = trace.code.z.float()
        source = Generator(z.device).manual_seed(0) if rng is None else rng
        prior = torch.randn(z.shape, generator=source, device=z.device)
        return self.weight * unbiased_mmd(z, prior, KERNELS[self.kernel])

    def extra_repr(self) -> str:
        return f"weight={self.weight}, kernel={self.kernel!r}"
