"""Write the golden file of images by a learned model, and what comes back from it: run once, and commit the results."""

from pathlib import Path

import numpy as np

import narrows

HERE = Path(__file__).parent


def scenes():
    """Small waves in colour, of an odd size."""
    y, x = np.mgrid[:13, :10]
    phase = np.random.default_rng(0).random((60, 1, 1)) * 6
    waves = [np.sin(x / 3 + phase) * np.cos(y / (4 + c) - phase) for c in range(3)]
    return (127 + 90 * np.stack(waves, -1)).astype(np.uint8)


if __name__ == "__main__":
    images = scenes()
    options = {"recipe_options": {"widths": (6,)}, "epochs": 30, "random_state": 0, "verbose": 0}
    compressor = narrows.Compressor(quality=34, **options).fit(images)
    size = compressor.compress(images[:8], HERE / "lossy1.nrw")
    np.save(HERE / "lossy1.npy", narrows.decompress(HERE / "lossy1.nrw"))
    print(size, compressor.measure(images[:8]))  # noqa: T201
