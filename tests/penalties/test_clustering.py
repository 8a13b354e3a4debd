"""Deep embedded clustering against the equations that define it."""

from math import log

import pytest
import torch

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.penalties import Clustering
from narrows.recipes.assemble import assemble


def test_equals_the_sum_that_defines_it(rng):
    model = assemble(
        SampleSpec("vector", (6,)), 2, penalties=[{"name": "clustering", "groups": 3, "weight": 0.5, "memory": 0.0}]
    )
    penalty = model.penalties[0]
    x = torch.randn(8, 6, generator=rng)
    trace = model(View(x), rng)
    z = trace.code.z.detach()
    penalty.start(z, torch.arange(8) % 3)
    penalty.after_step(trace, rng)
    mu = torch.stack([z[torch.arange(8) % 3 == j].mean(0) for j in range(3)])
    s = sum((z[i] - mu[i % 3]).square().sum() for i in range(8)) / (8 * 2)
    near = [[1 / (1 + (z[i] - mu[j]).square().sum().item() / s.item()) for j in range(3)] for i in range(8)]
    q = [[one / sum(row) for one in row] for row in near]
    f = [sum(row[j] for row in q) / 8 for j in range(3)]
    found = penalty(trace, model, None)
    for i, row in enumerate(q):
        sharp = [row[j] ** 2 / f[j] for j in range(3)]
        p = [one / sum(sharp) for one in sharp]
        assert found[i].item() == pytest.approx(
            0.5 * 6 * sum(a * log(a / b) for a, b in zip(p, row, strict=True)), rel=1e-3
        )


def test_learning_by_it_makes_the_assignment_surer(rng):
    penalty = Clustering(latent_dim=2, groups=3, weight=1.0)
    z = (torch.randn(60, 2, generator=rng) + 3 * torch.eye(3, 2)[torch.arange(60) % 3]).requires_grad_()
    penalty.start(z.detach(), torch.arange(60) % 3)
    before = penalty.assigned(z).max(1).values.mean()
    q = penalty.assigned(z)
    p = (q.square() / penalty.shares).detach()
    p = p / p.sum(1, keepdim=True)
    (p * (p.log() - q.log())).sum().backward()
    assert penalty.assigned(z - z.grad).max(1).values.mean() > before + 0.01
    assert penalty.centres.grad.abs().sum() > 0


@pytest.mark.parametrize(("option", "value"), [("groups", 1), ("memory", 1.0)])
def test_impossible_options_are_refused(option, value):
    with pytest.raises(ChoiceError, match=option):
        Clustering(latent_dim=2, **{option: value})
