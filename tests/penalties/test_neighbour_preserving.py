"""The cross-entropy of UMAP against the sums that define it."""

from math import log

import pytest
import torch

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.penalties.neighbour_preserving import NEAREST, NeighbourPreserving, curve
from narrows.recipes.assemble import assemble


def model_with(**options):
    return assemble(SampleSpec("vector", (6,)), 3, penalties=[{"name": "neighbour_preserving", **options}])


def test_the_curve_is_umap_s():
    assert curve(0.1) == pytest.approx((1.577, 0.895), abs=1e-3)  # the figures in umap-learn's documentation
    assert curve(0.0) == pytest.approx((1.929, 0.791), abs=5e-3)


@pytest.mark.parametrize("min_dist", [0.0, 0.1, 0.5])
def test_equals_the_double_sum(min_dist, rng):
    model = model_with(min_dist=min_dist, strangers=3, weight=0.5)
    x, near = torch.randn(5, 6, generator=rng), torch.randn(5, 2, 3, generator=rng)
    z = model.encode(View(x)).z
    a, b = curve(min_dist)

    def q(one, other):
        return 1 / (1 + a * ((one - other).square().sum().item() + NEAREST) ** b)

    found = model.penalties[0](model(View(x, near=near)), model, None)
    for i in range(5):
        others = [-log(1 - q(z[i], near[j, 0])) for j in range(5) if j != i]
        neighbours = [-log(q(z[i], near[i, m])) for m in range(2)]
        expected = 0.5 * 6 * (sum(neighbours) / 2 + 3 * sum(others) / 4)
        assert found[i].item() == pytest.approx(expected, rel=1e-4)


def test_without_neighbours_the_nearest_of_the_batch_is_one(rng):
    model = model_with()
    x = torch.randn(7, 6, generator=rng)
    z = model.encode(View(x)).z.detach()
    apart = model.penalties[0]._apart(z.unsqueeze(1), z)
    itself = torch.eye(7, dtype=torch.bool)
    near = torch.nn.functional.softplus(apart.masked_fill(itself, torch.inf).min(1).values)
    others = torch.nn.functional.softplus(-apart).masked_fill(itself, 0).sum(1) / 6
    assert torch.allclose(model.penalties[0](model(View(x)), model, None), 6 * (near + 5 * others), rtol=1e-4)


def test_places_move_along_the_gradient(rng):
    penalty = NeighbourPreserving(min_dist=0.1)
    away = torch.randn(20, 2, generator=rng, dtype=torch.float64).requires_grad_()
    a, b = curve(0.1)
    q = 1 / (1 + a * away.square().sum(1) ** b)
    (slope,) = torch.autograd.grad(-q.log().sum(), away)
    assert torch.allclose(penalty._pull(away.detach()), slope.clamp(-4, 4), rtol=1e-5)
    q = 1 / (1 + a * away.square().sum(1) ** b)
    (slope,) = torch.autograd.grad(-(1 - q).log().sum(), away)
    softened = away.square().sum(1, keepdim=True) / (away.square().sum(1, keepdim=True) + NEAREST)
    assert torch.allclose(penalty._push(away.detach()), (-slope * softened).clamp(-4, 4), rtol=1e-5)


def test_a_layout_brings_neighbours_together_and_strangers_apart(rng):
    """Two rings of samples, each knowing the next two of its own, come apart from where both lie in one place."""
    n = 40
    ring = torch.arange(n) % (n // 2)
    half = torch.arange(n) // (n // 2) * (n // 2)
    arrows = torch.stack([torch.arange(n).repeat(2), torch.cat([half + (ring + s) % (n // 2) for s in (1, 2)])])
    arrows = torch.cat([arrows, arrows.flip(0)], 1)
    places = NeighbourPreserving().lay_out(arrows, torch.ones(arrows.shape[1]), torch.randn(n, 2, generator=rng), rng)
    apart = torch.cdist(places, places)
    assert places.isfinite().all()
    assert apart[arrows[0], arrows[1]].mean() < 0.3 * apart.mean()


def test_a_sample_alone_and_samples_in_one_place_have_a_finite_price():
    model = model_with()
    for x in (torch.zeros(1, 6), torch.zeros(4, 6)):
        value = model.penalties[0](model(View(x)), model, None)
        value.sum().backward()
        assert value.isfinite().all()
        assert all(w.grad.isfinite().all() for w in model.encoder.parameters())


@pytest.mark.parametrize(("option", "value"), [("neighbours", 0), ("min_dist", -1), ("strangers", 0), ("blur", 0.6)])
def test_impossible_options_are_refused(option, value):
    with pytest.raises(ChoiceError, match=option):
        NeighbourPreserving(**{option: value})
