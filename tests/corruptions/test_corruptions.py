"""Each corruption against what it says of itself: moments of noise, shares of what is hidden, closed forms."""

import numpy as np
import pytest
import torch

import narrows
from narrows import corruptions as kinds
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.recipes.assemble import assemble


def seeded():
    return torch.Generator().manual_seed(0)


def photo(n=1, size=32):
    """Smooth pictures with an edge."""
    grid = torch.linspace(0, 1, size)
    return (grid[:, None] + (grid > 0.5)).expand(n, 1, size, size).contiguous()


def test_photon_noise_has_the_variance_of_the_light():
    x = torch.cat([torch.zeros(1), torch.full((20_000,), 2.0)])
    noise = kinds.PoissonNoise(0.1)(View(x[None]), seeded()).x[0] - x
    assert noise[0] == 0
    assert noise.var() == pytest.approx(0.1 * 2.0, rel=0.05)
    assert noise.mean() == pytest.approx(0, abs=0.02)


def test_sensor_noise_adds_both_variances():
    x = torch.cat([torch.zeros(20_000), torch.full((20_000,), 2.0)])
    noise = kinds.SensorNoise(0.3, 0.1)(View(x[None]), seeded()).x[0] - x
    assert noise[:20_000].var() == pytest.approx(0.3**2, rel=0.05)
    assert noise[20_000:].var() == pytest.approx(0.3**2 + 0.2, rel=0.05)


def test_a_level_may_be_drawn_for_each_sample():
    x = torch.zeros(200, 500)
    deviations = kinds.GaussianNoise([0.1, 0.5])(View(x), seeded()).x.std(1)
    assert deviations.min() > 0.08
    assert deviations.max() < 0.55
    assert deviations.std() > 0.08


def test_blocks_are_coded_as_pillow_codes_them():
    image = pytest.importorskip("PIL.Image")
    import io

    draw = np.random.default_rng(0)
    smooth = np.cumsum(np.cumsum(draw.normal(size=(40, 48)), 0), 1)
    pixels = np.rint(255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)
    file = io.BytesIO()
    image.fromarray(pixels).save(file, "JPEG", quality=20)
    theirs = np.asarray(image.open(file)).astype(np.float32)
    x = torch.from_numpy(pixels.astype(np.float32))[None, None]
    ours = kinds.Jpeg(20)(View(x), seeded()).x[0, 0].numpy()
    assert np.abs(ours - theirs).mean() < 1.0  # Pillow rounds to whole levels, inside its transform too
    assert np.abs(pixels - theirs).mean() > 1.5


def test_a_better_quality_is_nearer():
    x = torch.rand(2, 3, 24, 24, generator=seeded())
    errors = [(kinds.Jpeg(q)(View(x), seeded()).x - x).square().mean() for q in (5, 50, 95)]
    assert errors[0] > errors[1] > errors[2] > 0


def test_blur_keeps_flat_pictures_and_means():
    flat = torch.full((1, 2, 9, 9), 3.0)
    assert torch.allclose(kinds.Blur(2.0)(View(flat), seeded()).x, flat, atol=1e-5)
    spot = torch.zeros(1, 1, 21, 21)
    spot[0, 0, 10, 10] = 1.0
    spread = kinds.Blur(1.5)(View(spot), seeded()).x[0, 0]
    place = torch.arange(21.0) - 10
    assert spread.sum() == pytest.approx(1, abs=1e-4)
    assert (spread.sum(0) * place.square()).sum() == pytest.approx(1.5**2, rel=0.05)


def test_downscaling_by_one_loses_nothing_and_by_two_keeps_means():
    x = torch.rand(1, 1, 8, 8, generator=seeded())
    assert torch.allclose(kinds.Downscale(1)(View(x), seeded()).x, x, atol=1e-5)
    assert kinds.Downscale(2)(View(x), seeded()).x.mean() == pytest.approx(float(x.mean()), abs=0.02)


@pytest.mark.parametrize("fraction", [0.1, 0.4, 0.8])
def test_hidden_shares_are_what_was_asked_for(fraction):
    pictures = View(photo(50, 40))
    for part in (kinds.BlockMask(fraction), kinds.FreeFormMask(fraction)):
        assert (~part(pictures, seeded()).visible).float().mean() == pytest.approx(fraction, abs=0.03)
    series = View(torch.randn(300, 20, 30, generator=seeded()))
    for part in (kinds.DroppedFrames(fraction), kinds.DroppedSensors(fraction)):
        assert (~part(series, seeded()).visible).float().mean() == pytest.approx(fraction, abs=0.03)


def test_cells_that_go_missing_by_pattern_depend_on_a_cell_that_stays():
    x = torch.randn(4000, 6, generator=seeded())
    visible = kinds.PatternMasking(0.2, patterns=1)(View(x), seeded()).visible
    assert (~visible).float().mean() == pytest.approx(0.2, abs=0.12)
    hit = ~visible.all(1)
    shown_always = visible.all(0)
    gaps = x[hit].mean(0) - x[~hit].mean(0)
    assert gaps[shown_always].abs().max() > 0.4, "rows with gaps differ in a column that they show"


def test_the_channels_of_a_picture_are_hidden_together():
    x = torch.ones(2, 3, 12, 12)
    visible = kinds.FreeFormMask(0.3)(View(x), seeded()).visible
    assert torch.equal(visible[:, 0], visible[:, 2])


def test_a_list_is_composed_in_order():
    spec = SampleSpec("image", (1, 16, 16))
    model = assemble(spec, 2, corruption=["blur", {"name": "block_mask", "fraction": 0.5}])
    view = View(photo(2, 16))
    both = model.corruption(view, seeded())
    blurred = kinds.Blur()(view, seeded()).x
    assert torch.equal(both.x, blurred * both.visible)
    assert not both.visible.all()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("jpeg", "makes no sense of samples of kind 'vector': choose .*'gaussian_noise'"),
        (["masking", "dropped_frames"], "'dropped_frames' makes no sense"),
        ({"name": "gaussian_noise", "scale": [0.5, 0.1]}, "the smaller first"),
        ({"name": "poisson_noise", "gain": -1.0}, "at least 0"),
        ({"name": "pattern_masking", "fraction": 1.0}, r"lies in \[0, 1\)"),
        ({"name": "compose", "parts": ["blur"]}, "a list of names"),
    ],
)
def test_what_makes_no_sense_is_refused(asked, said):
    with pytest.raises(ChoiceError, match=said):
        assemble(SampleSpec("vector", (6,)), 2, corruption=asked)


@pytest.mark.parametrize(
    ("part", "options", "said"),
    [
        ("Jpeg", {"quality": 0}, "1 to 100"),
        ("Blur", {"width": 0}, "greater than 0"),
        ("Blur", {"kernel": [[1, 1]]}, "odd"),
        ("Blur", {"kernel": [[0]]}, "sum to more"),
        ("Downscale", {"factor": 0}, "whole number"),
        ("FreeFormMask", {"size": 0}, "whole number"),
    ],
)
def test_impossible_options_are_refused(part, options, said):
    with pytest.raises(ChoiceError, match=said):
        getattr(kinds, part)(**options)


@pytest.mark.parametrize("name", ["blur", "jpeg"])
def test_a_model_that_is_loaded_corrupts_as_before(name, tmp_path):
    X = np.random.default_rng(0).random((30, 9, 9))
    model = narrows.Restorer(corruption=name, epochs=1, random_state=0, verbose=0).fit(X)
    model.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    spoilt = [m.module_.corruption(View(photo(2)), seeded()).x for m in (model, again)]
    assert torch.equal(*spoilt)


def test_recorrupted_noise_is_independent_of_what_is_to_be_rebuilt():
    sigma = 0.5
    clean = torch.zeros(1, 200_000)
    noisy = clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    view = kinds.Recorrupted(sigma, alpha=0.5)(View(noisy), seeded())
    assert view.x.var() == pytest.approx(sigma**2 * (1 + 0.5**2), rel=0.02)
    assert view.target.var() == pytest.approx(sigma**2 * (1 + 0.5**-2), rel=0.02)
    assert (view.x * view.target).mean() == pytest.approx(0, abs=0.005)
    for wrong in ({"scale": -1.0}, {"alpha": 0.0}):
        with pytest.raises(ChoiceError):
            kinds.Recorrupted(**wrong)


def test_jitter_moves_by_at_most_what_it_is_told():
    x = torch.zeros(200, 1, 32, 32)
    x[:, :, 14:18, 14:18] = 1.0
    still = {"turn": 0, "stretch": 0, "light": 0}
    assert torch.allclose(kinds.Jitter(shift=0, **still)(View(x), seeded()).x, x, atol=1e-5)
    moved = kinds.Jitter(shift=0.25, **still)(View(x), seeded()).x
    rows = (moved.sum((1, 3)) * torch.arange(32)).sum(1) / moved.sum((1, 2, 3))
    assert (rows - 15.5).abs().max() <= 8.1
    assert (rows - 15.5).abs().max() > 6
    assert rows.mean() == pytest.approx(15.5, abs=1)


def test_jitter_lights_from_the_darkest_value_up_and_mirrors_half():
    x = 5 + photo(400)
    still = {"shift": 0, "turn": 0, "stretch": 0}
    lit = kinds.Jitter(light=0.5, **still)(View(x), seeded()).x
    gains = ((lit - 5) / (x - 5).clamp(min=1e-9)).flatten(1)[:, -1]
    assert lit.amin() == pytest.approx(5, abs=1e-4)
    assert 0.5 <= gains.min() < 0.55
    assert 1.45 < gains.max() <= 1.5
    mirrored = kinds.Jitter(light=0, mirror=True, **still)(View(x), seeded()).x
    same = (mirrored - x).abs().amax((1, 2, 3)) < 1e-4
    assert 0.4 < same.float().mean() < 0.6
    assert torch.allclose(mirrored[~same], x[~same].flip(-1), atol=1e-4)


@pytest.mark.parametrize("option", [{"shift": -0.1}, {"turn": 1.5}, {"light": float("nan")}])
def test_jitter_refuses_what_cannot_be(option):
    with pytest.raises(ChoiceError, match=next(iter(option))):
        kinds.Jitter(**option)
