"""Write the golden file of images that a learned model foretells: run once, and commit the result."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import narrows
from narrows.coding.efforts import EFFORTS
from narrows.tasks.compression import compress_to

HERE = Path(__file__).parent


if __name__ == "__main__":
    images = load_digits().images.astype(np.uint8)
    options = {"recipe_options": {"widths": (16,)}, "epochs": 60, "random_state": 0, "verbose": 0}
    compressor = narrows.Compressor(effort="max", **options).fit(images[100:])
    plan = replace(compressor.plan_for(images[:40], embed=False), effort=EFFORTS["fast"], embed=True)
    print(compress_to(HERE / "lossless1.nrw", images[:40], plan))  # noqa: T201
    np.save(HERE / "lossless1.npy", narrows.decompress(HERE / "lossless1.nrw"))
    assert np.array_equal(np.load(HERE / "lossless1.npy"), images[:40])
    print(narrows.open_compressed(HERE / "lossless1.nrw").methods())  # noqa: T201
