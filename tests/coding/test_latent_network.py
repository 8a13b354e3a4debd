"""Codes of images by a network of whole numbers."""

from contextlib import suppress

import numpy as np
import pytest
from scipy.special import expit

from narrows.coding import latent_network
from narrows.coding.fields import Reader
from narrows.coding.latent_network import LatentNetwork
from narrows.coding.latents import LatentTables
from narrows.core.errors import FileError
from narrows.tasks import latent_networks


def turning(rng, n, rows=5, columns=7, channels=6):
    """Codes of which some follow from other channels of the place before, which no weights of one channel foretell."""
    scale = np.array([12.0, 5.0, 3.0, 1.0, 0.5, 0.0])[:channels]
    found = rng.normal(size=(n, rows, columns, channels)) * scale * rng.gamma(1.0, 1.0, (n, rows, columns, 1))
    found[..., 0] = np.cumsum(found[..., 0], 2) / 2
    found[..., 1] += np.roll(found[..., 0], 1, 2)
    found[..., 2] += np.abs(found[..., 0]) / 2
    return np.rint(found).astype(np.int64)


@pytest.fixture(scope="module")
def network():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latent_networks, "STEPS", 250)
        patch.setattr(latent_networks, "HIDDEN", 24)
        return latent_networks.learned(turning(np.random.default_rng(0), 400), 0)


@pytest.mark.parametrize("shape", [(0, 3, 3), (1, 1, 1), (1, 1, 9), (2, 8, 1), (3, 5, 7), (60, 4, 6)])
def test_codes_come_back(network, shape):
    asked = turning(np.random.default_rng(1), *shape)
    data, found = network.encode(asked)
    assert np.array_equal(network.decode(data, asked.shape), found)
    assert (found != asked).mean() < 0.01 if asked.size else True


def test_bits_are_those_of_the_stream_and_below_those_of_tables(network):
    asked = turning(np.random.default_rng(3), 300)
    size = 8 * len(network.encode(asked)[0])
    assert abs(network.bits(asked) - size) < 0.002 * size
    tables = LatentTables.learned(turning(np.random.default_rng(0), 400))
    assert size < 0.97 * tables.bits(asked)


def test_what_is_out_of_range_becomes_something_within(network):
    asked = turning(np.random.default_rng(4), 3)
    asked[1, 2, 3] = [10_000, -10_000, 500, -500, 77, 5]
    data, found = network.encode(asked)
    assert np.array_equal(network.decode(data, asked.shape), found)
    assert (found >= network.least).all()
    assert (found <= network.most).all()


def test_it_comes_back_from_bytes_and_is_refused_or_within_bounds_if_damaged(network):
    plain, rng = network.to_bytes(), np.random.default_rng(5)
    asked = turning(rng, 4)
    data, found = network.encode(asked)
    assert np.array_equal(LatentNetwork.read(Reader(plain)).decode(data, asked.shape), found)
    for _ in range(60):
        place = int(rng.integers(len(plain)))
        damaged = plain[:place] + bytes([plain[place] ^ 1 << int(rng.integers(8))]) + plain[place + 1 :]
        with suppress(FileError):
            back = LatentNetwork.read(Reader(damaged)).decode(data, asked.shape)
            assert back.shape == asked.shape
        place = int(rng.integers(len(data)))
        damaged = data[:place] + bytes([data[place] ^ 1 << int(rng.integers(8))]) + data[place + 1 :]
        with suppress(FileError):
            back = network.decode(damaged, asked.shape)
            assert (back >= network.least).all()
            assert (back <= network.most).all()


def test_sums_that_doubles_do_not_hold_are_refused(network):
    with pytest.raises(FileError, match="out of range"):
        LatentNetwork(network.least, network.most, network.network, network.means + (1 << 15), network.scales)
    with pytest.raises(FileError, match="ranges"):
        LatentNetwork(network.most + 1, network.least, network.network, network.means, network.scales)


def test_tables_are_logistic_distributions():
    tables, reach = latent_network._tables()
    assert len(tables) == latent_network.SCALES * latent_network.PHASES
    for number in (0, 20, 63):
        scale = 0.06 * np.exp(number / 8)
        k = np.arange(-reach[number], reach[number] + 1)
        for phase in (0, 5):
            row = tables[number * latent_network.PHASES + phase]
            middle = (2 * phase + 1) / 16
            below = expit((k[:-1] + 0.5 - middle) / scale)
            assert len(row) == len(k)
            assert row.min() >= 1
            assert np.abs(row / row.sum() - np.diff(np.concatenate([[0], below, [1]]))).max() < 2e-3
