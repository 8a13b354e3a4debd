"""Rounded codes: their rate against sums of probabilities, and against an entropy coder's bits."""

import numpy as np
import pytest
import torch

from narrows.bottlenecks import Rounded
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Features, View
from narrows.recipes import compressive


def test_masses_of_all_whole_numbers_add_up_to_one():
    part = Rounded(6, places=3)
    with torch.no_grad():
        part.centers.copy_(torch.tensor([[-1.0, 0.0, 2.0], [0.3, 0.3, 0.3]]))
        part.logits.copy_(torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0]]))
    every = torch.arange(-60.0, 61.0)[:, None].expand(-1, 6)
    assert torch.allclose(part.log_masses(every).exp().sum(0), torch.ones(6), atol=1e-4)


def test_the_rate_is_the_sum_of_its_masses_by_channel():
    part = Rounded(5, places=2)  # three channels, of which the last lacks a place
    with torch.no_grad():
        part.log_scales.add_(torch.arange(3.0)[:, None])
    z = torch.tensor([[0.0, 3.0, 1.0, -2.0, 5.0]])
    by_hand, part = 0.0, part.requires_grad_(False)
    for j, value in enumerate(z[0]):
        shares, c = part.logits[j // 2].softmax(0), j // 2
        ends = [torch.sigmoid((value + half - part.centers[c]) / part.log_scales[c].exp()) for half in (0.5, -0.5)]
        by_hand -= (shares * (ends[0] - ends[1])).sum().log()
    assert part(Features(z), None).rate[0] == pytest.approx(by_hand.item(), rel=1e-5)


def test_noise_is_uniform_and_half_a_step_wide(rng):
    z = Rounded(1)(Features(torch.zeros(20_000, 1)), rng).z
    assert z.abs().max() <= 0.5
    assert z.var() == pytest.approx(1 / 12, rel=0.05)


def test_a_prior_begins_as_wide_as_its_features(rng):
    part, scales = Rounded(3), torch.tensor([0.5, 5.0, 50.0])
    features = torch.randn(4_000, 3, generator=rng) * scales + 7
    part.start(features, [], rng)
    rate = -part.log_masses(features.round()).mean(0)
    for column, found in zip(features.round().T.numpy(), rate.tolist(), strict=True):
        _, counts = np.unique(column, return_counts=True)
        share = counts / counts.sum()
        assert found < -(share * np.log(share)).sum() + 0.2


def test_places_are_counted():
    with pytest.raises(ChoiceError, match="places"):
        Rounded(4, places=0)


def test_blocks_of_an_image_and_what_they_refuse():
    assert compressive(SampleSpec("image", (3, 9, 5)), 12, side=4).bottleneck.places == 6
    with pytest.raises(ChoiceError, match="blocks"):
        compressive(SampleSpec("vector", (9,)), 2, side=4)
    with pytest.raises(ChoiceError, match="side of blocks"):
        compressive(SampleSpec("image", (1, 8, 8)), 4, side=0.5)
    with pytest.raises(ChoiceError, match="widths of blocks"):
        compressive(SampleSpec("image", (1, 8, 8)), 4, widths=())
    assert compressive(SampleSpec("vector", (9,)), 2)(View(torch.zeros(2, 9))).code.z.shape == (2, 2)
