"""Pixels by those before them: every image comes back, at what the model says it costs, and damage is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrows.coding import mixtures
from narrows.coding.bits import BitReader, BitWriter
from narrows.coding.causal import CausalImages, bounds
from narrows.coding.integers import IntegerNetwork
from narrows.core.errors import FileError
from narrows.core.raster import steps


def model(channels=1, reach=2, codes=2, components=3, seed=0, bits=8):
    """A network that nobody trained."""
    rng = np.random.default_rng(seed)
    around = len(steps(reach))
    networks = []
    for channel in range(channels):
        least, most = bounds(bits, channels, channel, around, codes)
        maps = [
            (rng.normal(size=(7, len(least))) / 300, rng.normal(size=7)),
            (rng.normal(size=(3 * components, 7)), None),
        ]
        ends = np.repeat([(mixtures.BELOW + 100) << mixtures.FINE, 6 * mixtures.NATS, 16 * mixtures.NATS], components)
        maps[1] = 200 * maps[1][0], ends.astype(float)
        path = np.zeros((3 * components, len(least)))
        networks.append(IntegerNetwork.of(maps, path, [4.0], 12, least, most, mixtures.MOST, window=1))
    chances = rng.integers(1, 1 << 22, (codes, 2))
    return CausalImages(bits, reach, tuple(networks), chances)


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.integers(0, 4), st.integers(1, 6), st.integers(1, 7)),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(1, 8),
    st.integers(0, 99),
)
def test_any_image_comes_back(shape, channels, reach, codes, bits, seed):
    rng = np.random.default_rng(seed)
    found = CausalImages.from_bytes(model(channels, reach, codes, seed=seed, bits=bits).packed)
    images, code = rng.integers(0, 1 << bits, (*shape, channels)), rng.integers(0, 3, (shape[0], codes))
    data = found.encode(images, code)
    assert (found.decode(data, images.shape) == images).all()


def test_a_byte_costs_what_its_mixture_says():
    rng = np.random.default_rng(0)
    n, components = 20_000, 3
    place = rng.uniform(-20, 270, (n, components))
    scale = rng.uniform(0.5, 30, (n, components))
    weight = rng.dirichlet(np.ones(components), n)
    chosen = (rng.random((n, 1)) > weight.cumsum(1)).sum(1)
    rows = np.arange(n)
    drawn = place[rows, chosen] + scale[rows, chosen] * rng.logistic(size=n)
    values = np.clip(np.rint(drawn), 0, 255).astype(np.int64)
    numbers = np.stack(
        [
            (place + mixtures.BELOW) * (1 << mixtures.FINE),
            np.log(scale / float(mixtures.NARROWEST)) * mixtures.NATS,
            (np.log(weight) + mixtures.EVEN) * mixtures.NATS,
        ],
        1,
    )
    writer = BitWriter()
    mixtures.code(writer, np.clip(np.rint(numbers), 0, mixtures.MOST).astype(np.int64), 8, values)
    below, above = ((values + half)[:, None] - place for half in (-0.5, 0.5))
    upto = 1 / (1 + np.exp(-np.clip(above / scale, -30, 30)))
    before = 1 / (1 + np.exp(-np.clip(below / scale, -30, 30)))
    upto[values == 255], before[values == 0] = 1, 0
    ideal = -np.log2((weight * (upto - before)).sum(1)).sum() / 8
    assert 0.995 * ideal < len(writer.done()) < 1.01 * ideal


def test_bytes_that_nobody_expects_come_back_too():
    numbers = np.zeros((256, 3, 2), np.int64)
    numbers[:, 0] = (mixtures.BELOW + 7) << mixtures.FINE
    values, writer = np.arange(256), BitWriter()
    mixtures.code(writer, numbers, 8, values)
    assert (mixtures.code(BitReader(writer.done()), numbers, 8, None) == values).all()


def test_damaged_models_are_refused():
    found = model()
    for place in range(0, len(found.packed), 7):
        for broken in (found.packed[:place], found.packed[:place] + b"\xff" + found.packed[place + 1 :]):
            try:
                other = CausalImages.from_bytes(broken)
            except FileError:
                continue
            assert other.fingerprint != found.fingerprint or broken == found.packed


def test_images_of_other_channels_are_refused():
    with pytest.raises(FileError, match="1 channels, not 3"):
        model().decode(b"", (1, 4, 4, 3))


def test_a_model_of_another_kind_of_pixels_is_refused():
    found = model(bits=4)
    with pytest.raises(FileError, match="do not fit"):
        CausalImages(8, found.reach, found.networks, found.chances)
