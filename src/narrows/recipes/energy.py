"""Autoencoders that are energies: the decoder is the encoder, transposed."""

from typing import Any

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import Asked, assemble
from narrows.recipes.stages import machines, units


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
    idle = sorted(options.keys() & {"activation", "widths"})
    if idle:
        raise ChoiceError(f"a restricted Boltzmann machine has no hidden layers: leave out {' and '.join(idle)}")
    return assemble(
        spec,
        latent_dim,
        network={"name": "mlp", "widths": (), "tied": True},
        bottleneck={"name": "binary", "undrawn": "probability"},
        objective={"name": "contrastive_divergence", "steps": steps, "chains": chains},
        likelihood=units(likelihood),
        **options,
    )


def deep_belief(
    spec: SampleSpec, latent_dim: int, *, steps: int = 1, likelihood: Asked = "normal", **options: Any
) -> AutoencoderModule:
    r"""A deep autoencoder that a stack of restricted Boltzmann machines unrolls into, fine-tuned as a whole.

        h_i ~ machine of h_{i-1}, one after another;    then  z = s(W_L ... s(W_1 x)),  x' = W_1^T s(W_2^T ... z)
        loss(x) = -log p(x | z),    weights no longer tied

    Codes are probabilities of bits, between 0 and 1.

    Source: Hinton, Osindero and Teh (2006), https://doi.org/10.1162/neco.2006.18.7.1527; Hinton and Salakhutdinov
    (2006), https://doi.org/10.1126/science.1127647.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        steps: Steps of Gibbs sampling in which each machine learns.
        likelihood: `"bernoulli"` for values between 0 and 1, or `"normal"`.
        options: As in `assemble`; `widths` are the sizes of the hidden layers, two by default.

    >>> model = deep_belief(SampleSpec("vector", (30,), "unit"), 4, widths=(16, 8), likelihood="bernoulli")
    >>> [stage.model.bottleneck.latent_dim for stage in model.stages]
    [16, 8, 4]
    """
    model = assemble(
        spec,
        latent_dim,
        network={"name": "mlp", "activation": "sigmoid"},
        bottleneck={"name": "plain", "squash": "sigmoid"},
        likelihood=likelihood,
        **{"linear_path": False} | options,
    )
    model.stages = machines(model, likelihood, steps)
    return model
