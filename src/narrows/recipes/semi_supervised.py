"""Autoencoders of samples of which some have labels."""

from dataclasses import replace
from typing import Any

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes.assemble import assemble


def semi_supervised(
    spec: SampleSpec, latent_dim: int, *, label_weight: float = 1000.0, **options: Any
) -> AutoencoderModule:
    r"""A variational autoencoder whose code says the class apart: known for some samples, inferred for the others.

        loss(x) = sum_y q(y | x) [-log p(x | y, z) + KL(q(z | x, y) || N(0, 1)) + log q(y | x) + log K]
        loss(x, y) = -log p(x | y, z) + KL(q(z | x, y) || N(0, 1)) + log K - label_weight log q(y | x)

    `narrows.PretrainedClassifier` trains it and predicts with it.

    Source: Kingma, Rezende, Mohamed and Welling (2014), https://arxiv.org/abs/1406.5298, model M2.

    Args:
        spec: What one sample is; `context` says how many classes there are.
        latent_dim: The size of the code, the probabilities of the classes included.
        label_weight: What a nat of -log q(y | x) costs where the label is known.
        options: As in `assemble`.

    >>> semi_supervised(SampleSpec("vector", (30,), context=3), 8).bottleneck
    LabelledGaussian(latent_dim=8, classes=3, label_weight=1000.0)
    """
    if spec.context == 0:
        raise ChoiceError("the recipe 'semi_supervised' needs labels of some samples, and got none: call fit(X, y)")
    if spec.sparse:
        raise ChoiceError("the recipe 'semi_supervised' needs dense samples, got sparse ones: choose another recipe")
    bottleneck = {"name": "labelled_gaussian", "classes": spec.context, "label_weight": label_weight}
    parts = {"bottleneck": bottleneck, "objective": "marginal_bound", **options}
    return assemble(replace(spec, context=0), latent_dim, **parts)
