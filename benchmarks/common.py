"""What the benchmarks share: the machine in words, real data where it lies, and tables kept in README.md."""

from __future__ import annotations

import io
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image

README = Path(__file__).with_name("README.md")
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Where the real data lies unless `--data` says otherwise."""


def machine() -> str:
    """Processor, cores, threads, versions and date: everything about the machine that a figure depends on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    fields = dict(tuple(part.strip() for part in line.split(":", 1)) for line in lines if ":" in line)
    model = fields.get("model name", platform.processor())
    extras = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_tile") if name in fields.get("flags", "")]
    return (
        f"{model} ({', '.join(extras) or platform.machine()}), {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}, Python {platform.python_version()}, "
        f"{datetime.now(tz=UTC):%Y-%m-%d}"
    )


def load() -> str:
    """How busy the machine was over the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def mnist(data: Path) -> np.ndarray:
    """The training images of MNIST, (60000, 28, 28) uint8."""
    return np.load(data / "images" / "mnist.npz")["x_train"]


def cifar10(data: Path, part: str = "train_20k") -> np.ndarray:
    """Images of CIFAR-10, (n, 32, 32, 3) uint8; `part` is `"train_20k"` or `"test_5k"`."""
    found = np.load(data / "images" / "cifar10" / f"cifar10_{part}_jpegbytes.npz")
    jpeg, offset = found["jpeg"], found["offset"]
    files = (jpeg[a:b].tobytes() for a, b in pairwise(offset))
    return np.stack([np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files])


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median, with the least and the greatest.

    >>> spread([1.0, 3.0, 2.0], 1)
    '2.0 (1.0 to 3.0)'
    """
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, columns aligned."""
    widths = [max(len(line[i]) for line in (head, *rows)) for i in range(len(head))]
    drawn = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in (head, *rows)]
    drawn.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(line) + " |" for line in drawn)


def write_between(marker: str, text: str) -> None:
    """Put a text into README.md in place of what stands between `<!-- marker:begin -->` and `<!-- marker:end -->`."""
    begin, end = f"<!-- {marker}:begin -->", f"<!-- {marker}:end -->"
    before, rest = README.read_text().split(begin)
    after = rest.split(end)[1]
    README.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}")


def rows_between(marker: str) -> list[dict[str, str]]:
    """The rows of the table that stands between the marks of `write_between`, cells by the names of their columns."""
    shown = README.read_text().split(f"<!-- {marker}:begin -->")[1].split(f"<!-- {marker}:end -->")[0]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown.splitlines() if line[:1] == "|"]
    return [dict(zip(lines[0], cells, strict=True)) for cells in lines[2:]]
