"""Autoencoders for what has a time axis: series and video."""

from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import Asked, assemble


def sequence(spec: SampleSpec, latent_dim: int, *, network: Asked = "sequence", **options: Any) -> AutoencoderModule:
    r"""An autoencoder for series: one code for a whole series or window, by temporal convolutions.

        z = W (x + E(x)),    x' = V z + R(V z),    loss(x) = -log N(x; x', s^2),    E and R dilated convolutions in time

    Source: Bai, Kolter and Koltun (2018), https://arxiv.org/abs/1803.01271, for the convolutions; Thill, Konen, Wang
    and Bäck (2021), https://doi.org/10.1016/j.asoc.2021.107751, for their autoencoder; Malhotra et al. (2016),
    https://arxiv.org/abs/1607.00148, for the recurrent one.

    Args:
        spec: What one sample is; a series.
        latent_dim: The size of the code.
        network: `"sequence"`, or `"recurrent"` for gated recurrent units.
        options: As in `assemble`; `widths` are the channels of each block.

    >>> sequence(SampleSpec("sequence", (3, 100)), 8, widths=(16, 16)).decoder.params_shape
    (1, 3, 100)
    """
    return assemble(spec, latent_dim, network=network, **options)


def sequence_variational(
    spec: SampleSpec,
    latent_dim: int,
    *,
    beta: float = 1.0,
    free_bits: float = 0.0,
    network: Asked = "sequence",
    **options: Any,
) -> AutoencoderModule:
    r"""A variational autoencoder for series: one normal code for a whole series or window.

        loss(x) = E_q(z|x)[-log p(x | z)] + beta * KL(q(z | x) || N(0, 1)),    p and q by dilated convolutions in time

    Source: Kingma and Welling (2014), https://arxiv.org/abs/1312.6114; Fabius and van Amersfoort (2015),
    https://arxiv.org/abs/1412.6581, for series.

    Args:
        spec: What one sample is; a series.
        latent_dim: The size of the code.
        beta: The price of a nat; at 1 the loss is the negative evidence lower bound.
        free_bits: Nats in each dimension of the code that are not charged for.
        network: `"sequence"`, or `"recurrent"` for gated recurrent units.
        options: As in `assemble`; `widths` are the channels of each block.

    >>> sequence_variational(SampleSpec("sequence", (3, 100)), 8, beta=4.0).bottleneck
    Gaussian(latent_dim=8, beta=4.0, free_bits=0.0)
    """
    bottleneck = {"name": "gaussian", "beta": beta, "free_bits": free_bits}
    return assemble(spec, latent_dim, bottleneck=bottleneck, network=network, **options)


def video(spec: SampleSpec, latent_dim: int, **options: Any) -> AutoencoderModule:
    r"""An autoencoder for video: one code for a whole clip, by convolutions in space and time.

        z = W (x + E(x)),    x' = V z + R(V z),    loss(x) = -log N(x; x', s^2),    E and R 3-D convolutions

    Source: Tran, Bourdev, Fergus, Torresani and Paluri (2015), https://arxiv.org/abs/1412.0767, for the convolutions;
    Zhao, Deng, Shen, Liu, Lu and Hua (2017), https://doi.org/10.1145/3123266.3123451, for their autoencoder.

    Args:
        spec: What one sample is; a video.
        latent_dim: The size of the code.
        options: As in `assemble`; `widths` are the channels of each level.

    >>> video(SampleSpec("video", (1, 6, 16, 16)), 8, widths=(8,)).decoder.params_shape
    (1, 1, 6, 16, 16)
    """
    return assemble(spec, latent_dim, network="volume", **options)
