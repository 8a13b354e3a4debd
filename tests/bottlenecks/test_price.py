"""What training pays for a rate: prices, free nats, capacity, and how they grow."""

import numpy as np
import pytest
import torch

import narrows
from narrows.bottlenecks.price import Price
from narrows.core.errors import ChoiceError


def test_the_plain_price_is_the_rate(rng):
    kl = torch.rand(5, 3, generator=rng)
    assert torch.equal(Price()(kl), kl.sum(-1))
    assert torch.equal(Price(beta=2.0)(kl), 2 * kl.sum(-1))


def test_capacity_draws_the_rate_from_either_side():
    price = Price(beta=3.0, capacity=4.0)
    for rate in (1.0, 9.0):
        kl = torch.full((5, 2), rate / 2, requires_grad=True)
        charge = price(kl)
        assert torch.allclose(charge, torch.full((5,), 3 * abs(rate - 4)))
        charge.mean().backward()
        assert (torch.sign(kl.grad) == np.sign(rate - 4)).all()


@pytest.mark.parametrize(("warmup", "steps"), [(0.25, 25), (30, 30), (1_000, 50)])
def test_the_price_grows_to_its_whole_within_the_run(warmup, steps):
    """In a run of 100 steps: a warm-up counted in steps takes half of it at most, whatever was asked for."""
    price, kl = Price(warmup=warmup).train(), torch.ones(1, 1)
    paid = []
    for step in range(100):
        price.proceed(step, step / 100)
        paid.append(float(price(kl)))
    assert paid[0] == 0
    assert sorted(paid) == paid
    assert paid[steps - 1] < 1
    assert paid[steps] == 1
    assert price.arrives(100) == pytest.approx(steps / 100)
    assert Price(warmup=warmup).eval()(kl) == 1, "models are judged at the whole price"


def test_capacity_grows_too():
    price, kl = Price(capacity=2.0, warmup=0.5).train(), torch.full((1, 1), 3.0)
    price.proceed(25, 0.25)
    assert float(price(kl)) == pytest.approx(2.0)
    assert float(price.eval()(kl)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"beta": -1}, "beta is a number of at least 0, got -1"),
        ({"free_bits": -0.5}, "free_bits is a number of at least 0"),
        ({"capacity": "much"}, "capacity is a number of at least 0, got 'much'"),
        ({"warmup": 2.5}, "a share of the run, less than 1, or a whole number of steps"),
        ({"capacity": 3.0, "free_bits": 1.0}, "choose one of them"),
    ],
)
def test_bad_prices_are_refused_in_a_sentence(options, says):
    with pytest.raises(ChoiceError, match=says):
        Price(**options)


def quick(**options):
    common = {"recipe": "variational", "latent_dim": 2, "epochs": 6, "random_state": 0, "verbose": 0}
    return narrows.Autoencoder(**common | options)


@pytest.mark.parametrize("options", [{"warmup": 0.5}, {"warmup": 7}, {"beta": 3.0}, {"free_bits": 3.0}])
def test_every_option_changes_what_is_learned(table, options):
    plain, other = quick(patience=None).fit(table), quick(patience=None, recipe_options=options).fit(table)
    assert plain.history_[-1]["held_out"]["rate"] != other.history_[-1]["held_out"]["rate"]


def test_a_warm_up_resumes_where_it_was(table, tmp_path):
    options = {"recipe_options": {"warmup": 0.5}, "patience": None}
    whole = quick(**options).fit(table).transform(table)

    class Stop(Exception):
        pass

    class Broken(np.ndarray):
        pass

    first = quick(**options, checkpoint=tmp_path)
    from narrows.training import loop

    save, seen = loop.Loop._save, []

    def stop_after_two(self, always=False):
        save(self, always)
        seen.append(1)
        if len(seen) == 2:
            raise Stop

    loop.Loop._save = stop_after_two
    try:
        with pytest.raises(Stop):
            first.fit(table)
    finally:
        loop.Loop._save = save
    assert np.array_equal(quick(**options, checkpoint=tmp_path).fit(table).transform(table), whole)


def test_patience_waits_for_the_price(table):
    """A price that grows makes the held-out loss worse at first, which is no reason to stop."""
    patient = quick(epochs=20, patience=1, recipe_options={"warmup": 0.5}).fit(table)
    assert len(patient.history_) > 10


def test_dear_codes_are_judged_by_what_they_cost(table):
    dear = quick(recipe="beta_variational", epochs=30, patience=None, recipe_options={"beta": 20.0}).fit(table)
    last = dear.history_[-1]["held_out"]
    assert last["charge"] == pytest.approx(20 * last["rate"], rel=1e-3)
    assert last["loss"] == pytest.approx(last["distortion"] + last["charge"], rel=1e-5)
    assert dear.chosen_["best_epoch"] > 0


def test_beta_one_is_the_variational_autoencoder_to_the_last_bit(table):
    ours, theirs = quick(recipe="beta_variational", recipe_options={"beta": 1.0}).fit(table), quick().fit(table)
    assert np.array_equal(ours.transform(table), theirs.transform(table))
    assert [row["train"] for row in ours.history_] == [row["train"] for row in theirs.history_]


def test_partial_fit_pays_the_whole_price(table):
    plain = quick().partial_fit(table).transform(table)
    assert np.array_equal(quick(recipe_options={"warmup": 0.5}).partial_fit(table).transform(table), plain)
