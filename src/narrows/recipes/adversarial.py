"""Autoencoders whose codes are drawn towards a prior by a distance, or by an opponent that learns against them."""

from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import assemble


def wasserstein(
    spec: SampleSpec,
    latent_dim: int,
    *,
    weight: float = 100.0,
    kernel: str = "inverse_multiquadric",
    **options: Any,
) -> AutoencoderModule:
    r"""A Wasserstein autoencoder: codes that together look normal, as a kernel sees them.

        loss(x) = -log p(x | z) + weight * MMD^2(q(z), N(0, 1))

    Source: Tolstikhin, Bousquet, Gelly and Schoelkopf (2018), https://arxiv.org/abs/1711.01558.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        weight: Nats per unit of the squared discrepancy.
        kernel: `"inverse_multiquadric"` or `"rbf"`.
        options: As in `assemble`.

    >>> wasserstein(SampleSpec("vector", (30,)), 4, weight=100.0).penalties[0]
    MMD(weight=100.0, kernel='inverse_multiquadric')
    """
    penalty = {"name": "mmd", "weight": weight, "kernel": kernel}
    return assemble(spec, latent_dim, penalties=[penalty], **options)


def adversarial(
    spec: SampleSpec, latent_dim: int, *, weight: float = 10.0, critic: Any = None, **options: Any
) -> AutoencoderModule:
    r"""An adversarial autoencoder: codes that a critic cannot tell from draws of a normal prior.

        loss(x) = -log p(x | z) - weight * log D(z),    D trained to tell N(0, 1) from q(z)

    Training judges the model by its distortion, since the verdict of a critic that learns too is no measure.

    Source: Makhzani, Shlens, Jaitly, Goodfellow and Frey (2016), https://arxiv.org/abs/1511.05644.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        weight: Nats per nat of the critic's verdict.
        critic: Sizes of the critic's hidden layers; None for two of 256.
        options: As in `assemble`.

    >>> adversarial(SampleSpec("vector", (30,)), 4, critic=[64]).penalties[0].opponent.head
    Affine(in_features=64, out_features=1, bias=True)
    """
    penalty = {"name": "adversarial", "weight": weight, "widths": critic}
    return assemble(spec, latent_dim, penalties=[penalty], **options)


def factor(
    spec: SampleSpec, latent_dim: int, *, weight: float = 10.0, critic: Any = None, **options: Any
) -> AutoencoderModule:
    r"""A factor variational autoencoder: entries of the code that do not depend on one another.

        loss(x) = E_q(z|x)[-log p(x | z)] + KL(q(z | x) || N(0, 1)) + weight * KL(q(z) || prod_j q(z_j))

    Training judges the model by its distortion and rate, since the verdict of a critic that learns too is no measure.

    Source: Kim and Mnih (2018), https://arxiv.org/abs/1802.05983.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        weight: Nats per nat of total correlation.
        critic: Sizes of the critic's hidden layers; None for two of 256.
        options: As in `assemble`.

    >>> factor(SampleSpec("vector", (30,)), 4, weight=5.0).penalties[0].weight
    5.0
    """
    penalty = {"name": "total_correlation", "weight": weight, "widths": critic}
    return assemble(spec, latent_dim, bottleneck="gaussian", penalties=[penalty], **options)


def vae_gan(
    spec: SampleSpec,
    latent_dim: int,
    *,
    weight: float = 1.0,
    similarity: float = 1.0,
    critic: Any = None,
    **options: Any,
) -> AutoencoderModule:
    r"""A variational autoencoder with a critic of its samples, in whose features likeness counts too.

        loss(x) = E_q(z|x)[-log p(x | z)] + KL(q(z | x) || N(0, 1))
                  + weight * [similarity * |f(x) - f(x')|^2 / 2 - log D(x') - log D(g(z_p))]

    Here D is trained to tell samples x from reconstructions x' and new samples g(z_p), by the features f. Training
    judges the model by its distortion and rate, since the verdict of a critic that learns too is no measure.

    Source: Larsen, Soenderby, Larochelle and Winther (2016), https://arxiv.org/abs/1512.09300.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        weight: Nats per nat of the critic's verdict.
        similarity: Nats of distortion in the critic's features per nat of its verdict.
        critic: Sizes of the critic's hidden layers, of images the channels of each level; None for two.
        options: As in `assemble`.

    >>> vae_gan(SampleSpec("image", (1, 28, 28)), 16, critic=[8]).penalties[0].opponent.critic.head
    Affine(in_features=1568, out_features=1, bias=True)
    """
    penalty = {"name": "learned_similarity", "weight": weight, "similarity": similarity, "widths": critic}
    return assemble(spec, latent_dim, bottleneck="gaussian", penalties=[penalty], **options)
