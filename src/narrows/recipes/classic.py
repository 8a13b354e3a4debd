"""Autoencoders with a plain code: one hidden layer, several, or convolutions."""

from typing import Any, Literal

from narrows.core.errors import unknown
from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.networks import MLP
from narrows.recipes.assemble import assemble
from narrows.recipes.stages import autoencoders


def vanilla(spec: SampleSpec, latent_dim: int, *, tied: bool = False, **options: Any) -> AutoencoderModule:
    r"""The classic autoencoder: one hidden layer on each side of the code.

        z = W_2 s(W_1 x),    loss(x) = -log N(x; g(z), s^2)

    Source: Rumelhart, Hinton and Williams (1986); Bourlard and Kamp (1988), https://doi.org/10.1007/BF00332918.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        tied: Whether the decoder reuses the encoder's matrices, transposed.
        options: As in `assemble`.

    >>> vanilla(SampleSpec("vector", (30,)), 4).bottleneck
    Plain(latent_dim=4, squash='identity')
    """
    widths = options.pop("widths", None) or MLP.default_widths(spec)[:1]
    network = {"name": "mlp", "widths": widths, "tied": tied}
    return assemble(spec, latent_dim, network=network, **{"linear_path": not tied} | options)


def deep(
    spec: SampleSpec,
    latent_dim: int,
    *,
    tied: bool = False,
    pretrain: Literal["none", "layerwise"] = "none",
    activation: str = "silu",
    **options: Any,
) -> AutoencoderModule:
    r"""A deep autoencoder: fully connected, any number of hidden layers, mirrored.

        z = f(x),    loss(x) = -log N(x; g(z), s^2)

    Source: Hinton and Salakhutdinov (2006), https://doi.org/10.1126/science.1127647.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        tied: Whether the decoder reuses the encoder's matrices, transposed.
        pretrain: `"layerwise"` to train one layer after another, each on what lies below it, before the whole (Bengio,
            Lamblin, Popovici and Larochelle 2007). It goes without the linear path.
        activation: Name of the nonlinearity after each hidden layer.
        options: As in `assemble`; `widths` are the sizes of the hidden layers, two by default.

    >>> model = deep(SampleSpec("vector", (30,)), 4, widths=(64, 32, 16))
    >>> sum(1 for name, _ in model.named_parameters() if name.startswith("encoder.network"))
    8
    """
    if pretrain not in ("none", "layerwise"):
        raise unknown("pretrain", pretrain, ("none", "layerwise"))
    network = {"name": "mlp", "tied": tied, "activation": activation}
    straight = {"linear_path": not tied and pretrain == "none"}
    model = assemble(spec, latent_dim, network=network, **straight | options)
    if pretrain == "layerwise":
        model.stages = autoencoders(model, activation)
    return model


def convolutional(spec: SampleSpec, latent_dim: int, **options: Any) -> AutoencoderModule:
    r"""A convolutional autoencoder for images of any size and any number of channels.

        z = f(x),    loss(x) = -log N(x; g(z), s^2),    f and g convolutional

    Source: Masci, Meier, Ciresan and Schmidhuber (2011), https://doi.org/10.1007/978-3-642-21735-7_7.

    Args:
        spec: What one sample is; an image.
        latent_dim: The size of the code.
        options: As in `assemble`; `widths` are the channels of each level.

    >>> convolutional(SampleSpec("image", (1, 28, 28)), 16, widths=(8, 16)).decoder.params_shape
    (1, 1, 28, 28)
    """
    return assemble(spec, latent_dim, network="conv", **options)
