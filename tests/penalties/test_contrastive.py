"""The contrastive penalty against its equation, and what it does to the codes of digits."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import narrows
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.recipes.assemble import assemble


def penalised(**options):
    return assemble(SampleSpec("vector", (6,)), 3, penalties=[{"name": "contrastive", **options}])


def test_it_is_the_cross_entropy_of_knowing_a_sample_again():
    model = penalised(weight=2.0, temperature=0.5, views={"name": "gaussian_noise", "scale": 0.1})
    view = View(torch.randn(5, 6, generator=torch.Generator().manual_seed(1)))
    found = model.penalties[0](model(view), model, torch.Generator().manual_seed(2))
    again = model.penalties[0].views(view, torch.Generator().manual_seed(2))
    z, u = (model.encode(each).z.detach().double() for each in (view, again))
    mean = z.mean(0)
    cosines = torch.tensor(
        [[float((a - mean) @ (b - mean) / (a - mean).norm() / (b - mean).norm()) for b in u] for a in z]
    )
    expected = [12 * -float(torch.log_softmax(row / 0.5, 0)[i]) for i, row in enumerate(cosines)]
    assert found.tolist() == pytest.approx(expected, rel=1e-4)


def test_what_is_seen_unchanged_costs_less_than_what_is_changed_beyond_recognition():
    view = View(torch.randn(64, 6, generator=torch.Generator().manual_seed(1)))
    prices = []
    for scale in (0.0, 0.3, 30.0):
        model = penalised(views={"name": "gaussian_noise", "scale": scale})
        found = model.penalties[0](model(view), model, torch.Generator().manual_seed(0))
        prices.append(found.mean().item())
    assert prices[0] < prices[1] < prices[2]


def test_judging_sees_the_same_views_each_time():
    model, view = penalised(), View(torch.randn(4, 6))
    assert torch.equal(*(model.penalties[0](model(view), model, None) for _ in range(2)))


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_a_temperature_is_greater_than_zero(temperature):
    with pytest.raises(ChoiceError, match="temperature"):
        penalised(temperature=temperature)


def test_images_are_jittered_and_tables_masked():
    recipe = narrows.recipes.contrastive
    assert "Jitter" in repr(recipe(SampleSpec("image", (1, 8, 8)), 2, widths=(4,)).penalties[0].views)
    counts = recipe(SampleSpec("vector", (8,), values="count"), 2, likelihood="poisson")
    assert "Masking" in repr(counts.penalties[0].views)


def test_codes_of_digits_change_less_by_a_little_move_beside_what_tells_digits_apart():
    images = np.pad(load_digits().images, ((0, 0), (2, 2), (2, 2))).astype(np.float32)
    x, new = images[:1200], images[1200:]
    options = {"latent_dim": 16, "epochs": 15, "random_state": 0, "verbose": 0}
    found = {}
    for recipe, own in (("deep", {}), ("contrastive", {"network": "mlp", "views": {"name": "jitter", "shift": 0.1}})):
        ae = narrows.Autoencoder(recipe=recipe, recipe_options={"widths": [128], **own}, **options).fit(x)
        z, moved = ae.transform(new), ae.transform(np.roll(new, 1, axis=2))
        apart = np.linalg.norm(z[:, None] - z, axis=2)
        found[recipe] = np.median(np.linalg.norm(z - moved, axis=1)) / np.median(apart)
        kept = np.square(ae.reconstruct(new) - new).mean()
        assert kept < 0.2 * new.var()
    assert found["contrastive"] < 0.8 * found["deep"], found
