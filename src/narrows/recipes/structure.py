"""Autoencoders whose codes keep what is near together."""

from collections.abc import Sequence
from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule, Stage
from narrows.recipes.assemble import Asked, assemble, usual_corruption


def neighbour_preserving(
    spec: SampleSpec,
    latent_dim: int,
    *,
    weight: float = 1.0,
    neighbours: int = 15,
    min_dist: float = 0.1,
    strangers: int = 5,
    blur: float = 0.025,
    **options: Any,
) -> AutoencoderModule:
    r"""An autoencoder whose code keeps the graph of nearest neighbours, as UMAP does, and can be decoded.

        loss(x) = -log p(x | z) + weight * size * [-mean log q(z, u_near) - strangers * mean log(1 - q(z, u_other))]

    Here q(z, u) = 1 / (1 + a |z - u|^2b), and u are places of the training samples, which are laid out by the
    cross-entropy first: u_near those of neighbours of x, u_other those of other samples. Unless asked for otherwise
    the networks are fully connected, whatever the kind of sample, and without a linear path, and numbers are shown with
    noise, which makes new samples fall nearer to where they belong. Pictures are compared blurred, so that those which
    differ by a little shift are neighbours.

    Source: McInnes, Healy and Melville (2018), https://arxiv.org/abs/1802.03426; Sainburg, McInnes and Gentner (2021),
    https://arxiv.org/abs/2009.12981.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        weight: Nats per value for each nat of cross-entropy.
        neighbours: How many neighbours of each sample are looked at.
        min_dist: How near neighbours may be at no price, about.
        strangers: How many strangers a neighbour is weighed against.
        blur: How far pictures are blurred before they are compared, as a share of their shorter side.
        options: As in `assemble`.

    >>> neighbour_preserving(SampleSpec("vector", (30,)), 2, neighbours=10).penalties[0]
    NeighbourPreserving(weight=1.0, neighbours=10, min_dist=0.1, strangers=5, blur=0.025)
    """
    penalty = {"name": "neighbour_preserving", "weight": weight, "neighbours": neighbours, "min_dist": min_dist}
    penalty |= {"strangers": strangers, "blur": blur}
    numbers = spec.values in ("real", "unit")
    usual: dict[str, Any] = {
        "network": "mlp",
        "linear_path": False,
        "corruption": "gaussian_noise" if numbers else "clean",
    }
    return assemble(spec, latent_dim, penalties=[penalty], **usual | options)


def contrastive(
    spec: SampleSpec,
    latent_dim: int,
    *,
    weight: float = 0.05,
    temperature: float = 0.2,
    views: Asked | Sequence[Asked] | None = None,
    **options: Any,
) -> AutoencoderModule:
    r"""An autoencoder whose codes are near where samples are alike: those of two views of one sample.

        loss(x) = -log p(x | z) + weight * size * -log [exp(cos(z, u) / t) / sum_j exp(cos(z, u_j) / t)]

    Here u_j are codes of other views of the samples of a batch, u that of x. Distances between codes then say less of
    what views differ in, such as where in a picture something is and how bright, and more of what it is.

    Source: Chen, Kornblith, Norouzi and Hinton (2020), https://arxiv.org/abs/2002.05709, for the penalty.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        weight: Nats per value for each nat of cross-entropy.
        temperature: The t of the equation: the less, the more the nearest of the other samples count.
        views: How a sample is seen again: a corruption, by name, with options, or a list; None for `"jitter"` of
            images, noise on other numbers, and half of the values hidden of counts and levels.
        options: As in `assemble`.

    >>> contrastive(SampleSpec("vector", (30,)), 4).penalties[0].views
    GaussianNoise(scale=0.3)
    """
    if views is None:
        numbers = spec.values in ("real", "unit")
        views = "jitter" if spec.kind == "image" and numbers else usual_corruption(spec)
    penalty = {"name": "contrastive", "weight": weight, "temperature": temperature, "views": views}
    return assemble(spec, latent_dim, penalties=[penalty], **options)


def clustering(
    spec: SampleSpec, latent_dim: int, *, weight: float = 3.0, groups: int = 10, **options: Any
) -> AutoencoderModule:
    r"""Deep embedded clustering: an autoencoder whose codes gather around centres, and can still be decoded.

        loss(x) = -log p(x | z) + weight * size * KL(p || q),    q_j ~ 1 / (1 + |z - mu_j|^2 / s^2),  p_j ~ q_j^2 / f_j

    The autoencoder is trained alone first, for as many epochs again; then centres mu begin as k-means of its codes.
    `Autoencoder.clusters` says which centre is nearest to each sample.

    Source: Xie, Girshick and Farhadi (2016), https://arxiv.org/abs/1511.06335; Guo, Gao, Liu and Yin (2017),
    https://www.ijcai.org/proceedings/2017/243, for keeping the distortion.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        weight: Nats per value for each nat of divergence.
        groups: How many centres.
        options: As in `assemble`.

    >>> model = clustering(SampleSpec("vector", (30,)), 4, groups=3)
    >>> model.penalties[0], len(model.stages)
    (Clustering(weight=3.0, groups=3), 1)
    """
    penalty = {"name": "clustering", "weight": weight, "groups": groups}
    model = assemble(spec, latent_dim, penalties=[penalty], **options)
    model.stages = (Stage(unpenalised(model), None, None),)
    return model


def unpenalised(model: AutoencoderModule) -> AutoencoderModule:
    """The same parts, without penalties."""
    return AutoencoderModule(
        spec=model.spec,
        corruption=model.corruption,
        encoder=model.encoder,
        bottleneck=model.bottleneck,
        decoder=model.decoder,
        likelihood=model.likelihood,
        penalties=(),
        objective=model.objective,
    )
