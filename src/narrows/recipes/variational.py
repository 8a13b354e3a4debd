"""Variational autoencoders: a code that is drawn, at the price of its divergence from a prior."""

from collections.abc import Mapping, Sequence
from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import assemble


def variational(
    spec: SampleSpec,
    latent_dim: int,
    *,
    beta: float = 1.0,
    free_bits: float = 0.0,
    warmup: float = 0,
    prior: str | Mapping[str, Any] = "standard",
    **options: Any,
) -> AutoencoderModule:
    r"""A variational autoencoder: a normal code, at the price of its divergence from the prior.

        loss(x) = E_q(z|x)[-log p(x | z)] + beta * KL(q(z | x) || p(z))

    Source: Kingma and Welling (2014), https://arxiv.org/abs/1312.6114; Rezende, Mohamed and Wierstra (2014).

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        beta: The price of a nat; at 1 the loss is the negative evidence lower bound.
        free_bits: Nats in each dimension of the code that are not charged for.
        warmup: Over which part of the run the price grows from nothing: a share less than 1, or so many steps.
        prior: `"standard"`, `"mixture"`, `"vamp"` or `"flow"`, or a dictionary with a name and options.
        options: As in `assemble`.

    >>> variational(SampleSpec("vector", (30,)), 4, beta=4.0).bottleneck.beta
    4.0
    """
    bottleneck = {"name": "gaussian", "beta": beta, "free_bits": free_bits, "warmup": warmup, "prior": prior}
    return assemble(spec, latent_dim, bottleneck=bottleneck, **options)


def beta_variational(
    spec: SampleSpec,
    latent_dim: int,
    *,
    beta: float = 4.0,
    capacity: float | None = None,
    warmup: float = 0,
    **options: Any,
) -> AutoencoderModule:
    r"""A beta-VAE: the code is dearer than it need be, so that what it says falls apart into single causes.

        loss(x) = E_q(z|x)[-log p(x | z)] + beta * KL(q(z | x) || N(0, 1)),
        or with a capacity C    ... + beta * |KL - C(t)|,    where C(t) grows from 0 to C

    Source: Higgins et al. (2017), beta-VAE; Burgess et al. (2018), https://arxiv.org/abs/1804.03599, for the capacity.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        beta: The price of a nat; with 1, and no capacity, this is `variational`.
        capacity: Nats that the rate is drawn to; None for none.
        warmup: Over which part of the run the price, or the capacity, grows from nothing: a share less than 1, or so
            many steps.
        options: As in `assemble`.

    >>> beta_variational(SampleSpec("vector", (30,)), 4, capacity=25.0, warmup=0.5).bottleneck.price.capacity
    25.0
    """
    bottleneck = {"name": "gaussian", "beta": beta, "capacity": capacity, "warmup": warmup}
    return assemble(spec, latent_dim, bottleneck=bottleneck, **options)


def importance_weighted(
    spec: SampleSpec, latent_dim: int, *, draws: int = 5, gradient: str = "importance_weighted", **options: Any
) -> AutoencoderModule:
    r"""An importance-weighted autoencoder: several codes for each sample, the better ones counting more.

        loss(x) = -log 1/K sum_k p(x | z_k) p(z_k) / q(z_k | x),    z_k ~ q(z | x)

    Source: Burda, Grosse and Salakhutdinov (2016), https://arxiv.org/abs/1509.00519.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        draws: K, how many codes for each sample.
        gradient: `"importance_weighted"`, or `"doubly_reparametrized"` for less noise in the encoder's gradient.
        options: As in `assemble`.

    >>> importance_weighted(SampleSpec("vector", (30,)), 4, draws=50).objective
    ImportanceWeighted(draws=50)
    """
    objective = {"name": gradient, "draws": draws}
    return assemble(spec, latent_dim, **{"bottleneck": "gaussian"} | options, objective=objective)


def vamp(
    spec: SampleSpec, latent_dim: int, *, components: int = 100, beta: float = 1.0, warmup: float = 0, **options: Any
) -> AutoencoderModule:
    r"""A variational autoencoder whose prior is what its encoder makes of samples that are learned.

        loss(x) = E_q(z|x)[-log p(x | z) + beta * (log q(z | x) - log 1/K sum_k q(z | u_k))]

    Source: Tomczak and Welling (2018), VAE with a VampPrior, https://arxiv.org/abs/1705.07120.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        components: K, how many samples are learned.
        beta: The price of a nat; at 1 the loss is the negative evidence lower bound.
        warmup: Over which part of the run the price grows from nothing: a share less than 1, or so many steps.
        options: As in `assemble`.

    >>> vamp(SampleSpec("vector", (30,)), 4, components=50).bottleneck.prior.components
    50
    """
    prior = {"name": "vamp", "components": components}
    bottleneck = {"name": "gaussian", "beta": beta, "warmup": warmup, "prior": prior}
    return assemble(spec, latent_dim, bottleneck=bottleneck, **options)


def ladder(
    spec: SampleSpec,
    latent_dim: int,
    *,
    levels: int | Sequence[int] | None = None,
    width: int = 128,
    beta: float = 1.0,
    free_bits: float = 0.0,
    warmup: float = 0.1,
    **options: Any,
) -> AutoencoderModule:
    r"""A ladder: a code of several levels, each expected from those above it.

        loss(x) = E_q[-log p(x | z_1, ..., z_L)] + beta * sum_l E_q[KL(q(z_l | x, z_>l) || p(z_l | z_>l))]

    Source: Sonderby, Raiko, Maaloe, Sonderby and Winther (2016), https://arxiv.org/abs/1602.02282; the posterior is
    given as in Vahdat and Kautz (2020), https://arxiv.org/abs/2007.03898.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code, all levels together.
        levels: How many, each about half the size of the one below, or their sizes, the bottom first; None for three,
            or as many as the code has numbers.
        width: Hidden units between the levels.
        beta: The price of a nat; at 1 the loss is the negative evidence lower bound.
        free_bits: Nats in each dimension of the code that are not charged for.
        warmup: Over which part of the run the price grows from nothing: a share less than 1, or so many steps.
        options: As in `assemble`.

    >>> ladder(SampleSpec("vector", (30,)), 14).bottleneck.sizes
    (8, 4, 2)
    """
    price = {"beta": beta, "free_bits": free_bits, "warmup": warmup}
    bottleneck = {"name": "ladder", "levels": levels, "width": width, **price}
    return assemble(spec, latent_dim, bottleneck=bottleneck, **options)


def hyperspherical(spec: SampleSpec, latent_dim: int, *, beta: float = 1.0, **options: Any) -> AutoencoderModule:
    r"""A variational autoencoder whose codes are directions: points of a sphere.

        loss(x) = E_q(z|x)[-log p(x | z)] + beta * KL(vMF(mu(x), kappa(x)) || uniform)

    Source: Davidson, Falorsi, De Cao, Kipf and Tomczak (2018), https://arxiv.org/abs/1804.00891.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code, at least 2, whose length is 1.
        beta: The price of a nat.
        options: As in `assemble`.

    >>> hyperspherical(SampleSpec("vector", (30,)), 4).bottleneck.in_features
    5
    """
    return assemble(spec, latent_dim, bottleneck={"name": "hyperspherical", "beta": beta}, **options)
