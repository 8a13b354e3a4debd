"""Any parts, by name."""

from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import assemble


def composed(spec: SampleSpec, latent_dim: int, **parts: Any) -> AutoencoderModule:
    r"""A model of your own: parts by name, or as `{"name": ..., option: value}`.

        loss(x) = distortion + rate + penalties

    Source: the sentence of narrows; the parts name theirs.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        parts: As in `assemble`: `network`, `bottleneck`, `likelihood`, `corruption`, `penalties`, `linear_path`.

    >>> spec = SampleSpec("vector", (30,))
    >>> model = composed(spec, 4, bottleneck={"name": "gaussian", "beta": 2.0}, corruption="masking")
    >>> model.bottleneck, model.corruption
    (Gaussian(latent_dim=4, beta=2.0, free_bits=0.0), Masking(fraction=0.3))
    """
    return assemble(spec, latent_dim, **parts)
