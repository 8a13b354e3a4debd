"""The variational autoencoder."""

from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import assemble


def variational(
    spec: SampleSpec, latent_dim: int, *, beta: float = 1.0, free_bits: float = 0.0, **options: Any
) -> AutoencoderModule:
    r"""A variational autoencoder: a normal code, at the price of its divergence from the prior.

        loss(x) = E_q(z|x)[-log p(x | z)] + beta * KL(q(z | x) || N(0, 1))

    Source: Kingma and Welling (2014), https://arxiv.org/abs/1312.6114; Rezende, Mohamed and Wierstra (2014).

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        beta: The price of a nat; at 1 the loss is the negative evidence lower bound.
        free_bits: Nats in each dimension of the code that are not charged for.
        options: As in `assemble`.

    >>> variational(SampleSpec("vector", (30,)), 4, beta=4.0).bottleneck
    Gaussian(latent_dim=4, beta=4.0, free_bits=0.0)
    """
    bottleneck = {"name": "gaussian", "beta": beta, "free_bits": free_bits}
    return assemble(spec, latent_dim, bottleneck=bottleneck, **options)
