r"""Images in few bytes, exactly: an autoencoder whose decoder sees the pixels before, made into one of whole numbers.

    bytes(x) = -log2 P(z) - sum_i log2 p(x_i | x_1, ..., x_(i-1), z)    bits, all but rounding

It is learned of a user's own images, once; what it foretells then costs images of their kind fewer bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil, log, prod

import numpy as np
import torch
from torch import Tensor, nn

from narrows.bottlenecks import FSQ
from narrows.coding import mixtures, pictures
from narrows.coding.causal import LEVELS, CausalImages, bounds
from narrows.coding.integers import IntegerNetwork
from narrows.coding.learned import as_stack
from narrows.coding.logistic import PRECISION
from narrows.core.raster import TURN
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.samples import ArraySamples
from narrows.likelihoods import LogisticMixture
from narrows.networks.causal import CausalDecoder, CausalEncoder
from narrows.training.fit import Request, fit

LARGEST = 1 << 12
"""Images of more pixels are not learned: a code says little about them, and neighbours nearly all."""
FEWEST = 1 << 16
"""Fewer values are too few to learn of."""
MOST_LEARNED = 1 << 26
"""So many values are learned from, at most."""
VALUES, MOST_CODES = 64, 16
"""A number of the code for so many values, up to so many."""
STEP, STEPS, RATE = 1 << 12, 10_000, 4e-3
"""Pixels of a step, how many steps, and the learning rate."""
CALIBRATED = 1 << 16
"""So many values decide about the whole numbers of the network."""
BITS, HARM = (10, 12, 14, 16), 0.001
"""So many bits weights may have; the fewest are taken that add no more than such a share to the bytes."""
BATCH = 1 << 12

Whole = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@dataclass(frozen=True)
class LosslessImages:
    """What finds the code of an image, and what everyone needs who is to decode it.

    Args:
        encoder: From an image to what its code is rounded from.
        shape: Height, width and channels of the images.
        model: From images and codes to bytes and back.
    """

    encoder: CausalEncoder
    shape: tuple[int, int, int]
    model: CausalImages

    def takes(self, values: Array) -> bool:
        """Whether values may be images as those it was learned from."""
        images = as_stack(values)
        return images is not None and tuple(images.shape[1:]) == self.shape

    def encode(self, images: Whole) -> bytes | None:
        """Images (n, height, width, channels) of whole numbers to bytes; None where some are too large."""
        if images.shape[1:] != self.shape or int(images.max(initial=0)) >> self.model.bits:
            return None
        return self.model.encode(images, codes_of(self.encoder, _shown(images, self.model.bits)))

    def tensors(self) -> dict[str, Tensor]:
        """What `of` takes: the weights of the encoder, and the model as bytes."""
        model = torch.from_numpy(np.frombuffer(self.model.packed, np.uint8).copy())
        weights = {f"encoder.{name}": weight for name, weight in self.encoder.state_dict().items()}
        return {"causal": model, "shape": torch.tensor(self.shape), **weights}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> LosslessImages:
        """Rebuild it from what `tensors` gave."""
        model = CausalImages.from_bytes(tensors["causal"].numpy().tobytes())
        height, width, channels = (int(length) for length in tensors["shape"])
        encoder = CausalEncoder(SampleSpec("image", (channels, height, width), "unit"), len(model.chances), "relu")
        encoder.load_state_dict({name[8:]: w for name, w in tensors.items() if name.startswith("encoder.")})
        return cls(encoder.eval(), (height, width, channels), model)


def learnable(values: Array) -> Array | None:
    """Images (n, height, width, channels) that are worth learning of, as bytes; None of anything else."""
    images = as_stack(values)
    if images is None or images.size < FEWEST or prod(images.shape[1:3]) > LARGEST:
        return None
    some = images[:: max(1, -(-images.size // MOST_LEARNED))]
    found = some if some.dtype == np.uint8 else pictures.numbers(some)
    return None if found is None or found.max() < 2 else found.astype(np.uint8)


def learn(images: Array, asked: Request) -> LosslessImages:
    """Learn to foretell images of a kind.

    Args:
        images: As `learnable` gives them.
        asked: How to train.
    """
    n, height, width, channels = images.shape
    bits = int(images.max()).bit_length()
    batch = max(1, STEP // (height * width))
    request = Request(
        **{name: getattr(asked, name) for name in ("max_time", "checkpoint", "device", "seed", "verbose")},
        recipe="causal",
        latent_dim=max(1, min(MOST_CODES, images[0].size // VALUES)),
        options={**asked.options, "bottleneck": {"name": "fsq", "levels": (LEVELS,)}},
        likelihood={"name": "logistic_mixture", "bits": bits},
        scaling="none",
        optimizer="adam",
        learning_rate=RATE,
        gradient_clip=1.0,
        batch_size=batch,
        epochs=asked.epochs or max(1, ceil(STEPS * batch / n)),
        patience=None,
    )
    shown = _shown(images, bits)
    module = fit(ArraySamples(np.moveaxis(shown.numpy(), 1, 3), 2), request).module
    encoder, decoder, likelihood = module.encoder, module.decoder, module.likelihood
    assert isinstance(encoder, CausalEncoder)
    assert isinstance(decoder, CausalDecoder)
    assert isinstance(likelihood, LogisticMixture)
    codes, few = codes_of(encoder, shown), slice(None, None, max(1, images.size // CALIBRATED))
    made = as_integers(decoder, likelihood, shown[few], codes)
    sizes = [len(model.encode(images[few].astype(np.int64), codes[few])) for model in made]
    best = min(sizes)
    found = next(model for model, size in zip(made, sizes, strict=True) if size <= (1 + HARM) * best)
    return LosslessImages(encoder.eval(), (height, width, channels), CausalImages.from_bytes(found.packed))


def codes_of(encoder: CausalEncoder, shown: Tensor) -> Whole:
    """The codes of images (n, channels, height, width), whole numbers from 0 to 2, (n, codes)."""
    rounded = FSQ(encoder.out_features, levels=(LEVELS,))
    parts = [slice(start, start + BATCH) for start in range(0, max(1, len(shown)), BATCH)]
    with torch.inference_mode():
        return torch.cat([rounded.indices(encoder(View(shown[some]))) for some in parts]).numpy()


def _shown(images: Array, bits: int) -> Tensor:
    """Images (n, height, width, channels) as a network takes them, from 0 to 1, (n, channels, height, width)."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, 3, 1), np.float32) / np.float32((1 << bits) - 1))


def as_integers(decoder: CausalDecoder, likelihood: LogisticMixture, few: Tensor, codes: Whole) -> list[CausalImages]:
    """A trained decoder as networks of whole numbers, once for each of `BITS`.

    Args:
        decoder: What was trained.
        likelihood: What its numbers mean.
        few: Some images, (n, channels, height, width).
        codes: The codes of all images that there are to learn of, (m, codes).
    """
    above, highest = (codes > 0).sum(0), (codes == LEVELS - 1).sum(0)
    shares = np.stack([(above + 0.5) / (len(codes) + 1), (highest + 0.5) / (above + 1)], 1)
    chances = np.clip(np.rint(shares * (1 << PRECISION)), 1, (1 << PRECISION) - 1).astype(np.int64)
    channels, around, makers = few.shape[1], len(decoder.places), []
    for channel in range(channels):
        least, most = bounds(likelihood.bits, channels, channel, around, codes.shape[1])
        units = _units(decoder, int(likelihood.top), channels, channel, codes.shape[1])
        maps, path = _maps(decoder, likelihood, channel, units)
        limits = _limits(decoder, few, channel, codes.shape[1])
        whole = partial(IntegerNetwork.of, maps, path, limits, least=least, most=most, top=mixtures.MOST, window=1)
        makers.append(whole)
    return [
        CausalImages(likelihood.bits, decoder.reach, tuple(make(bits=bits) for make in makers), chances)
        for bits in BITS
    ]


def _units(decoder: CausalDecoder, top: int, channels: int, channel: int, codes: int) -> Array:
    """What one of the whole numbers that a network is told means to the decoder."""
    half = decoder.gain / (2 * top)
    near = channels * (len(decoder.places) + 1)
    return np.array([half] * near + [1 / TURN] * 2 + [half] * channel + [2 / LEVELS] * codes)


def _maps(
    decoder: CausalDecoder, likelihood: LogisticMixture, channel: int, units: Array
) -> tuple[list[tuple[Array, Array]], Array]:
    """Weights and biases from whole numbers to whole numbers, and the path beside them."""
    refiner, straight = decoder.refiners[channel], decoder.paths[channel]
    assert isinstance(refiner, nn.Sequential)
    maps = [_numbers(layer) for layer in refiner if isinstance(layer, nn.Linear)]
    maps[0] = maps[0][0] * units, maps[0][1]
    (weights, bias), (slope, lift), k = maps[-1], _numbers(straight), likelihood.components
    pixels = likelihood.top * (1 << mixtures.FINE)
    first = np.arange(k) > 0
    places = likelihood.places.double().numpy() * float(likelihood.usual.exp())
    located = weights[:1] / decoder.gain + weights[:k] * first[:, None]
    lifted = (bias[0] + lift[0]) / decoder.gain + bias[:k] * first + places + decoder.middle
    narrowest = log(float(mixtures.NARROWEST))
    rows = [pixels * located, mixtures.NATS * weights[k:]]
    ends = [
        pixels * lifted + (mixtures.BELOW << mixtures.FINE),
        mixtures.NATS * (bias[k : 2 * k] + float(likelihood.usual) + log(likelihood.top) - narrowest),
        mixtures.NATS * (bias[2 * k :] + mixtures.EVEN),
    ]
    maps[-1] = np.concatenate(rows), np.concatenate(ends)
    path = np.zeros((3 * k, len(units)))
    path[:k] = pixels * slope * units / decoder.gain
    path[:k, len(decoder.places) * decoder.params_shape[1] + channel] += pixels * units[0] / decoder.gain
    return maps, path


def _numbers(layer: nn.Module) -> tuple[Array, Array]:
    """The weights and biases of a map."""
    assert isinstance(layer, nn.Linear)
    return layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()


def _limits(decoder: CausalDecoder, shown: Tensor, channel: int, codes: int) -> list[float]:
    """The largest activation after each layer but the last."""
    y, x = (axis.reshape(-1) for axis in np.mgrid[: shown.shape[2], : shown.shape[3]])
    refiner, found = decoder.refiners[channel], []
    assert isinstance(refiner, nn.Sequential)
    with torch.inference_mode():
        z = torch.zeros(len(shown), codes)
        a, _ = decoder.seen(decoder.padded(shown), y, x, channel, z)
        for layer in list(refiner)[:-1]:
            a = layer(a)
            if isinstance(layer, nn.ReLU):
                found.append(float(a.max()))
    return found
