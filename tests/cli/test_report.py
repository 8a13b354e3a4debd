"""The page on a model and data."""

import re

import numpy as np
import pandas as pd
import pytest

import narrows
from narrows.cli.main import main


def run(*words):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits):
    made = tmp_path_factory.mktemp("report")
    np.save(made / "digits.npy", digits.images[:200].astype(np.float32))
    np.save(made / "rows.npy", digits.data[:200])
    options = {"epochs": 1, "latent_dim": 3, "recipe": "deep", "random_state": 0, "verbose": 0}
    narrows.Autoencoder(**options).fit(digits.images[:200]).save(made / "digits.safetensors")
    narrows.Autoencoder(**options).fit(digits.data[:200]).save(made / "rows.safetensors")
    return made


@pytest.mark.parametrize(("name", "pictures"), [("digits", 6), ("rows", 3)])
def test_the_page_holds_all_it_needs(folder, name, pictures, tmp_path):
    assert run("report", folder / f"{name}.safetensors", folder / f"{name}.npy", "-o", tmp_path / "r.html") == 0
    page = (tmp_path / "r.html").read_text()
    assert len(re.findall(r'<img src="data:image/png;base64,', page)) == pictures
    assert "http" not in page
    assert "<script" not in page
    for words in ("hash of the data", "PCA", "the mean", "Training", "effective rank", "seed"):
        assert words in page


def test_a_table_is_judged_by_its_hidden_cells(tmp_path):
    draw = np.random.default_rng(0)
    kinds = draw.choice(["a", "b"], 120)
    rows = pd.DataFrame({"kind": kinds, "far": np.where(kinds == "a", 0.0, 9.0) + draw.normal(size=120)})
    rows.loc[::10, "far"] = None
    rows.to_csv(tmp_path / "rows.csv", index=False)
    narrows.Autoencoder(latent_dim=1, epochs=1, random_state=0, verbose=0).fit(rows).save(tmp_path / "m.safetensors")
    assert run("report", tmp_path / "m.safetensors", tmp_path / "rows.csv", "-o", tmp_path / "r.html") == 0
    page = (tmp_path / "r.html").read_text()
    for words in ("120 rows of 2 columns", "12 values", "median or mode", "share wrong", "absolute", "as a share"):
        assert words in page


def test_the_errors_are_those_of_the_reconstructions(folder, tmp_path):
    run("report", folder / "rows.safetensors", folder / "rows.npy", "-o", tmp_path / "r.html")
    X, ae = np.load(folder / "rows.npy"), narrows.load(folder / "rows.safetensors")
    error = np.square(ae.reconstruct(X) - X).mean()
    assert f"<td>{error:.5g}</td>" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(("recipe", "pictures"), [("variational", 4), ("vq", 4), ("conditional", 2)])
def test_the_page_of_a_generator_shows_samples_ways_and_numbers(folder, digits, recipe, pictures, tmp_path):
    X = np.load(folder / "digits.npy")
    small = {"network": "mlp", "widths": [16]}
    model = narrows.Generator(recipe=recipe, latent_dim=4, epochs=1, recipe_options=small, random_state=0, verbose=0)
    model.fit(X, digits.target[:200] if recipe == "conditional" else None).save(tmp_path / "g.safetensors")
    assert run("report", tmp_path / "g.safetensors", folder / "digits.npy", "-o", tmp_path / "r.html") == 0
    page = (tmp_path / "r.html").read_text()
    assert len(re.findall(r'<img src="data:image/png;base64,', page)) == pictures
    assert ("nats a sample" in page) == (recipe == "variational")
    for words in ("coverage", "kernel distance", "hash of the data", "Training"):
        assert words in page


def test_wrong_use_is_one_sentence(folder, tmp_path, capsys):
    assert run("report", folder / "digits.safetensors", folder / "rows.npy", "-o", tmp_path / "r.html") == 2
    assert run("report", folder / "digits.safetensors", folder / "digits.npy", "-o", tmp_path / "r.pdf") == 2
    assert run("report", folder / "nothing.safetensors", folder / "rows.npy", "-o", tmp_path / "r.html") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 3
    assert all(line.startswith("narrows: ") for line in lines)
    assert not list(tmp_path.iterdir())
