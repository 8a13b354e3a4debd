"""A density of rows of symbols: exact on what can be enumerated, and closer to the data than independent symbols."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import Generator

import narrows
from narrows.bottlenecks import FSQ, Binary, ResidualQuantizer, VectorQuantizer
from narrows.tasks import symbol_density
from narrows.tasks.symbol_density import SymbolDensity, fit_symbols


def rng(seed=0):
    return Generator().manual_seed(seed)


def every_row(sizes):
    return torch.tensor(list(product(*(range(size) for size in sizes))))


def disturbed(quantizer, context=0):
    """A density whose weights are all far from where it begins."""
    density = SymbolDensity(quantizer, context)
    rows = torch.stack([torch.randint(size, (50,), generator=rng(1)) for size in quantizer.sizes], 1)
    density.begin(rows, rng())
    torch.nn.init.normal_(density.asked, generator=rng())
    return density.requires_grad_(False)


PARTS = {
    "vector": lambda: VectorQuantizer(6, codes=4, groups=3),
    "residual": lambda: ResidualQuantizer(4, codes=3, depth=2, groups=2),
    "levels": lambda: FSQ(4, levels=(2, 3)),
    "uneven levels": lambda: FSQ(3, levels=(2, 3)),
    "bits": lambda: Binary(6),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_probabilities_of_all_rows_add_up_to_one(part):
    density = disturbed(part())
    assert density.log_density(every_row(density.sizes)).double().exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_each_condition_has_a_distribution_of_its_own():
    density = disturbed(PARTS["vector"](), context=2)
    rows = every_row(density.sizes)
    totals, found = [], []
    for c in ([1.0, 0.0], [0.0, 1.0]):
        found.append(density.log_density(rows, torch.tensor(c).expand(len(rows), 2)))
        totals.append(found[-1].double().exp().sum().item())
    assert totals == pytest.approx([1, 1], abs=1e-5)
    assert not torch.allclose(found[0], found[1])


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_symbol_hears_of_those_before_it_alone(part):
    density = disturbed(part())
    rows = every_row(density.sizes)
    base = density(rows[:1])
    for g, size in enumerate(density.sizes):
        changed = rows[:1].clone()
        changed[0, g] = size - 1
        found = density(changed)
        assert torch.equal(found[:, : g + 1], base[:, : g + 1])
        assert g == len(density.sizes) - 1 or not torch.allclose(found[:, g + 1 :], base[:, g + 1 :])


def test_draws_are_as_frequent_as_they_are_probable():
    density = disturbed(VectorQuantizer(4, codes=3, groups=2))
    drawn = density.sample(20_000, rng())
    counts = torch.bincount(drawn[:, 0] * 3 + drawn[:, 1], minlength=9)
    expected = 20_000 * density.log_density(every_row((3, 3))).exp()
    assert float(((counts - expected).square() / expected).sum()) < 26, "chi-squared of 8 degrees, one in a thousand"


def test_temperature_sharpens_and_nothing_is_the_mode():
    density = disturbed(VectorQuantizer(4, codes=8, groups=2))
    mean = [float(density.log_density(density.sample(2000, rng(), t)).mean()) for t in (0.5, 1.0, 2.0)]
    assert mean == sorted(mean, reverse=True)
    assert len(density.sample(50, rng(), 0.0).unique(dim=0)) == 1


def dependent(n):
    """Rows whose second symbol is near the first, and whose third is unlike the second: independence says little."""
    first = torch.randint(8, (n,), generator=rng(1))
    second = (first + torch.randint(2, (n,), generator=rng(2))).clamp(max=7)
    return torch.stack([first, second, 7 - second], 1)


def test_statistics_of_pairs_are_learned():
    quantizer = FSQ(3, levels=(8,))
    rows = dependent(2000)
    density = fit_symbols(quantizer, rows, rng())
    drawn = density.sample(4000, rng())
    for a, b in ((0, 1), (1, 2), (0, 2)):
        real, made = (torch.bincount(8 * r[:, a] + r[:, b], minlength=64) / len(r) for r in (rows, drawn))
        alone = torch.outer(*(torch.bincount(rows[:, g], minlength=8) / len(rows) for g in (a, b))).flatten()
        assert (made - real).abs().sum() < 0.25 < 4 * 0.25 < (alone - real).abs().sum()


def test_independent_symbols_stay_as_good_as_their_shares():
    rows = torch.randint(6, (600, 4), generator=rng())
    quantizer = VectorQuantizer(4, codes=6, groups=4)
    density = fit_symbols(quantizer, rows, rng())
    begun = SymbolDensity(quantizer)
    begun.begin(rows, rng())
    fresh = torch.randint(6, (2000, 4), generator=rng(3))
    assert density.log_density(fresh).mean() > begun.log_density(fresh).mean().item() - 0.05


def test_the_same_seed_learns_the_same_and_a_file_holds_all_of_it(monkeypatch):
    monkeypatch.setattr(symbol_density, "STEPS", (60, 60))
    quantizer = FSQ(3, levels=(8,))
    one, other = (fit_symbols(quantizer, dependent(300), rng()) for _ in range(2))
    again = SymbolDensity.of(quantizer, one.tensors())
    rows = one.sample(20, rng())
    assert torch.equal(one.log_density(rows), other.log_density(rows))
    assert torch.equal(one.log_density(rows), again.log_density(rows))


def test_one_row_is_refused():
    with pytest.raises(narrows.InputError, match="learned from at least 2 of them, got 1"):
        fit_symbols(FSQ(3), torch.zeros(1, 1, dtype=torch.int64), rng())


@pytest.fixture(scope="module")
def quantised(digits):
    """A generator of digits by symbols."""
    options = {"recipe": "vq", "latent_dim": 16, "epochs": 30, "random_state": 0, "verbose": 0}
    small = {"network": "mlp", "widths": [128], "codes": 32}
    return narrows.Generator(**options, recipe_options=small).fit(digits.images.astype(np.uint8))


def test_made_digits_are_nearer_to_real_ones_than_independent_symbols(digits, quantised):
    real = digits.images.reshape(-1, 64)
    parted = quantised.module_.bottleneck.sample(300, rng())
    made = {
        "one after another": quantised.sample(300, random_state=0),
        "independent": quantised._shown(parted, None),
    }
    away = {}
    for name, images in made.items():
        x = images.reshape(-1, 64).astype(float)
        squared = (x**2).sum(1)[:, None] + (real**2).sum(1) - 2 * x @ real.T
        away[name] = np.sqrt(np.maximum(squared.min(1), 0)).mean()
    assert away["one after another"] < 0.85 * away["independent"], away


def test_made_symbols_are_those_of_the_quantiser(quantised):
    z = quantised._drawn(20, 1.0, 0, None)
    part = quantised.module_.bottleneck
    assert torch.equal(part.values(part.symbols(z)), z)
