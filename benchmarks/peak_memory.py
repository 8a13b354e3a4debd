"""How much memory one `fit` of narrows takes: a child process of `training.py`, no benchmark by itself.

    cd benchmarks; python -c "from peak_memory import main; main()" ROWS.npy 784 512 256 32

Reads the rows, trains something tiny so that code and thread pools are loaded, notes the resident memory, trains, and
prints what the peak added, in bytes. The peak is the kernel's (VmHWM), reset before the fit; `ru_maxrss` would not do,
since a child inherits it from the process that started it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import sys
from pathlib import Path

import numpy as np

import narrows


def resident(field: str) -> int:
    """Resident bytes of this process: `VmRSS` now, `VmHWM` at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def fit(x: np.ndarray, widths: list[int], code: int, epochs: int) -> None:
    options = {"widths": widths, "activation": "relu", "linear_path": False}
    narrows.Autoencoder(
        recipe="deep",
        latent_dim=code,
        recipe_options=options,
        likelihood="normal",
        scaling="none",
        epochs=epochs,
        batch_size=256,
        validation_fraction=1e-9,
        patience=None,
        precision="float32",
        random_state=0,
        verbose=0,
    ).fit(x)


def main() -> None:
    x = np.load(sys.argv[1])
    *widths, code = map(int, sys.argv[3:])
    fit(np.random.default_rng(0).normal(size=(600, 8)).astype(x.dtype), [16, 8], 2, epochs=2)
    gc.collect()
    before = resident("VmRSS")
    with contextlib.suppress(OSError):  # a peak that cannot be reset is overstated, never understated
        Path("/proc/self/clear_refs").write_text("5")
    fit(x, widths, code, epochs=3)
    print(json.dumps({"data": x.nbytes, "growth": resident("VmHWM") - before}))
