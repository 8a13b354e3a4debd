"""Write the golden file of images that a learned model foretells: run once, and commit the result."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from make_lossy import scenes

import narrows
from narrows.tasks.compression import compress_to

HERE = Path(__file__).parent


def many():
    """Small waves in colour, some of them whole numbers that nobody would expect."""
    images = np.concatenate([np.roll(scenes(), shift, 2) for shift in range(4)])
    images[::7, 3:5, 2:4] = np.random.default_rng(0).integers(0, 256, images[::7, 3:5, 2:4].shape)
    return images


if __name__ == "__main__":
    images = many()
    options = {"recipe_options": {"widths": (8,)}, "epochs": 4, "random_state": 0, "verbose": 0}
    compressor = narrows.Compressor(effort="max", **options).fit(images)
    plan = replace(compressor.plan_for(images[:12], embed=False), embed=True)
    print(compress_to(HERE / "lossless1.nrw", images[:12], plan))  # noqa: T201
    np.save(HERE / "lossless1.npy", narrows.decompress(HERE / "lossless1.nrw"))
    assert np.array_equal(np.load(HERE / "lossless1.npy"), images[:12])
