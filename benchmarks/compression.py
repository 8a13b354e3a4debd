"""Compressed files beside other codecs: bytes, speed there and back, memory.

    python benchmarks/compression.py images|tables|fields [--data FOLDER] [--only A,B] [--write] [--sizes|--speeds]
    python benchmarks/compression.py memory [--gigabytes 8] [--effort fast] [--write]

Sizes are of `effort="max"`. Speeds and memory are of `"default"`, by a process of its own: seconds of all processors,
and of the clock. Every file is read back and compared before it counts; fields are held to their bound in their own
type. Training is not in any time. `--only` takes some rows, and `--write` puts what was measured into README.md, where
it leaves the other rows as they are. `--sizes` and `--speeds` measure these alone. `memory` compresses a memory map of
many GB of numbers that are easily made, and tells how much memory that took.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import lzma
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import brotli
import imagecodecs
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from PIL import Image
from sklearn.datasets import load_digits

import narrows
from common import DATA, load, machine, rows_between, table, write_between

SHARES = (1e-2, 1e-3, 1e-4)
TOGETHER = 2000
"""So many images are a mosaic, or all of them."""
ALONE = 2000
"""Of so many images every one is a file of its own; the bytes of all are reckoned from them."""
Reader = Callable[[Path], Any]


def _npz(folder: str, name: str, key: str, part: slice = slice(None)) -> Reader:
    return lambda data: np.load(data / folder / f"{name}.npz")[key][part]


IMAGES: dict[str, tuple[Reader, Reader | None]] = {
    "digits": (lambda _: load_digits().images.astype(np.uint8), None),
    "MNIST test": (_npz("images", "mnist", "x_test"), _npz("images", "mnist", "x_train")),
    "Fashion-MNIST test": (_npz("images", "fashion_mnist", "x_test"), _npz("images", "fashion_mnist", "x_train")),
    "CIFAR-10 last 500": (
        _npz("images/cifar10", "cifar10_lossless_3000", "x", slice(2500, None)),
        _npz("images/cifar10", "cifar10_lossless_3000", "x", slice(2500)),
    ),
}
"""Images, and those of their kind that a `Compressor` is fitted to."""


def images(_: Path) -> dict[str, Reader]:
    """The images there are."""
    return {label: reader for label, (reader, _) in IMAGES.items()}


def tables(data: Path) -> dict[str, Reader]:
    """The tables there are, the smallest first."""
    frames = [path for folder in ("tabular", "timeseries") for path in (data / folder).glob("*.parquet")]
    arrays = list((data / "adbench").glob("*.npz"))
    found: dict[str, Reader] = {path.stem: lambda _, path=path: pd.read_parquet(path) for path in frames}
    found |= {path.stem.split("_", 1)[1]: lambda _, path=path: np.load(path)["X"] for path in arrays}
    return dict(sorted(found.items(), key=lambda one: raw_size(one[1](data))))


def fields(data: Path) -> dict[str, Reader]:
    """The fields there are."""
    paths = sorted((data / "fields").glob("*.npz"))
    return {path.stem: lambda _, path=path: np.load(path)["data"] for path in paths}


def raw_size(X: Any) -> int:
    """How many bytes data take in memory."""
    return int(X.memory_usage(index=False, deep=True).sum()) if isinstance(X, pd.DataFrame) else X.nbytes


def bound_of(field: np.ndarray, share: float) -> float:
    """A share of the range of a field."""
    return share * float(np.nanmax(field) - np.nanmin(field))


def checked(X: Any, back: Any, bound: float = 0) -> None:
    """Compare what came back with what should."""
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(back, X)
    elif bound:
        there = np.isfinite(X)
        assert (np.abs(back - X)[there] <= bound).all()
        assert back[~there].tobytes() == X[~there].tobytes()
    else:
        assert back.dtype == X.dtype
        assert back.shape == X.shape
        assert back.tobytes() == np.ascontiguousarray(X).tobytes()


def size_of(X: Any, bound: float = 0) -> int:
    """Bytes of the smallest file."""
    with tempfile.TemporaryDirectory() as name:
        size = narrows.compress(X, f"{name}/x.nrw", max_error=bound, effort="max")
        checked(X, narrows.decompress(f"{name}/x.nrw"), bound)
        return size


# speed and memory, in a process of its own


def spent() -> float:
    """Seconds of processors that this process and those that it started have taken."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def measure(X: Any, bound: float) -> dict[str, float]:
    """MB/s there and back, by processors and by the clock, and by how many MB resident memory grew at its peak."""
    with tempfile.TemporaryDirectory() as name:  # what is imported at the first use is not counted
        narrows.compress(np.arange(3), f"{name}/x.nrw")
        narrows.decompress(f"{name}/x.nrw")
    status = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]
    with tempfile.TemporaryDirectory() as name:
        marks = [(spent(), time.perf_counter())]
        narrows.compress(X, f"{name}/x.nrw", max_error=bound)
        marks.append((spent(), time.perf_counter()))
        narrows.decompress(f"{name}/x.nrw")
        marks.append((spent(), time.perf_counter()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - int(status)
    rates = {
        f"{way} {by}": raw_size(X) / 1e6 / (marks[k + 1][n] - marks[k][n])
        for k, way in enumerate(("there", "back"))
        for n, by in enumerate(("cpu", "clock"))
    }
    return rates | {"memory": peak / 1e3}


def speeds(section: str, label: str, data: Path) -> dict[str, str]:
    """What a process of its own measures, in words."""
    command = [sys.executable, __file__, "measure", section, label, "--data", str(data)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    pairs = [f"{found[f'{way} cpu']:.2f}, {found[f'{way} clock']:.2f}" for way in ("there", "back")]
    row = dict(zip(SPEEDS, (*pairs, f"{found['memory']:.0f}"), strict=True))
    return (
        {section[:-1] if section != "images" else section: label}
        | ({"bound": f"{SPEED_AT:g}"} if section == "fields" else {})
        | row
    )


# the others


def generic(raw: bytes) -> dict[str, int]:
    """Bytes by codecs that know nothing of the data."""
    return {
        "gzip": len(gzip.compress(raw, 9)),
        "zstd-19": len(zstandard.compress(raw, 19)),
        "xz": len(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME)),
        "brotli": len(brotli.compress(raw)),
    }


def mosaic(images: np.ndarray) -> np.ndarray:
    """Images side by side in one."""
    side = int(np.ceil(len(images) ** 0.5))
    filled = np.concatenate([images, np.zeros((side * side - len(images), *images.shape[1:]), images.dtype)])
    tiles = filled.reshape(side, side, *images.shape[1:])
    return np.ascontiguousarray(tiles.swapaxes(1, 2).reshape(side * images.shape[1], -1, *images.shape[3:]))


def _pillow(picture: np.ndarray, kind: str, **options: Any) -> int:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, kind, **options)
    return out.tell()


PICTURES: dict[str, Callable[[np.ndarray], int]] = {
    "PNG": lambda picture: _pillow(picture, "PNG", optimize=True),
    "WebP": lambda picture: _pillow(picture, "WebP", lossless=True, quality=100, method=6),
    "JPEG XL": lambda picture: len(imagecodecs.jpegxl_encode(picture, lossless=True, effort=9)),
}


def pictured(images: np.ndarray) -> dict[str, int]:
    """Bytes by codecs of images: each by itself, all in one mosaic, and in mosaics of some."""
    sizes, some = {}, images[:ALONE]
    for name, encoded in PICTURES.items():
        alone = sum(encoded(np.ascontiguousarray(image)) for image in some)
        sizes[f"{name} each"] = round(alone * len(images) / len(some))
        sizes[f"{name} mosaic"] = encoded(mosaic(images))
        if len(images) > TOGETHER:
            parts = np.array_split(images, len(images) // TOGETHER)
            sizes[f"{name} mosaics of {TOGETHER}"] = sum(encoded(mosaic(part)) for part in parts)
    return sizes


def tabulated(X: Any) -> dict[str, int]:
    """Bytes of a table: generic codecs get CSV of a frame, an array's rows or its columns, whichever takes less."""
    if isinstance(X, pd.DataFrame):
        sizes = generic(X.to_csv(index=False).encode())
    else:
        rows, columns = generic(np.ascontiguousarray(X).tobytes()), generic(np.ascontiguousarray(X.T).tobytes())
        sizes = {name: min(rows[name], columns[name]) for name in rows}
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X, columns=list(map(str, range(X.shape[1]))))
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), out, compression="zstd", compression_level=19)
    sizes["Parquet"] = out.tell()
    columns = [frame[name].to_numpy() for name in frame]
    if all(column.dtype.kind in "iuf" and column.dtype.itemsize > 1 for column in columns):
        sizes["pcodec"] = sum(len(imagecodecs.pcodec_encode(np.ascontiguousarray(one), level=12)) for one in columns)
    return sizes


def bounded(field: np.ndarray, bound: float) -> dict[str, int]:
    """Bytes of a field by codecs that keep a bound, whole or slice by slice; gaps are filled, which helps them.

    What a codec gives back is not checked: where it exceeds the bound, and SPERR sometimes does, it is counted still.
    """
    filled = np.where(np.isfinite(field), field, field[np.isfinite(field)].mean()).astype(field.dtype)
    shape = [length for length in field.shape if length > 1]
    whole = np.ascontiguousarray(filled.reshape(-1, *shape[-2:]) if len(shape) > 2 else filled.reshape(shape))
    slices = [np.ascontiguousarray(part) for part in whole] if whole.ndim == 3 else [whole]
    codecs: dict[str, Callable[[np.ndarray], bytes]] = {
        "SZ3": lambda x: imagecodecs.sz3_encode(x, mode="abs", abs=bound),
        "ZFP": lambda x: imagecodecs.zfp_encode(x, mode="a", level=bound),
    }
    if whole.ndim > 1:
        codecs["SPERR"] = lambda x: imagecodecs.sperr_encode(x, bound, mode="pwe")
        codecs["JPEG XL"] = lambda x: grid(x, bound)
    sizes = {}
    for name, encode in codecs.items():
        deep = whole.ndim == 3 and len(whole) < 8 and name in ("SZ3", "SPERR")
        layouts = [slices] if deep or name == "JPEG XL" else [slices, [whole]]
        sizes[name] = min(sum(len(encode(part)) for part in parts) for parts in layouts)
    return sizes


def grid(part: np.ndarray, bound: float) -> bytes:
    """A slice on a grid of twice the bound, as pixels of 16 bits."""
    steps = np.rint((part - part.min()) / (2 * bound))
    return imagecodecs.jpegxl_encode(steps.astype(np.uint16), lossless=True, effort=7)


# tables of README.md


def against(others: dict[str, int], ours: int) -> dict[str, str]:
    """The smallest of the others, how much less ours is, and all of them."""
    name = min(others, key=others.__getitem__)
    best = {"best other": f"{name} {others[name]:,}", "difference": f"{ours / others[name] - 1:+.1%}"}
    return best | {name: f"{size:,}" for name, size in others.items()}


def image_sizes(label: str, X: np.ndarray, data: Path) -> Iterator[dict[str, str]]:
    """Sizes of images."""
    ours, others, known = size_of(X), generic(X.tobytes()) | pictured(X), IMAGES[label][1]
    row = {"images": label, "raw bytes": f"{X.nbytes:,}", "narrows": told(ours, X)}
    if known is not None:
        marks = [spent()]
        model = narrows.Compressor(effort="max", random_state=0, verbose=0).fit(known(data))
        marks.append(spent())
        made = model.compress(X)
        marks.append(spent())
        checked(X, model.decompress(made))
        marks.append(spent())
        ours = min(ours, len(made))
        fit, there, back = (b - a for a, b in pairwise(marks))
        row |= {"fitted": told(len(made), X), "model": f"{len(model.lossless_.model.packed):,}", "fit, s": f"{fit:.0f}"}
        row |= {"fitted, MB/s there, back": f"{X.nbytes / 1e6 / there:.2f}, {X.nbytes / 1e6 / back:.2f}"}
    yield row | against(others, ours)


def told(size: int, X: np.ndarray) -> str:
    """Bytes, and bits for each value."""
    return f"{size:,} ({8 * size / X.size:.3f})"


def table_sizes(label: str, X: Any, _: Path) -> Iterator[dict[str, str]]:
    """Sizes of a table."""
    ours = size_of(X)
    yield {"table": label, "raw bytes": f"{raw_size(X):,}", "narrows": f"{ours:,}"} | against(tabulated(X), ours)


def field_sizes(label: str, X: np.ndarray, _: Path) -> Iterator[dict[str, str]]:
    """Sizes of a field, one row for each bound."""
    for share in SHARES:
        ours, others = size_of(X, bound_of(X, share)), bounded(X, bound_of(X, share))
        row = {"field": label, "bound": f"{share:g}", "raw bytes": f"{X.nbytes:,}", "narrows": f"{ours:,}"}
        yield row | against(others, ours)


SPEED_AT = 1e-3
"""The bound, as a share of the range, at which fields are timed."""
SPEEDS = ("MB/s there: processors, clock", "back", "memory, MB")
SECTIONS = {
    "images": (images, image_sizes, 1),
    "tables": (tables, table_sizes, 1),
    "fields": (fields, field_sizes, 2),
}


def large(gigabytes: float, effort: str) -> dict[str, str]:
    """What it takes to compress a memory map, and to check the file."""
    with tempfile.TemporaryDirectory() as name:
        path, file = Path(name, "x.npy"), Path(name, "x.nrw")
        block = np.repeat(np.arange(1 << 14, dtype=np.float32) / 64, 1 << 10).reshape(-1, 1 << 10)
        many = max(1, round(gigabytes * 1e9 / block.nbytes))
        header = {"descr": "<f4", "fortran_order": False, "shape": (many * len(block), block.shape[1])}
        with path.open("wb") as out:
            np.lib.format.write_array_header_1_0(out, header)
            for _ in range(many):
                out.write(block)
        X, marks = np.load(path, mmap_mode="r"), [(spent(), time.perf_counter())]
        size = narrows.compress(X, file, effort=effort)
        marks.append((spent(), time.perf_counter()))
        with narrows.open_compressed(file) as made:
            made.verify()
        marks.append((spent(), time.perf_counter()))
        rates = [
            f"{X.nbytes / 1e6 / (b[0] - a[0]):.0f}, {X.nbytes / 1e6 / (b[1] - a[1]):.0f}" for a, b in pairwise(marks)
        ]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        row = {"GB": f"{X.nbytes / 1e9:.1f}", "effort": effort, "bytes": f"{size:,}"}
        return (
            row | dict(zip((SPEEDS[0], "checked"), rates, strict=True)) | {"peak of resident memory, GB": f"{peak:.2f}"}
        )


def show(section: str, row: dict[str, str], keys: int, write: bool) -> None:
    """Print a row, and put it among those that are there."""
    print(" | ".join(f"{name} {cell}" for name, cell in row.items()), flush=True)
    if not write:
        return
    marker = f"compression-{section}"
    rows = rows_between(marker)
    same = [k for k, old in enumerate(rows) if list(old.values())[:keys] == list(row.values())[:keys]]
    if same:
        rows[same[0]] |= row
    else:
        rows.append(row)
    heads = list(dict.fromkeys(name for one in rows for name in one))
    shown = table(heads, [[one.get(name, "") for name in heads] for one in rows])
    write_between(marker, f"{machine()}, load {load()}.\n\n{shown}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", nargs="*", default=list(SECTIONS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--sizes", action="store_true")
    parser.add_argument("--speeds", action="store_true")
    parser.add_argument("--gigabytes", type=float, default=8.0)
    parser.add_argument("--effort", default="fast")
    asked = parser.parse_args()
    if asked.section[0] == "measure":
        _, section, label = asked.section
        X = SECTIONS[section][0](asked.data)[label](asked.data)
        print(json.dumps(measure(X, bound_of(X, SPEED_AT) if section == "fields" else 0)))
        return
    if asked.section[0] == "memory":
        show("memory", large(asked.gigabytes, asked.effort), 2, asked.write)
        return
    wanted = [name for name in asked.only.split(",") if name]
    for section in asked.section:
        readers, made, keys = SECTIONS[section]
        there = readers(asked.data)
        for label in wanted or there:
            if label in there:
                sizes = () if asked.speeds else made(label, there[label](asked.data), asked.data)
                for row in chain(sizes, () if asked.sizes else [speeds(section, label, asked.data)]):
                    show(section, row, keys, asked.write)


if __name__ == "__main__":
    main()
