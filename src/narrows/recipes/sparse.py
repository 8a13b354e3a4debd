"""Autoencoders whose codes are mostly at rest."""

from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import assemble


def sparse(spec: SampleSpec, latent_dim: int, *, weight: float = 0.1, **options: Any) -> AutoencoderModule:
    r"""A sparse autoencoder: a rectified code that pays for its size.

        loss(x) = -log p(x | z) + weight * sum_j |z_j|,    z = max(0, f(x))

    Source: Ranzato, Poultney, Chopra and LeCun (2006); Glorot, Bordes and Bengio (2011).

    Args:
        spec: What one sample is.
        latent_dim: The size of the code; often larger than the number of values.
        weight: Nats per unit of the code.
        options: As in `assemble`.

    >>> sparse(SampleSpec("vector", (30,)), 60).penalties[0]
    L1(weight=0.1)
    """
    bottleneck = {"name": "plain", "squash": "relu"}
    return assemble(spec, latent_dim, bottleneck=bottleneck, penalties=[{"name": "l1", "weight": weight}], **options)


def sparse_kl(
    spec: SampleSpec, latent_dim: int, *, rho: float = 0.05, beta: float = 3.0, **options: Any
) -> AutoencoderModule:
    r"""A sparse autoencoder whose code entries are active a set share of the time.

        loss = mean -log p(x | z) + beta * sum_j KL(rho || mean z_j),    z = sigmoid(f(x))

    Source: Ng, "Sparse autoencoder" (2011), lecture notes of Stanford's CS294A.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code; often larger than the number of values.
        rho: The target mean activation.
        beta: The weight of the divergence.
        options: As in `assemble`.

    >>> sparse_kl(SampleSpec("vector", (30,)), 60, rho=0.1).penalties[0]
    KLSparsity(rho=0.1, beta=3.0)
    """
    bottleneck = {"name": "plain", "squash": "sigmoid"}
    penalty = {"name": "kl_sparsity", "rho": rho, "beta": beta}
    return assemble(spec, latent_dim, bottleneck=bottleneck, penalties=[penalty], **options)
