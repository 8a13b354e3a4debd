"""An autoencoder whose decoder sees, beside the code, the pixels that came before."""

from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.networks.causal import CausalDecoder
from narrows.recipes.assemble import assemble

LEVELS = 3
"""The levels of each number of the code."""
NEAR = 0.4
"""Share of its usual size that what is learned beside the linear path begins with."""


def causal(spec: SampleSpec, latent_dim: int, **options: Any) -> AutoencoderModule:
    r"""An autoencoder for lossless codes of images: a few whole numbers, and every pixel given those before it.

        loss(x) = -log P(z) - sum_i log p(x_i | x_1, ..., x_(i-1), z),    z = round(f(x))

    The loss is what the image takes as bytes, in nats. It is the same whatever the code says, three levels a number, so
    the code is a small one, for what pixels nearby cannot tell; see the network `causal`. With
    `likelihood={"name": "logistic_mixture"}` it is that of 8-bit pixels.

    Source: van den Oord, Kalchbrenner and Kavukcuoglu (2016), https://arxiv.org/abs/1601.06759; Gulrajani et al.
    (2017), https://arxiv.org/abs/1611.05013.

    Args:
        spec: What one sample is: an image.
        latent_dim: The size of the code.
        options: As in `assemble`.

    >>> causal(SampleSpec("image", (1, 28, 28)), 12).bottleneck.sizes[:3]
    (3, 3, 3)
    """
    chosen = {"network": "causal", "bottleneck": {"name": "fsq", "levels": (LEVELS,)}} | options
    model = assemble(spec, latent_dim, **chosen | {"linear_path": False})
    if isinstance(model.decoder, CausalDecoder):
        model.decoder.calm(NEAR)
    return model
