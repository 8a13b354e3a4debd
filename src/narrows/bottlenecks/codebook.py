"""Codebooks that follow what they stand for: running means, begun by k-means, without dead entries.

    n_k <- memory n_k + (1 - memory) share of k        s_k <- memory s_k + (1 - memory) mean of f where k is nearest
    e_k = s_k / n_k

One codebook for each group of numbers, side by side in one tensor. Nothing here waits for the device.
"""

from math import log

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn


class Codebook(nn.Module):
    """One codebook for each of several groups (van den Oord et al. 2017, appendix: running means).

    An entry that is nearest to less than a twentieth of its fair share of the vectors is dead, and begins anew at a
    vector that is far from its entry.

    Args:
        groups: How many codebooks, G.
        codes: How many entries each has, K.
        size: How many numbers an entry has, m.
        memory: Share of the old means that one step keeps.
        restart: Whether dead entries begin anew.
        cosine: Whether entries, as the vectors they stand for, have length 1.
    """

    dead = 0.05
    """Share of its fair share below which an entry is dead."""
    grace = 0.2
    """Share of its fair share that an entry which begins anew is taken to have."""
    rounds = 12
    """Rounds of k-means in the beginning."""

    vectors: Tensor
    frequencies: Tensor

    def __init__(self, groups: int, codes: int, size: int, memory: float, restart: bool, cosine: bool) -> None:
        super().__init__()
        self.codes = codes
        self.memory = memory
        self.restart = restart
        self.cosine = cosine
        self.register_buffer("vectors", self.directed(_spread(groups, codes, size)))
        self.register_buffer("frequencies", torch.full((groups, codes), 1 / codes))

    def directed(self, x: Tensor) -> Tensor:
        """Vectors as the codebook compares them: of length 1 where only their direction counts."""
        return F.normalize(x, dim=-1) if self.cosine else x

    def nearest(self, x: Tensor) -> Tensor:
        """The entry nearest to each vector (n, G, m), as its number, (n, G)."""
        lengths = self.vectors.square().sum(-1).unsqueeze(1)
        with torch.autocast(x.device.type, enabled=False):  # half precision would confuse near entries
            return torch.baddbmm(lengths, x.float().transpose(0, 1), self.vectors.mT, alpha=-2).argmin(-1).T

    def values(self, indices: Tensor) -> Tensor:
        """The entries with these numbers, (n, G) to (n, G, m)."""
        return self.vectors[torch.arange(len(self.vectors), device=indices.device), indices]

    def shares(self) -> Tensor:
        """How often each entry is used, (G, K), as the running means have it; never nothing."""
        smoothed = self.frequencies + 1e-3 / self.codes
        return smoothed / smoothed.sum(-1, keepdim=True)

    def nats(self, indices: Tensor) -> Tensor:
        """What entries cost by how often they are used, in nats, (n, G) to (n,)."""
        shares = self.shares()
        return -shares[torch.arange(len(shares), device=indices.device), indices].log().sum(-1)

    @torch.no_grad()
    def start(self, x: Tensor, rng: Generator) -> None:
        """Begin as k-means of vectors (n, G, m)."""
        n = len(x)
        first = torch.stack([torch.randperm(n, generator=rng)[torch.arange(self.codes) % n] for _ in range(x.shape[1])])
        self.vectors.copy_(self.directed(x.transpose(0, 1).gather(1, _wide(first.to(x.device), x.shape[2]))))
        for _ in range(self.rounds):
            indices = self.nearest(x)
            self._learn(x, indices, 0.0)
            self._replace(x, indices, least=1e-9, share=1 / n, rng=rng)

    @torch.no_grad()
    def follow(self, x: Tensor, indices: Tensor, rng: Generator) -> None:
        """Move towards the vectors (n, G, m) that stood for these entries, (n, G)."""
        self._learn(x, indices, self.memory)
        if self.restart:
            self._replace(x, indices, least=self.dead / self.codes, share=self.grace / self.codes, rng=rng)

    def _learn(self, x: Tensor, indices: Tensor, memory: float) -> None:
        """Running means of how often entries are used and of what they stand for."""
        chosen = (indices.unsqueeze(-1) == torch.arange(self.codes, device=x.device)).to(x.dtype)  # (n, G, K)
        shares = chosen.mean(0)
        sums = torch.einsum("ngk,ngm->gkm", chosen, x) / len(x)
        old = self.frequencies.unsqueeze(-1) * self.vectors
        self.frequencies.mul_(memory).add_(shares, alpha=1 - memory)
        means = (memory * old + (1 - memory) * sums) / self.frequencies.clamp(min=1e-12).unsqueeze(-1)
        used = (self.frequencies > 1e-9).unsqueeze(-1)
        self.vectors.copy_(self.directed(torch.where(used, means, self.vectors)))

    def _replace(self, x: Tensor, indices: Tensor, least: float, share: float, rng: Generator) -> None:
        """Let entries used less than `least` begin anew at vectors drawn by how far they are from their entries."""
        n = len(x)
        far = (x - self.values(indices)).square().sum(-1) + 1e-12  # (n, G)
        noise = torch.rand(far.shape, generator=rng, device=x.device).clamp(min=1e-12)
        order = (far.log() - (-noise.log()).log()).argsort(0, descending=True)  # a draw without replacement
        dead = self.frequencies < least
        rank = (dead.cumsum(-1) - 1).clamp(min=0) % n
        anew = x.transpose(0, 1).gather(1, _wide(order.T.gather(1, rank), x.shape[2]))
        self.vectors.copy_(torch.where(dead.unsqueeze(-1), self.directed(anew), self.vectors))
        self.frequencies.copy_(torch.where(dead, share, self.frequencies))


def _wide(rows: Tensor, size: int) -> Tensor:
    """Row numbers (G, k) for a gather of whole rows."""
    return rows.unsqueeze(-1).expand(-1, -1, size)


def _spread(groups: int, codes: int, size: int) -> Tensor:
    """Entries spread evenly over a cube before anything is known: a Kronecker sequence."""
    steps = torch.arange(1, groups * size + 1) * log(2) % 1
    places = torch.arange(1, codes + 1).unsqueeze(-1) * (steps + 0.5**0.5) % 1
    return (2 * places - 1).view(codes, groups, size).transpose(0, 1).contiguous()
