"""Autoencoders whose code is a row of symbols: vector quantised, residual, and with finite levels."""

from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import assemble


def vq(
    spec: SampleSpec,
    latent_dim: int,
    *,
    codes: int | None = None,
    groups: int | None = None,
    commitment: float = 1.0,
    cosine: bool = False,
    **options: Any,
) -> AutoencoderModule:
    r"""A vector-quantised autoencoder: the code is made of entries of codebooks.

        loss(x) = -log p(x | e) - sum_g log share(k_g) + commitment * sum_g ||f_g(x) - e_g||^2 / (2 s^2)

    Source: van den Oord, Vinyals and Kavukcuoglu (2017), https://arxiv.org/abs/1711.00937.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        codes: How many entries each codebook has; None for 256, of which no more are used than there are samples.
        groups: Into how many symbols a code is split; None for one for every four numbers.
        commitment: The price of lying away from the entries.
        cosine: Whether only the direction of each group counts.
        options: As in `assemble`.

    >>> vq(SampleSpec("vector", (30,)), 8, codes=64).bottleneck
    VectorQuantizer(
      latent_dim=8, codes=64, groups=2
      (codebook): Codebook()
    )
    """
    quantizer = {"codes": codes, "groups": groups, "commitment": commitment, "cosine": cosine}
    return assemble(spec, latent_dim, bottleneck={"name": "vector_quantizer", **quantizer}, **options)


def residual_vq(
    spec: SampleSpec,
    latent_dim: int,
    *,
    codes: int | None = None,
    depth: int = 2,
    groups: int | None = None,
    commitment: float = 1.0,
    **options: Any,
) -> AutoencoderModule:
    r"""An autoencoder whose code is a sum of entries, each for what the ones before it left over.

        loss(x) = -log p(x | e_1 + ... + e_q) - sum_i log share(k_i) + commitment * sum_i ||r_i - e_i||^2 / (2 s_i^2)

    Source: Zeghidour, Luebs, Omran, Skoglund and Tagliasacchi (2021), https://arxiv.org/abs/2107.03312.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        codes: How many entries each codebook has; None for 256, of which no more are used than there are samples.
        depth: How many codebooks follow one another.
        groups: Into how many groups a code is split; None for one for every eight numbers.
        commitment: The price of lying away from the entries.
        options: As in `assemble`.

    >>> residual_vq(SampleSpec("vector", (30,)), 8, codes=64, depth=3).bottleneck.sizes
    (64, 64, 64)
    """
    quantizer = {"codes": codes, "depth": depth, "groups": groups, "commitment": commitment}
    return assemble(spec, latent_dim, bottleneck={"name": "residual_quantizer", **quantizer}, **options)


def fsq(spec: SampleSpec, latent_dim: int, *, codes: int = 1024, **options: Any) -> AutoencoderModule:
    r"""An autoencoder whose code has a few levels in each number: no codebook to learn, and none to lose.

        loss(x) = -log p(x | round(tanh f(x))) + sum_j log L_j

    Source: Mentzer, Minnen, Agustsson and Tschannen (2023), https://arxiv.org/abs/2309.15505.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        codes: The size of the codebook that each symbol stands for, at most; it decides how many numbers make a symbol.
        options: As in `assemble`.

    >>> fsq(SampleSpec("vector", (30,)), 8, codes=1024).bottleneck
    FSQ(latent_dim=8, symbols=2, codes=1000)
    """
    return assemble(spec, latent_dim, bottleneck={"name": "fsq", "codes": codes}, **options)
