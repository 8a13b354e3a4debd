"""Commands that work: what they write and what they show."""

from pathlib import Path

import numpy as np
import pytest
from scipy import io, sparse

import narrows
from narrows.data.files import open_data

SHOWN = ("deep", "convolutional", "denoising", "variational")
QUICK = ("--epochs", "1", "--random-state", "0")


def test_train_writes_a_model_and_says_what_it_is(run):
    code, out, err = run("train", "autoencoder", "x.csv", "-o", "new.safetensors", *QUICK, "--latent-dim", "3")
    assert (code, err) == (0, "")
    assert "recipe deep" in out
    assert "3 numbers" in out
    assert narrows.load("new.safetensors").transform(open_data("x.csv")).shape == (150, 3)


def test_train_is_silent_when_asked(run):
    assert run("train", "autoencoder", "x.npy", "-o", "m2", *QUICK, "--verbose", "0") == (0, "", "")


def test_settings_reach_the_estimator_and_its_recipe(run):
    options = ("--recipe", "sparse", "--set", "weight=0.5", "--set", "batch_size=50", "--set", "widths=[8]")
    assert run("train", "autoencoder", "x.npy", "-o", "m2", *QUICK, *options)[0] == 0
    model = narrows.load("m2")
    assert model.recipe_options == {"weight": 0.5, "widths": [8]}
    assert model.chosen_["batch_size"] == 50


def test_checkpoints_are_kept_where_asked(run):
    assert run("train", "autoencoder", "x.npy", "-o", "m2", *QUICK, "--checkpoint", "moments")[0] == 0
    assert any(Path("moments").iterdir())


@pytest.mark.parametrize("name", ["z.npy", "z.npz", "z.csv", "z.parquet"])
def test_there_and_back(run, name):
    assert run("encode", "m.safetensors", "x.npy", "-o", name) == (0, "", "")
    assert run("decode", "m.safetensors", name, "-o", "y.npy")[0] == 0
    assert run("reconstruct", "m.safetensors", "x.npy", "-o", "r.npy") == (0, "", "")
    assert np.asarray(open_data(name)).shape == (150, 2)
    assert np.allclose(np.load("y.npy"), np.load("r.npy"), atol=1e-5)


def test_codes_have_names_in_tables(run):
    run("encode", "m.safetensors", "x.npy", "-o", "z.csv")
    assert list(open_data("z.csv").columns) == ["autoencoder0", "autoencoder1"]


def test_a_frame_comes_back_with_its_columns(run):
    run("train", "autoencoder", "x.csv", "-o", "m2", *QUICK)
    run("reconstruct", "m2", "x.csv", "-o", "y.csv")
    assert list(open_data("y.csv").columns) == ["a", "b", "c", "d"]


def test_images_come_back_as_a_folder(run):
    run("train", "autoencoder", "images.npy", "-o", "m2", *QUICK)
    assert run("reconstruct", "m2", "images.npy", "-o", "pictures") == (0, "", "")
    assert open_data("pictures").shape == (20, 6, 6)


def test_info_on_a_model(run):
    code, out, _ = run("info", "m.safetensors")
    assert code == 0
    for words in ("Autoencoder, recipe deep", "2 numbers", "a vector of 4", "best epoch", narrows.__version__, "bytes"):
        assert words in out


def test_info_on_data(run):
    code, out, _ = run("info", "x.csv")
    assert code == 0
    for words in ("150 rows, 4 columns", "number, 4.3 to 7.9", "a vector of 4", "deep", "2 numbers"):
        assert words in out
    assert "convolutional" in run("info", "images.npy")[1]


def test_info_on_data_with_gaps_says_so(run):
    code, out, _ = run("info", "gaps.npy")
    assert code == 0
    assert "2.0% missing" in out
    assert "recipe" in out


@pytest.mark.parametrize("name", ["sparse.npz", "sparse.mtx"])
def test_info_on_sparse_rows(run, name):
    draw = np.random.default_rng(0)
    made = sparse.random_array((30, 20), density=0.1, rng=draw, data_sampler=lambda size: draw.integers(1, 9, size))
    rows = made.astype(np.int64)
    sparse.save_npz(name, rows) if name.endswith("npz") else io.mmwrite(name, rows)
    code, out, _ = run("info", name)
    assert code == 0
    for words in ("30 x 20, sparse int64", "10.00%, 60 values", "0 to 8", "a vector of 20", "poisson"):
        assert words in out
    assert run("train", "autoencoder", name, "-o", "m2", *QUICK)[0] == 0
    assert "a vector of 20, sparse int64" in run("info", "m2")[1]
    assert run("encode", "m2", name, "-o", "z.npy") == (0, "", "")
    assert run("reconstruct", "m2", name, "-o", "y.npz") == (0, "", "")
    assert sparse.load_npz("y.npz").shape == (30, 20)


def test_recipes_are_listed(run):
    code, out, _ = run("recipes")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == sorted(narrows.recipes())


def test_the_demo_prints_a_table_and_writes_a_report_and_a_picture(run, monkeypatch):
    monkeypatch.setattr("narrows.cli.showcase.RECIPES", {name: {"widths": [8]} for name in SHOWN})
    code, out, err = run("demo", "--epochs", "1", "--picture", "demo.png")
    assert (code, err) == (0, "")
    table = [line.split() for line in out.splitlines() if line]
    assert [line[0] for line in table[:4]] == ["model", "the", "PCA", "deep"]
    assert Path("report.html").read_text().count("data:image/png;base64,") == 4
    assert open_data("demo.png").shape[0] == 1


@pytest.mark.slow
def test_the_demo_keeps_its_promises(run):
    _, out, _ = run("demo")
    errors = {line[:14].strip(): float(line[14:26]) for line in out.splitlines()[1:-2]}
    assert len(errors) == 10
    assert max(errors, key=errors.get) == "the mean"
    assert max(errors[name] for name in ("deep", "denoising", "sparse", "variational")) < errors["PCA"]
