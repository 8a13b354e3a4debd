"""Networks for series: any length, the whole of it in view, weights from the generator alone."""

import pytest
import torch
import torch.nn.functional as F

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, View
from narrows.networks import Recurrent, Sequence
from narrows.networks.layers import ResidualBlock, initialise


def halves(family, shape, rng, gaps=False):
    spec = SampleSpec("sequence", shape, gaps=gaps)
    encoder, decoder = family.pair(spec, 5, 5, (2, *shape))
    initialise(encoder, rng)
    initialise(decoder, rng)
    return encoder, decoder


@pytest.mark.parametrize("family", [Sequence(), Recurrent(), Sequence(widths=(4, 6, 6), stride=3)], ids=str)
@pytest.mark.parametrize("time", [1, 2, 5, 16, 63, 64, 101])
def test_any_length(family, time, rng):
    encoder, decoder = halves(family, (3, time), rng)
    assert encoder(View(torch.randn(4, 3, time))).values.shape == (4, 5)
    nothing = torch.zeros(4)
    assert decoder(Code(torch.randn(4, 5), nothing, nothing), None).shape == (4, 2, 3, time)


@pytest.mark.parametrize("family", [Sequence(), Recurrent()], ids=str)
def test_the_mask_is_further_input(family, rng):
    encoder, _ = halves(family, (2, 20), rng, gaps=True)
    x = torch.zeros(1, 2, 20)
    hidden = torch.ones_like(x, dtype=torch.bool)
    hidden[..., 7] = False
    assert not torch.allclose(encoder(View(x)).values, encoder(View(x, visible=hidden)).values)


@pytest.mark.parametrize("time", [11, 60, 128, 500])
def test_the_whole_series_is_in_view(time, rng):
    encoder, _ = halves(Sequence(), (1, time), rng)
    x = torch.randn(1, 1, time, requires_grad=True)
    encoder.refiner(x)[0, 0, time // 2].backward()
    assert x.grad[0, 0, [0, -1]].abs().min() > 0


def test_both_directions_are_in_view(rng):
    encoder, _ = halves(Recurrent(), (1, 30), rng)
    for step in (0, -1):
        x = torch.randn(1, 1, 30, requires_grad=True)
        encoder.refiner(x)[0, 0, step].backward()
        assert (x.grad != 0).all()


def test_a_dilated_convolution_is_a_plain_one_on_every_other_step(rng):
    block = ResidualBlock(3, "silu", axes=1, dilation=2)
    initialise(block, rng)
    x = torch.randn(2, 3, 20)
    plain = F.conv1d(x[..., ::2], block.first.weight, block.first.bias, padding=1)
    assert torch.allclose(block.first(x)[..., ::2], plain, atol=1e-6)


def test_recurrent_weights_come_from_the_generator():
    first, same, other = (halves(Recurrent(), (2, 9), torch.Generator().manual_seed(s))[0] for s in (0, 0, 1))
    a, b, c = (torch.cat([p.flatten() for p in e.refiner.units.parameters()]) for e in (first, same, other))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert a.abs().max() <= 32**-0.5


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (Sequence(widths=()), "widths of blocks"),
        (Sequence(widths=(8, 0)), "widths of blocks"),
        (Sequence(stride=0), "stride"),
        (Recurrent(width=0), "width of a recurrent network"),
        (Recurrent(layers=1.5), "layers of a recurrent network"),
    ],
    ids=str,
)
def test_impossible_options_are_refused(family, message):
    with pytest.raises(ChoiceError, match=message):
        family.pair(SampleSpec("sequence", (2, 9)), 3, 3, (1, 2, 9))
