"""`narrows train generator` and `narrows generate`: what they write, and what they refuse."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import narrows
from narrows.data.files import open_data

QUICK = ("--epochs", "1", "--random-state", "0", "--verbose", "0", "--set", "network=mlp")


@pytest.fixture(scope="session")
def generators(prepared):
    """Models that make samples, beside the other files."""
    options = {"epochs": 1, "random_state": 0, "verbose": 0, "recipe_options": {"network": "mlp"}}
    images = np.load(prepared / "images.npy")
    narrows.Generator(**options).fit(images).save(prepared / "images.safetensors")
    narrows.Generator(**options).fit(open_data(prepared / "x.csv")).save(prepared / "table.safetensors")
    labels = np.array(["odd", "even"])[np.arange(20) % 2]
    narrows.Generator(**options).fit(images, labels).save(prepared / "told.safetensors")
    return prepared


def test_there_is_a_job_for_it(run):
    assert run("train", "generator", "images.npy", "-o", "g.safetensors", *QUICK) == (0, "", "")
    assert narrows.load("g.safetensors").chosen_["recipe"] == "variational"
    assert run("generate", "g.safetensors", "-n", "3", "-o", "new.npy") == (0, "", "")
    assert np.load("new.npy").shape == (3, 6, 6)


def test_several_images_in_one_picture_are_a_sheet(generators, run):
    assert run("generate", "images.safetensors", "-o", "sheet.png", "--random-state", "0") == (0, "", "")
    with Image.open("sheet.png") as sheet:
        assert sheet.size == (8 * 50 - 2, 8 * 50 - 2)


def test_a_folder_gets_an_image_each(generators, run):
    assert run("generate", "images.safetensors", "-n", "3", "-o", "made")[0] == 0
    assert sorted(path.name for path in Path("made").iterdir()) == ["000000.png", "000001.png", "000002.png"]


@pytest.mark.parametrize("name", ["new.csv", "new.parquet"])
def test_tables_keep_their_columns(generators, run, name):
    assert run("generate", "table.safetensors", "-n", "5", "-o", name) == (0, "", "")
    assert open_data(name).shape == (5, 4)
    assert list(open_data(name).columns) == ["a", "b", "c", "d"]


def test_the_same_seed_writes_the_same_file(generators, run):
    for name in ("one.npy", "two.npy"):
        run("generate", "images.safetensors", "-n", "4", "-o", name, "--random-state", "7", "--temperature", "0.5")
    assert Path("one.npy").read_bytes() == Path("two.npy").read_bytes()


def test_samples_are_asked_for_by_label(generators, run):
    assert run("generate", "told.safetensors", "-n", "2", "-o", "odd.npy", "--label", "odd") == (0, "", "")
    assert np.load("odd.npy").shape == (2, 6, 6)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("m.safetensors", "-o", "new.npy"), "holds an estimator 'Autoencoder': 'narrows train generator' trains one"),
        (("images.safetensors", "-n", "0", "-o", "new.npy"), "n is the number of samples, at least 1, got 0"),
        (("images.safetensors", "-o", "new.xyz"), "unknown ending of new.xyz"),
        (("images.safetensors", "-o", "new.csv"), "would hold a table, but the data have shape"),
        (("images.safetensors", "-o", "new.npy", "--temperature", "-1"), "temperature is a number of at least 0"),
        (("images.safetensors", "-o", "new.npy", "--label", "odd"), "fitted without labels"),
        (("told.safetensors", "-o", "new.npy", "--label", "oddd"), "oddd"),
        (("told.safetensors", "-o", "new.npy"), "give labels here too"),
        (("nope.safetensors", "-o", "new.npy"), "nope.safetensors"),
    ],
)
def test_mistakes_end_in_one_sentence(generators, run, words, sentence):
    code, out, err = run("generate", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not Path("new.npy").exists()
