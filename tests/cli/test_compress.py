"""`narrows compress`, `decompress`, `verify` and `info` on what they write."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits


def test_data_go_into_a_file_and_come_back(run):
    assert run("compress", "x.csv", "-o", "x.nrw")[0] == 0
    code, said, _ = run("info", "x.nrw")
    assert code == 0
    assert "a table of 150 rows, 4 columns" in said
    assert "times less" in said
    assert "undamaged: 4 chunks, 150 rows" in run("verify", "x.nrw")[1]
    assert run("decompress", "x.nrw", "-o", "y.npy")[0] == 0
    np.testing.assert_array_equal(np.load("y.npy"), np.load("x.npy"))


def test_an_error_can_be_allowed(run):
    assert run("compress", "x.npy", "-o", "x.nrw", "--max-error", "0.3", "--effort", "fast")[0] == 0
    assert run("decompress", "x.nrw", "-o", "y.npy")[0] == 0
    assert 0 < np.abs(np.load("y.npy") - np.load("x.npy")).max() <= 0.3


def test_a_damaged_file_is_named_and_salvaged(run):
    run("compress", "images.npy", "-o", "x.nrw")
    whole = Path("x.nrw").read_bytes()
    Path("x.nrw").write_bytes(whole[:-30])
    for command in (("verify", "x.nrw"), ("decompress", "x.nrw", "-o", "y.npy"), ("info", "x.nrw")):
        code, _, complaint = run(*command)
        assert code == 2
        assert "cut short" in complaint
    code, said, _ = run("decompress", "x.nrw", "-o", "y.npy", "--salvage")
    assert code == 0
    assert "20 of 20 rows were undamaged" in said
    np.testing.assert_array_equal(np.load("y.npy"), np.load("images.npy"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["compress", "x.npy", "-o", "x.zip"], "ends in .nrw"),
        (["compress", "x.npy", "-o", "x.nrw", "--effort", "most"], "did you mean 'max'|known: default, fast, max"),
        (["compress", "x.npy", "-o", "x.nrw", "--max-error", "-1"], "from 0 on"),
        (["compress", "none.npy", "-o", "x.nrw"], "none.npy"),
        (["decompress", "x.npy", "-o", "y.npy"], "no compressed file"),
        (["verify", "nothing.nrw"], "there is no compressed file"),
    ],
)
def test_mistakes_are_told_in_one_sentence(run, words, complaint):
    code, _, said = run(*words)
    assert code == 2
    assert re.search(complaint, said)
    assert said.count("\n") == 1


@pytest.fixture
def pictures(run):
    """Images to learn from, and a model of them that need not give them back exactly."""
    y, x = np.mgrid[:12, :14]
    phase = np.random.default_rng(0).random((60, 1, 1)) * 6
    np.save("pictures.npy", (127 + 90 * np.sin(x / 3 + phase) * np.cos(y / 4 - phase)).astype(np.uint8))
    said = run(
        "train", "compressor", "pictures.npy", "-o", "c.safetensors", "--epochs", "3", "--random-state", "0",
        "--set", "quality=33", "--set", "recipe_options={'widths': [8]}",
    )  # fmt: skip
    assert said[0] == 0
    assert "not exactly" in said[1]
    return np.load("pictures.npy")


def test_images_are_coded_by_a_model_that_is_in_the_file(run, pictures):
    code, said, _ = run("compress", "pictures.npy", "-o", "x.nrw", "--model", "c.safetensors")
    assert code == 0
    shown = re.search(r"([\d.]+) bits per pixel, PSNR ([\d.]+) dB, MS-SSIM ([\d.]+), the model included", said)
    assert float(shown[1]) == pytest.approx(8 * Path("x.nrw").stat().st_size / pictures.size, abs=1e-3)
    assert 32 < float(shown[2]) < 38
    assert run("decompress", "x.nrw", "-o", "y.npy")[0] == 0
    error = np.mean((np.load("y.npy").astype(float) - pictures) ** 2)
    assert 10 * np.log10(255**2 / error) == pytest.approx(float(shown[2]), abs=0.01)
    assert "undamaged: 2 chunks" in run("verify", "x.nrw")[1]
    said = run("info", "x.nrw")[1]
    assert "in the file" in said
    assert "images by a learned model, not exactly" in said


def test_images_are_coded_by_a_model_that_is_kept_apart(run, pictures):
    assert run("compress", "pictures.npy", "-o", "x.nrw", "--model", "c.safetensors", "--no-embed")[0] == 0
    assert Path("x.nrw").stat().st_size < pictures.size / 8
    assert "apart: give it with --model" in run("info", "x.nrw")[1]
    for command in (("decompress", "x.nrw", "-o", "y.npy"), ("verify", "x.nrw")):
        code, _, complaint = run(*command)
        assert code == 2
        assert complaint.count("\n") == 1
        assert "only the same one can read it: none was given" in complaint
        assert run(*command, "--model", "c.safetensors")[0] == 0
    assert np.load("y.npy").shape == pictures.shape
    run("train", "compressor", "pictures.npy", "-o", "d.safetensors", "--epochs", "1", "--set", "quality=20")
    code, _, complaint = run("verify", "x.nrw", "--model", "d.safetensors")
    assert code == 2
    assert "another one was given" in complaint


def test_exact_images_are_primed_by_a_model_that_is_kept_apart(run):
    images = load_digits().images.astype(np.uint8)[:650]
    np.save("a.npy", images[:600])
    np.save("b.npy", images[600:])
    code, said, _ = run("train", "compressor", "a.npy", "-o", "p.safetensors")
    assert code == 0
    assert "primed with" in said
    assert run("compress", "b.npy", "-o", "x.nrw", "--model", "p.safetensors", "--no-embed")[0] == 0
    assert run("compress", "b.npy", "-o", "y.nrw", "--model", "p.safetensors")[0] == 0
    assert Path("x.nrw").stat().st_size < Path("y.nrw").stat().st_size
    assert run("decompress", "x.nrw", "-o", "c.npy", "--model", "p.safetensors")[0] == 0
    np.testing.assert_array_equal(np.load("c.npy"), images[600:])
    assert run("decompress", "y.nrw", "-o", "d.npy")[0] == 0
    np.testing.assert_array_equal(np.load("d.npy"), images[600:])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["compress", "x.npy", "-o", "x.nrw", "--model", "m.safetensors"], "a model of the class Autoencoder"),
        (["compress", "x.npy", "-o", "x.nrw", "--model", "none.safetensors"], "there is no model file"),
        (["train", "compressor", "x.npy", "-o", "c.safetensors", "--set", "quality=30"], "a quality is for images"),
        (["train", "compressor", "x.npy", "-o", "c.safetensors", "--recipe", "deep"], "its own recipe"),
        (["train", "compressor", "images.npy", "-o", "c.safetensors", "--set", "quality=3"], "from 15 to 50"),
    ],
)
def test_mistakes_with_models_are_told_in_one_sentence(run, words, complaint):
    code, _, said = run(*words)
    assert code == 2
    assert re.search(complaint, said)
    assert said.count("\n") == 1
