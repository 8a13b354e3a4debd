"""How fast narrows trains: the same network, batch size and epochs by narrows, by two loops, by Pythae and by PyOD.

    python benchmarks/training.py [--repeats 5] [--epochs N] [--sizes small middle large] [--skip-peers] [--data DIR]

All of them take turns within one process, so that a busy machine is busy for all; the ratio to the best loop by hand is
formed turn by turn, and its median is given with the least and the greatest. See README.md for what each column means.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import narrows
from common import DATA, cifar10, load, machine, mnist, spread, table, write_between
from narrows.core.spec import SampleSpec
from narrows.training import rules

BATCH = 256
RATE = 1e-3
BEST = "best loop"
Timing = tuple[float, float]
"""Seconds of the whole call, and of the epochs alone."""
Contestant = Callable[[np.ndarray, int], Timing]
"""Trains once on rows (n, d) for so many epochs."""


@dataclass(frozen=True)
class Size:
    """A network and its data.

    Args:
        layers: Numbers of values from the input to the code; the decoder is the mirror image.
        epochs: How many, unless `--epochs` says.
        rows: Reads the data as it lies, given the folder.
    """

    layers: tuple[int, ...]
    epochs: int
    rows: Callable[[Path], np.ndarray]

    @property
    def name(self) -> str:
        """The layers in words."""
        return "-".join(map(str, self.layers))

    @property
    def mirrored(self) -> list[tuple[int, int]]:
        """Sizes in and out of every affine map, encoder and decoder."""
        there = list(pairwise(self.layers))
        return there + [(b, a) for a, b in reversed(there)]

    @property
    def parameters(self) -> int:
        """How many weights and biases there are."""
        return sum(a * b + b for a, b in self.mirrored)

    @property
    def operations(self) -> int:
        """Floating-point operations of the matrix products in one step."""
        first = self.layers[0] * self.layers[1]
        return BATCH * (6 * sum(a * b for a, b in self.mirrored) - 2 * first)


def random_rows(data: Path) -> np.ndarray:  # noqa: ARG001 (every size is read alike)
    return np.random.default_rng(0).normal(size=(20_000, 30)).astype(np.float32)


SIZES = {
    "small": Size((30, 64, 32, 8), 30, random_rows),
    "middle": Size((784, 512, 256, 32), 3, mnist),
    "large": Size((3072, 1024, 512, 128), 2, cifar10),
}


def as_rows(raw: np.ndarray) -> np.ndarray:
    """Rows of float32; bytes become [0, 1]."""
    flat = raw.reshape(len(raw), -1)
    return flat.astype(np.float32) / 255 if flat.dtype == np.uint8 else flat


def halves(size: Size) -> tuple[nn.Sequential, nn.Sequential]:
    """The encoder and the decoder in plain torch: an activation after every affine map but the last of each."""
    torch.manual_seed(0)
    maps = [[nn.Linear(a, b), nn.ReLU()] for a, b in size.mirrored]
    middle = len(maps) // 2
    encoder = [layer for pair in maps[:middle] for layer in pair][:-1]
    decoder = [layer for pair in maps[middle:] for layer in pair][:-1]
    return nn.Sequential(*encoder), nn.Sequential(*decoder)


def best_loop(size: Size) -> Contestant:
    """The data as one tensor, one gather a batch, fused Adam, and nothing else."""

    def run(rows: np.ndarray, epochs: int) -> Timing:
        began = time.perf_counter()
        x, model = torch.from_numpy(rows), nn.Sequential(*halves(size))
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
        epochs_began = time.perf_counter()
        for _ in range(epochs):
            for chosen in torch.randperm(len(x)).split(BATCH):
                step(model, optimizer, x.index_select(0, chosen))
        ended = time.perf_counter()
        return ended - began, ended - epochs_began

    return run


def loader_loop(size: Size) -> Contestant:
    """What a tutorial shows: TensorDataset, DataLoader, Adam."""

    def run(rows: np.ndarray, epochs: int) -> Timing:
        began = time.perf_counter()
        model = nn.Sequential(*halves(size))
        loader = DataLoader(TensorDataset(torch.from_numpy(rows)), batch_size=BATCH, shuffle=True)
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        epochs_began = time.perf_counter()
        for _ in range(epochs):
            for (x,) in loader:
                step(model, optimizer, x)
        ended = time.perf_counter()
        return ended - began, ended - epochs_began

    return run


def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    optimizer.zero_grad()
    F.mse_loss(model(x), x).backward()
    optimizer.step()


def by_narrows(size: Size, precision: str) -> Contestant:
    """The public face; the seconds of the epochs are in its history, which begins when the start is done."""

    def run(rows: np.ndarray, epochs: int) -> Timing:
        *widths, code = size.layers[1:]
        model = narrows.Autoencoder(
            recipe="deep",
            latent_dim=code,
            recipe_options={"widths": widths, "activation": "relu", "linear_path": False},
            likelihood="normal",
            scaling="none",
            epochs=epochs,
            batch_size=BATCH,
            optimizer="adam",
            learning_rate=RATE,
            validation_fraction=1e-9,  # one row
            patience=None,
            precision=precision,
            random_state=0,
            verbose=0,
        )
        began = time.perf_counter()
        model.fit(rows)
        whole = time.perf_counter() - began
        return whole, model.history_[-1]["seconds"] - model.history_[0]["seconds"]

    return run


def contestants(key: str, size: Size, skip_peers: bool) -> dict[str, Contestant]:
    """Who takes part, by name."""
    taking_part = {BEST: best_loop(size), "narrows": by_narrows(size, "float32")}
    if key == "middle":
        taking_part['narrows, precision="auto"'] = by_narrows(size, "auto")
    taking_part["DataLoader loop"] = loader_loop(size)
    if not skip_peers:
        import peers

        hidden = list(size.layers[1:])
        taking_part["Pythae"] = lambda rows, epochs: peers.pythae(rows, *halves(size), hidden[-1], BATCH, epochs)
        taking_part["PyOD"] = lambda rows, epochs: peers.pyod(rows, hidden, BATCH, epochs)
    return taking_part


def matmul_rate() -> float:
    """Floating-point operations a second of a large float32 product, the best of five."""
    n = 2048
    a, b = torch.randn(n, n), torch.randn(n, n)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        torch.mm(a, b)
        seconds.append(time.perf_counter() - began)
    return 2 * n**3 / min(seconds)


def race(
    rows: np.ndarray, epochs: int, repeats: int, taking_part: dict[str, Contestant]
) -> tuple[dict[str, list[Timing]], float]:
    """Let everyone train `repeats` times in turn, another one first each time; and the machine's matmul rate."""
    for run in taking_part.values():
        run(rows[: 4 * BATCH], 1)
    rates, timings = [matmul_rate()], {name: [] for name in taking_part}
    names = list(taking_part)
    for i in range(repeats):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            timings[name].append(taking_part[name](rows, epochs))
            say(f"  {i + 1}/{repeats} {name}: {timings[name][-1][1] / epochs:.3f} s an epoch")
        rates.append(matmul_rate())
    return timings, max(rates)


def report(size: Size, rows: int, epochs: int, timings: dict[str, list[Timing]], rate: float) -> Iterator[list[str]]:
    """The rows of the table for one size."""
    steps = -(-rows // BATCH)
    for name, found in timings.items():
        whole, alone = ([seconds[i] / epochs for seconds in found] for i in (0, 1))
        to_best = [mine[1] / best[1] for mine, best in zip(found, timings[BEST], strict=True)]
        to_narrows = [mine[1] / ours[1] for mine, ours in zip(found, timings[fastest(timings)], strict=True)]
        yield [
            size.name,
            name,
            f"{median(alone):.3f}",
            f"{median(whole):.3f}",
            f"{1e3 * median(alone) / steps:.2f}",
            "1" if name == BEST else spread(to_best),
            "" if "narrows" in name or "loop" in name else spread(to_narrows),
            f"{size.operations * steps / median(alone) / rate:.0%}",
        ]


def fastest(timings: dict[str, list[Timing]]) -> str:
    """The row of narrows that peers are compared with: `precision="auto"` where it ran."""
    return next(name for name in reversed(timings) if name.startswith("narrows"))


def memory(size: Size, rows: np.ndarray) -> list[str]:
    """A row of the table of memory, measured in a fresh process."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.save(path, rows)
        code = "from peak_memory import main; main()"
        child = [sys.executable, "-c", code, str(path), *map(str, size.layers)]
        done = subprocess.run(child, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent)
        found = json.loads(done.stdout)
    state = 16 * size.parameters
    ratio = (found["data"] + found["growth"]) / (found["data"] + state)
    amounts = [f"{amount / 2**20:.1f}" for amount in (found["data"], state, found["growth"])]
    return [size.name, str(rows.dtype), *amounts, f"{ratio:.2f}"]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="turns of each contestant")
    parser.add_argument("--epochs", type=int, help="epochs of one turn; by default 30, 3 and 2 by size")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--skip-peers", action="store_true", help="without Pythae and PyOD")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the real data")
    parser.add_argument("--dry", action="store_true", help="print the table, leave README.md as it is")
    return parser.parse_args()


HEAD = [
    "network",
    "trained by",
    "epochs, s each",
    "whole call, s per epoch",
    "ms a step",
    "time / best loop",
    "time / narrows",
    "of matmul rate",
]
MEMORY_HEAD = ["network", "rows", "rows, MiB", "model's state, MiB", "growth at the peak, MiB", "peak / (rows + state)"]


def main() -> None:
    asked = arguments()
    lines, memories, notes = [], [], []
    for key in asked.sizes:
        size = SIZES[key]
        try:
            raw = size.rows(asked.data)
        except FileNotFoundError as error:
            notes.append(f"{size.name} was skipped: {Path(str(error.filename)).name} is not in the data folder.")
            continue
        rows, epochs = as_rows(raw), asked.epochs or size.epochs
        say(f"{size.name}: {len(rows):,} rows, {epochs} epochs")
        timings, rate = race(rows, epochs, asked.repeats, contestants(key, size, asked.skip_peers))
        lines += report(size, len(rows), epochs, timings, rate)
        memories += [memory(size, kept) for kept in ([rows] if raw.dtype == rows.dtype else [rows, as_bytes(raw)])]
        notes.append(f"{size.name}: {len(rows):,} rows, {epochs} epochs a turn, matmul {rate / 1e9:.0f} GFLOP/s.")
    text = "\n\n".join(
        [
            f"{machine()}; load {load()} at the end; {asked.repeats} turns each, medians (least to greatest).",
            table(HEAD, lines),
            table(MEMORY_HEAD, memories),
            " ".join([*notes, auto_note()]),
        ]
    )
    print(text)
    if not asked.dry:
        write_between("training", text)


def as_bytes(raw: np.ndarray) -> np.ndarray:
    return raw.reshape(len(raw), -1)


def auto_note() -> str:
    """What `precision="auto"` came to."""
    found = rules.precision("auto", torch.device("cpu"), SampleSpec("image", (1, 28, 28)), 256, 1)
    return f'precision="auto" is {found} for wide layers on this machine.'


if __name__ == "__main__":
    main()
