"""Write the golden file of images that a learned model foretells: run once, and commit the result."""

from dataclasses import replace
from pathlib import Path

import numpy as np

import narrows
from narrows.coding.chunks import EFFORTS
from narrows.tasks.compression import compress_to

HERE = Path(__file__).parent


def crossings():
    """Two waves in colour, one over the other, of an odd size, and some pixels that nobody would expect."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:13, :10]
    phase = rng.random((2, 300, 1, 1)) * 6
    waves = [np.sin(x / 2 + phase[0]) + np.cos(y / (2 + c) - phase[1]) for c in range(3)]
    images = np.stack([np.where(waves[0] > 0, 40 * c + 30, 200 - 50 * c + 9 * waves[c]) for c in range(3)], -1)
    images[:4, 3:5, 2:4] = rng.integers(0, 256, (4, 2, 2, 3))
    return images.astype(np.uint8)


if __name__ == "__main__":
    images = crossings()
    options = {"recipe_options": {"widths": (12,)}, "epochs": 60, "random_state": 0, "verbose": 0}
    compressor = narrows.Compressor(effort="max", **options).fit(images[12:])
    plan = replace(compressor.plan_for(images[:12], embed=False), effort=EFFORTS["fast"], embed=True)
    print(compress_to(HERE / "lossless1.nrw", images[:12], plan))  # noqa: T201
    np.save(HERE / "lossless1.npy", narrows.decompress(HERE / "lossless1.nrw"))
    assert np.array_equal(np.load(HERE / "lossless1.npy"), images[:12])
    print(narrows.open_compressed(HERE / "lossless1.nrw").methods())  # noqa: T201
