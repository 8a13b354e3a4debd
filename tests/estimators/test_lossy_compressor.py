"""Images that need not come back exactly: what decoders give, what sizes promise, and what quality is worth."""

import os
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import narrows
from narrows import metrics
from narrows.coding.latent_network import LatentNetwork
from narrows.coding.latents import LatentTables
from narrows.coding.learned import LearnedImages
from narrows.core.errors import ChoiceError, FileError, InputError
from narrows.tasks import latent_networks, lossy


def scenes(n, height=24, width=20, channels=1, seed=0):
    """Soft spots and edges, of which each image has some."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    found = np.zeros((n, height, width, channels))
    for _ in range(4):
        place, wide, tone = rng.random((2, n, 1, 1)), rng.uniform(2, 9, (n, 1, 1)), rng.normal(size=(n, channels)) * 60
        far = (y - height * place[0]) ** 2 + (x - width * place[1]) ** 2
        found += np.exp(-far / wide**2)[..., None] * tone[:, None, None]
        found += (x > width * place[0])[..., None] * 0.4 * tone[:, None, None]
    return np.clip(128 + found + rng.normal(size=found.shape) * 2, 0, 255).astype(np.uint8)


def fitted(quality, channels=1, **options):
    options = {"recipe_options": {"widths": (16,)}, "epochs": 12, "random_state": 0, "verbose": 0} | options
    images = scenes(120, channels=channels)
    return narrows.Compressor(quality=quality, **options).fit(images[..., 0] if channels == 1 else images)


@pytest.fixture(scope="module")
def grey():
    return fitted(34)


@pytest.fixture(scope="module")
def coloured():
    return fitted(32, channels=3)


NEW = scenes(40, seed=1)[..., 0]


def test_quality_is_about_what_was_asked_for(grey):
    found = grey.measure(NEW)
    assert 33 < found["psnr"] < 38
    assert found["psnr"] == metrics.peak_signal_to_noise_ratio(NEW, grey.decompress(grey.compress(NEW)))
    assert 0.9 < found["ms_ssim"] < 1
    assert found["bits_per_pixel"] == pytest.approx(8 * len(grey.compress(NEW)) / NEW.size)
    assert found["ratio"] > 4


def test_rate_and_nearness_rise_with_quality(grey):
    found = [model.measure(NEW) for model in (fitted(26), fitted(30), grey, fitted(40))]
    for better in ("bits_per_pixel", "psnr", "ms_ssim"):
        values = [one[better] for one in found]
        assert values == sorted(values)
        assert len(set(values)) == 4


def test_training_lowers_the_rate_at_no_less_quality(grey):
    begun = fitted(34, epochs=1).measure(NEW)
    found = grey.measure(NEW)
    assert found["bytes"] < begun["bytes"]
    assert found["psnr"] > begun["psnr"] - 0.3


def test_the_estimated_rate_is_what_is_written(grey):
    images = scenes(200, seed=2)[..., None, 0]
    codes = grey.lossy_.codes(images)
    written = 8 * len(grey.lossy_.model.encode(codes)[0])
    assert grey.lossy_.model.coder.bits(codes) == pytest.approx(written, rel=0.02)


def test_files_are_smaller_than_those_of_the_generic_codecs_at_the_same_pixels(grey, tmp_path):
    """What came back, kept exactly, takes more bytes than what it came from."""
    back = grey.decompress(grey.compress(NEW))
    assert len(grey.compress(NEW)) < narrows.compress(back, tmp_path / "x.nrw", effort="max") / 2


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 3),
    st.integers(0, 19),
    st.integers(1, 19),
    st.sampled_from([np.uint8, np.int16, np.float32, np.dtype(">u2")]),
    st.integers(0, 100),
)
def test_images_of_any_size_come_back_near_and_in_their_type(grey, n, height, width, dtype, seed):
    images = scenes(n, height, width, seed=seed)[..., 0].astype(dtype)  # of no height, too
    data = grey.compress(images)
    back = grey.decompress(data)
    assert (back.shape, back.dtype) == (images.shape, images.dtype)
    assert back.tobytes() == grey.decompress(data).tobytes()
    if images.size:
        assert np.abs(back.astype(float) - images).mean() < 12


@pytest.mark.parametrize("shape", [(2, 24, 20, 3), (3, 3, 24, 20), (1, 1, 1, 3), (2, 5, 31, 3), (0, 8, 8, 3)])
def test_colours_come_back_wherever_their_axis_is(coloured, shape):
    images = scenes(shape[0], *(shape[1:3] if shape[3] == 3 else shape[2:]), channels=3, seed=3)
    images = images if shape[3] == 3 else np.moveaxis(images, 3, 1)
    back = coloured.decompress(coloured.compress(images))
    assert back.shape == images.shape == shape
    assert not images.size or np.abs(back.astype(float) - images).mean() < 12


def test_decoding_gives_the_same_bits_in_another_process_with_two_threads(grey, tmp_path):
    grey.compress(NEW, tmp_path / "x.nrw")
    code = (
        "import hashlib, sys, torch, narrows; torch.set_num_threads(2); torch.backends.mkldnn.enabled = False\n"
        "print(hashlib.sha256(narrows.decompress(sys.argv[1]).tobytes()).hexdigest())"
    )
    threads = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    command = [sys.executable, "-c", code, str(tmp_path / "x.nrw")]
    found = subprocess.run(command, env=os.environ | threads, capture_output=True, check=True, text=True).stdout
    digest = sha256(grey.decompress(tmp_path / "x.nrw").tobytes()).hexdigest()
    assert found == f"{digest}\n"


@pytest.mark.parametrize("split", [1, 7, 1000])
def test_images_come_back_the_same_however_they_are_drawn_together(grey, split, monkeypatch):
    data = grey.compress(NEW)
    whole = grey.decompress(data)
    monkeypatch.setattr("narrows.coding.integers.AT_ONCE", split * 6 * 5 * 9 * 16)
    assert np.array_equal(grey.decompress(data), whole)


def test_files_hold_what_they_need_and_bytes_do_not(grey, tmp_path):
    size = grey.compress(NEW, tmp_path / "x.nrw")
    assert size == (tmp_path / "x.nrw").stat().st_size
    back = grey.decompress(grey.compress(NEW))
    assert np.array_equal(narrows.decompress(tmp_path / "x.nrw"), back)
    with narrows.open_compressed(tmp_path / "x.nrw") as file:
        assert np.array_equal(file[3:9], back[3:9])
        assert file.verify() == 2
    assert len(grey.compress(NEW)) < size
    assert grey.compress(NEW, tmp_path / "y.nrw", embed=False) == len(grey.compress(NEW))
    with pytest.raises(FileError, match="only the same one can read it: none was given"):
        narrows.decompress(tmp_path / "y.nrw")
    assert np.array_equal(grey.decompress(tmp_path / "y.nrw"), back)


def test_another_model_is_refused(grey):
    with pytest.raises(FileError, match="only the same one can read it: another one was given"):
        fitted(20, epochs=1).decompress(grey.compress(NEW))


def test_it_comes_back_from_its_file(coloured, tmp_path):
    images = scenes(6, 11, 13, channels=3, seed=4)
    coloured.save(tmp_path / "c.safetensors")
    again = narrows.load(tmp_path / "c.safetensors")
    assert again.compress(images) == coloured.compress(images)
    assert np.array_equal(again.decompress(coloured.compress(images)), coloured.decompress(again.compress(images)))
    assert again.get_params()["quality"] == 32


def test_a_damaged_model_is_named(grey, tmp_path):
    grey.compress(NEW, tmp_path / "x.nrw")
    plain = (tmp_path / "x.nrw").read_bytes()
    model = grey.lossy_.model.packed
    start = plain.index(model)
    rng = np.random.default_rng(0)
    for place in rng.integers(start, start + len(model), 20):
        (tmp_path / "x.nrw").write_bytes(plain[:place] + bytes([plain[place] ^ 4]) + plain[place + 1 :])
        with pytest.raises(FileError, match=r"chunk 0 \(its model\): its bytes do not match"):
            narrows.decompress(tmp_path / "x.nrw")
    for place in rng.integers(0, len(model), 50):
        damaged = model[:place] + bytes([model[place] ^ 1 << int(rng.integers(8))]) + model[place + 1 :]
        with suppress(FileError):  # whatever else it holds, its sums are exact
            LearnedImages.from_bytes(damaged)


def test_the_same_seed_gives_the_same_model(grey):
    assert fitted(34).compress(NEW) == grey.compress(NEW)


def test_what_cannot_be_coded_is_refused_in_a_sentence(grey):
    with pytest.raises(InputError, match="a quality is for images"):
        fitted(30).fit(np.zeros((10, 3)))
    with pytest.raises(InputError, match="a quality is for images"):
        fitted(30).fit(np.random.default_rng(0).random((10, 8, 8)))
    for quality in (5, 80, "high"):
        with pytest.raises(ChoiceError, match="quality is a number of decibels"):
            narrows.Compressor(quality=quality, verbose=0).fit(scenes(10))
    with pytest.raises(
        InputError, match=r"1 channel\(s\) are compressed, as in fit, got an array of shape \(2, 8, 8, 3"
    ):
        grey.compress(scenes(2, 8, 8, channels=3))
    with pytest.raises(InputError, match="at least 2"):
        narrows.Compressor(quality=30, verbose=0).fit(scenes(1))
    with pytest.raises(ChoiceError, match="recipe_options of a Compressor"):
        fitted(30, recipe_options={"depth": 3})


def test_large_images_are_learned_in_patches():
    model = narrows.Compressor(quality=30, recipe_options={"widths": (8,)}, epochs=2, random_state=0, verbose=0)
    images = scenes(3, 150, 131, seed=5)[..., 0]
    found = model.fit(images).measure(images)
    assert found["psnr"] > 29
    assert found["bits_per_pixel"] < 2


def test_images_without_anything_in_them_are_coded():
    images = np.full((4, 9, 9), 17, np.uint8)
    model = narrows.Compressor(quality=30, epochs=1, random_state=0, verbose=0).fit(images)
    assert np.abs(model.decompress(model.compress(images)).astype(int) - 17).max() <= 20


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_learned_on_a_gpu_is_decoded_without_one():
    model = fitted(30, device="cuda", epochs=2)
    assert model.measure(NEW)["psnr"] > 28


def test_the_golden_file_gives_the_same_pixels_everywhere():
    golden = Path(__file__).parents[1] / "golden"
    found = narrows.decompress(golden / "lossy1.nrw")
    assert np.array_equal(found, np.load(golden / "lossy1.npy"))
    assert found.shape == (8, 13, 10, 3)


def test_damage_of_one_chunk_of_many_is_named_and_the_others_come_back(grey, tmp_path, monkeypatch):
    monkeypatch.setattr("narrows.tasks.forms.BLOCK", 80 * NEW[0].size)
    grey.compress(NEW, tmp_path / "x.nrw")
    back = narrows.decompress(tmp_path / "x.nrw")
    assert np.array_equal(back, grey.decompress(grey.compress(NEW)))
    with narrows.open_compressed(tmp_path / "x.nrw") as file:
        assert file.verify() == 5
        sizes, held = [chunk.size for chunk in file.methods()], file.held
        assert np.array_equal(file[8:23], back[8:23])
    plain = (tmp_path / "x.nrw").read_bytes()
    start = plain.index(grey.lossy_.model.packed) - 16 + held - 8 + sizes[0] - 8
    place = start + sizes[1] // 2
    (tmp_path / "x.nrw").write_bytes(plain[:place] + bytes([plain[place] ^ 4]) + plain[place + 1 :])
    with pytest.raises(FileError, match=r"chunk 2 \(rows 10 to 20\)"):
        narrows.decompress(tmp_path / "x.nrw")
    with narrows.open_compressed(tmp_path / "x.nrw", salvage=True) as file:
        found, lost = file.salvage()
    assert [(loss.start, loss.stop) for loss in lost] == [(10, 20)]
    assert np.array_equal(found, np.concatenate([back[:10], back[20:]]))


def test_a_network_codes_codes_where_it_takes_fewer_bytes(monkeypatch, tmp_path):
    monkeypatch.setattr(latent_networks, "STEPS", 400)
    monkeypatch.setattr(latent_networks, "HIDDEN", 16)
    monkeypatch.setattr(lossy, "FEWEST", 1)
    monkeypatch.setattr(LatentTables, "bits", lambda *_: 1e9)  # as if tables did badly
    model = fitted(30, epochs=2)
    assert isinstance(model.lossy_.model.coder, LatentNetwork)
    back = model.decompress(model.compress(NEW))
    model.compress(NEW, tmp_path / "x.nrw")
    assert np.array_equal(narrows.decompress(tmp_path / "x.nrw"), back)
    with narrows.open_compressed(tmp_path / "x.nrw") as file:
        assert np.array_equal(file[7:9], back[7:9])
    model.save(tmp_path / "c.safetensors")
    assert np.array_equal(narrows.load(tmp_path / "c.safetensors").decompress(model.compress(NEW)), back)
    codes = model.lossy_.codes(NEW[..., None])
    assert model.lossy_.model.coder.bits(codes) < 8.1 * len(model.lossy_.model.encode(codes)[0])
