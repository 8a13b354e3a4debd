"""First guesses of hidden values: between those that are shown, in time and over areas."""

import pytest
import torch

from narrows.networks.between import interpolated


def test_shown_values_stay_and_hidden_ones_of_a_slope_are_found_in_time(rng):
    x = torch.arange(7.0).view(1, 1, 7, 1, 1).expand(2, 1, 7, 4, 5) * torch.rand(2, 1, 1, 4, 5, generator=rng)
    shown = torch.ones_like(x, dtype=torch.bool)
    shown[:, :, [2, 3, 5]] = False
    torch.testing.assert_close(interpolated(x * shown, shown), x)


@pytest.mark.parametrize("size", [(16, 16), (9, 21)])
def test_a_flat_picture_is_found_from_few_pixels(size, rng):
    x = torch.full((2, 3, *size), 0.7)
    shown = torch.rand(2, 1, *size, generator=rng).expand(-1, 3, -1, -1) < 0.2
    torch.testing.assert_close(interpolated(x * shown, shown), x)


def test_what_no_frame_shows_is_guessed_from_around_it():
    x = torch.full((1, 1, 4, 8, 8), 2.0)
    shown = torch.ones_like(x, dtype=torch.bool)
    shown[..., 3:5, 3:5] = False
    torch.testing.assert_close(interpolated(x * shown, shown), x)


def test_nothing_shown_is_zero():
    x = torch.zeros(1, 1, 4, 8, 8)
    assert not interpolated(x, x > 0).any()
