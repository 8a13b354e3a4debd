"""An autoencoder that is shown less than it has to rebuild."""

from collections.abc import Sequence
from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import Asked, assemble, usual_corruption


def denoising(
    spec: SampleSpec, latent_dim: int, *, corruption: Asked | Sequence[Asked] | None = None, **options: Any
) -> AutoencoderModule:
    r"""A denoising autoencoder: the encoder sees a corrupted input, the likelihood is of the clean one.

        loss(x) = -log p(x | z),    z = f(x~),    x~ = x + noise, drawn afresh at each step

    Source: Vincent, Larochelle, Bengio and Manzagol (2008), https://doi.org/10.1145/1390156.1390294.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        corruption: A corruption by name, such as `"gaussian_noise"` or `"masking"`, or with options, or a list of them,
            one after another; None for noise on numbers, and half of the values hidden of tables, counts and levels.
        options: As in `assemble`.

    >>> denoising(SampleSpec("vector", (30,)), 4, corruption={"name": "masking", "fraction": 0.5}).corruption
    Masking(fraction=0.5)
    """
    return assemble(spec, latent_dim, corruption=corruption or usual_corruption(spec), **options)
