"""A price on codes that lie between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor, nn

from narrows.core.contracts import Penalty
from narrows.core.errors import ChoiceError
from narrows.core.trace import Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class Clustering(Penalty):
    r"""weight * size * KL(p || q): codes that gather around centres which move with them.

        q_j ~ 1 / (1 + |z - mu_j|^2 / s^2)        p_j ~ q_j^2 / f_j,    f_j = mean of q_j over the samples

    The target p is surer than the assignment q, and gives rare groups their due. The centres mu begin as k-means of the
    codes of training samples, s as their spread around those, along each axis; f is a running mean. Since p follows q,
    the price of two epochs says nothing about which is better, and training keeps the last one.

    The price is per value of a sample, of which there are `size`, as the distortion is a sum over them.

    Source: Xie, Girshick and Farhadi (2016), https://arxiv.org/abs/1511.06335; Guo, Gao, Liu and Yin (2017),
    https://www.ijcai.org/proceedings/2017/243, for keeping the distortion.

    Args:
        latent_dim: The size of the code; `assemble` gives it.
        weight: Nats per value for each nat of divergence.
        groups: How many centres.
        memory: Share of the old mean f that one step keeps.
    """

    comparable = False
    scale: Tensor
    shares: Tensor

    def __init__(self, latent_dim: int, weight: float = 3.0, groups: int = 10, memory: float = 0.95) -> None:
        super().__init__()
        if isinstance(groups, bool) or not isinstance(groups, int) or groups < 2:
            raise ChoiceError(f"groups is a whole number of at least 2, got {groups!r}")
        if not 0 <= memory < 1:
            raise ChoiceError(f"memory lies in [0, 1), got {memory!r}")
        self.weight = weight
        self.groups = groups
        self.memory = memory
        self.centres = nn.Parameter(_corners(groups, latent_dim))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("shares", torch.full((groups,), 1 / groups))

    def start(self, codes: Tensor, groups: Tensor) -> None:
        chosen = nn.functional.one_hot(groups, self.groups).to(codes.dtype)
        with torch.no_grad():
            self.centres.copy_(chosen.T @ codes / chosen.sum(0).unsqueeze(1).clamp(min=1))
            self.scale.copy_((codes - self.centres[groups]).square().mean().clamp(min=1e-12))
            self.shares.copy_(self.assigned(codes).mean(0))

    def assigned(self, z: Tensor) -> Tensor:
        """How much codes (n, d) belong to each group, q, (n, groups)."""
        squared = (z.unsqueeze(1) - self.centres).square().sum(-1)
        near = 1 / (1 + squared / self.scale)
        return near / near.sum(1, keepdim=True)

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        q = self.assigned(trace.code.z.float())
        p = (q.square() / self.shares.clamp(min=1e-6)).detach()
        p = p / p.sum(1, keepdim=True)
        return self.weight * model.spec.size * (p * (p.clamp(min=1e-12).log() - q.log())).sum(1)

    @torch.no_grad()
    def after_step(self, trace: Trace, rng: Generator) -> None:
        self.shares.mul_(self.memory).add_(self.assigned(trace.code.z.float()).mean(0), alpha=1 - self.memory)

    def extra_repr(self) -> str:
        return f"weight={self.weight}, groups={self.groups}"


def _corners(groups: int, latent_dim: int) -> Tensor:
    """Places to begin with before any code is known, spread over a cube: a Kronecker sequence."""
    steps = torch.arange(1, latent_dim + 1) * 2**0.5 % 1
    return 2 * (torch.arange(1, groups + 1).unsqueeze(1) * (steps + 0.5) % 1) - 1
