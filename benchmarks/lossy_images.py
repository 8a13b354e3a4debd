"""Images that need not come back exactly, beside JPEG, WebP and AVIF at the same error: bytes and likeness.

    python benchmarks/lossy_images.py [--data FOLDER] [--only cifar10,fashion] [--images N] [--epochs N] [--write]

A `Compressor` is fitted at each quality on images of a training set and compresses those of a test set. The others get
the test set as one mosaic, which is smaller for them by far than a file for each image, at many of their qualities;
JPEG with and without halved colours, the smaller one counted. Their bytes at narrows' PSNR are interpolated between the
two qualities around it, in the logarithm of bytes; MS-SSIM is that of the nearer one. Seconds are of the processor, of
one thread. The table is written again after every row.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import narrows
from common import DATA, machine, table, write_between
from narrows.metrics import multi_scale_structural_similarity, peak_signal_to_noise_ratio

CASES = (
    ("cifar10", 28.0),
    ("fashion", 30.0),
    ("cifar10", 33.0),
    ("fashion", 35.0),
    ("cifar10", 24.0),
    ("fashion", 26.0),
)
"""Data and qualities, in the order in which they are worth the time."""
EPOCHS = {"cifar10": 40, "fashion": 10}
LEVELS = (1, 4, 8, 14, 20, 27, 34, 42, 50, 58, 66, 73, 80, 86, 91, 95, 98)
Point = tuple[float, int, np.ndarray]
"""PSNR, bytes, and the mosaic that comes back."""


def sets(data: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images to learn from, and images to compress, (n, height, width[, channels])."""
    if name == "cifar10":
        images = np.load(data / "images/cifar10/cifar10_lossless_3000.npz")["x"]
        return images[:2500], images[2500:]
    files = np.load(data / "images/fashion_mnist.npz")
    return files["x_train"][:10_000], files["x_test"][:2_000]


def mosaic(images: np.ndarray) -> np.ndarray:
    """Images side by side, as nearly square as goes."""
    n, height, width = images.shape[:3]
    rows = next(rows for rows in range(int(n**0.5), 0, -1) if n % rows == 0)
    whole = images.reshape(rows, n // rows, height, width, -1).swapaxes(1, 2)
    return whole.reshape(rows * height, n // rows * width, -1)


def parts(whole: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The images of a mosaic, (n, height, width, channels)."""
    height, width = shape[1:3]
    rows, columns = whole.shape[0] // height, whole.shape[1] // width
    cut = whole.reshape(rows, height, columns, width, -1).swapaxes(1, 2)
    return cut.reshape(rows * columns, height, width, -1)


def curve(images: np.ndarray, options: Callable[[int], dict[str, object]], kind: str) -> list[Point]:
    """What a codec of Pillow makes of a mosaic at all its qualities."""
    whole, found = mosaic(images), []
    picture = Image.fromarray(whole.squeeze())
    for level in LEVELS:
        file = io.BytesIO()
        picture.save(file, kind, **options(level))
        back = np.asarray(Image.open(io.BytesIO(file.getvalue())).convert(picture.mode)).reshape(whole.shape)
        found.append((peak_signal_to_noise_ratio(whole, back), file.tell(), back))
    return sorted(found, key=lambda point: point[0])


def at(points: list[Point], psnr: float, images: np.ndarray) -> tuple[float, float] | None:
    """Bytes and MS-SSIM at a PSNR; None where a codec does not reach it."""
    errors = np.array([point[0] for point in points])
    if not errors.min() <= psnr <= errors.max():
        return None
    size = np.exp(np.interp(psnr, errors, np.log([point[1] for point in points])))
    near = points[int(np.abs(errors - psnr).argmin())][2]
    likeness = multi_scale_structural_similarity(parts(mosaic(images), images.shape), parts(near, images.shape))
    return float(size), likeness


def peers(images: np.ndarray) -> dict[str, list[list[Point]]]:
    """Curves of the others, several for a codec that can be set up in several ways."""
    colours = (0, 2) if images.ndim == 4 else (0,)
    found = {
        "JPEG": [
            curve(images, lambda q, s=s: {"quality": q, "optimize": True, "subsampling": s}, "JPEG") for s in colours
        ],
        "WebP": [curve(images, lambda q: {"quality": q, "method": 6}, "WEBP")],
    }
    if "AVIF" in Image.registered_extensions().values():
        found["AVIF"] = [curve(images, lambda q: {"quality": q, "subsampling": "4:4:4"}, "AVIF")]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", default="")
    parser.add_argument("--images", type=int, help="how many images are learned from, at most")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows, prepared = [], {}
    for name, quality in CASES:
        if asked.only and name not in asked.only.split(","):
            continue
        if name not in prepared:
            known, new = sets(asked.data, name)
            prepared[name] = known[: asked.images], new, peers(new)
        known, new, others = prepared[name]
        epochs = asked.epochs or EPOCHS[name]
        rows.append([name, f"{len(known):,} x {epochs}", *row(quality, epochs, known, new, others)])
        print(" | ".join(rows[-1]), flush=True)
        if asked.write:
            heads = ["data", "images x epochs", "quality", "PSNR", "bytes", "bits a pixel", "MS-SSIM", "decoder"]
            heads += ["fit, s", "MB/s there, back", *(f"{codec}: bytes, MS-SSIM" for codec in others)]
            shown = table(heads, sorted(rows, key=lambda one: (one[0], float(one[2]))))
            write_between("lossy_images", f"{machine()}, one thread, seconds of the processor.\n\n{shown}")


def row(quality: float, epochs: int, known: np.ndarray, new: np.ndarray, others: dict[str, list[list[Point]]]) -> list:
    """One quality, in words."""
    begun = time.process_time()
    model = narrows.Compressor(quality=quality, epochs=epochs, random_state=0, verbose=0).fit(known)
    trained = time.process_time()
    data = model.compress(new)
    there = time.process_time()
    model.decompress(data)
    back = time.process_time()
    found = model.measure(new)
    held = len(model.lossy_.model.packed)
    cells = [f"{quality:g}", f"{found['psnr']:.2f}", f"{len(data):,}", f"{found['bits_per_pixel']:.3f}"]
    cells += [f"{found['ms_ssim']:.4f}", f"{held:,}", f"{trained - begun:.0f}"]
    cells += [f"{new.nbytes / 1e6 / (there - trained):.2f}, {new.nbytes / 1e6 / (back - there):.2f}"]
    for curves in others.values():
        reached = [one for one in (at(points, found["psnr"], new) for points in curves) if one is not None]
        best = min(reached, default=None)
        cells += ["not reached" if best is None else f"{best[0]:,.0f} ({best[0] / len(data) - 1:+.0%}), {best[1]:.4f}"]
    return cells


if __name__ == "__main__":
    main()
