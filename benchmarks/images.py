"""Folders of photographs: `narrows.open_data` beside a bare Pillow pool of two processes that does the same work.

Draws photographs (smooth colours and grain, 640 x 480, JPEG of quality 90), then reads the folder in turn with
narrows and with its peers, several times over. Every peer crops the middle to the aspect and resamples to the same size
by the same filter; the first peer also has its JPEG files decoded at a reduced size (`Image.draft`), as narrows does.
"""

import argparse
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

import narrows
from common import load, machine, spread, table, write_between


def draw(folder: Path, count: int) -> None:
    """Photographs that decode about as real ones do: about 120 kB each."""
    rng = np.random.default_rng(0)
    for number in range(count):
        colours = Image.fromarray(rng.integers(0, 256, (15, 20, 3), dtype=np.uint8))
        smooth = np.asarray(colours.resize((640, 480), Image.Resampling.BICUBIC), dtype=np.float32)
        grain = rng.normal(0, 8, (480, 640, 1))
        pixels = np.clip(smooth + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:05d}.jpg", quality=90)


def decode(path: Path, size: int, draft: bool) -> np.ndarray:
    """What one bare Pillow worker does with a file."""
    with Image.open(path) as image:
        if draft:
            image.draft(None, (2 * size * image.width // image.height, 2 * size))
        left = (image.width - image.height) / 2
        box = (left, 0, image.width - left, image.height)
        return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0))


def pool(kind: type[Executor], paths: list[Path], size: int, draft: bool, workers: int) -> np.ndarray:
    with kind(workers) as hands:
        return np.stack(list(hands.map(partial(decode, size=size, draft=draft), paths, chunksize=16)))


def seconds(work: Callable[[], np.ndarray]) -> tuple[float, float]:
    """Time on the clock, and processor time of this process and of those that it started and ended."""
    began, before = time.perf_counter(), cpu()
    work()
    return time.perf_counter() - began, cpu() - before


def cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def measure(folder: Path, size: int, turns: int) -> list[list[str]]:
    paths = sorted(folder.glob("*.jpg"))
    ways = {
        "Pillow, 2 processes": lambda: pool(ProcessPoolExecutor, paths, size, True, 2),
        "narrows, 2 threads": lambda: narrows.open_data(folder, size=size, workers=2),
        "narrows, 1 thread": lambda: narrows.open_data(folder, size=size, workers=1),
        "Pillow, 2 threads": lambda: pool(ThreadPoolExecutor, paths, size, True, 2),
        "Pillow, 2 processes, no draft": lambda: pool(ProcessPoolExecutor, paths, size, False, 2),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, work in ways.items():
            taken[name].append(seconds(work))
    clock = {name: [wall for wall, _ in found] for name, found in taken.items()}
    base = clock["Pillow, 2 processes"]
    return [
        [
            name,
            str(size),
            spread([len(paths) / wall for wall in clock[name]], 0),
            spread([bare / wall for bare, wall in zip(base, clock[name], strict=True)]),
            spread([1000 * used / len(paths) for _, used in taken[name]]),
        ]
        for name in ways
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 224])
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    warnings.simplefilter("error")  # a file that could not be read would make everything faster
    with tempfile.TemporaryDirectory() as name:
        draw(Path(name), asked.count)
        rows = [row for size in asked.sizes for row in measure(Path(name), size, asked.turns)]
    head = ["read by", "to pixels", "images a second", "speed / Pillow, 2 processes", "processor ms an image"]
    found = table(head, rows)
    print(found)
    told = f"{machine()}; load {load()} at the end; {asked.turns} turns each, medians (least to greatest); "
    write_between("images", f"{told}{asked.count:,} JPEG files of 640 x 480.\n\n{found}")


if __name__ == "__main__":
    main()
