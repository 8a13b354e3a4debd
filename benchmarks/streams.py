"""Out of core: a Parquet data set trained in a small memory, and its speed beside the same rows in memory.

    python benchmarks/streams.py [--folder FOLDER] [--gigabytes 8] [--turns 3] [--widths 128] [--batch-size 512]

Writes a data set of 64 float32 columns (8 hidden causes and noise, no compression, row groups of 131,072 rows), then

1.  trains one epoch on all of it in a child process, which reports its own peak of resident memory (the kernel's
    VmHWM; GNU time shows the same figure where it starts the child);
2.  trains one epoch on a part of 1 GB at most, as a stream and as an array in memory, in turn: the same model, batch
    size and number of held-out rows, and only the epoch counts, not the look over the data before it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import narrows
from common import load, machine, spread, table, write_between
from peak_memory import resident

COLUMNS, CAUSES, ROWS, GROUP = 64, 8, 1_000_000, 131_072
"""What a file holds."""
FILE = ROWS * COLUMNS * 4
HELD_OUT = 20_000


def generate(folder: Path, gigabytes: float) -> list[Path]:
    """Files of 256 MB each, as many as the disk has room for; those that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    have = sorted(folder.glob("part-*.parquet"))
    room = int(0.8 * shutil.disk_usage(folder).free // FILE) + len(have)
    mix = np.random.default_rng(0).standard_normal((CAUSES, COLUMNS), dtype=np.float32)
    for number in range(len(have), min(room, round(gigabytes * 1e9 / FILE))):
        rng = np.random.default_rng([1, number])
        x = rng.standard_normal((ROWS, CAUSES), dtype=np.float32) @ mix
        x += np.float32(0.5) * rng.standard_normal(x.shape, dtype=np.float32)
        columns = {f"x{i}": pa.array(np.ascontiguousarray(column)) for i, column in enumerate(x.T)}
        path = folder / f"part-{number:03d}.parquet"
        half = path.with_suffix(".half")  # a run that is broken off leaves no damaged file behind
        pq.write_table(pa.table(columns), half, row_group_size=GROUP, compression="none", use_dictionary=False)
        have.append(half.rename(path))
    if not have:
        sys.exit(f"no room in {folder}, or fewer --gigabytes than a file of {FILE / 1e9:.2f}")
    return have


def epoch(data: object, rows: int, widths: list[int], batch_size: int) -> float:
    """Rows per second of one epoch."""
    ae = narrows.Autoencoder(
        recipe="deep",
        latent_dim=CAUSES,
        recipe_options={"widths": widths},
        epochs=1,
        batch_size=batch_size,
        validation_fraction=HELD_OUT / rows,
        random_state=0,
        verbose=0,
    ).fit(data)
    begun, ended = (row["seconds"] for row in ae.history_)
    return (rows - HELD_OUT) / (ended - begun)


def child(folder: Path, widths: list[int], batch_size: int) -> None:
    """Train on a folder, and say how fast it went and what memory it took at its peak."""
    stream = narrows.open_data(folder)
    rate = epoch(stream, len(stream), widths, batch_size)
    print(json.dumps({"rows": len(stream), "rate": rate, "peak": resident("VmHWM")}))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, help="where the data set lies or goes; by default a temporary folder")
    options.add_argument("--gigabytes", type=float, default=8.0)
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--widths", type=int, nargs="+", default=[128])
    options.add_argument("--batch-size", type=int, default=512)
    options.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.child:
        child(asked.child, asked.widths, asked.batch_size)
        return
    with tempfile.TemporaryDirectory() as temporary:
        files = generate(asked.folder or Path(temporary), asked.gigabytes)
        compare(asked, files, Path(temporary) / "part")


def compare(asked: argparse.Namespace, files: list[Path], part: Path) -> None:
    shape = [f"--batch-size={asked.batch_size}", "--widths", *map(str, asked.widths)]
    words = [sys.executable, __file__, "--child", str(files[0].parent), *shape]
    whole = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
    part.mkdir()
    taken = files[: round(1e9 / FILE)]
    for path in taken:
        (part / path.name).symlink_to(path.resolve())
    array = np.concatenate(list(narrows.open_data(part).blocks()))
    rates: dict[str, list[float]] = {"memory": [], "stream": []}
    for turn in range(asked.turns):
        both = {"memory": array, "stream": narrows.open_data(part)}
        for name in sorted(both, reverse=bool(turn % 2)):
            rates[name].append(epoch(both[name], len(array), asked.widths, asked.batch_size))
            print(f"{name}: {rates[name][-1]:,.0f} rows/s", file=sys.stderr)
    ratios = [stream / memory for stream, memory in zip(rates["stream"], rates["memory"], strict=True)]
    gigabytes, size = len(files) * FILE / 1e9, f"{len(taken) * FILE / 1e9:.2g} GB"
    layers = "-".join(map(str, (COLUMNS, *asked.widths, CAUSES)))
    rows = [
        [f"{gigabytes:.2g} GB of Parquet", f"{whole['rate']:,.0f}", f"{whole['peak'] / 1e9:.2f} GB", ""],
        [f"{size} of Parquet", spread(rates["stream"], 0), "", spread(ratios)],
        [f"the same {size} in memory", spread(rates["memory"], 0), "", "1"],
    ]
    text = table(["data", "rows per second", "peak of resident memory", "of the rows per second in memory"], rows)
    write_between(
        "streams",
        f"{machine()}; load {load()} at the end; {layers}, batches of {asked.batch_size}, one epoch; {asked.turns} "
        f"turns each, medians (least to greatest).\n\n{text}",
    )


if __name__ == "__main__":
    main()
