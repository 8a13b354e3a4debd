"""Distances to known codes, against all of them; tails drawn in, and back."""

import pytest
import torch

from narrows.core.errors import ChoiceError
from narrows.core.trace import View
from narrows.tasks.anomaly import regime
from narrows.tasks.known_codes import KnownCodes
from narrows.tasks.squash import Squash


def test_nearest_known_codes_are_the_nearest_and_never_oneself(rng):
    found, known = torch.randn(3, 40, 5, generator=rng), torch.randn(3, 4, 20, 5, generator=rng)
    known[1, 2, 3] = found[1, 7]
    every = torch.cdist(found.unsqueeze(1).expand(-1, 4, -1, -1).double(), known.double())
    every[1, 2, 7, 3] = torch.inf
    assert torch.allclose(KnownCodes.of(known).distances(found, 40).double().mT, every.min(-1).values, atol=1e-5)


def test_far_codes_keep_their_digits(rng):
    """Of codes that are close to each other and far from the origin, the difference of squares has no digits left."""
    known = 1e3 + torch.rand(1, 1, 50, 4, generator=rng)
    found = known[0, :, :10] + 1e-3
    assert torch.allclose(KnownCodes.of(known).distances(found, 10)[0, :, 0], torch.tensor(2e-3), rtol=0.1)


def test_tails_are_drawn_in_and_put_back(rng):
    x = torch.randn(500, 3, generator=rng) ** 3
    x[:, 2] = 1.0
    x[0, 0] = torch.nan
    squash = Squash.of(View.with_gaps(x))
    drawn = squash.view(View.with_gaps(x))
    assert drawn.x[0, 0] == 0
    assert torch.allclose(drawn.x[1:, :2].std(0), torch.ones(2), atol=0.1)
    assert drawn.x[1:, 0].abs().max() < x[1:, 0].abs().max() / x[1:, 0].std()
    assert torch.allclose(squash.back(drawn.x)[1:], x[1:], rtol=1e-3, atol=1e-4)


def test_regimes_have_names():
    assert regime("clean").kept == 1
    with pytest.raises(ChoiceError, match="unknown training 'dirty'"):
        regime("dirty")
