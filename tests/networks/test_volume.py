"""Networks for video: any size, and coarser linear maps where whole ones would be too large."""

import pytest
import torch

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.networks import Volume, volume
from narrows.networks.coarse import coarse
from narrows.recipes import RECIPES


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 5, 9, 7), (1, 8, 8, 8), (2, 3, 17, 4)], ids=str)
def test_any_size(shape, rng):
    model = RECIPES["video"](SampleSpec("video", shape), 2, rng=rng)
    trace = model(View(torch.randn(3, *shape)), rng)
    assert trace.code.z.shape == (3, 2)
    assert trace.prediction.mean().shape == (3, *shape)


def test_time_is_looked_along(rng):
    model = RECIPES["video"](SampleSpec("video", (1, 8, 8, 8)), 2, rng=rng)
    x = torch.randn(1, 1, 8, 8, 8, requires_grad=True)
    model.encoder.refiner(x)[0, 0, 0, 4, 4].backward()
    assert (x.grad[0, 0].abs().amax((1, 2)) > 0).sum() >= 4


@pytest.mark.parametrize("most", [1, 7, 100, 5000])
def test_a_coarse_grid_keeps_the_channels_and_the_limit(most):
    grid = coarse((3, 10, 21, 16), most)
    assert grid[0] == 3
    assert 3 * grid[1] * grid[2] * grid[3] <= max(3, most)
    assert all(small <= large for small, large in zip(grid, (3, 10, 21, 16), strict=True))


def test_beyond_the_limit_linear_maps_are_coarse(rng, monkeypatch):
    spec = SampleSpec("video", (3, 6, 12, 9))
    monkeypatch.setattr(volume, "MOST_WEIGHTS", 4 * 500)
    model = RECIPES["video"](spec, 4, rng=rng)
    assert model.encoder.linear is None
    assert model.decoder.linear is None
    assert max(weight.numel() for weight in model.parameters()) <= 8 * 16 * 64
    assert model.encoder.head.in_features <= 500
    x = torch.randn(3, *spec.shape)
    scalar, loss = model.loss(View(x), rng)
    scalar.backward()
    assert loss.distortion.shape == (3,)
    assert all(weight.grad.abs().sum() > 0 for weight in model.parameters())


@pytest.mark.parametrize(("options", "message"), [({"widths": ()}, "widths of levels"), ({"blocks": -1}, "blocks")])
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ChoiceError, match=message):
        Volume(**options).pair(SampleSpec("video", (1, 4, 4, 4)), 3, 3, (1, 1, 4, 4, 4))
