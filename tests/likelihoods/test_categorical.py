"""One of a few levels."""

import numpy as np
import pytest
import torch

import narrows
from narrows.core.errors import ChoiceError
from narrows.likelihoods import Categorical


def test_log_prob_is_that_of_torch(rng):
    logits = 3 * torch.randn(50, 5, 2, 3, generator=rng)
    x = torch.randint(0, 5, (50, 2, 3), generator=rng)
    expected = torch.distributions.Categorical(logits=logits.movedim(1, -1)).log_prob(x)
    assert torch.allclose(Categorical(5).log_prob(logits, x.float()), expected, atol=1e-5)


def test_samples_have_the_probabilities(rng):
    logits = torch.tensor([[1.0], [0.0], [-2.0]])
    found = Categorical(3).sample(logits.expand(20_000, 3, 1), rng)
    shares = torch.stack([(found == level).float().mean() for level in range(3)])
    assert torch.allclose(shares, logits.softmax(0)[:, 0], atol=0.015)


@pytest.mark.parametrize("levels", [0, -1, 2.5])
def test_levels_are_needed(levels):
    with pytest.raises(ChoiceError, match="levels="):
        Categorical(levels)


def test_levels_that_are_not_known_are_neither_read_nor_drawn(rng):
    logits = torch.tensor([9.0, 0.0, 1.0]).view(1, 3, 1)
    part = Categorical(3, least=1)
    assert part.mode(logits).item() == 2
    assert part.sample(logits.expand(1_000, 3, 1), rng).unique().tolist() == [1, 2]
    with pytest.raises(ValueError, match="least is one of the levels 0 to 2, got 3"):
        Categorical(3, least=3)


def test_levels_are_learned_from_an_array():
    draw = np.random.RandomState(0)
    X = draw.randint(0, 4, (600, 4))
    X = np.hstack([X, X])
    ae = narrows.Autoencoder(likelihood="categorical", latent_dim=4, epochs=20, random_state=0, verbose=0).fit(X)
    assert ae.module_.likelihood.levels == 4
    assert (ae.reconstruct(X) == X).mean() > 0.8
    assert ae.score(X) > 8 * np.log(1 / 4)
