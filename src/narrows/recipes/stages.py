"""Layers as models of their own: what is trained one after another before the whole is.

autoencoders    u_i = A_i s(u_{i-1}),    u'_{i-1} = D_i s(u_i)
machines        p(h_i | h_{i-1}) of bits with the weights W_i, unrolled as A_i = W_i and D_i = W_i^T
"""

from __future__ import annotations

from torch import nn

from narrows.bottlenecks import Binary, Plain
from narrows.core.contracts import Likelihood
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.corruptions import Clean, Masking
from narrows.likelihoods import Bernoulli, Normal
from narrows.model import AutoencoderModule, Stage
from narrows.networks.entrance import Entrance
from narrows.networks.layers import activation
from narrows.networks.layerwise import Below, LayerDecoder, LayerEncoder, affine_maps, stacked
from narrows.networks.mlp import TiedMLPDecoder
from narrows.objectives import ContrastiveDivergence, MeanBound
from narrows.recipes.assemble import LIKELIHOODS, Asked

HIDDEN = 0.25
"""Share of the values that a layer must do without (Vincent et al. 2010), lest it copy what is below it."""


def autoencoders(model: AutoencoderModule, act: str) -> tuple[Stage, ...]:
    """The layers of a deep autoencoder, each as an autoencoder of what lies below it.

    Args:
        model: The whole.
        act: The name of its nonlinearity.

    Source: Bengio, Lamblin, Popovici and Larochelle (2007); with masked values, Vincent et al. (2010).
    """
    encoder, decoder = stacked(model.encoder, model.decoder)
    up, down = affine_maps(encoder), affine_maps(decoder)[::-1]
    found = []
    for i, (into, back) in enumerate(zip(up, down, strict=True)):
        spec = model.spec if i == 0 else SampleSpec("vector", (into.in_features,))
        speaks: Likelihood = model.likelihood if i == 0 else Normal("learned")
        top = i == len(up) - 1
        layer = AutoencoderModule(
            spec=spec,
            corruption=model.corruption if i == 0 and not isinstance(model.corruption, Clean) else Masking(HIDDEN),
            encoder=LayerEncoder(
                encoder.entrance if i == 0 else Entrance(spec), activation(act if i else "identity"), into
            ),
            bottleneck=Plain(into.out_features),
            decoder=LayerDecoder(activation("identity" if top else act), back, speaks.params_shape(spec)),
            likelihood=speaks,
            penalties=(),
            objective=MeanBound(),
        )
        under = [part for lower in up[:i] for part in (activation(act), lower)][1:]
        found.append(Stage(layer, Below(encoder.entrance, under) if i else None, None))
    return tuple(found)


def machines(model: AutoencoderModule, likelihood: Asked, steps: int) -> tuple[Stage, ...]:
    """The layers of a deep autoencoder of sigmoid units, each as a restricted Boltzmann machine.

    Args:
        model: The whole.
        likelihood: Of its samples.
        steps: Steps of Gibbs sampling, as in `ContrastiveDivergence`.

    Raises:
        ChoiceError: Samples that are no units of an energy.

    Source: Hinton and Salakhutdinov (2006), https://doi.org/10.1126/science.1127647.
    """
    if model.spec.values not in ("real", "unit") or model.spec.gaps:
        what = "values that may be missing" if model.spec.gaps else f"{model.spec.values} values"
        raise ChoiceError(f"machines learn from real values, or values between 0 and 1, that are all there, not {what}")
    encoder, decoder = stacked(model.encoder, model.decoder)
    up, down = affine_maps(encoder), affine_maps(decoder)[::-1]
    found = []
    for i, (into, back) in enumerate(zip(up, down, strict=True)):
        spec = model.spec if i == 0 else SampleSpec("vector", (into.in_features,), "unit")
        speaks: Likelihood = LIKELIHOODS.build(units(likelihood), shape=spec.shape) if i == 0 else Bernoulli()
        layer = AutoencoderModule(
            spec=spec,
            corruption=Clean(),
            encoder=LayerEncoder(encoder.entrance if i == 0 else Entrance(spec), nn.Identity(), into),
            bottleneck=Binary(into.out_features, undrawn="probability"),
            decoder=TiedMLPDecoder([into], speaks.params_shape(spec), "identity"),
            likelihood=speaks,
            penalties=(),
            objective=ContrastiveDivergence(steps, shape=spec.shape),
        )
        under = [part for lower in up[:i] for part in (lower, nn.Sigmoid())]
        found.append(Stage(layer, Below(encoder.entrance, under) if i else None, back))
    return tuple(found)


def units(likelihood: Asked) -> Asked:
    """Visible units that an energy can have: a normal likelihood that would learn its scale has the scale 1."""
    asked = {"name": likelihood} if isinstance(likelihood, str) else dict(likelihood)
    learned = asked["name"] == "normal" and asked.get("scale", "learned") == "learned"
    return {"name": "normal", "scale": 1.0} if learned else asked
