"""Images that come back exactly, foretold by a model of others: what is smaller for it, and who can read it."""

import os
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import narrows
from narrows.core.errors import FileError
from narrows.core.trace import View
from narrows.tasks import lossless
from narrows.tasks.compression import Plan, to_bytes
from narrows.training.fit import Request

GOLDEN = Path(__file__).parents[1] / "golden"


DIGITS = load_digits().images.astype(np.uint8)
OPTIONS = {"recipe_options": {"widths": (16,)}, "random_state": 0, "verbose": 0}


def tinted(digits):
    """Digits in three colours."""
    return np.stack([digits, 3 * digits + 5, 255 - 9 * digits], -1)


@pytest.fixture(scope="module")
def grey():
    return narrows.Compressor(effort="max", epochs=60, **OPTIONS).fit(DIGITS[:1400])


@pytest.fixture(scope="module")
def coloured():
    return narrows.Compressor(effort="max", epochs=1, **OPTIONS).fit(tinted(DIGITS[:1400]))


NEW = DIGITS[1400:]


def alone(images):
    return len(to_bytes(images, Plan.of(0, "max")))


def test_images_of_the_kind_come_back_from_fewer_bytes(grey):
    data = grey.compress(NEW)
    assert np.array_equal(grey.decompress(data), NEW)
    assert len(data) < 0.95 * alone(NEW)


def test_channels_may_come_first_and_numbers_be_of_any_type(grey, coloured):
    few = tinted(NEW[:50])
    for compressor, images in (
        (coloured, few),
        (coloured, np.moveaxis(few, 3, 1).astype(">f4")),
        (grey, NEW[:50, :, :, None].astype(np.int64)),
    ):
        data = compressor.compress(images)
        back = compressor.decompress(data)
        assert back.dtype == images.dtype
        assert back.tobytes() == images.tobytes()


def test_the_bytes_are_those_of_the_likelihood(monkeypatch):
    kept = {}

    def caught(*args):
        kept["module"] = found = real(*args)
        return found

    real = lossless.fit
    monkeypatch.setattr(lossless, "fit", caught)
    found = lossless.learn(tinted(DIGITS[:1000]), Request(epochs=2, options={"widths": (8,)}, seed=0))
    module, images = kept["module"].module, tinted(NEW)
    view = View(torch.from_numpy(np.moveaxis(images, 3, 1).astype(np.float32) / 255))
    with torch.no_grad():
        trace = module(view, None)
        nats = trace.prediction.distortion(view.x, None).sum() + trace.code.rate.sum()
    promised = float(nats) / np.log(2) / 8
    assert 0.98 * promised < len(found.encode(images.astype(np.int64))) < 1.02 * promised


def test_other_images_are_compressed_by_themselves(grey):
    for images in (NEW[:, :7], NEW.astype(np.int64) * 1000, np.zeros((0, 8, 8), np.uint8), NEW[0, 0]):
        assert grey.decompress(grey.compress(images)).tobytes() == images.tobytes()


def test_without_the_model_nobody_can_read_it(grey, tmp_path):
    grey.compress(NEW, tmp_path / "x.nrw", embed=False)
    with pytest.raises(FileError, match="none was given"):
        narrows.decompress(tmp_path / "x.nrw")
    assert np.array_equal(grey.decompress(tmp_path / "x.nrw"), NEW)


def test_a_file_holds_the_model_only_where_that_pays(grey, tmp_path, monkeypatch):
    held = len(grey.lossless_.model.packed)
    unheld = grey.compress(NEW, tmp_path / "alone.nrw")
    assert len(grey.compress(NEW)) < unheld < len(grey.compress(NEW)) + held
    monkeypatch.setattr("narrows.estimators.compressor.pays", lambda *_: True)
    size = grey.compress(NEW, tmp_path / "held.nrw")
    for name, embedded in (("alone", False), ("held", True)):
        with narrows.open_compressed(tmp_path / f"{name}.nrw") as file:
            assert file.embedded == embedded
            assert np.array_equal(file.read(), NEW)
            assert np.array_equal(file[70:72], NEW[70:72])
    assert held < size - len(grey.compress(NEW)) < held + 100


def test_it_comes_back_from_its_file(grey, tmp_path):
    grey.save(tmp_path / "c.safetensors")
    again = narrows.load(tmp_path / "c.safetensors")
    assert again.compress(NEW) == grey.compress(NEW)
    assert np.array_equal(again.decompress(grey.compress(NEW)), NEW)


def test_another_process_with_two_threads_reads_the_same():
    code = "import sys, torch, narrows, hashlib; torch.set_num_threads(2); x = narrows.decompress(sys.argv[1]);"
    code += "print(hashlib.sha256(x.tobytes()).hexdigest())"
    settings = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(GOLDEN / "lossless1.nrw")],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == sha256(np.load(GOLDEN / "lossless1.npy").tobytes()).hexdigest()


def test_the_golden_file_stays_readable():
    with narrows.open_compressed(GOLDEN / "lossless1.nrw") as file:
        assert [chunk.method for chunk in file.methods()] == ["pixels by those before them, by a learned model"]
    assert np.array_equal(narrows.decompress(GOLDEN / "lossless1.nrw"), np.load(GOLDEN / "lossless1.npy"))


def test_damage_is_found(tmp_path):
    whole, expected = (GOLDEN / "lossless1.nrw").read_bytes(), np.load(GOLDEN / "lossless1.npy")
    rng = np.random.default_rng(0)
    for place in rng.choice(len(whole), 150, replace=False):
        broken = bytearray(whole)
        broken[place] ^= 1 << rng.integers(8)
        (tmp_path / "x.nrw").write_bytes(broken)
        with suppress(FileError):
            assert np.array_equal(narrows.decompress(tmp_path / "x.nrw"), expected)


def test_few_or_large_images_are_not_learned():
    assert lossless.learnable(DIGITS[:900]) is None
    assert lossless.learnable(np.arange(3 * 256 * 256, dtype=np.uint8).reshape(3, 256, 256)) is None
    assert lossless.learnable(np.random.default_rng(0).normal(size=(400, 20, 20))) is None
    assert lossless.learnable(DIGITS.astype(np.float64)).dtype == np.uint8
