"""Causal networks: no pixel is told of itself or of what comes after it, and a code alone gives an image."""

import pytest
import torch

from narrows.core.raster import slanted, steps
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, View
from narrows.networks import Causal
from narrows.networks.conditional import ConditionalDecoder
from narrows.networks.layers import initialise

SHAPE = (3, 5, 6)


@pytest.fixture(scope="module")
def pair():
    encoder, decoder = Causal(widths=(8,), reach=2).pair(SampleSpec("image", SHAPE, "unit"), 2, 2, (4, *SHAPE))
    for half in (encoder, decoder):
        initialise(half, torch.Generator().manual_seed(0))
    return encoder.eval(), decoder.eval()


def numbers(decoder, x, z):
    return decoder(Code(z, z[:, 0], z[:, 0], (x,)), None)


def test_a_pixel_changes_only_what_comes_after_it(pair):
    _, decoder = pair
    rng = torch.Generator().manual_seed(1)
    x, z = torch.rand(1, *SHAPE, generator=rng), torch.zeros(1, 2)
    before = numbers(decoder, x, z)
    for c, y, column in ((0, 0, 0), (1, 2, 3), (2, 4, 5), (2, 1, 0)):
        changed = x.clone()
        changed[0, c, y, column] += 0.5
        moved = (numbers(decoder, changed, z) != before).any(1)[0]
        place = torch.arange(moved.numel()).view(5, 6, 3).movedim(2, 0)  # pixel by pixel, channel by channel
        assert not moved[place <= place[c, y, column]].any()
        assert moved.any() == (place[c, y, column] < place.max())


def test_lines_hold_every_pixel_once_and_see_only_earlier_lines():
    for reach in (1, 2, 5):
        done = set()
        for y, x in slanted(7, 9, reach):
            line = set(zip(y, x, strict=True))
            seen = {(a + dy, b + dx) for a, b in line for dy, dx in steps(reach)}
            assert not line & done
            assert all(place in done for place in seen if place[0] >= 0 and 0 <= place[1] < 9)
            done |= line
        assert len(done) == 63


def test_a_code_alone_is_the_image_that_its_pixels_expect(pair):
    _, decoder = pair
    z = torch.tensor([[0.5, -0.5], [0.0, 0.6]])
    alone = decoder(Code(z, z[:, 0], z[:, 0]), None)
    torch.testing.assert_close(numbers(decoder, alone[:, 0], z), alone, rtol=1e-4, atol=1e-5)


def test_images_in_parts_give_the_same(pair):
    encoder, decoder = pair
    x = torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(2))
    features = encoder(View(x))
    with torch.no_grad():
        whole = numbers(decoder, x, features.values)
        parts = torch.cat([numbers(decoder, x[i : i + 1], features.values[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(whole, parts, rtol=0, atol=1e-6)


def test_images_are_drawn_pixel_by_pixel(pair):
    _, decoder = pair
    z, likelihood = torch.zeros(2000, 2), Coins()
    x = decoder.drawn(Code(z, z[:, 0], z[:, 0]), None, likelihood, torch.Generator().manual_seed(0))
    with torch.no_grad():
        chances = numbers(decoder, x, z)[:, 0].sigmoid()
    off = (x - chances).mean(0) / (chances * (1 - chances)).mean(0).div(len(x)).sqrt()
    assert set(x.unique().tolist()) <= {0.0, 1.0}
    assert off.abs().max() < 4.5


class Coins:
    """Pixels that are one with the chance that the first number says."""

    @staticmethod
    def sample(params, rng):
        return torch.bernoulli(params[:, 0].sigmoid(), generator=rng)


def test_a_decoder_that_is_told_a_condition_draws_pixel_by_pixel_too():
    spec = SampleSpec("image", SHAPE, "unit")
    _, inner = Causal(widths=(8,), reach=2).pair(spec, 2, 5, (4, *SHAPE))
    decoder = ConditionalDecoder(inner, 3)
    initialise(decoder, torch.Generator().manual_seed(0))
    z, told = torch.zeros(4, 2), torch.eye(4, 3)
    assert decoder.foretells
    x = decoder.drawn(Code(z, z[:, 0], z[:, 0]), told, Coins(), torch.Generator().manual_seed(0))
    inside = torch.cat([z, told], 1)
    expected = inner.drawn(Code(inside, z[:, 0], z[:, 0]), None, Coins(), torch.Generator().manual_seed(0))
    assert torch.equal(x, expected)
