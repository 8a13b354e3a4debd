"""Few labels: `PretrainedClassifier` beside the same network on the labels alone, and classifiers on codes or pixels.

    python benchmarks/pretrained.py [--parts labels codes] [--rows 20000] [--epochs 20] [--seeds 0] [--dry]

So many training images of MNIST and Fashion-MNIST come without labels, 100 or 1,000 of them with; accuracy on the
10,000 test images. The network on the labels alone has the same layers, its weights drawn anew, and is shown where the
test images themselves like it best, which flatters it.

Then a softmax regression, a network of 256 hidden units and support vectors learn all labels, from pixels and from the
codes of an autoencoder that has seen none: how good pixels make them, and how soon codes make them as good. The
autoencoder's own seconds come first, once for any number of classifiers.
"""

from __future__ import annotations

import argparse
import time
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.svm import SVC
from torch import Generator, Tensor, nn

import narrows
from common import DATA, load, machine, spread, table, write_between
from narrows.networks.layers import initialise

FILES = {"MNIST": "mnist", "Fashion-MNIST": "fashion_mnist"}
LABELS = (100, 1000)
NEAR = "neighbour_preserving"
CODES: dict[str, tuple[int, dict[str, object]]] = {
    NEAR: (10, {"network": "mlp", "widths": [512, 256]}),
    "contrastive": (48, {"network": "mlp", "linear_path": False}),
}
"""The size of the code and the network, by recipe."""
STEPS, BATCH, RATE = 1000, 128, 1e-3
PASSES = 20
"""Over all labels."""
Images = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def options(recipe: str, epochs: int, seed: int) -> dict[str, object]:
    """Of every autoencoder."""
    size, own = CODES[recipe]
    usual = {"recipe": recipe, "latent_dim": size, "epochs": epochs, "random_state": seed, "verbose": 0}
    return usual | {"recipe_options": own, "device": "cpu"}


def shown(data: Path, name: str, rows: int) -> Images:
    """Training images and labels, so many, and those of the test."""
    found = np.load(data / "images" / f"{FILES[name]}.npz")
    return found["x_train"][:rows], found["y_train"][:rows], found["x_test"], found["y_test"]


def right(net: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of samples whose class is guessed."""
    with torch.no_grad():
        return float((net.eval()(x).argmax(1) == y).float().mean())


def from_labels_alone(net: nn.Module, x: Tensor, y: Tensor, x_test: Tensor, y_test: Tensor, seed: int) -> float:
    """Accuracy of a network trained on these labels alone, at the look that is best on the test images."""
    order, best = Generator().manual_seed(seed), 0.0
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.1)
    for step in range(STEPS):
        rows = torch.randint(len(x), (BATCH,), generator=order)
        optimizer.zero_grad()
        F.cross_entropy(net.train()(x[rows]), y[rows]).backward()
        optimizer.step()
        if step % 50 == 49:
            best = max(best, right(net, x_test, y_test))
    return best


def few_labels(images: Images, labels: int, epochs: int, seed: int) -> list[float]:
    """Accuracy with all images and few labels, and of the same network with those labels alone."""
    x, y, x_test, y_test = images
    draw, few = np.random.default_rng(seed), np.full(len(y), -1)
    each = labels // 10
    rows = np.concatenate([draw.choice(np.flatnonzero(y == c), each, replace=False) for c in range(10)])
    few[rows] = y[rows]
    ours = narrows.PretrainedClassifier(**options(NEAR, epochs, seed)).fit(x, few)
    encoder = narrows.Autoencoder(**options(NEAR, 1, seed)).fit(x[:500]).encoder_module()
    net = nn.Sequential(encoder, nn.Linear(CODES[NEAR], 10))
    with torch.no_grad():
        initialise(net, Generator().manual_seed(seed))
    given = [torch.from_numpy(part) for part in (x[rows], y[rows].astype(np.int64), x_test, y_test.astype(np.int64))]
    return [100 * ours.score(x_test, y_test), 100 * from_labels_alone(net, *given, seed)]


def learned(net: nn.Module, data: list[Tensor], enough: float | None, seed: int) -> tuple[float, float, float]:
    """The best accuracy over the passes, processor seconds of them all, and those until it was `enough`."""
    x, y, x_test, y_test = data
    order, best, spent, reached = Generator().manual_seed(seed), 0.0, 0.0, float("inf")
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.01)
    for _ in range(PASSES):
        for part in torch.randperm(len(x), generator=order).split(len(x) // 10):
            began = time.process_time()
            for rows in part.split(BATCH):
                optimizer.zero_grad()
                F.cross_entropy(net.train()(x[rows]), y[rows]).backward()
                optimizer.step()
            spent += time.process_time() - began
            best = max(best, right(net, x_test, y_test))
            if enough is not None and best >= enough:
                return best, spent, spent
    return best, spent, reached


def compared(best: float, raw: float, most: float, reached: float) -> list[str]:
    """Accuracy from pixels and from codes in percent, the seconds to that of pixels, and their ratio."""
    shares = [f"{100 * share:.2f}" for share in (best, most)]
    times = ["not reached", ""] if reached == float("inf") else [f"{reached:.2f}", f"{raw / reached:.1f}"]
    return [*shares, f"{raw:.2f}", *times]


def by_kernel(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> tuple[float, float]:
    """Accuracy of support vectors with radial kernels, and processor seconds of their training."""
    began = time.process_time()
    made = SVC(C=10, gamma="scale").fit(x, y)
    spent = time.process_time() - began
    return float(made.score(x_test, y_test)), spent


def on_codes(images: Images, epochs: int, seed: int) -> list[list[str]]:
    """A line for each classifier: accuracy from pixels and its seconds, and codes' seconds to that."""
    x, y, x_test, y_test = images
    began = time.process_time()
    ae = narrows.Autoencoder(**options("contrastive", epochs, seed)).fit(x)
    before = time.process_time() - began
    z, z_test = (ae.transform(part) for part in (x, x_test))
    shift, scale = z.mean(0), z.std(0) + 1e-6
    truth = [torch.from_numpy(part.astype(np.int64)) for part in (y, y_test)]
    pixels = [torch.from_numpy(part.reshape(len(part), -1) / np.float32(255)) for part in (x, x_test)]
    coded = [torch.from_numpy((part - shift) / scale) for part in (z, z_test)]
    lines = []
    for name, hidden in (("softmax regression", 0), ("256 hidden units", 256)):

        def fresh(width: int, hidden: int = hidden) -> nn.Module:
            torch.manual_seed(seed)
            layers = [nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, 10)] if hidden else [nn.Linear(width, 10)]
            return nn.Sequential(*layers)

        known = [[a[0], truth[0], a[1], truth[1]] for a in (pixels, coded)]
        best, _, _ = learned(fresh(784), known[0], None, seed)
        _, raw, _ = learned(fresh(784), known[0], best, seed)
        most, _, reached = learned(fresh(z.shape[1]), known[1], best, seed)
        lines.append([name, *compared(best, raw, most, reached), f"{before:.0f}"])
    flat = [(part.numpy(), part_test.numpy()) for part, part_test in (pixels, coded)]
    (best, raw), (most, spent) = (by_kernel(part, y, part_test, y_test) for part, part_test in flat)
    reached = spent if most >= best else float("inf")
    lines.append(["support vectors", *compared(best, raw, most, reached), f"{before:.0f}"])
    return lines


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", type=Path, default=DATA)
    asked.add_argument("--rows", type=int, default=20_000)
    asked.add_argument("--epochs", type=int, default=20)
    asked.add_argument("--seeds", type=int, nargs="+", default=[0])
    asked.add_argument("--parts", nargs="+", choices=["labels", "codes"], default=["labels", "codes"])
    asked.add_argument("--dry", action="store_true", help="print the tables, leave README.md as it is")
    given = asked.parse_args()
    how = f"{machine()}; {given.rows:,} images, {given.epochs} epochs, {len(given.seeds)} seeds; processor seconds"
    if "labels" in given.parts:
        rows = []
        for name, labels in product(FILES, LABELS):
            images = shown(given.data, name, given.rows)
            both = [few_labels(images, labels, given.epochs, seed) for seed in given.seeds]
            gained = [a - b for a, b in both]
            rows.append([name, f"{labels:,}", *map(spread, (*zip(*both, strict=True), gained))])
            print(*rows[-1], sep="  ", flush=True)
        text = table(["images", "labels", "PretrainedClassifier, %", "the labels alone, %", "gained"], rows)
        if not given.dry:
            write_between("pretrained-labels", f"{how}; load {load()} at the end.\n\n{text}")
    if "codes" in given.parts:
        rows = []
        for name in FILES:
            for line in on_codes(shown(given.data, name, given.rows), given.epochs, given.seeds[0]):
                rows.append([name, *line])
                print(*rows[-1], sep="  ", flush=True)
        head = ["images", "classifier", "pixels, %", "codes, %", "pixels, s to that", "codes, s to that", "ratio"]
        text = table([*head, "autoencoder, s"], rows)
        if not given.dry:
            write_between("pretrained-codes", f"{how}; load {load()} at the end.\n\n{text}")


if __name__ == "__main__":
    main()
