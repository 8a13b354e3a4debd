"""Convolutional codes of CIFAR-10: test cross-entropy and squared error beside PCA of the same size.

Trains `narrows.Autoencoder(recipe="convolutional")` on 20,000 images and judges it on 5,000 others, for codes of 256
and 64 numbers. Predictions are clipped to [0.001, 0.999] in every row. The floor is the entropy of the pixels: no
prediction can have a smaller cross-entropy.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA

import narrows
from common import DATA, cifar10, machine, table, write_between
from narrows.metrics import binary_cross_entropy, mean_squared_error, nearest_neighbour_accuracy


def labels(data: Path, part: str) -> np.ndarray:
    return np.load(data / "images" / "cifar10" / f"cifar10_{part}_jpegbytes.npz")["y"]


def row(name: str, size: object, minutes: object, x: np.ndarray, p: np.ndarray, accuracy: object) -> list[str]:
    p = np.clip(p, 1e-3, 1 - 1e-3)
    return [
        name,
        str(size),
        f"{binary_cross_entropy(x, p):.4f}",
        f"{mean_squared_error(x, p):.5f}",
        accuracy if isinstance(accuracy, str) else f"{accuracy:.4f}",
        minutes if isinstance(minutes, str) else f"{minutes:.1f}",
    ]


def compare(size: int, train: np.ndarray, y: np.ndarray, test: np.ndarray, y_test: np.ndarray, minutes: float) -> list:
    x = test / 255.0
    began = time.perf_counter()
    flat, asked = train.reshape(len(train), -1) / 255.0, x.reshape(len(x), -1)
    pca = PCA(size, svd_solver="randomized", random_state=0).fit(flat)
    known, codes = pca.transform(flat), pca.transform(asked)
    rebuilt = pca.inverse_transform(codes).reshape(x.shape)
    taken = (time.perf_counter() - began) / 60
    rows = [row("PCA", size, taken, x, rebuilt, nearest_neighbour_accuracy(known, y, codes, y_test))]
    began = time.perf_counter()
    ae = narrows.Autoencoder(
        recipe="convolutional",
        latent_dim=size,
        epochs=60,
        patience=None,
        max_time=60 * minutes,
        random_state=0,
        verbose=1,
    ).fit(train)
    taken = (time.perf_counter() - began) / 60
    rebuilt = ae.reconstruct(x.astype(np.float32) * 255) / 255.0
    accuracy = nearest_neighbour_accuracy(ae.transform(train), y, ae.transform(test), y_test)
    epochs = ae.history_[-1]["epoch"]
    return [*rows, row(f"narrows, convolutional, {epochs} epochs", size, taken, x, rebuilt, accuracy)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 64])
    parser.add_argument("--minutes", type=float, default=25.0, help="time for each model")
    asked = parser.parse_args()
    if not (asked.data / "images" / "cifar10").is_dir():
        raise SystemExit("skipped: CIFAR-10 is not there, say where by --data")
    train, test = cifar10(asked.data), cifar10(asked.data, "test_5k")
    y, y_test = labels(asked.data, "train_20k"), labels(asked.data, "test_5k")
    x = test / 255.0
    rows = [row("the pixels themselves (floor)", "-", "-", x, x, "-")]
    rows.append(row("training mean", "-", "-", x, np.broadcast_to(train.mean(0) / 255.0, x.shape), "-"))
    for size in asked.sizes:
        rows += compare(size, train, y, test, y_test, asked.minutes)
    head = ["model", "code", "test BCE (nats/value)", "test MSE", "1-NN accuracy", "minutes"]
    found = table(head, rows)
    print(found)
    write_between("cifar10", f"{machine()}; 20,000 training and 5,000 test images.\n\n{found}")


if __name__ == "__main__":
    main()
