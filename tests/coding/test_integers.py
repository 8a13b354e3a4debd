"""Networks of whole numbers against torch, and their proof."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from narrows.coding.fields import Reader
from narrows.coding.integers import EXACT, IntegerNetwork, Layer
from narrows.core.errors import FileError


def network(seed=0, width=9, outputs=12, largest=4000, most=60):
    rng = np.random.default_rng(seed)

    def layer(before, after, shift, limit):
        weights = rng.integers(-largest, largest + 1, (after, 9 * before))
        return Layer(weights, rng.integers(-(10**6), 10**6, after), shift, limit)

    layers = (layer(width, 16, 12, 8190), layer(16, 16, 18, 8190), layer(16, outputs, 20, 255))
    path = rng.integers(-(10**6), 10**6, (outputs, width))
    bounds = np.full(width, most)
    return IntegerNetwork(layers, path, -bounds, bounds)


def in_torch(made, z, dtype):
    """The same by torch's own convolutions."""
    a = first = torch.from_numpy(z).permute(0, 3, 1, 2).to(dtype)
    for number, layer in enumerate(made.layers):
        kernel = torch.from_numpy(layer.weights.reshape(len(layer.bias), 3, 3, -1)).permute(0, 3, 1, 2).to(dtype)
        sums = F.conv2d(a, kernel, torch.from_numpy(layer.bias).to(dtype), padding=1)
        if number == len(made.layers) - 1:
            sums = sums + F.conv2d(first, torch.from_numpy(made.path)[:, :, None, None].to(dtype))
        sums = sums >> layer.shift if dtype == torch.int64 else (sums * 2.0**-layer.shift).floor()
        a = sums.clamp(0, layer.most)
    return a.permute(0, 2, 3, 1).long().numpy()


@pytest.fixture(scope="module")
def case():
    made = network()
    z = np.random.default_rng(1).integers(-60, 61, (23, 5, 6, 9))
    return made, z, made(z)


def test_pixels_vary(case):
    assert len(np.unique(case[2])) > 100


def test_sums_are_those_of_whole_numbers(case):
    made, z, found = case

    def convolved(a, layer):
        _, rows, columns, _ = a.shape
        window = np.pad(a, [(0, 0), (1, 1), (1, 1), (0, 0)])
        stacked = np.concatenate(
            [window[:, y : y + rows, x : x + columns] for y in range(3) for x in range(3)], axis=-1
        )
        return stacked.astype(np.int64) @ layer.weights.T + layer.bias

    a = z
    for layer in made.layers[:-1]:
        a = np.clip(convolved(a, layer) >> layer.shift, 0, layer.most)
    last = made.layers[-1]
    assert np.array_equal(found, np.clip((convolved(a, last) + z @ made.path.T) >> last.shift, 0, last.most))


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("onednn", [True, False])
def test_the_same_comes_out_of_torch_on_any_number_of_threads(case, threads, onednn):
    made, z, found = case
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.backends.mkldnn.flags(enabled=onednn):
            assert np.array_equal(in_torch(made, z, torch.float64), found)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("split", [1, 7, 1000])
def test_the_same_comes_out_however_samples_are_put_together(case, split):
    made, z, found = case
    parts = [made(z[start : start + split]) for start in range(0, len(z), split)]
    assert np.array_equal(np.concatenate(parts), found)


def test_it_comes_back_from_bytes(case):
    made, z, found = case
    again = IntegerNetwork.read(Reader(made.to_bytes()))
    assert np.array_equal(again(z), found)
    assert again.to_bytes() == made.to_bytes()


def test_sums_that_might_be_inexact_are_refused():
    made = network()
    layer = made.layers[1]
    least = EXACT // (np.abs(layer.weights).sum(1).max() * 8190)
    with pytest.raises(FileError, match="not exact"):
        IntegerNetwork(
            (made.layers[0], Layer(layer.weights * (least + 1), layer.bias, layer.shift, 8190), made.layers[2]),
            made.path,
            made.least,
            made.most,
        )
    with pytest.raises(FileError, match="not exact"):
        IntegerNetwork(made.layers, made.path * 2**28, made.least, made.most)
    with pytest.raises(FileError, match="do not fit"):
        IntegerNetwork(made.layers[:2], made.path, made.least, made.most)


def test_damaged_networks_are_refused_or_still_exact():
    plain, rng, refused = network().to_bytes(), np.random.default_rng(2), 0
    for _ in range(60):
        place = int(rng.integers(len(plain)))
        damaged = plain[:place] + bytes([plain[place] ^ 1 << int(rng.integers(8))]) + plain[place + 1 :]
        try:
            IntegerNetwork.read(Reader(damaged))
        except FileError:
            refused += 1
    assert refused > 0
