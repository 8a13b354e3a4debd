"""Adversarial penalties: what the best critic says, in closed form, and models that do not collapse."""

import numpy as np
import pytest
import torch

import narrows
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Trace, View
from narrows.networks.critics import FittingCritics, MLPCritic
from narrows.networks.layers import initialise
from narrows.penalties import Adversarial, BatchTotalCorrelation, LearnedSimilarity, TotalCorrelation
from narrows.penalties.batch_total_correlation import bandwidth, batch_total_correlation
from narrows.penalties.mmd import inverse_multiquadric, unbiased_mmd
from narrows.recipes.assemble import assemble
from narrows.training.adam import FusedAdam


def trace_of(z):
    nothing = torch.zeros(len(z))
    return Trace(z, View(z), Code(z, nothing, nothing), None)


def trained(penalty, draw, rng, steps=1500):
    """A penalty whose critic has learned what it can from codes that are drawn anew each time."""
    initialise(penalty, rng)
    optimizer = FusedAdam([{"params": list(penalty.opponent.parameters())}], 2e-3, decoupled=False)
    penalty.opponent.requires_grad_(True)
    for _ in range(steps):
        optimizer.zero_grad()
        penalty.opponent_loss(trace_of(draw(256)), None, rng).backward()
        optimizer.step()
    return penalty.opponent.requires_grad_(False)


def test_the_best_critic_of_factors_gives_the_total_correlation_of_a_normal_distribution(rng):
    rho = 0.8
    mix = torch.tensor([[1.0, 0.0], [rho, (1 - rho**2) ** 0.5]])
    critics = FittingCritics(SampleSpec("vector", (2,)), 2)
    penalty = TotalCorrelation(critics, weight=1.0, widths=(64, 64))
    trained(penalty, lambda n: torch.randn(n, 2, generator=rng) @ mix.T, rng)
    z = torch.randn(20_000, 2, generator=rng) @ mix.T
    exact = -0.5 * np.log(1 - rho**2)
    assert penalty(trace_of(z), None, None).mean().item() == pytest.approx(exact, abs=0.08)


def test_the_total_correlation_over_a_batch_is_that_of_a_normal_distribution(rng):
    rho, scale = 0.8, 0.5
    mix = torch.tensor([[1.0, 0.0], [rho, (1 - rho**2) ** 0.5]])
    mean = torch.randn(2000, 2, generator=rng) @ mix.T
    z = mean + scale * torch.randn(2000, 2, generator=rng)
    found = batch_total_correlation(z, mean, torch.full_like(mean, scale)).mean().item()
    together = rho / (1 + scale**2)
    assert found == pytest.approx(-0.5 * np.log(1 - together**2), abs=0.04)


def test_less_total_correlation_over_a_batch_parts_the_entries_of_a_code(rng):
    x = torch.randn(300, 2, generator=rng) @ torch.tensor([[1.0, 0.8], [0.0, 0.6]])
    turn = torch.tensor(0.1, requires_grad=True)  # by an eighth of a circle they do not depend on one another
    for _ in range(60):
        z = x @ torch.stack([torch.stack([turn.cos(), -turn.sin()]), torch.stack([turn.sin(), turn.cos()])])
        batch_total_correlation(z, z, bandwidth(z)).mean().backward()
        with torch.no_grad():
            turn -= 0.2 * turn.grad
        turn.grad = None
    assert abs(np.corrcoef(z.detach().T)[0, 1]) < 0.1 < abs(np.corrcoef(x.T)[0, 1])


def test_the_total_correlation_of_codes_without_a_width_of_their_own(rng):
    rho = 0.8
    z = torch.randn(2000, 2, generator=rng) @ torch.tensor([[1.0, rho], [0.0, (1 - rho**2) ** 0.5]])
    found = batch_total_correlation(z, z, bandwidth(z)).mean().item()
    assert found == pytest.approx(-0.5 * np.log(1 - rho**2), abs=0.06)
    with pytest.raises(narrows.ChoiceError, match="weight is a number of at least 0, got -1"):
        BatchTotalCorrelation(weight=-1)


def test_a_critic_is_at_a_loss_where_codes_are_draws_of_the_prior(rng):
    penalty = Adversarial(FittingCritics(SampleSpec("vector", (2,)), 2), weight=1.0, widths=(64,))
    trained(penalty, lambda n: torch.randn(n, 2, generator=rng), rng, steps=300)
    z = torch.randn(5000, 2, generator=rng)
    assert penalty(trace_of(z), None, None).mean().item() == pytest.approx(np.log(2), abs=0.03)
    assert penalty(trace_of(z + 3), None, None).mean() > 0.8, "and is not where they are not"


def test_likeness_is_nothing_but_the_verdict_for_a_perfect_reconstruction(rng):
    model = assemble(SampleSpec("vector", (4,)), 4, penalties=["learned_similarity"])
    x = torch.randn(6, 4, generator=rng)
    for apart, scale in ((0.0, 1.0), (1.0, 100.0)):
        prediction = model.decode(Code(x, torch.zeros(6), torch.zeros(6)))
        penalty = LearnedSimilarity(FittingCritics(model.spec, 4), similarity=scale)
        initialise(penalty, rng)
        found = penalty(Trace(prediction.mean() + apart, View(x), None, prediction), model, None)
        verdict = torch.nn.functional.softplus(-penalty.opponent(prediction.mean()))
        assert torch.allclose(found, verdict) == (apart == 0)


def test_critics_say_what_they_need():
    with pytest.raises(narrows.ChoiceError, match="widths of a critic are positive whole numbers"):
        narrows.Autoencoder(recipe="adversarial", recipe_options={"critic": [0]}, verbose=0).fit(np.eye(10))
    with pytest.raises(narrows.ChoiceError, match="similarity is a number of at least 0"):
        narrows.Autoencoder(recipe="vae_gan", recipe_options={"similarity": -1}, verbose=0).fit(np.eye(10))
    assert MLPCritic(3, (8,)).features(torch.zeros(2, 3)).shape == (2, 8)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("recipe", ["adversarial", "factor", "vae_gan", "wasserstein"])
def test_digits_without_collapse(digits, recipe, seed):
    train, test = digits.data[:1400], digits.data[1400:]
    ae = narrows.Autoencoder(recipe=recipe, latent_dim=8, epochs=60, random_state=seed, verbose=0).fit(train)
    error = np.mean((ae.reconstruct(test) - test) ** 2)
    assert error < 0.5 * np.mean((test - train.mean(0)) ** 2), "far better than the mean"
    assert np.isfinite([row["train"]["loss"] for row in ae.history_[1:]]).all()
    z = torch.from_numpy(ae.transform(test)).float()
    assert (z.std(0) > 0.05).sum() >= 5, "most of the code is in use"
    if recipe in ("adversarial", "wasserstein"):
        start = narrows.Autoencoder(recipe="deep", latent_dim=8, epochs=1, random_state=seed, verbose=0).fit(train)
        # Codes of the rows that were drawn to the prior: the digits at the end are other people's writing.
        codes = [torch.from_numpy(model.transform(train)).float() for model in (ae, start)]
        prior = torch.randn(codes[0].shape, generator=torch.Generator().manual_seed(0))
        apart = [float(unbiased_mmd(z, prior, inverse_multiquadric)) for z in codes]
        assert apart[0] < 0.03, "codes together look like the prior"
        assert apart[0] < 0.5 * apart[1], "which plain codes do not"
