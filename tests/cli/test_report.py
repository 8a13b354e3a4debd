"""The page on a model and data."""

import re

import numpy as np
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


def test_the_errors_are_those_of_the_reconstructions(folder, tmp_path):
    run("report", folder / "rows.safetensors", folder / "rows.npy", "-o", tmp_path / "r.html")
    X, ae = np.load(folder / "rows.npy"), narrows.load(folder / "rows.safetensors")
    error = np.square(ae.reconstruct(X) - X).mean()
    assert f"<td>{error:.5g}</td>" in (tmp_path / "r.html").read_text()


def test_wrong_use_is_one_sentence(folder, tmp_path, capsys):
    assert run("report", folder / "digits.safetensors", folder / "rows.npy", "-o", tmp_path / "r.html") == 2
    assert run("report", folder / "digits.safetensors", folder / "digits.npy", "-o", tmp_path / "r.pdf") == 2
    assert run("report", folder / "nothing.safetensors", folder / "rows.npy", "-o", tmp_path / "r.html") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 3
    assert all(line.startswith("narrows: ") for line in lines)
    assert not list(tmp_path.iterdir())
