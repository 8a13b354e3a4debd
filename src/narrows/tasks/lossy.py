r"""Images in few bytes, not exactly: an autoencoder learned of a user's own images, made into one of whole numbers.

    loss(x) = |x - x'|^2 / (2 s^2) - log P(z),      z = round(f(x))

The scale s comes of the quality that is asked for, by reverse water-filling over the components of blocks: of
independent components of variances v_j, coded to a mean squared error D at the least rate, each is left with
min(s^2, v_j), where s^2 is such that these have the mean D (Cover and Thomas 2006, section 10.3.3).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from narrows.coding import chunks, pictures
from narrows.coding.chunks import Content
from narrows.coding.grid_coder import GridCoder
from narrows.coding.integers import IntegerNetwork
from narrows.coding.latents import LatentTables
from narrows.coding.learned import BRIGHTEST, LearnedImages, as_stack
from narrows.core.errors import ChoiceError, InputError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.samples import ArraySamples
from narrows.metrics.errors import mean_squared_error
from narrows.metrics.pictures import multi_scale_structural_similarity, peak_signal_to_noise_ratio
from narrows.networks.blocks import SHRINK, BlockDecoder, BlockEncoder, Tiling
from narrows.tasks import latent_networks
from narrows.training.fit import Request, fit
from narrows.training.start import components_of

GREY, SPAN = 128.0, 64.0
"""Pixels are learned as (pixel - 128) / 64."""
LEAST_QUALITY, MOST_QUALITY = 15.0, 50.0
SIDES = {8: 96, 4: 64}
"""Height and width of blocks, and channels between convolutions; the larger where little is filled up."""
LITTLE = 1.1
"""Blocks may cover this many times the pixels of images."""
PATCH = 64
"""Larger images are learned in patches of so many pixels each way."""
LEAST = 8
"""Smaller ones are filled up to so many."""
MOST_LEARNED = 1 << 26
"""So many values are learned from, at most."""
MOST_BLOCKS = 1 << 17
"""So many blocks decide about components."""
MOST_CODED = 1 << 22
"""So many numbers of codes decide about tables."""
MOST_CALIBRATED = 1 << 19
"""So many values decide about the whole numbers of the network."""
FAINT = 0.25
"""Components whose variance is below this share of s^2 have no channel in the code."""
FEWEST, HELD = 1 << 18, 8
"""Of fewer numbers of codes no network is learned; one image in so many decides whether it is worth its bytes."""
BITS = (6, 7, 8, 10, 12)
"""So many bits weights may have; the fewest are taken that add no more than `HARM` to the error."""
HARM = 0.01
BATCH = 1 << 20
"""So many values are coded at once."""

Whole = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class LossyImages:
    """An encoder of images, and what everyone needs who is to decode them.

    Args:
        encoder: From images to the grid of their codes, before rounding.
        model: From codes to bytes and back, and to images.
    """

    encoder: BlockEncoder
    model: LearnedImages

    def takes(self, values: Array) -> bool:
        """Whether it can code values: images of as many channels, of whole numbers from 0 to 255."""
        images = as_stack(values)
        return images is not None and images.shape[3] == self.model.channels and are_pixels(values)

    def codes(self, images: Array) -> Whole:
        """The codes of images (n, height, width, channels), (n, rows, columns, code)."""
        n, rows, columns, width = self.model.grid(images.shape)
        found = np.zeros((n, rows, columns, width), np.int64)
        step = max(1, BATCH // max(1, images[:1].size))
        with torch.inference_mode():
            for start in range(0, n if found.size else 0, step):
                x = normalised(images[start : start + step])
                found[start : start + step] = self.encoder.grid(View(x)).round().permute(0, 2, 3, 1).numpy()
        return found

    def encode(self, content: Content) -> tuple[bytes, Content]:
        """A chunk, and what will come back from it."""
        images = as_stack(content.values)
        assert images is not None
        return chunks.encode_learned(content, self.codes(images), self.model)

    def tensors(self) -> dict[str, Tensor]:
        """What `of` takes: the weights of the encoder, and the model as bytes."""
        model = torch.from_numpy(np.frombuffer(self.model.packed, np.uint8).copy())
        weights = {f"encoder.{name}": weight for name, weight in self.encoder.state_dict().items()}
        return {"model": model, **weights}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> LossyImages:
        """Rebuild it from what `tensors` gave."""
        model = LearnedImages.from_bytes(tensors["model"].numpy().tobytes())
        weights = {name[8:]: weight for name, weight in tensors.items() if name.startswith("encoder.")}
        kernels = [w for name, w in weights.items() if name.startswith("refiner.") and w.ndim == 4]
        encoder = _encoder(model.channels, model.side, len(model.coder.least), [len(w) for w in kernels[:-1]])
        encoder.load_state_dict(weights)
        return cls(encoder.eval(), model)


def are_pixels(values: Array) -> bool:
    """Whether all values are whole numbers from 0 to 255."""
    if values.dtype == np.uint8 or values.dtype.kind not in "uif" or not values.size:
        return values.dtype.kind in "uif"
    return pictures.numbers(values) is not None


def learn(images: Array, quality: float, asked: Request) -> LossyImages:
    """Learn to code images of a kind.

    Args:
        images: (n, height, width, channels), whole numbers from 0 to 255.
        quality: The peak signal-to-noise ratio to aim at, in decibels.
        asked: How to train.

    Raises:
        InputError: Too few images.
    """
    shown, side = to_learn(images)
    if len(shown) < 2:
        raise InputError(f"images are learned from at least 2, got {len(shown)}")
    scale, width = water_level(shown, quality, side)
    widths = asked.options.get("widths", (SIDES[side], SIDES[side]))
    places = Tiling(shown.shape[1:3], side).places
    x = normalised(shown)
    likelihood = {"name": "normal", "scale": scale / SPAN}
    options = {"side": side, "widths": tuple(widths)}
    request = Request(
        **{name: getattr(asked, name) for name in ("epochs", "max_time", "checkpoint", "device", "seed", "verbose")},
        recipe="compressive",
        latent_dim=width * places,
        options=options,
        likelihood=likelihood,
        scaling="none",
        optimizer="adam",
        precision="float32",
    )
    begun = time.monotonic()
    module = fit(ArraySamples(np.moveaxis(x.numpy(), 1, 3), 2), request).module
    trained, drawer = module.encoder, module.decoder
    assert isinstance(trained, BlockEncoder)
    assert isinstance(drawer, BlockDecoder)
    encoder = _encoder(images.shape[3], side, width, _widths(trained))
    encoder.load_state_dict(trained.state_dict())
    return LossyImages(encoder.eval(), as_integers(encoder, drawer, shown, _left(asked, begun)))


def _left(asked: Request, begun: float) -> Request:
    """The same with what is left of its time."""
    return asked if asked.max_time is None else replace(asked, max_time=asked.max_time - (time.monotonic() - begun))


def nearness(images: Array, back: Array, size: int) -> dict[str, float]:
    """How near images come back that took so many bytes: bits a pixel, and two measures of likeness."""
    x, y = as_stack(images), as_stack(back)
    assert x is not None
    assert y is not None
    step = max(1, BATCH // max(1, x[:1].size))
    like = [
        multi_scale_structural_similarity(x[i : i + step], y[i : i + step]) * len(x[i : i + step])
        for i in range(0, len(x), step)
    ]
    return {
        "bits_per_pixel": 8 * size * x.shape[3] / max(1, x.size),
        "psnr": peak_signal_to_noise_ratio(x, y) if x.size else float("inf"),
        "ms_ssim": sum(like) / len(x) if x.size else 1.0,
    }


def _widths(encoder: BlockEncoder) -> list[int]:
    """The channels between its convolutions."""
    return [layer.out_channels for layer in encoder.refiner if isinstance(layer, nn.Conv2d)][:-1]


def _encoder(channels: int, side: int, width: int, widths: list[int]) -> BlockEncoder:
    """An encoder without weights yet."""
    spec = SampleSpec("image", (channels, side, side))
    return BlockEncoder(spec, width, Tiling((side, side), side), tuple(widths))


def normalised(images: Array) -> Tensor:
    """Images (n, height, width, channels) as a network takes them, (n, channels, height, width)."""
    moved = np.ascontiguousarray(np.moveaxis(images, 3, 1), dtype=np.float32)
    return torch.from_numpy((moved - np.float32(GREY)) / np.float32(SPAN))


def to_learn(images: Array) -> tuple[Array, int]:
    """Images to learn from, and how many pixels blocks are wide: some of them, large ones in patches, filled up."""
    _, height, width, channels = images.shape
    high, wide = (length if length < 1.5 * PATCH else PATCH for length in (height, width))
    rows, columns = height // high, width // wide
    every = max(1, -(-images.size // MOST_LEARNED))
    some = images[::every, : rows * high, : columns * wide]
    cut = some.reshape(len(some), rows, high, columns, wide, channels).swapaxes(2, 3).reshape(-1, high, wide, channels)
    side = next(
        (side for side in SIDES if _filled(high, side) * _filled(wide, side) <= LITTLE * high * wide), min(SIDES)
    )
    lacking = [(0, max(_filled(length, side), LEAST) - length) for length in (high, wide)]
    return np.pad(cut, [(0, 0), *lacking, (0, 0)], mode="edge"), side


def _filled(length: int, side: int) -> int:
    """A length in whole blocks."""
    return -(-length // side) * side


def water_level(images: Array, quality: float, side: int) -> tuple[float, int]:
    """The scale s of what is left of each component of blocks, in pixels, and how many components are worth coding.

    Raises:
        ChoiceError: A quality that is out of reach.
    """
    if not isinstance(quality, int | float) or not LEAST_QUALITY <= quality <= MOST_QUALITY:
        raise ChoiceError(
            f"quality is a number of decibels from {LEAST_QUALITY:g} to {MOST_QUALITY:g}, got {quality!r}"
        )
    tiling = Tiling(images.shape[1:3], side)
    some = images[:: max(1, len(images) * tiling.places // MOST_BLOCKS)]
    blocks = tiling.cut(normalised(some)).movedim(1, -1).flatten(0, 2).double()
    variances = components_of(blocks, blocks.shape[1])[1].double().numpy() * SPAN**2
    error = BRIGHTEST**2 * 10 ** (-quality / 10)
    low, high = 0.0, max(float(variances.max()), 1e-3)
    for _ in range(60):
        level = (low + high) / 2
        low, high = (level, high) if np.minimum(variances, level).mean() < error else (low, level)
    return sqrt(high), max(1, int((variances > FAINT * high).sum()))


def as_integers(encoder: BlockEncoder, decoder: BlockDecoder, images: Array, asked: Request) -> LearnedImages:
    """A trained decoder as a network of whole numbers, and what codes the codes that images have."""
    side, channels = encoder.tiling.side, images.shape[3]
    few = images[:: max(1, images.size // MOST_CALIBRATED)]
    plain = images[:: max(1, images.size // channels // side**2 * len(encoder.path.weight) // MOST_CODED)]
    coder = coder_of(_rounded(encoder, plain), asked)
    z = np.clip(_rounded(encoder, few), coder.least, coder.most)
    limits = _limits(decoder, torch.from_numpy(z).permute(0, 3, 1, 2).float())
    made = {bits: LearnedImages(side, channels, _network(decoder, limits, bits, coder), coder) for bits in BITS}
    errors = {bits: mean_squared_error(few, model.drawn(z, few.shape)) for bits, model in made.items()}
    best = min(errors.values())
    found = made[min(bits for bits, error in errors.items() if error <= (1 + HARM) * best)]
    return LearnedImages.from_bytes(found.packed)  # packed here, where nobody waits for it, and proved to be readable


def coder_of(codes: Whole, asked: Request) -> GridCoder:
    """What codes codes in the fewest bytes, tables or a network, by how it does on some that it has not seen.

    Args:
        codes: (n, rows, columns, code).
        asked: How to train.
    """
    if codes.size < FEWEST or (asked.max_time is not None and asked.max_time <= 0):
        return LatentTables.learned(codes)
    held, seen = codes[::HELD], codes[np.arange(len(codes)) % HELD > 0]
    coders = [LatentTables.learned(seen), latent_networks.learned(seen, asked.seed, asked.max_time)]
    costs = [coder.bits(held) / 8 * len(codes) / len(held) + len(coder.to_bytes()) for coder in coders]
    return coders[int(np.argmin(costs))]


def _rounded(encoder: BlockEncoder, images: Array) -> Whole:
    with torch.inference_mode():
        parts = [encoder.grid(View(normalised(images[i : i + 64]))) for i in range(0, len(images), 64)]
    return torch.cat(parts).round().permute(0, 2, 3, 1).numpy().astype(np.int64)


def _limits(decoder: BlockDecoder, z: Tensor) -> list[float]:
    """The largest activation after each layer but the last."""
    found, a = [], SHRINK * z
    with torch.inference_mode():
        for layer in list(decoder.refiner)[:-1]:
            a = layer(a)
            if isinstance(layer, nn.ReLU):
                found.append(float(a.max()))
    return found


def _network(decoder: BlockDecoder, limits: list[float], bits: int, coder: GridCoder) -> IntegerNetwork:
    """A decoder whose convolutions have weights of so many bits."""
    maps = [_kernel(layer) for layer in decoder.refiner if isinstance(layer, nn.Conv2d)]
    maps[0] = SHRINK * maps[0][0], maps[0][1]
    weights, bias = maps[-1]
    maps[-1] = SPAN * weights, SPAN * (decoder.path.bias.detach().double().numpy() + bias) + GREY
    path = SPAN * decoder.path.weight.detach().double().numpy()
    return IntegerNetwork.of(maps, path, limits, bits, coder.least, coder.most, BRIGHTEST)


def _kernel(convolution: nn.Conv2d) -> tuple[Array, Array]:
    """The weights of a convolution, (out, window * in), the places of the window first, and its biases."""
    assert convolution.bias is not None
    weights = convolution.weight.detach().double().permute(0, 2, 3, 1).flatten(1)
    return weights.numpy(), convolution.bias.detach().double().numpy()
