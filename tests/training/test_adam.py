"""Our Adam against torch's, to the bit."""

import pytest
import torch
from torch.optim import Adam, AdamW

from narrows.training.adam import FusedAdam


@pytest.mark.parametrize(("theirs", "decoupled"), [(Adam, False), (AdamW, True)])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_same_bits_as_torch(theirs, decoupled, decay, rng):
    start = [torch.randn(5, 3, generator=rng), torch.randn(7, generator=rng)]
    ours, reference = ([torch.nn.Parameter(w.clone()) for w in start] for _ in range(2))
    made = FusedAdam([{"params": ours, "weight_decay": decay}], 0.01, decoupled)
    expected = theirs(reference, lr=0.01, weight_decay=decay, fused=True)
    for step in range(20):
        for optimizer, weights in ((made, ours), (expected, reference)):
            optimizer.param_groups[0]["lr"] = 0.01 / (1 + step % 3)
            optimizer.zero_grad()
            sum((w - i).square().sum() for i, w in enumerate(weights)).backward()
            optimizer.step()
        if step == 10:
            made.load_state_dict(made.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(ours, reference, strict=True))
