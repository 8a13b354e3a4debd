"""The one function that wires parts: each announces its sizes, and the next is built to match."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Generator

from narrows import bottlenecks, corruptions, likelihoods, networks, objectives, penalties
from narrows.core.contracts import Bottleneck, Corruption, Likelihood, Network, Objective, Penalty
from narrows.core.errors import ChoiceError
from narrows.core.registry import Registry, snake_case
from narrows.core.spec import Kind, SampleSpec
from narrows.model import AutoencoderModule
from narrows.networks.conditional import ConditionalDecoder, ConditionalEncoder
from narrows.networks.critics import FittingCritics
from narrows.networks.layers import initialise
from narrows.networks.linear import LinearPathDecoder, LinearPathEncoder

NETWORKS: Registry[type[Network]] = Registry("network", networks)
BOTTLENECKS: Registry[type[Bottleneck]] = Registry("bottleneck", bottlenecks)
LIKELIHOODS: Registry[type[Likelihood]] = Registry("likelihood", likelihoods)
CORRUPTIONS: Registry[type[Corruption]] = Registry("corruption", corruptions)
PENALTIES: Registry[type[Penalty]] = Registry("penalty", penalties)
OBJECTIVES: Registry[type[Objective]] = Registry("objective", objectives)

Asked = str | Mapping[str, Any]
"""How a part is asked for: by its name, or as `{"name": ..., option: value, ...}`."""


SUITABLE: dict[Kind, str] = {"image": "conv", "sequence": "sequence", "video": "volume"}
"""The network family for a kind of sample; `"mlp"` for the others."""


def assemble(
    spec: SampleSpec,
    latent_dim: int,
    *,
    bottleneck: Asked = "plain",
    network: Asked | None = None,
    widths: Sequence[int] | None = None,
    activation: str | None = None,
    likelihood: Asked = "normal",
    corruption: Asked | Sequence[Asked] = "clean",
    penalties: Iterable[Asked] = (),
    objective: Asked = "mean_bound",
    linear_path: bool = True,
    rng: Generator | None = None,
) -> AutoencoderModule:
    """Build parts by name and put them together.

    Args:
        spec: What one sample is.
        latent_dim: The size of the code.
        bottleneck: A part, by name or as `{"name": ..., option: value}`.
        network: A family of networks; None for the one that suits the kind of sample.
        widths: The network's own option of this name, so that it needs no dictionary.
        activation: Likewise.
        likelihood: A part.
        corruption: A part, or a list of parts, each of which corrupts what the one before has left.
        penalties: Parts.
        objective: How distortion, rate and penalties become one number.
        linear_path: Whether training begins as PCA where the parts allow it, on a straight linear way beside the
            network or, for convolutions, through its middle.
        rng: Where the weights come from; None for the same weights every time.

    Raises:
        ChoiceError: A name that is not known, or parts that do not fit.
    """
    if not isinstance(latent_dim, int) or latent_dim < 1:
        raise ChoiceError(f"latent_dim is a whole number of at least 1, or 'auto', got {latent_dim!r}")
    squeeze: Bottleneck = BOTTLENECKS.build(bottleneck, latent_dim=latent_dim)
    if squeeze.latent_dim != latent_dim:
        raise ChoiceError(f"the bottleneck has a code of {squeeze.latent_dim}, but latent_dim={latent_dim}")
    by_value = () if spec.sparse else spec.shape  # sparse rows are scored at any of their columns
    speaks: Likelihood = LIKELIHOODS.build(likelihood, shape=by_value, columns=spec.columns, levels=spec.levels)
    wanted: dict[str, Any] = {} if widths is None else {"widths": tuple(widths)}
    wanted |= {} if activation is None else {"activation": activation}
    family: Network = NETWORKS.build(network or SUITABLE.get(spec.kind, "mlp"), **wanted)
    if spec.kind not in family.kinds:
        name = type(family).__name__.lower()
        raise ChoiceError(f"the network {name!r} takes samples of kind {', '.join(family.kinds)}, not {spec.kind!r}")
    told = latent_dim + spec.context  # what a decoder hears: the code, and the condition
    encoder, decoder = family.pair(spec, squeeze.in_features, told, speaks.params_shape(spec))
    starts = squeeze.linear_start(torch.ones(1), torch.ones(())) is not None
    plain = encoder.linear is None and encoder.silence() and decoder.silence()
    if linear_path and plain and starts and speaks.linear_mean:
        encoder, decoder = LinearPathEncoder(encoder, spec), LinearPathDecoder(decoder, told)
    if spec.context:
        encoder, decoder = ConditionalEncoder(encoder, spec.context), ConditionalDecoder(decoder, spec.context)
    corrupts = corruption_for(spec, corruption)
    if spec.sparse and not isinstance(corrupts, corruptions.Clean):
        raise ChoiceError(
            f"the corruption {snake_case(type(corrupts).__name__)!r} needs dense samples, got sparse ones: "
            "it would fill in their zeros"
        )
    model = AutoencoderModule(
        spec=spec,
        corruption=corrupts,
        encoder=encoder,
        bottleneck=squeeze,
        decoder=decoder,
        likelihood=speaks,
        penalties=[
            PENALTIES.build(
                penalty,
                critics=FittingCritics(spec, latent_dim),
                latent_dim=latent_dim,
                corruptions=partial(corruption_for, spec),
            )
            for penalty in penalties
        ],
        objective=OBJECTIVES.build(objective, shape=spec.shape),
    )
    if torch.get_default_device().type != "meta":
        initialise(model, rng or Generator().manual_seed(0))
    return model


def usual_corruption(spec: SampleSpec) -> Asked:
    """Noise on numbers, and half of the values hidden of tables, counts and levels."""
    return "gaussian_noise" if spec.values in ("real", "unit") else {"name": "masking", "fraction": 0.5}


def corruption_for(spec: SampleSpec, asked: Asked | Sequence[Asked]) -> Corruption:
    """Build a corruption of such samples by name; a list of them is composed.

    Raises:
        ChoiceError: A name that is not known, or a corruption that makes no sense of the samples.
    """
    if isinstance(asked, str | Mapping):
        corrupts: Corruption = CORRUPTIONS.build(asked)
    else:
        corrupts = corruptions.Compose(corruption_for(spec, part) for part in asked)
    if spec.values not in corrupts.supports or spec.kind not in corrupts.kinds:
        what = f"{spec.values} values" if spec.values not in corrupts.supports else f"samples of kind {spec.kind!r}"
        parts = CORRUPTIONS.items()
        known = [name for name, part in parts if spec.values in part.supports and spec.kind in part.kinds]
        raise ChoiceError(
            f"the corruption {snake_case(type(corrupts).__name__)!r} makes no sense of {what}: choose "
            + " or ".join(map(repr, known))
        )
    return corrupts
