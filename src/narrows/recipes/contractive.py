"""An autoencoder whose code moves as little as it can."""

from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import assemble


def contractive(
    spec: SampleSpec, latent_dim: int, *, weight: float = 0.1, probes: int | None = 2, **options: Any
) -> AutoencoderModule:
    r"""A contractive autoencoder: pays for the squared Jacobian of its encoder.

        loss(x) = -log p(x | z) + weight * ||dz/dx||_F^2

    Source: Rifai, Vincent, Muller, Glorot and Bengio (2011), https://icml.cc/2011/papers/455_icmlpaper.pdf.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        weight: Nats per unit of the squared Jacobian.
        probes: How many random directions of the code one step looks along; None for all of them.
        options: As in `assemble`.

    >>> contractive(SampleSpec("vector", (30,)), 4, weight=0.5).penalties[0]
    Contractive(weight=0.5, probes=2)
    """
    penalty = {"name": "contractive", "weight": weight, "probes": probes}
    return assemble(spec, latent_dim, penalties=[penalty], **options)
