"""An autoencoder that is trained for the bits of its code."""

from collections.abc import Sequence
from typing import Any

import torch

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.networks.blocks import Tiling
from narrows.recipes.assemble import assemble

NEAR = 0.1
"""Share of its usual size that what is learned beside the linear map of blocks begins with."""


def compressive(
    spec: SampleSpec,
    latent_dim: int,
    *,
    side: int | None = None,
    widths: Sequence[int] | None = None,
    **options: Any,
) -> AutoencoderModule:
    r"""An autoencoder of rounded numbers, trained for the bits that they take and the error that they leave.

        loss(x) = -log p(x | z) - log P(z),      z = round(f(x)), and f(x) + u while it is learned

    With `likelihood={"name": "normal", "scale": s}` the loss is squared error / (2 s^2) + rate: s says what quality is
    worth, and where all is well learned it is the error that is left. Images are coded block by block, see the network
    `blocks`; other samples by the network that suits them.

    Source: Ballé, Laparra and Simoncelli (2017), End-to-end optimized image compression,
    https://arxiv.org/abs/1611.01704.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code; of images, so many numbers for all blocks together.
        side: Height and width of the blocks of images; None for 4, or more where there would be more blocks than
            numbers.
        widths: Channels between the convolutions of images, or as the network that suits other samples takes them.
        options: As in `assemble`.

    >>> compressive(SampleSpec("image", (1, 28, 28)), 196).bottleneck
    Rounded(latent_dim=196, places=49)
    """
    if spec.kind != "image" or "network" in options:
        if side is not None:
            raise ChoiceError("side says how large the blocks of images are, and here nothing falls into blocks")
        return assemble(spec, latent_dim, bottleneck="rounded", widths=widths, **options)
    network = {"name": "blocks", "side": side} | ({} if widths is None else {"widths": tuple(widths)})
    places = 1 if not isinstance(latent_dim, int) else Tiling.of(spec.shape[1:], latent_dim, side).places
    bottleneck = {"name": "rounded", "places": places}
    model = assemble(spec, latent_dim, bottleneck=bottleneck, network=network, **options | {"linear_path": False})
    with torch.no_grad():
        for half in (model.encoder, model.decoder):
            last = [weight for name, weight in half.named_parameters() if name.startswith("refiner.")][-2:]
            for weight in last:
                weight.mul_(NEAR)
    return model
