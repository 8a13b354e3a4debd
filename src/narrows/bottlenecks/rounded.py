r"""Numbers rounded to whole ones, whose rate is what an entropy coder would spend on them.

z = round(f),      in training z = f + u, u ~ U(-1/2, 1/2)
rate = -sum_j log [F_c(z_j + 1/2) - F_c(z_j - 1/2)],      F_c a mixture of logistics for each channel c
"""

from collections.abc import Sequence
from math import ceil

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from narrows.core.contracts import Bottleneck, LinearStart
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features

PARTS = 3
"""How many logistics the prior of a channel is a mixture of."""
LEAST = 1e-9
"""The least probability, so that no rate is infinite."""


class Rounded(Bottleneck):
    r"""Rounding, with noise in its place while it is learned, and a factorised prior that is learned beside it.

    Uniform noise makes the density of z at whole numbers equal to the probability of rounding to them, so that the rate
    of training is one of bits, and has a gradient.

    Source: Ballé, Laparra and Simoncelli (2017), https://arxiv.org/abs/1611.01704; here the prior is a mixture of
    logistics.

    Args:
        latent_dim: The size d of the code.
        places: How many numbers that follow one another share a prior, such as the places of a grid.

    >>> import torch
    >>> Rounded(3)(Features(torch.tensor([[0.4, -1.7, 2.5]])), None).z
    tensor([[ 0., -2.,  2.]])
    """

    free = False
    draws = True
    start_rows = 2_048

    def __init__(self, latent_dim: int, places: int = 1) -> None:
        super().__init__()
        if not isinstance(places, int) or isinstance(places, bool) or places < 1:
            raise ChoiceError(f"places is a whole number of at least 1, got {places!r}")
        self.latent_dim = self.in_features = latent_dim
        self.places = places
        channels = ceil(latent_dim / places)
        self.centers = nn.Parameter(torch.tensor([-0.1, 0.0, 0.1]).repeat(channels, 1))
        self.log_scales = nn.Parameter(torch.tensor([-0.7, 0.0, 0.7]).repeat(channels, 1))
        self.logits = nn.Parameter(torch.zeros(channels, PARTS))

    def forward(self, features: Features, rng: Generator | None) -> Code:
        f = features.values.float()
        z = f.round() if rng is None else f + torch.rand(f.shape, generator=rng, device=f.device) - 0.5
        rate = -self.log_masses(z).sum(1)
        return Code(z, rate, rate, features.side)

    def log_masses(self, z: Tensor) -> Tensor:
        """Log-probability of a number within a half of each of z, (n, latent_dim)."""
        lacking = len(self.logits) * self.places - self.latent_dim
        values = F.pad(z, (0, lacking)).view(len(z), -1, self.places, 1)
        far, inverse = values - self.centers[:, None], torch.exp(-self.log_scales)[:, None]
        above, below = (far + 0.5) * inverse, (far - 0.5) * inverse
        side = torch.where(far > 0, -1.0, 1.0)  # differences of small numbers, not of numbers near one
        masses = (torch.sigmoid(side * above) - torch.sigmoid(side * below)).abs()
        mixed = (masses * self.logits.softmax(1)[:, None]).sum(-1)
        return mixed.clamp(min=LEAST).log().flatten(1)[:, : self.latent_dim]

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Whole numbers drawn from the prior, (n, latent_dim)."""
        device = self.logits.device
        parts = torch.multinomial(self.logits.softmax(1), n * self.places, replacement=True, generator=rng)
        uniform = torch.rand(parts.shape, generator=rng, device=device).clamp(1e-6, 1 - 1e-6)
        drawn = self.centers.gather(1, parts) + self.log_scales.gather(1, parts).exp() * torch.logit(uniform)
        return drawn.round().view(-1, n, self.places).transpose(0, 1).reshape(n, -1)[:, : self.latent_dim]

    def log_prior(self, z: Tensor) -> Tensor:
        return self.log_masses(z).sum(1)

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart | None:
        """Principal components, all rounded at the one step whose error has the variance of the noise."""
        step = (12 * noise).sqrt().clamp(min=1e-6).expand_as(variances)
        nothing = variances.new_zeros(self.in_features - len(variances))
        return LinearStart(1 / step, step, torch.zeros_like(step), nothing)

    @torch.no_grad()
    def start(self, features: Tensor, x: Sequence[Tensor], rng: Generator) -> None:
        """Let the prior of each channel begin as wide as its features are."""
        lacking = len(self.logits) * self.places - self.latent_dim
        filled = F.pad(features, (0, lacking), value=float("nan"))
        rows = filled.view(len(features), -1, self.places).transpose(0, 1).flatten(1)
        center = rows.nanmedian(1).values
        spread = (rows - center[:, None]).abs().nanmean(1).clamp(min=0.05, max=1e6)
        self.centers.copy_(center[:, None].expand_as(self.centers))
        self.log_scales.copy_(spread.log()[:, None] + torch.tensor([-1.2, -0.3, 0.5], device=spread.device))

    def extra_repr(self) -> str:
        return f"latent_dim={self.latent_dim}, places={self.places}"
