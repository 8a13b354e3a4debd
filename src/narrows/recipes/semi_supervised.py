"""Autoencoders that learn classes from the labels of some samples, and from all samples."""

from dataclasses import replace
from typing import Any

from narrows.bottlenecks import Gaussian
from narrows.core.errors import ChoiceError, unknown
from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule, Stage
from narrows.objectives import MeanBound
from narrows.recipes.assemble import assemble

PLACES = ("above", "beside")
"""Where the class of a sample can stand."""


def semi_supervised(
    spec: SampleSpec,
    latent_dim: int,
    *,
    label: str = "above",
    alpha: float = 50.0,
    above: int | None = None,
    width: int = 128,
    warmup: float = 0,
    **options: Any,
) -> AutoencoderModule:
    r"""A variational autoencoder whose prior knows classes, of which samples may be labelled: M1 and M2, stacked.

        loss(x) = E_q(z|x)[-log p(x | z)] + sum_y q(y | x) (L(y) + log q(y | x)),
        loss(x, y) = E_q(z|x)[-log p(x | z)] + L(y) - alpha log q(y | x),
        L(y) = KL(q(z | x) || p(z | y, a)) + KL(q(a | x, y) || N(0, 1)) - log p(y)

    The code z has a prior for each class, through a code a above it; a label that is missing is summed over.
    `PretrainedClassifier` asks q(y | x), `Generator` makes samples of a class.

    Training begins with M1 alone, as long as the whole then trains. In between the labels are spread to the other
    samples along the graph of nearest neighbours among their codes. A label that was spread counts as far as it is
    trusted, in the last term of loss(x, y) too; the rest is guessed, as where nothing is known.

    Source: Kingma, Rezende, Mohamed and Welling (2014), Semi-supervised learning with deep generative models,
    https://arxiv.org/abs/1406.5298; Iscen, Tolias, Avrithis and Chum (2019), https://arxiv.org/abs/1904.04717, for the
    labels that are spread, which are not in the former.

    Args:
        spec: What one sample is; `context` says how many classes there are.
        latent_dim: The size of the code z.
        label: Where the class stands: `"above"` the code, or `"beside"` it, as a part of the code that the decoder
            hears, which is M2 alone, see `SummedLabels`. Then `latent_dim` counts the classes too, and labels are not
            spread: samples with labels are seen more often instead.
        alpha: The price of a nat of surprise at a label.
        above: The size of the code a; None for that of z, at most 16.
        width: Hidden units of each of the three networks between z, y and a.
        warmup: Over which part of the run the price of the code grows from nothing: a share less than 1, or so many
            steps; of labels above.
        options: As in `assemble`.

    >>> semi_supervised(SampleSpec("vector", (30,), context=3), 4).bottleneck.classes
    3
    """
    if spec.context < 2:
        got = "none" if spec.context == 0 else "one"
        raise ChoiceError(
            f"the recipe 'semi_supervised' needs labels of some samples, of at least two classes, and got {got}: "
            "call fit(X, y), with None where there is no label"
        )
    if label not in PLACES:
        raise unknown("place of the label", label, PLACES)
    shared = {"classes": spec.context, "alpha": alpha}
    untold = replace(spec, context=0)  # the networks are told nothing: the bottleneck has the label
    if label == "beside":
        beside = {"name": "class_code"} | shared
        return assemble(untold, latent_dim, bottleneck=beside, objective="summed_labels", **options)
    between = {"name": "labelled", "above": above, "width": width, "warmup": warmup} | shared
    model = assemble(untold, latent_dim, bottleneck=between, **options)
    model.stages = (Stage(without_classes(model), None, None),)
    return model


def without_classes(model: AutoencoderModule) -> AutoencoderModule:
    """M1 alone, with the encoder and decoder of the whole: a code that is expected to be N(0, 1)."""
    return AutoencoderModule(
        spec=model.spec,
        corruption=model.corruption,
        encoder=model.encoder,
        bottleneck=Gaussian(model.bottleneck.latent_dim),
        decoder=model.decoder,
        likelihood=model.likelihood,
        penalties=(),
        objective=MeanBound(),
    )
