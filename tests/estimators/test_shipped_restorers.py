"""The models that ship with narrows: ready for use, better than what needs no training, and of the size promised."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

import narrows
from narrows.core.errors import ChoiceError
from narrows.estimators.restoring import WEIGHTS
from narrows.metrics import peak_signal_to_noise_ratio
from narrows.tasks.restoration import restore


@pytest.fixture(scope="module")
def photo():
    """A photograph in colours that nothing was trained on, 160 x 240."""
    return load_sample_images().images[1][100:260, 200:440]


def grey(picture):
    return np.asarray(Image.fromarray(picture).convert("L"))


def with_noise(picture, sigma, seed=0):
    return picture + sigma * np.random.default_rng(seed).normal(size=picture.shape)


@pytest.mark.parametrize("colours", [True, False])
def test_noise_is_taken_away_told_or_not(photo, colours):
    clean = photo if colours else grey(photo)
    shown = with_noise(clean, 25.0)
    before = peak_signal_to_noise_ratio(clean, shown)
    found, told = (narrows.Denoiser.pretrained(noise=noise).transform(shown[None])[0] for noise in ("auto", 25.0))
    for restored in (found, told):
        assert restored.shape == clean.shape
        assert peak_signal_to_noise_ratio(clean, restored) > before + 6
    assert not np.array_equal(found, told)


def test_what_is_told_counts(photo):
    """Told of more noise than there is, it smooths more."""
    shown = with_noise(grey(photo), 10.0)[None]
    gentle, strong = (narrows.Denoiser.pretrained(noise=noise).transform(shown) for noise in (10.0, 30.0))
    assert np.abs(np.diff(strong)).mean() < np.abs(np.diff(gentle)).mean()


def test_units_follow_the_type(photo):
    shown = np.clip(with_noise(grey(photo), 20.0), 0, 255).round()
    eight = narrows.Denoiser.pretrained(noise=20.0).transform([shown.astype(np.uint8)])[0]
    sixteen = narrows.Denoiser.pretrained(noise=20.0 * 257).transform([(shown * 257).astype(np.uint16)])[0]
    ones = narrows.Denoiser.pretrained(noise=20.0 / 255).transform([shown / 255])[0]
    assert np.abs(eight - sixteen / 257).max() <= 1
    assert np.abs(eight - 255 * np.clip(ones, 0, 1)).max() <= 1


def test_alpha_stays_and_grey_stays_grey(photo):
    alpha = np.arange(photo[..., 0].size, dtype=np.uint8).reshape(photo.shape[:2])
    model = narrows.Denoiser.pretrained()
    coloured, pale = model.transform([np.dstack([photo, alpha]), np.dstack([grey(photo), alpha])])
    assert np.array_equal(coloured[..., 3], alpha)
    assert pale.shape == (*photo.shape[:2], 2)
    assert np.array_equal(pale[..., 1], alpha)


def test_seams_do_not_show(photo):
    model = narrows.Denoiser.pretrained()
    shown = np.clip(with_noise(np.tile(photo, (2, 2, 1)), 25.0), 0, 255).astype(np.uint8)
    whole, tiled = (restore(model.module_, model.schema_, shown, tile=tile).astype(int) for tile in (512, 128))
    assert np.abs(whole - tiled).max() <= 1


def test_enlarging_is_better_than_bicubic(photo):
    clean = grey(photo)
    small = Image.fromarray(clean).resize((clean.shape[1] // 2, clean.shape[0] // 2), Image.Resampling.BICUBIC)
    bicubic = np.asarray(small.resize((clean.shape[1], clean.shape[0]), Image.Resampling.BICUBIC))
    large = narrows.Upscaler.pretrained().transform([np.asarray(small)])[0]
    assert large.dtype == np.uint8
    assert peak_signal_to_noise_ratio(clean, large) > peak_signal_to_noise_ratio(clean, bicubic) + 0.5


def test_the_files_are_small_and_say_how_they_were_made():
    sizes = [path.stat().st_size for path in WEIGHTS.glob("*.safetensors")]
    assert len(sizes) == 2
    assert sum(sizes) < 3_000_000
    for model, gain in ((narrows.Denoiser.pretrained(), 8.5), (narrows.Upscaler.pretrained(), 1)):
        made = model.chosen_["made"]
        assert made["script"] == "tools/train_restorers.py"
        assert made["figures"]["BSDS"]["after"] > made["figures"]["BSDS"]["before"] + gain
        assert isinstance(model.chosen_["seed"], int)


def test_a_shipped_model_is_saved_like_any_other(photo, tmp_path):
    model = narrows.Denoiser.pretrained(noise=20.0)
    model.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    assert np.array_equal(model.transform([photo])[0], again.transform([photo])[0])


@pytest.mark.parametrize("noise", [0, -1.0, "much"])
def test_noise_is_a_positive_number(noise):
    with pytest.raises(ChoiceError, match="greater than 0 or 'auto'"):
        narrows.Denoiser.pretrained(noise=noise)


def pan(photo, frames, step=2):
    """A view that moves over a photograph, (1, frames, 64, 64, channels)."""
    return np.stack([photo[40:104, step * t : step * t + 64] for t in range(frames)])[None]


@pytest.mark.parametrize("noise", ["auto", 25.0])
def test_video_is_denoised_better_than_frame_by_frame(photo, noise):
    clean = pan(grey(photo)[..., None], 9)
    shown = with_noise(clean, 25.0).astype(np.float32)
    model = narrows.Denoiser.pretrained(noise=noise)
    frames, video = model.transform(shown[0]), model.transform(shown)
    assert video.shape == clean.shape
    assert video.dtype == np.float32
    gain = peak_signal_to_noise_ratio(clean, video) - peak_signal_to_noise_ratio(clean[0], frames)
    assert gain > 1


def test_a_cut_is_not_blurred_and_alpha_stays(photo):
    clean = np.concatenate([pan(photo, 3), pan(255 - photo, 3)], 1)
    alpha = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None], (1, 6, 64, 64))[..., None]
    shown = np.clip(with_noise(clean, 20.0), 0, 255).astype(np.uint8)
    model = narrows.Denoiser.pretrained(noise=20.0)
    video = model.transform(np.concatenate([shown, alpha], -1))
    assert np.array_equal(video[..., -1:], alpha)
    assert video.dtype == np.uint8
    frames = model.transform(shown[0])
    assert peak_signal_to_noise_ratio(clean, video[..., :3]) > peak_signal_to_noise_ratio(clean[0], frames) + 0.5
    alone = model.transform(shown[:, :1])
    assert np.array_equal(alone[0], frames[:1]), "one frame is a picture"


@pytest.mark.slow
def test_real_clips_are_denoised_better_than_frame_by_frame(real):
    for name in ("bikes", "chaplin"):
        clean = np.load(real / "video" / f"{name}.npz")["frames"][40:104].mean(-1, keepdims=True).round()[None]
        shown = with_noise(clean, 25.0).astype(np.float32)
        model = narrows.Denoiser.pretrained(noise=25.0)
        before = peak_signal_to_noise_ratio(clean[0], model.transform(shown[0]))
        assert peak_signal_to_noise_ratio(clean, model.transform(shown)) > before + 1
