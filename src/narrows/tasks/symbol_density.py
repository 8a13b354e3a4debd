r"""A density of codes that are rows of symbols: each symbol given the ones before it, and what is known of the sample.

    p(k | c) = prod_g p(k_g | k_1, ..., k_{g-1}, c)
    p(k_g = j | ...) ~ share_g(j) exp(u_g(k_1, ..., k_{g-1}, c) . psi(e_g(j)))

What quantised codes are drawn from. One masked network says all u_g at once (Germain, Gregor, Murray and Larochelle
2015, https://arxiv.org/abs/1502.03509). It knows a symbol by what it stands for, e_g(j), so that what is learned of one
holds for those that lie near it, and a few thousand samples are enough for codebooks of hundreds.
"""

from __future__ import annotations

from math import ceil

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from narrows.core.contracts import Quantizer
from narrows.core.errors import InputError
from narrows.training.checkpoint import copied, keep, put_back, weights
from narrows.training.optimisers import optimisers, rate_at, set_rate

UNITS = 1024
"""Units of a hidden layer, at most, unless there are many symbols: each has 4 to 64."""
EMBEDDED = 16
"""Numbers that a symbol is told as."""
WEIGHED = 32
"""Numbers that a symbol is weighed by."""
PRIOR_COUNT = 1.0
"""How often each symbol is taken to have been seen before any was."""
BATCH = 128
EPOCHS = 30
STEPS = (400, 4000)
"""Steps of training, at least and at most."""
RATE, DECAY = 2e-3, 0.1
LOOK = 50
"""Steps between two looks at the rows that are set aside."""
BLOCK = 1024
"""How many rows are drawn at once."""


class SymbolDensity(nn.Module):
    """A masked network over the symbols of a quantiser, which begins as if they were independent.

    Args:
        quantizer: What the symbols stand for.
        context: How many numbers are known of each sample, c; 0 for none.

    Shapes: n rows of G symbols of at most K values, hidden layers of G * h units.
    """

    entries: Tensor
    shares: Tensor
    strictly: Tensor
    causal: Tensor

    def __init__(self, quantizer: Quantizer, context: int = 0) -> None:
        super().__init__()
        self.sizes = quantizer.sizes
        count, most = len(self.sizes), max(self.sizes)
        each = max(4, min(64, UNITS // count))
        entries = _entries(quantizer)
        self.register_buffer("entries", entries, persistent=False)  # the quantiser has them
        self.register_buffer("shares", torch.zeros(count, most))
        below = torch.ones(count, count).tril(-1)
        self.register_buffer("strictly", _blocks(below, each, EMBEDDED), persistent=False)
        self.register_buffer("causal", _blocks(below + torch.eye(count), each, each), persistent=False)
        self.told = nn.Sequential(nn.Linear(entries.shape[-1], 64), nn.SiLU(), nn.Linear(64, EMBEDDED))
        self.weighed = nn.Sequential(nn.Linear(entries.shape[-1], 64), nn.SiLU(), nn.Linear(64, WEIGHED))
        self.first = nn.Linear(count * EMBEDDED, count * each)
        self.second = nn.Linear(count * each, count * each)
        self.known = nn.Linear(context, count * each, bias=False) if context else None
        self.asked = nn.Parameter(torch.zeros(count, each, WEIGHED))

    def forward(self, symbols: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-probabilities of each symbol given the ones before it, (n, G) to (n, G, K); -inf where there is none."""
        asked = torch.einsum("ngh,ghw->ngw", self._hidden(symbols, context), self.asked)
        return (self.shares + torch.einsum("ngw,gkw->ngk", asked, self.weighed(self.entries))).log_softmax(-1)

    def log_density(self, symbols: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-probability of rows of symbols in nats, (n, G) to (n,)."""
        return self(symbols, context).gather(2, symbols.unsqueeze(2)).squeeze(2).sum(1)

    @torch.inference_mode()
    def sample(self, n: int, rng: Generator, temperature: float = 1.0, context: Tensor | None = None) -> Tensor:
        """Draw rows of symbols, (n, G).

        Args:
            n: How many.
            rng: What they are drawn by.
            temperature: What log-probabilities are divided by; at 0 the most probable symbol follows each.
            context: What is known of each sample, (n, c).
        """
        found = []
        for first in range(0, n, BLOCK):
            known = None if context is None else context[first : first + BLOCK]
            symbols = torch.zeros(min(BLOCK, n - first), len(self.sizes), dtype=torch.int64)
            for g in range(len(self.sizes)):
                log_p = self(symbols, known)[:, g]
                if temperature == 0:
                    symbols[:, g] = log_p.argmax(1)
                else:
                    p = (log_p / temperature).softmax(1)
                    symbols[:, g] = torch.multinomial(p, 1, generator=rng).squeeze(1)
            found.append(symbols)
        return torch.cat(found)

    def tensors(self) -> dict[str, Tensor]:
        """What it has learned by name, for a file."""
        return dict(self.state_dict())

    @classmethod
    def of(cls, quantizer: Quantizer, tensors: dict[str, Tensor]) -> SymbolDensity:
        """What `tensors` gave, over symbols of the same quantiser."""
        known = tensors.get("known.weight")
        density = cls(quantizer, 0 if known is None else known.shape[1])
        put_back(density, tensors)
        return density.requires_grad_(False)

    def begin(self, symbols: Tensor, rng: Generator) -> None:
        """Take shares from rows of symbols (n, G), and draw weights."""
        self.shares.fill_(float("-inf"))
        for g, size in enumerate(self.sizes):
            counts = torch.bincount(symbols[:, g], minlength=size) + PRIOR_COUNT
            self.shares[g, :size] = (counts / counts.sum()).log()
        for layer, mask in ((self.first, self.strictly), (self.second, self.causal)):
            _draw(layer, mask.sum(1, keepdim=True).clamp(min=1), rng)
        others = [*self.told, *self.weighed, self.known]
        for layer in (part for part in others if isinstance(part, nn.Linear)):
            _draw(layer, torch.tensor(layer.in_features), rng)

    def _hidden(self, symbols: Tensor, context: Tensor | None) -> Tensor:
        """What each symbol is weighed by, of the ones before it alone, (n, G, h)."""
        told = self.told(self.entries)[torch.arange(symbols.shape[1]), symbols]
        found = F.linear(told.flatten(1), self.first.weight * self.strictly, self.first.bias)
        if self.known is not None:
            assert context is not None, "a density that was told conditions is told them again"
            found = found + self.known(context)
        found = found + F.linear(F.silu(found), self.second.weight * self.causal, self.second.bias)
        return F.silu(found).view(len(symbols), symbols.shape[1], -1)


def fit_symbols(quantizer: Quantizer, symbols: Tensor, rng: Generator, context: Tensor | None = None) -> SymbolDensity:
    """Learn the density of rows of symbols.

    A tenth of the rows is set aside, and the moment at which they are most probable is kept, of which the beginning is
    one: on no data is the density worse, on those rows, than independent symbols.

    Args:
        quantizer: What the symbols stand for.
        symbols: (n, G).
        rng: What weights, rows and their order are drawn by.
        context: What is known of each sample, (n, c); None for nothing.

    Raises:
        InputError: Fewer than two rows.
    """
    n = len(symbols)
    if n < 2:
        raise InputError(f"a density of codes is learned from at least 2 of them, got {n}")
    density = SymbolDensity(quantizer, 0 if context is None else context.shape[1])
    order = torch.randperm(n, generator=rng)
    judges, others = order[: max(1, n // 10)], order[max(1, n // 10) :]
    density.begin(symbols[others], rng)

    def cost(rows: Tensor) -> Tensor:
        return -density.log_density(symbols[rows], None if context is None else context[rows]).mean()

    def judged() -> float:
        with torch.inference_mode():
            return sum(float(cost(part)) * len(part) / len(judges) for part in torch.split(judges, BLOCK))

    steps = max(STEPS[0], min(STEPS[1], EPOCHS * ceil(len(others) / BATCH)))
    methods = optimisers("adamw", density, RATE, DECAY)
    best, least = copied(weights(density)), judged()
    for step in range(steps):
        set_rate(methods, RATE * rate_at("cosine", step / steps, step, LOOK))
        for method in methods:
            method.zero_grad()
        cost(others[torch.randint(len(others), (BATCH,), generator=rng)]).backward()  # type: ignore[no-untyped-call]
        for method in methods:
            method.step()
        if (step + 1) % LOOK == 0 and (found := judged()) < least:
            least = found
            keep(weights(density), best)
    put_back(density, best)
    return density.requires_grad_(False)


def _entries(quantizer: Quantizer) -> Tensor:
    """What each symbol stands for, beside what the mean one of its place does, each number of unit scale, (G, K, d)."""
    count, most = len(quantizer.sizes), max(quantizer.sizes)
    device = next(iter(quantizer.state_dict().values())).device
    entries = torch.zeros(count, most, quantizer.latent_dim)
    for g, size in enumerate(quantizer.sizes):
        rows = torch.zeros(size, count, dtype=torch.int64)
        rows[:, g] = torch.arange(size)
        found = quantizer.values(rows.to(device)).detach().float().cpu()
        entries[g, :size] = found - found.mean(0)
    return entries / entries.square().sum(1).amax(0).div(most).sqrt().clamp(min=1e-6)


def _blocks(pattern: Tensor, rows: int, columns: int) -> Tensor:
    """A mask of blocks, (G, G) to (G * rows, G * columns)."""
    return pattern.repeat_interleave(rows, 0).repeat_interleave(columns, 1)


def _draw(layer: nn.Linear, inputs: Tensor, rng: Generator) -> None:
    """Weights for so many inputs, which may differ from unit to unit (He et al. 2015)."""
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=rng) * (2 / inputs) ** 0.5)
        if layer.bias is not None:
            layer.bias.zero_()
