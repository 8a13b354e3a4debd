"""The same code on a GPU, where there is one."""

import numpy as np
import pytest
import torch

import narrows

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


@pytest.mark.parametrize("recipe", ["deep", "convolutional", "variational", "contractive"])
def test_a_model_trained_on_a_gpu_works_anywhere(recipe, digits, tmp_path):
    X = digits.images.astype(np.float32)
    ae = narrows.Autoencoder(recipe=recipe, latent_dim=8, epochs=5, device="cuda", random_state=0, verbose=0).fit(X)
    assert ae.history_[-1]["held_out"]["error"] < ae.history_[0]["held_out"]["error"]
    Z = ae.transform(X)
    ae.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors").set_params(device="cpu")
    assert np.allclose(again.transform(X), Z, atol=1e-3)


def test_checkpoints_resume_on_a_gpu(digits, tmp_path):
    options = {"latent_dim": 4, "epochs": 4, "device": "cuda", "random_state": 0, "verbose": 0}
    whole = narrows.Autoencoder(**options).fit(digits.data)
    for _ in range(2):
        resumed = narrows.Autoencoder(**options, checkpoint=tmp_path).fit(digits.data)
    assert np.array_equal(resumed.transform(digits.data), whole.transform(digits.data))
