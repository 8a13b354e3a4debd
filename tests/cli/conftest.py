"""A folder with small data and a model in it, and `narrows` called within the process."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

import narrows
from narrows.cli.main import main


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Files that commands read."""
    folder = tmp_path_factory.mktemp("cli")
    iris = load_iris().data
    np.save(folder / "x.npy", iris)
    np.save(folder / "five.npy", np.c_[iris, iris[:, 0]])
    np.save(folder / "gaps.npy", np.where(iris > 7, np.nan, iris))
    np.save(folder / "infinite.npy", np.where(iris > 7, np.inf, iris))
    np.savetxt(folder / "x.csv", iris, delimiter=",", header="a,b,c,d", comments="")
    (folder / "ragged.csv").write_text("a,b,c\n1,2,3\n4,5\n")
    (folder / "text.csv").write_text("a,b,c,d\n1,2,3,red\n")
    np.save(folder / "images.npy", np.random.RandomState(0).randint(0, 256, (20, 6, 6), dtype=np.uint8))
    narrows.Autoencoder(epochs=1, random_state=0, verbose=0).fit(iris).save(folder / "m.safetensors")
    whole = (folder / "m.safetensors").read_bytes()
    (folder / "short.safetensors").write_bytes(whole[: len(whole) // 2])
    (folder / "spoiled.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (folder / "newer.safetensors").write_bytes(whole.replace(b'\\"format\\": 1,', b'\\"format\\": 9,', 1))
    (folder / "foreign.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    return folder


@pytest.fixture
def run(prepared, tmp_path, monkeypatch, capsys):
    """Call `narrows` in an empty folder beside the prepared files: exit code, output, error."""
    for path in prepared.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as exit_:
            main(words)
        said = capsys.readouterr()
        return exit_.value.code, said.out, said.err

    return call
