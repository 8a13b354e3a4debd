"""Compressed files beside gzip, Zstandard, xz, Brotli, Parquet, PNG, WebP, JPEG XL, SZ3 and SPERR: bytes, and speed.

    python benchmarks/compression.py [--data FOLDER] [--effort max] [--only digits,shuttle,...]

Every file is read back and compared before its size counts. narrows' files hold everything that is needed to read them:
there is no model beside them. Fields are compressed to a bound of a share of their range, by SZ3 and SPERR as a whole
and slice by slice, the smaller one counted; their bound is checked too, and the error is shown where it is exceeded.
"""

from __future__ import annotations

import argparse
import gzip
import io
import lzma
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

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
from common import DATA, load, machine, table, write_between

TABLES = {
    "shuttle": lambda data: adbench(data, "32_shuttle"),
    "magic.gamma": lambda data: adbench(data, "22_magic.gamma"),
    "adult": lambda data: pd.read_parquet(data / "tabular" / "adult_train.parquet"),
    "diamonds": lambda data: pd.read_parquet(data / "tabular" / "diamonds.parquet"),
    "nsl_kdd": lambda data: pd.read_parquet(data / "tabular" / "nsl_kdd_train_20pct.parquet"),
}
IMAGES = {
    "digits": lambda _: load_digits().images.astype(np.uint8),
    "MNIST test": lambda data: np.load(data / "images" / "mnist.npz")["x_test"],
    "Fashion-MNIST test": lambda data: np.load(data / "images" / "fashion_mnist.npz")["x_test"],
    "CIFAR-10, last 500": lambda data: np.load(data / "images/cifar10/cifar10_lossless_3000.npz")["x"][2500:],
}
SHARES = (1e-2, 1e-3, 1e-4)


def adbench(data: Path, name: str) -> np.ndarray:
    return np.load(data / "adbench" / f"{name}.npz")["X"]


def ours(X: object, folder: Path, effort: str, max_error: float = 0) -> tuple[int, float, float]:
    """Bytes, and seconds there and back."""
    start = time.perf_counter()
    size = narrows.compress(X, folder / "x.nrw", max_error=max_error, effort=effort)
    middle = time.perf_counter()
    back = narrows.decompress(folder / "x.nrw")
    end = time.perf_counter()
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(back, X)
    elif max_error:
        there = np.isfinite(X)
        assert np.abs(back - X)[there].max() <= max_error
        assert back[~there].tobytes() == X[~there].tobytes()
    else:
        assert back.tobytes() == X.tobytes()
    return size, middle - start, end - middle


def generic(raw: bytes) -> dict[str, int]:
    """Bytes by codecs that know nothing of the data."""
    return {
        "gzip": len(gzip.compress(raw, 9)),
        "zstd-19": len(zstandard.compress(raw, 19)),
        "xz": len(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME)),
        "brotli": len(brotli.compress(raw)),
    }


def parquet(X: object) -> int:
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X, columns=list(map(str, range(X.shape[1]))))
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), out, compression="zstd", compression_level=19)
    return len(out.getvalue())


def raw_rows(X: object) -> bytes:
    """A table for generic codecs: an array's bytes, or a frame as CSV."""
    return X.to_csv(index=False).encode() if isinstance(X, pd.DataFrame) else np.ascontiguousarray(X).tobytes()


def mosaic(images: np.ndarray) -> np.ndarray:
    """Images side by side in one."""
    side = int(np.ceil(len(images) ** 0.5))
    filled = np.concatenate([images, np.zeros((side * side - len(images), *images.shape[1:]), images.dtype)])
    tiles = filled.reshape(side, side, *images.shape[1:])
    return np.ascontiguousarray(tiles.swapaxes(1, 2).reshape(side * images.shape[1], -1, *images.shape[3:]))


def pictured(images: np.ndarray) -> dict[str, int]:
    """Bytes by codecs of images, all in one mosaic."""
    one = mosaic(images)
    sizes = {}
    for name, options in {"PNG": {"optimize": True}, "WebP": {"lossless": True, "quality": 100, "method": 6}}.items():
        out = io.BytesIO()
        Image.fromarray(one).save(out, name, **options)
        sizes[name] = len(out.getvalue())
    return sizes | {"JPEG XL": len(imagecodecs.jpegxl_encode(one, lossless=True, effort=9))}


def bounded(field: np.ndarray, bound: float) -> dict[str, int]:
    """Bytes by SZ3 and SPERR, in the better of two layouts; gaps are filled with the mean, which helps them."""
    filled = np.where(np.isfinite(field), field, field[np.isfinite(field)].mean()).astype(field.dtype)
    slices = filled.reshape(-1, *filled.shape[-2:]) if filled.ndim > 1 else filled[None, None]
    codecs: dict[str, Callable[[np.ndarray], bytes]] = {
        "SZ3": lambda x: imagecodecs.sz3_encode(np.ascontiguousarray(x), mode="abs", abs=bound),
        "SPERR": lambda x: imagecodecs.sperr_encode(np.ascontiguousarray(x), bound, mode="pwe"),
    }
    sizes = {}
    for name, encode in codecs.items():
        each = sum(len(encode(x)) for x in slices)
        sizes[name] = min(each, len(encode(slices))) if len(slices) > 1 else each
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--effort", default="max")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    wanted = [name for name in asked.only.split(",") if name]
    rows, fields = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, reader in {**TABLES, **IMAGES}.items():
            if wanted and label not in wanted:
                continue
            X = reader(asked.data)
            peers = generic(raw_rows(X)) | ({"Parquet": parquet(X)} if label in TABLES else pictured(X))
            size, there, back = ours(X, folder, asked.effort)
            best = min(peers, key=peers.__getitem__)
            raw = int(X.memory_usage(index=False, deep=True).sum()) if isinstance(X, pd.DataFrame) else X.nbytes
            bits = "" if label in TABLES else f"{8 * size / X.size:.3f}"
            rows.append(
                [
                    label,
                    f"{raw:,}",
                    f"{size:,}",
                    bits,
                    f"{best} {peers[best]:,}",
                    f"{size / peers[best] - 1:+.1%}",
                    f"{raw / there / 1e6:.2f}",
                    f"{raw / back / 1e6:.2f}",
                ]
            )
            print(" | ".join(rows[-1]), peers, flush=True)
        for path in sorted((asked.data / "fields").glob("*.npz")):
            if wanted and path.stem not in wanted and "fields" not in wanted:
                continue
            field = np.load(path)["data"]
            width = float(np.nanmax(field) - np.nanmin(field))
            for share in SHARES:
                size, *_ = ours(field, folder, "default", share * width)
                peers = bounded(field, share * width)
                fields.append([path.stem, f"{share:g}", f"{size:,}", f"{peers['SZ3']:,}", f"{peers['SPERR']:,}"])
                print(" | ".join(fields[-1]), flush=True)
    if not wanted:
        heads = ["data", "raw bytes", "narrows", "bits a pixel", "best other", "difference", "MB/s there", "MB/s back"]
        shown = f"{machine()}, load {load()}, effort {asked.effort}.\n\n{table(heads, rows)}\n\n"
        shown += table(["field", "bound / range", "narrows", "SZ3", "SPERR"], fields)
        write_between("compression", shown)


if __name__ == "__main__":
    main()
