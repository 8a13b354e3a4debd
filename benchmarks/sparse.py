"""Sparse against dense: the same counts as CSR and as a float32 array, through the same recipe.

    python benchmarks/sparse.py [--rows 20000] [--columns 20000] [--density 0.01] [--repeats 3]

Each fit runs in a process of its own, in turn, several times over. Rows per second are those of whole epochs after the
first, judging included; memory is what the process grew by at its peak over what it held before the data were made.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy import sparse

import narrows
from common import load, machine, spread, table, write_between
from peak_memory import resident

WAYS = {
    "CSR": ("csr", "float32"),
    "dense": ("dense", "float32"),
}


def counts(rows: int, columns: int, density: float) -> sparse.csr_array:
    """Counts from 1 on at uniformly random columns, as many in each row."""
    rng = np.random.default_rng(0)
    each = round(columns * density)
    index = np.empty((rows, each), np.int32)
    for row in index:
        row[:] = np.sort(rng.choice(columns, each, replace=False))
    values = (1 + rng.poisson(1.0, index.size)).astype(np.float32)
    return sparse.csr_array((values, index.ravel(), np.arange(0, index.size + 1, each)), shape=(rows, columns))


def dense(rows: sparse.csr_array) -> np.ndarray:
    """The same, filled in without a second copy."""
    made = np.zeros(rows.shape, np.float32)
    for first in range(0, rows.shape[0], 256):
        made[first : first + 256] = rows[first : first + 256].toarray()
    return made


def fit(x: object, epochs: int, precision: str, batch: int) -> list[dict]:
    return (
        narrows.Autoencoder(
            recipe="deep",
            latent_dim=32,
            recipe_options={"widths": [128], "linear_path": False},
            likelihood="normal",
            scaling="none",
            epochs=epochs,
            batch_size=batch,
            validation_fraction=0.01,
            patience=None,
            precision=precision,
            random_state=0,
            verbose=0,
        )
        .fit(x)
        .history_
    )


def measure(asked: argparse.Namespace) -> None:
    """One fit in this process: prints rows per second and bytes grown."""
    form, precision = WAYS[asked.way]
    shape = (asked.rows, asked.columns, asked.density)
    fit(counts(600, 3000, 0.01) if form == "csr" else dense(counts(600, 300, 0.01)), 2, precision, 256)
    gc.collect()
    before = resident("VmRSS")
    with contextlib.suppress(OSError):  # a peak that cannot be reset is overstated, never understated
        Path("/proc/self/clear_refs").write_text("5")
    x = counts(*shape)
    if form == "dense":
        x = dense(x)
    history = fit(x, asked.epochs, precision, asked.batch)
    trained = asked.rows - round(0.01 * asked.rows)
    seconds = history[-1]["seconds"] - history[1]["seconds"]
    growth = resident("VmHWM") - before
    print(json.dumps({"rate": trained * (len(history) - 2) / seconds, "growth": growth}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--columns", type=int, default=20_000)
    parser.add_argument("--density", type=float, default=0.01)
    parser.add_argument("--batch", type=int, default=1024, choices=(256, 1024))
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--way", choices=WAYS)
    asked = parser.parse_args()
    if asked.way:
        measure(asked)
        return
    found: dict[str, list[dict]] = {way: [] for way in WAYS}
    for _ in range(asked.repeats):
        for way, runs in found.items():
            command = [sys.executable, __file__, "--way", way, *sys.argv[1:]]
            runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            print(way, runs[-1], flush=True)
    rows = []
    for way, runs in found.items():
        faster = [own["rate"] / other["rate"] for own, other in zip(found["CSR"], runs, strict=True)]
        share = [own["growth"] / other["growth"] for own, other in zip(found["CSR"], runs, strict=True)]
        own = way == "CSR"
        rows.append(
            [
                way,
                spread([run["rate"] for run in runs], 0),
                "" if own else spread(faster, 1),
                spread([run["growth"] / 2**20 for run in runs], 0),
                "" if own else spread(share, 3),
            ]
        )
    head = ["rows as", "rows per second", "CSR is faster, times", "memory, MiB", "CSR's share of it"]
    sizes = f"{asked.rows} x {asked.columns}, {asked.density:.1%} not zero, batches of {asked.batch}"
    text = (
        f"{machine()}; load {load()} at the end; {asked.repeats} turns each, medians (least to greatest).\n"
        f"{sizes}, widths 128 and a code of 32.\n\n{table(head, rows)}"
    )
    write_between(f"sparse-{asked.batch}", text)
    print(text)


if __name__ == "__main__":
    main()
