"""Estimators that restore: better than what came in, any size without seams, known pixels and alpha untouched."""

import numpy as np
import pytest

import narrows
from narrows.core.errors import ChoiceError, InputError
from narrows.metrics import peak_signal_to_noise_ratio
from narrows.tasks.motion import drawn_between
from narrows.tasks.restoration import enlarged, restore

QUICK = {
    "epochs": 80,
    "batch_size": 16,
    "patience": None,
    "random_state": 0,
    "verbose": 0,
    "recipe_options": {"widths": [12, 16]},
}


def scenes(n, size=48, seed=0, dtype=np.uint8, channels=None):
    """Pictures of overlapping bright and dark discs on a slope."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] / size
    found = []
    for _ in range(n):
        picture = 0.3 + 0.4 * (rows * draw.random() + columns * draw.random())
        for _ in range(6):
            x, y, r = draw.random(3) * [1, 1, 0.3]
            picture = np.where((rows - x) ** 2 + (columns - y) ** 2 < r**2, draw.random(), picture)
        found.append(picture)
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1.0
    whole = (np.stack(found) * top).astype(dtype)
    return whole if channels is None else np.stack([whole] * channels, -1)


def noisy(pictures, sigma=25.0, seed=1):
    draw = np.random.default_rng(seed)
    return np.clip(pictures + sigma * draw.normal(size=pictures.shape), 0, 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def denoiser():
    return narrows.Denoiser(noise=25.0, **QUICK).fit(scenes(40, 32))


def test_noise_is_taken_away(denoiser):
    clean = scenes(5, seed=9)
    spoilt = noisy(clean)
    restored = denoiser.transform(spoilt)
    assert restored.shape == clean.shape
    assert restored.dtype == np.uint8
    assert denoiser.kept_ == "model"
    assert denoiser.chosen_["recipe"] == "restoring"
    assert peak_signal_to_noise_ratio(clean, restored) > peak_signal_to_noise_ratio(clean, spoilt) + 3


def test_tiles_show_no_seams(denoiser):
    picture = noisy(scenes(1, 300, seed=3))[0][:, :211]
    model, schema = denoiser._module(), denoiser.schema_
    whole, tiled = (restore(model, schema, picture, tile=tile).astype(int) for tile in (512, 64))
    assert np.abs(whole - tiled).max() <= 1
    assert np.abs(whole - picture).max() > 20


def test_pictures_of_any_size_depth_and_colour_come_back_as_they_were(denoiser):
    wide = noisy(scenes(1, 61, seed=4))[0][:40]
    colour = np.stack([wide, wide, wide, np.arange(wide.size, dtype=np.uint8).reshape(wide.shape)], -1)
    deep = wide.astype(np.uint16) * 257
    grey, coloured, fine = denoiser.transform([wide, colour, deep])
    assert [p.shape for p in (grey, coloured, fine)] == [(40, 61), (40, 61, 4), (40, 61)]
    assert np.array_equal(coloured[..., 3], colour[..., 3]), "alpha stays"
    assert np.array_equal(coloured[..., 0], grey), "what was learned of grey holds for each colour"
    assert fine.dtype == np.uint16
    assert np.abs(fine / 257 - grey).max() <= 1


def test_noisy_pictures_alone_are_judged_by_what_is_to_be_rebuilt():
    spoilt = noisy(scenes(16, 32))
    quick = QUICK | {"epochs": 40, "batch_size": 4, "recipe_options": {"widths": [8, 8]}}
    model = narrows.Denoiser(training="noisy", **quick).fit(spoilt)
    assert model.module_.corruption.scale * model.schema_.scale.item() == pytest.approx(25, rel=0.15)
    assert model.chosen_["best_epoch"] > 20, "the best is not what gives back its input"
    clean = scenes(4, 32, seed=9)
    before = peak_signal_to_noise_ratio(clean, noisy(clean, seed=5))
    assert peak_signal_to_noise_ratio(clean, model.transform(noisy(clean, seed=5))) > before + 2


def test_what_learned_from_noise_alone_treats_all_ways_to_hold_a_picture_alike():
    spoilt = noisy(scenes(16, 32))
    quick = QUICK | {"epochs": 1}
    model = narrows.Denoiser(training="noisy", **quick).fit(spoilt)
    picture = noisy(scenes(1, 48, seed=3))[0, :31].astype(np.float32)
    found = model.transform([picture])[0]
    mirrored = model.transform([np.ascontiguousarray(picture[:, ::-1])])[0]
    turned = model.transform([np.rot90(picture)])[0]
    assert np.abs(mirrored[:, ::-1] - found).max() < 0.01
    assert np.abs(np.rot90(turned, -1) - found).max() < 0.01
    assert np.abs(found - picture).max() > 1


@pytest.mark.slow
def test_pairs_and_noisy_pictures_alone_teach_too():
    clean, fresh = scenes(40, 32), scenes(5, 32, seed=9)
    spoilt = noisy(fresh, seed=5)
    before = peak_signal_to_noise_ratio(fresh, spoilt)
    pairs = narrows.Denoiser(training="pairs", **QUICK).fit(noisy(clean), clean)
    assert peak_signal_to_noise_ratio(fresh, pairs.transform(spoilt)) > before + 3
    alone = narrows.Denoiser(training="noisy", **QUICK).fit(noisy(clean))
    assert peak_signal_to_noise_ratio(fresh, alone.transform(spoilt)) > before + 2


def test_known_pixels_are_untouched_and_others_filled():
    clean = scenes(40, 32)
    model = narrows.Inpainter(**QUICK).fit(clean)
    mask = np.random.default_rng(0).random((32, 32)) < 0.5
    fresh = scenes(4, 32, seed=9)
    filled = model.transform(fresh, mask)
    assert np.array_equal(filled[:, ~mask], fresh[:, ~mask])
    flat = np.where(mask, fresh[:, ~mask].mean(), fresh)
    assert peak_signal_to_noise_ratio(fresh, filled) > peak_signal_to_noise_ratio(fresh, flat) + 3
    holes = fresh.astype(np.float32)
    holes[:, mask] = np.nan
    assert np.isfinite(model.transform(holes)).all()


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((48, 48), bool), "hides nothing"),
        (np.ones((48, 48), bool), "hides everything"),
        (np.ones((40, 48), bool), r"has the shape \(40, 48\)"),
        (None, "hides nothing"),
    ],
)
def test_masks_that_make_no_sense_are_refused(mask, said):
    model = narrows.Inpainter(**QUICK | {"epochs": 1}).fit(scenes(12))
    with pytest.raises(InputError, match=said):
        model.transform(scenes(2, dtype=np.float32), mask)


def test_upscaling_is_better_than_bicubic():
    model = narrows.Upscaler(factor=2, **QUICK).fit(scenes(40, 32))
    fresh = scenes(5, 32, seed=9)
    small = fresh.reshape(5, 16, 2, 16, 2).mean((2, 4)).round().astype(np.uint8)
    large = model.transform(small)
    assert large.shape == fresh.shape
    assert large.dtype == np.uint8
    bicubic = np.stack([np.clip(enlarged(p, 2), 0, 255).round() for p in small])
    assert peak_signal_to_noise_ratio(fresh, large) > peak_signal_to_noise_ratio(fresh, bicubic) + 0.2


def test_any_corruption_is_undone_and_large_pictures_of_several_sizes_are_cut(tmp_path):
    pictures = [scenes(1, 100, seed=s, channels=3)[0][: 100 - s] for s in range(8)]
    model = narrows.Restorer(
        corruption=["blur", {"name": "gaussian_noise", "scale": 0.1}], **QUICK | {"epochs": 5}
    ).fit(pictures)
    assert model.schema_.spec.shape == (3, 64, 64)
    model.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    for ours, theirs in zip(model.transform(pictures), again.transform(pictures), strict=True):
        assert np.array_equal(ours, theirs)
    assert again.kept_ == model.kept_


def test_rows_of_numbers_are_restored_too():
    draw = np.random.default_rng(0)
    X = draw.normal(size=(400, 2)) @ draw.normal(size=(2, 10))
    model = narrows.Denoiser(noise=0.5, epochs=30, random_state=0, verbose=0).fit(X)
    spoilt = X + 0.5 * draw.normal(size=X.shape)
    assert np.square(model.transform(spoilt) - X).mean() < 0.7 * np.square(spoilt - X).mean()


def test_a_model_that_does_not_help_gives_back_its_input():
    X = np.random.default_rng(0).normal(size=(60, 12))  # nothing to learn
    model = narrows.Denoiser(noise=0.01, epochs=1, latent_dim=1, random_state=0, verbose=0).fit(X)
    assert model.kept_ == "input"
    assert np.array_equal(model.transform(X), X)


@pytest.mark.parametrize(
    ("model", "y", "said"),
    [
        (narrows.Denoiser(training="pair"), None, "did you mean 'pairs'"),
        (narrows.Denoiser(training="pairs"), None, "clean samples are missing"),
        (narrows.Denoiser(), scenes(4), "choose training='pairs'"),
        (narrows.Denoiser(noise=-1.0), None, "greater than 0"),
        (narrows.Upscaler(factor=5), None, "2, 3 or 4"),
        (narrows.Restorer(corruption="dropped_sensors"), None, "makes no sense"),
        (narrows.Restorer(corruption=3), None, "a name, a dictionary or a list"),
    ],
)
def test_mistakes_are_refused_before_training(model, y, said):
    with pytest.raises((ChoiceError, InputError), match=said):
        model.fit(scenes(4), y)


def test_grey_is_three_equal_colours_to_a_model_of_colours():
    coloured = narrows.Denoiser(noise=25.0, **QUICK | {"epochs": 1}).fit(scenes(12, 16, channels=3))
    grey = scenes(1, 16)
    same = coloured.transform(np.stack([grey] * 3, -1))
    assert np.abs(coloured.transform(grey) - same.mean(-1)).max() <= 0.5


def moving(n, frames=8, size=16, seed=0):
    """Clips of a bright disc on its way over a slope, (n, frames, size, size, 1) uint8."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    found = []
    for _ in range(n):
        x, y, dx, dy = draw.random(4) * [size, size, 2, 2] - [0, 0, 1, 1]
        discs = [(rows - x - dx * t) ** 2 + (columns - y - dy * t) ** 2 < 16 for t in range(frames)]
        found.append(np.where(discs, 200, 40 + 4 * rows))
    return np.stack(found).astype(np.uint8)[..., None]


def test_video_is_denoised_and_its_tiles_show_no_seams():
    quick = QUICK | {"batch_size": 4, "recipe_options": {"widths": [8, 8]}}
    model = narrows.Denoiser(noise=25.0, **quick).fit(moving(12))
    clean = moving(2, frames=40, size=20, seed=5)
    spoilt = noisy(clean)
    restored = model.transform(spoilt)
    assert restored.shape == clean.shape
    assert restored.dtype == np.uint8
    assert peak_signal_to_noise_ratio(clean, restored) > peak_signal_to_noise_ratio(clean, spoilt) + 2
    other = restore(model.module_, model.schema_, spoilt[0], tile=64)
    assert np.abs(restored[0].astype(int) - other).max() <= 1


def test_dropped_frames_are_filled_and_the_others_untouched():
    quick = QUICK | {"batch_size": 4, "recipe_options": {"widths": [8, 8]}}
    model = narrows.Inpainter(**quick).fit(moving(12))
    clean = moving(1, seed=5)
    gone = np.zeros(8, bool)
    gone[3] = True
    filled = model.transform(np.where(gone[:, None, None, None], 0, clean).astype(np.uint8), gone)
    assert np.array_equal(filled[:, ~gone], clean[:, ~gone])
    between = (clean[:, [2]] / 2 + clean[:, [4]] / 2).round()
    assert peak_signal_to_noise_ratio(clean[:, gone], filled[:, gone]) > (
        peak_signal_to_noise_ratio(clean[:, gone], between) - 0.5
    )
    assert 0 <= model.share_ <= 1


def test_missing_frames_are_drawn_along_the_motion():
    clean = scenes(1, 96, seed=2, dtype=np.float32)[0]
    pan = np.stack([clean[20:68, 3 * t : 3 * t + 48] for t in range(5)])[..., None]
    gone = np.array([False, False, True, False, True])
    drawn = drawn_between(pan, gone)
    assert np.array_equal(drawn[~gone], pan[~gone])
    between = (pan[1] + pan[3]) / 2
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(drawn[2] - pan[2])[inner].mean() < 0.3 * np.abs(between - pan[2])[inner].mean()
    assert np.array_equal(drawn[4], pan[3]), "the last is like the one before it"


@pytest.mark.slow
def test_frames_of_a_real_clip_are_filled_better_than_between_their_neighbours(real):
    clean = np.load(real / "video" / "bikes.npz")["frames"][:40].mean(-1, keepdims=True).round().astype(np.float32)
    gone = np.zeros(40, bool)
    gone[3:39:5] = True
    shown = np.where(gone[:, None, None, None], np.nan, clean).astype(np.float32)[None]
    filled = narrows.Inpainter(epochs=8, random_state=0, verbose=0).fit(shown).transform(shown)[0, gone]
    between = (clean[np.flatnonzero(gone) - 1] + clean[np.flatnonzero(gone) + 1]) / 2
    ours, theirs = (
        np.mean([peak_signal_to_noise_ratio(a, b, 255.0) for a, b in zip(clean[gone], found, strict=True)])
        for found in (filled, between)
    )
    assert ours > theirs + 0.5


def test_pictures_with_gaps_are_refused(denoiser):
    with pytest.raises(InputError, match="Inpainter fills"):
        denoiser.transform(np.full((1, 9, 9), np.nan))
