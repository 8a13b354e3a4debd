r"""Contrastive divergence: the energy of data is lowered where that of the model's own samples is raised.

loss = mean F(x) - mean F(x_k),    x_k after k steps of Gibbs sampling, from the data or from chains of its own
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Objective
from narrows.core.errors import ChoiceError
from narrows.core.registry import snake_case
from narrows.core.trace import Code, Loss, Trace, View
from narrows.objectives.energy import free_energy, gibbs
from narrows.objectives.terms import distortion

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class ContrastiveDivergence(Objective):
    r"""How restricted Boltzmann machines learn: CD-k, or with chains that go on from step to step.

    Reported are the distortion of a reconstruction, and as rate what the free energy F has beyond it. Free energies
    count from an unknown log Z that moves with every step. So losses of two epochs cannot be compared, and the last
    epoch is kept; those of training and held-out rows in one epoch can.

    Source: Hinton (2002), https://doi.org/10.1162/089976602760128018; chains of its own: Tieleman (2008).

    Args:
        steps: How many steps of Gibbs sampling, k.
        chains: How many chains go on from step to step; 0 to begin each time at the data.
        shape: The shape of one sample.

    >>> ContrastiveDivergence(steps=3, shape=(12,))
    ContrastiveDivergence(steps=3, chains=0)
    """

    comparable = False
    pace = 10.0
    begin = 0.1
    """Share of their usual size that weights begin with."""
    burn_in = 500
    """Steps of Gibbs sampling before a sample is taken for one of the model."""

    samples: Tensor

    def __init__(self, steps: int = 1, chains: int = 0, shape: Sequence[int] = ()) -> None:
        super().__init__()
        if not isinstance(steps, int) or steps < 1 or not isinstance(chains, int) or chains < 0:
            raise ChoiceError(
                f"steps is a whole number of at least 1 and chains of at least 0, got steps={steps!r} and "
                f"chains={chains!r}"
            )
        self.steps = steps
        self.chains = chains
        self.register_buffer("samples", torch.zeros(chains, *shape))

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> tuple[Tensor, Loss]:
        penalties = {snake_case(type(p).__name__): p(trace, model, rng) for p in model.penalties}
        energy = free_energy(model, trace.x)
        costs = distortion(trace).detach()
        scalar = energy.mean()
        if rng is not None and self.training:
            scalar = scalar - free_energy(model, self._of_the_model(trace, model, rng)).mean()
        for term in penalties.values():
            scalar = scalar + term.mean()
        return scalar, Loss(costs, energy.detach() - costs, penalties)

    @torch.no_grad()
    def _of_the_model(self, trace: Trace, model: AutoencoderModule, rng: Generator) -> Tensor:
        """Samples on their way from the data, or from where the chains stand, to the model's own."""
        if not self.chains:
            return gibbs(model, model.decode(trace.code).sample(rng), self.steps - 1, rng)
        self.samples.copy_(gibbs(model, self.samples, self.steps, rng))
        return self.samples

    def rate(self, trace: Trace, model: AutoencoderModule) -> Tensor:
        """What the free energy has beyond the distortion, so that both together are the free energy."""
        return free_energy(model, trace.x) - distortion(trace)

    @torch.no_grad()
    def start(self, model: AutoencoderModule, mean: Tensor, variance: Tensor, rng: Generator) -> None:
        """Decode the mean from no bits, let the encoder hardly matter (Hinton 2012), and let chains begin there."""
        numbers = model.likelihood.marginal(mean.flatten(), variance.flatten())
        assert numbers is not None, "units with natural parameters have a marginal distribution"
        model.decoder.begin_at(numbers)
        for weight in model.encoder.parameters():
            weight.mul_(self.begin)
        nothing = self.samples.new_zeros(self.chains, model.bottleneck.latent_dim)
        noise = Generator(self.samples.device).manual_seed(rng.initial_seed())
        self.samples.copy_(model.decode(Code(nothing, nothing[:, 0], nothing[:, 0])).sample(noise))

    def check(self, model: AutoencoderModule) -> None:
        if not (model.bottleneck.draws and model.bottleneck.unit_code):
            raise ChoiceError("contrastive divergence needs a code of bits: choose the bottleneck 'binary'")
        if not model.likelihood.natural:
            raise ChoiceError(
                f"contrastive divergence needs 'bernoulli' or 'normal' units of scale 1, "
                f"not {snake_case(type(model.likelihood).__name__)!r}"
            )
        if not model.decoder.transposes:
            raise ChoiceError(
                "contrastive divergence needs one tied layer without conditions: choose the network "
                "{'name': 'mlp', 'widths': [], 'tied': True}"
            )

    @torch.no_grad()
    def codes(self, model: AutoencoderModule, n: int, rng: Generator, context: Tensor | None = None) -> Tensor:
        """Bits of n samples by Gibbs sampling, from chains that begin with fair coins."""
        coins = torch.randint(2, (n, model.bottleneck.latent_dim), generator=rng, device=rng.device).float()
        nothing = coins.new_zeros(n)
        first = model.decode(Code(coins, nothing, nothing)).sample(rng)
        return model.encode(View(gibbs(model, first, self.burn_in, rng)), rng).z

    def extra_repr(self) -> str:
        return f"steps={self.steps}, chains={self.chains}"
