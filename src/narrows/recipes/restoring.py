"""An autoencoder that restores, with a skip connection past its bottleneck."""

from collections.abc import Sequence
from typing import Any

import torch

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import Asked, assemble, usual_corruption

NEAR = 0.1
"""Share of its usual size that the correction begins with, so that the model begins near the identity."""


def restoring(
    spec: SampleSpec, latent_dim: int, *, corruption: Asked | Sequence[Asked] | None = None, **options: Any
) -> AutoencoderModule:
    r"""A U-shaped network that learns what to add to a corrupted sample, of any size.

        loss(x) = -log p(x | x~, z),    mean x' = x~ + R(x~, z),    z = f(x~)

    The decoder is handed x~ past the bottleneck; see the network `restoring`.

    Source: Ronneberger, Fischer and Brox (2015), https://arxiv.org/abs/1505.04597; Zhang, Zuo, Chen, Meng and Zhang
    (2017), https://arxiv.org/abs/1608.03981, for learning the residual.

    Args:
        spec: What one sample is: an image, a series or a video.
        latent_dim: How many numbers say what is true of the whole sample.
        corruption: What is to be undone, by name, with options, or a list; None for noise on numbers, and half of the
            values hidden of counts and levels.
        options: As in `assemble`.

    >>> restoring(SampleSpec("image", (1, 16, 16)), 2, corruption="blur").corruption
    Blur(kernel=(11, 11))
    """
    chosen = {"network": "restoring"} | options | {"linear_path": False}
    model = assemble(
        spec, latent_dim, corruption=usual_corruption(spec) if corruption is None else corruption, **chosen
    )
    last = [weight for name, weight in model.decoder.named_parameters() if name.startswith("refiner.up.")]
    with torch.no_grad():
        for weight in last:
            weight.mul_(NEAR)
    return model
