"""A masked autoencoder of images."""

from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.networks import Patches
from narrows.recipes.assemble import assemble


def masked_patches(
    spec: SampleSpec,
    latent_dim: int,
    *,
    fraction: float = 0.75,
    patch: int | None = None,
    width: int = 64,
    depth: int = 4,
    heads: int = 4,
    scored: str = "all",
    **options: Any,
) -> AutoencoderModule:
    r"""A masked autoencoder: a transformer that sees a few patches of an image and rebuilds all of it.

        loss(x) = -log p(x | z),    z = f(visible patches of x), drawn afresh at each step

    The encoder takes in the visible patches only. Unlike in the paper, the code is a vector that all patches share, and
    by default all patches are scored, so that images are rebuilt from it, too.

    Source: He, Chen, Xie, Li, Dollar and Girshick (2022), https://arxiv.org/abs/2111.06377.

    Args:
        spec: What one sample is; an image.
        latent_dim: The size of the code.
        fraction: The share of patches that is hidden, in [0, 1).
        patch: Height and width of a patch; None for about an eighth of the shorter side, 2 to 16.
        width: Size of a token in the encoder; the decoder's are half as wide.
        depth: Blocks of the encoder; the decoder has half as many.
        heads: Ways of looking in each block.
        scored: `"all"` patches, or the `"hidden"` ones alone, as in the paper.
        options: As in `assemble`.

    >>> masked_patches(SampleSpec("image", (1, 28, 28)), 16).corruption
    PatchMasking(fraction=0.75, patch=4, scored='all')
    """
    side = Patches.default_patch(spec) if patch is None and spec.kind == "image" else patch
    network = {"name": "patches", "patch": side, "width": width, "depth": depth, "heads": heads}
    corruption = {"name": "patch_masking", "fraction": fraction, "patch": side or 1, "scored": scored}
    return assemble(spec, latent_dim, network=network, corruption=corruption, **options)
