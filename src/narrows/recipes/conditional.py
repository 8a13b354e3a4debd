"""Autoencoders that are told a label of each sample."""

from typing import Any

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import Asked, assemble


def conditional(
    spec: SampleSpec, latent_dim: int, *, bottleneck: Asked = "gaussian", **options: Any
) -> AutoencoderModule:
    r"""A conditional variational autoencoder: encoder and decoder know a label, so that the code need not say it.

        loss(x, y) = E_q(z|x,y)[-log p(x | z, y)] + KL(q(z | x, y) || N(0, 1))

    Where there is a linear path, training begins with what labels add to the mean, and principal components of what
    that leaves.

    Source: Sohn, Lee and Yan (2015), Learning structured output representation using deep conditional generative
    models; Kingma, Rezende, Mohamed and Welling (2014), https://arxiv.org/abs/1406.5298.

    Args:
        spec: What one sample is; `context` says how many numbers a label comes as.
        latent_dim: The size of the code.
        bottleneck: A part; any other makes a conditional model of its own kind.
        options: As in `assemble`.

    >>> conditional(SampleSpec("vector", (30,), context=3), 4).decoder.context
    3
    """
    if spec.context == 0:
        raise ChoiceError("the recipe 'conditional' needs a label for each sample, and got none: call fit(X, y)")
    return assemble(spec, latent_dim, bottleneck=bottleneck, **options)
