"""A hundred labels of MNIST: `semi_supervised` beside a supervised network of the same size on the same labels.

    python benchmarks/semi_supervised.py [--data ../shared/data] [--epochs 30] [--seeds 0 1 2] [--dry]

Ten labels of each digit are drawn among 50,000 training images, which all come without the others' labels; the error is
that on the 10,000 test images. The supervised network has the layers of the encoder and of the guess, learns from the
hundred labels until nothing is left to learn, and is also shown at the epoch that the test images themselves like best,
which flatters it.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import narrows
from common import DATA, load, machine, spread, table, write_between

ROWS = 50_000
EACH = 10
"""Labels of each digit."""
WIDTHS = [600, 600]
CODE = 50
ABOVE = 128
"""Hidden units between code and class."""


def labelled(y: np.ndarray, seed: int) -> np.ndarray:
    """Which rows have labels, (100,)."""
    draw = np.random.default_rng(seed)
    return np.sort(np.concatenate([draw.choice(np.flatnonzero(y == c), EACH, replace=False) for c in range(10)]))


def supervised(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray, seed: int) -> tuple[float, float]:
    """Test error of the same layers trained on the labels alone: in the end, and at the best of 500 steps."""
    torch.manual_seed(seed)
    sizes = [784, *WIDTHS, CODE, ABOVE, 10]
    maps = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    net = nn.Sequential(*[part for layer in maps for part in (layer, nn.SiLU())][:-1])
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.1)
    given, truth, asked = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64)), torch.from_numpy(x_test)
    errors = []
    for step in range(500):
        optimizer.zero_grad()
        F.cross_entropy(net(given), truth).backward()
        optimizer.step()
        if step % 25 == 24:
            with torch.no_grad():
                errors.append(float((net(asked).argmax(1).numpy() != y_test).mean()))
    return errors[-1], min(errors)


def ours(x: np.ndarray, y: np.ndarray, epochs: int, seed: int) -> narrows.PretrainedClassifier:
    """The recipe, told the labels that are not -1."""
    made = narrows.PretrainedClassifier(recipe="semi_supervised", latent_dim=CODE, unlabelled=-1)
    made.set_params(recipe_options={"widths": WIDTHS, "width": ABOVE}, likelihood="bernoulli")
    return made.set_params(epochs=epochs, random_state=seed, verbose=0, device="cpu").fit(x, y)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", type=Path, default=DATA)
    asked.add_argument("--epochs", type=int, default=30)
    asked.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked.add_argument("--dry", action="store_true", help="print the table, leave README.md as it is")
    given = asked.parse_args()
    found = given.data / "images" / "mnist.npz"
    if not found.exists():
        print(f"skipped: there is no {found.name}")
        return
    mnist = np.load(found)
    x, x_test = (mnist[part].reshape(-1, 784).astype(np.float32) / 255 for part in ("x_train", "x_test"))
    x, y, y_test = x[:ROWS], mnist["y_train"][:ROWS].astype(np.int64), mnist["y_test"]
    errors, seconds = {"semi_supervised": [], "supervised, in the end": [], "supervised, at its best": []}, []
    for seed in given.seeds:
        rows = labelled(y, seed)
        few = np.full(len(y), -1)
        few[rows] = y[rows]
        began = time.process_time()
        error = 1 - ours(x, few, given.epochs, seed).score(x_test, y_test)
        seconds.append(time.process_time() - began)
        for name, value in zip(errors, (error, *supervised(x[rows], y[rows], x_test, y_test, seed)), strict=True):
            errors[name].append(100 * value)
        print(seed, *(f"{name} {values[-1]:.2f} %" for name, values in errors.items()), sep="  ", flush=True)
    lines = [[name, spread(values)] for name, values in errors.items()]
    lines.append(["M1 and M2, as published (Kingma et al. 2014)", "3.33"])
    how = (
        f"{machine()}; load {load()} at the end; {given.epochs} epochs, {len(given.seeds)} seeds, "
        f"{np.median(seconds):.0f} s of CPU time each."
    )
    text = f"{how}\n\n{table(['model', 'test error, %'], lines)}"
    print(text)
    if not given.dry:
        write_between("semi_supervised", text)


if __name__ == "__main__":
    main()
