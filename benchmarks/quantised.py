"""Quantised codes of MNIST: what they keep in some 64 bits, and how much of their codebooks is in use.

    python benchmarks/quantised.py [--data ../shared/data] [--rows 10000] [--epochs 15]

Fully connected networks of 256 and 128 units; squared error of test images with pixels in [0, 1]. PCA stands beside
them with the same number of dimensions, which it keeps exactly, and with eight dimensions of eight bits each.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

import narrows
from common import DATA, load, machine, table, write_between
from narrows import metrics

MODELS: dict[str, tuple[int, dict[str, Any]]] = {
    "vq": (32, {"name": "vector_quantizer", "codes": 256}),
    "vq, cosine": (32, {"name": "vector_quantizer", "codes": 256, "cosine": True}),
    "vq, no restart": (32, {"name": "vector_quantizer", "codes": 256, "restart": False}),
    "residual_vq": (32, {"name": "residual_quantizer", "codes": 256}),
    "fsq": (24, {"name": "fsq", "codes": 256}),
    "plain": (32, {"name": "plain"}),
}
"""Size of the code and bottleneck of each."""


def pca_rows(x: np.ndarray, x_test: np.ndarray) -> list[list[str]]:
    """PCA, exact and rounded to 256 levels in each dimension."""
    pca = PCA(32, svd_solver="randomized", random_state=0).fit(x)
    z, z_test = pca.transform(x), pca.transform(x_test)
    rows = []
    for dims, bits in ((32, None), (24, None), (8, 8)):
        kept = z_test[:, :dims]
        if bits is not None:
            low, step = z[:, :dims].min(0), np.ptp(z[:, :dims], axis=0) / 2**bits
            kept = low + step * (np.clip((kept - low) // step, 0, 2**bits - 1) + 0.5)
        back = kept @ pca.components_[:dims] + pca.mean_
        label = "exact" if bits is None else str(dims * bits)
        rows.append([f"PCA, {dims} dimensions", label, f"{metrics.mean_squared_error(x_test, back):.5f}", "", ""])
    return rows


def model_row(name: str, x: np.ndarray, x_test: np.ndarray, epochs: int) -> list[str]:
    """One recipe."""
    size, bottleneck = MODELS[name]
    options = {"bottleneck": bottleneck, "network": {"name": "mlp", "widths": [256, 128]}}
    ae = narrows.Autoencoder(recipe="composed", latent_dim=size, recipe_options=options, epochs=epochs)
    ae.set_params(random_state=0, verbose=0, device="cpu").fit(x)
    error = f"{metrics.mean_squared_error(x_test / 255, ae.reconstruct(x_test) / 255):.5f}"
    if name == "plain":
        return [f"{name}, {size} dimensions", "exact", error, "", ""]
    sizes, symbols = ae.module_.bottleneck.sizes, ae.indices(x_test)
    perplexity = np.median(metrics.perplexity(symbols))
    used = [f"{metrics.codebook_use(symbols, sizes):.1%}", f"{perplexity:.0f} of {max(sizes)}"]
    return [f"{name}, {size} dimensions", f"{np.log2(sizes).sum():.0f}", error, *used]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, default=DATA)
    asked.add_argument("--rows", type=int, default=10_000)
    asked.add_argument("--epochs", type=int, default=15)
    given = asked.parse_args()
    found = given.data / "images" / "mnist.npz"
    if not found.exists():
        print(f"skipped: there is no {found.name}")
        return
    mnist = np.load(found)
    x, x_test = (mnist[part].reshape(-1, 784) for part in ("x_train", "x_test"))
    x = x[: given.rows]
    rows = pca_rows(x / np.float32(255), x_test / np.float32(255))
    for name in MODELS:
        rows.append(model_row(name, x, x_test, given.epochs))
        print(*rows[-1], sep="  ", flush=True)
    head = ["code", "bits", "squared error", "entries in use", "perplexity, median"]
    how = f"{machine()}; load {load()} at the end; {len(x)} training images, {given.epochs} epochs, one seed."
    write_between("quantised", f"{how}\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()
