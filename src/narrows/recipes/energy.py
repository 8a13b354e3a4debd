"""Autoencoders that are energies: the decoder is the encoder, transposed."""

from collections.abc import Mapping
from typing import Any

from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import Asked, assemble


def rbm(
    spec: SampleSpec,
    latent_dim: int,
    *,
    steps: int = 1,
    chains: int = 0,
    likelihood: Asked = "bernoulli",
    **options: Any,
) -> AutoencoderModule:
    r"""A restricted Boltzmann machine: bits that are seen and bits that are not, one layer of weights between them.

        loss(x) = F(x) - F(x_k),    F(x) = -b . x - sum_j log(1 + exp(c_j + W_j . x))    (Bernoulli units)

    Codes are the probabilities of the hidden bits, and scores minus the free energy F: log-probabilities up to a
    constant, the same for all samples. Real values have normal units of scale 1, in the units of the scaled data.

    Source: Smolensky (1986); Hinton (2002), https://doi.org/10.1162/089976602760128018.

    Args:
        spec: What one sample is.
        latent_dim: The number of hidden bits.
        steps: Steps of Gibbs sampling from the data to the model's own samples.
        chains: How many chains go on from step to step in place of beginning at the data; 0 for none.
        likelihood: `"bernoulli"` for values between 0 and 1, or `"normal"`.
        options: As in `assemble`.

    >>> rbm(SampleSpec("vector", (30,), "unit"), 8, steps=3).objective
    ContrastiveDivergence(steps=3, chains=0)
    """
    return assemble(
        spec,
        latent_dim,
        network={"name": "mlp", "widths": (), "tied": True},
        bottleneck={"name": "binary", "undrawn": "probability"},
        objective={"name": "contrastive_divergence", "steps": steps, "chains": chains},
        likelihood=units(likelihood),
        **options,
    )


def units(likelihood: Asked) -> Asked:
    """Visible units that an energy can have: a normal likelihood that would learn its scale has the scale 1."""
    asked = {"name": likelihood} if isinstance(likelihood, str) else dict(likelihood)
    learned = isinstance(asked, Mapping) and asked["name"] == "normal" and asked.get("scale", "learned") == "learned"
    return {"name": "normal", "scale": 1.0} if learned else asked
