"""A price on how fast the code moves with the input."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor
from torch.func import vjp, vmap

from narrows.core.contracts import Penalty
from narrows.core.errors import ChoiceError
from narrows.core.trace import Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class Contractive(Penalty):
    r"""weight * ||dz/dx||_F^2, the squared Jacobian of the encoder (Rifai et al. 2011).

    With p random unit probes v the sum over all rows of the Jacobian J becomes an unbiased estimate,

        ||J||_F^2 = sum_j ||e_j^T J||^2 = E[ d/p sum_i ||v_i^T J||^2 ],

    that costs p backward passes instead of d. Without a generator (evaluation) all d rows are used.

    Args:
        weight: Nats per unit of the squared Jacobian.
        probes: How many random directions of the code one step looks along; None for all d rows.
    """

    needs_dense = True

    def __init__(self, weight: float = 0.1, probes: int | None = 2) -> None:
        super().__init__()
        if probes is not None and probes < 1:
            raise ChoiceError(f"probes is a whole number of at least 1, or None for all, got {probes!r}")
        self.weight = weight
        self.probes = probes

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        z, pull = vjp(  # type: ignore[misc]  # the stubs count a third value that comes only with has_aux
            lambda x: model.encode(replace(trace.view, x=x)).z, trace.x
        )
        d = z.shape[-1]
        if rng is None or self.probes is None or self.probes >= d:
            probes = torch.eye(d, device=z.device, dtype=z.dtype)
        else:
            normal = torch.randn(d, self.probes, generator=rng, device=z.device, dtype=z.dtype)
            probes = torch.linalg.qr(normal).Q.T * (d / self.probes) ** 0.5
        rows = vmap(lambda v: pull(v.expand_as(z))[0])(probes)
        return self.weight * rows.square().flatten(2).sum((0, 2))

    def extra_repr(self) -> str:
        return f"weight={self.weight}, probes={self.probes}"
