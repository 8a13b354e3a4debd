"""Files of tensors: whole or refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_iris

import narrows
from narrows.data import tensor_file


@pytest.fixture
def model(table, tmp_path):
    path = tmp_path / "m.safetensors"
    narrows.Autoencoder(latent_dim=2, epochs=1, random_state=0, verbose=0).fit(table).save(path)
    return path


def rewrite(path, change):
    """The same file with another document, its checksum made to fit."""
    with tensor_file.safe_open(path, framework="pt") as file:
        document = json.loads(file.metadata()["narrows"])
    tensors = load_file(path)
    document = change(document, tensors) or document
    text = json.dumps(document, sort_keys=True)
    save_file(tensors, path, {"narrows": text, "sha256": tensor_file._digest(text, tensors)})


def refuses(path, message):
    with pytest.raises(narrows.FileError, match=message) as caught:
        narrows.load(path)
    assert "\n" not in str(caught.value)


def test_missing(tmp_path):
    refuses(tmp_path / "none.safetensors", "there is no model file")


@pytest.mark.parametrize("keep", [0, 1, 7, 100, 0.5, 0.999])
def test_truncated(model, keep):
    content = model.read_bytes()
    model.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    refuses(model, "is no model file of narrows, or it is damaged")


def test_every_flipped_bit_is_noticed(model):
    content = model.read_bytes()
    for place in np.random.RandomState(0).randint(0, len(content), 60):
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << (place % 8)
        model.write_bytes(spoilt)
        with pytest.raises(narrows.FileError):
            narrows.load(model)


def test_foreign(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "foreign.safetensors")
    refuses(tmp_path / "foreign.safetensors", "narrows did not write it")
    (tmp_path / "text.safetensors").write_text("a poem")
    refuses(tmp_path / "text.safetensors", "is no model file")


def test_newer(model):
    rewrite(model, lambda document, tensors: {**document, "format": 99})
    refuses(model, "has format 99, newer than format 1 of this version: upgrade narrows")


def test_another_kind(model):
    rewrite(model, lambda document, tensors: {**document, "kind": "checkpoint"})
    refuses(model, "is a checkpoint file of narrows, not a model file")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, t: {**d, "estimator": "os.system"}, "does not know"),
        (lambda d, t: d["chosen"].update(recipe="evil"), "cannot be rebuilt: unknown recipe 'evil'"),
        (lambda d, t: d["chosen"].update(latent_dim=10**9), "its tensors are not those of its recipe"),
        (lambda d, t: d["chosen"].update(latent_dim="many"), "cannot be rebuilt"),
        (lambda d, t: d["chosen"]["options"].update(widths=[10**7, 10**7]), "its tensors are not those of its recipe"),
        (lambda d, t: d["chosen"]["options"].update(activation="system"), "unknown activation"),
        (lambda d, t: d["schema"].pop("layout"), "lacks or garbles"),
        (lambda d, t: d["schema"]["spec"].update(kind="smell"), "cannot be rebuilt: unknown kind"),
        (lambda d, t: d["params"].update(evil=1), "lacks or garbles"),
        (lambda d, t: t.pop("schema.shift") is None, "lacks or garbles"),
        (lambda d, t: t.pop("module.decoder.linear.bias") is None, "its tensors are not those"),
    ],
    ids=range(11),
)
def test_hostile_documents_allocate_and_run_nothing(model, change, message):
    def keep(document, tensors):
        changed = change(document, tensors)
        return changed if isinstance(changed, dict) and "format" in changed else None

    rewrite(model, keep)
    refuses(model, message)


def test_a_folder_that_does_not_exist(table, tmp_path):
    ae = narrows.Autoencoder(latent_dim=2, epochs=1, verbose=0).fit(table)
    with pytest.raises(narrows.FileError, match=r"folder .*nowhere does not exist"):
        ae.save(tmp_path / "nowhere" / "m.safetensors")


def test_a_failed_write_leaves_the_old_file(model, monkeypatch):
    before = model.read_bytes()

    ae = narrows.load(model)

    def full(path, content):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(narrows.FileError, match="No space left on device"):
        ae.save(model)
    assert model.read_bytes() == before
    assert list(model.parent.iterdir()) == [model]


def test_tied_weights_are_saved_once(table, tmp_path):
    ae = narrows.Autoencoder(latent_dim=2, epochs=1, verbose=0, recipe_options={"tied": True}).fit(table)
    ae.save(tmp_path / "m.safetensors")
    names = [name for name in load_file(tmp_path / "m.safetensors") if name.endswith("weight")]
    assert len(names) == 3
    again = narrows.load(tmp_path / "m.safetensors")
    assert np.array_equal(again.transform(table), ae.transform(table))
    assert again.module_.decoder.layers[-1].weight is again.module_.encoder.hidden[0].weight


def test_a_model_that_fell_back_to_pca_is_saved_as_what_it_is(tmp_path):
    draw = np.random.RandomState(0)
    X = (draw.randn(200, 3) @ draw.randn(3, 8) > 0).astype(float)
    ae = narrows.Autoencoder(latent_dim=4, epochs=1, learning_rate=1e-9, random_state=0, verbose=0).fit(X)
    assert ae.chosen_["likelihood"]["name"] == "normal"
    ae.save(tmp_path / "m.safetensors")
    assert np.array_equal(narrows.load(tmp_path / "m.safetensors").transform(X), ae.transform(X))


@pytest.mark.parametrize("version", range(1, tensor_file.FORMAT + 1))
def test_files_of_every_format_stay_readable(version):
    golden = Path(__file__).parents[1] / "golden"
    ae = narrows.load(golden / f"format{version}.safetensors")
    assert np.allclose(ae.transform(load_iris().data), np.load(golden / f"format{version}.codes.npy"), atol=1e-4)
