"""Write the golden compressed files that are not there yet: run once when a method is added, and commit the results."""

from pathlib import Path

import numpy as np

import narrows

HERE = Path(__file__).parent


def examples():
    """Small arrays, each of which another method makes smallest."""
    rng = np.random.default_rng(0)
    parent = rng.integers(0, 40, 1500)
    y, x = np.mgrid[:30, :40]
    middles = np.random.default_rng(1).integers(5, 11, (2, 90, 1, 1))
    return {
        "text": np.array(["one", "two", "three"] * 200),
        "columns": np.column_stack([parent, parent * 7 % 11, rng.integers(0, 5, 1500)]).astype(np.float64) / 100,
        "walk": rng.integers(-3, 4, 2000).cumsum().astype(">i4"),
        "odd": np.array([np.nan, -0.0, 0.0, np.inf, 5e-324, 1.25] * 50),
        "field": np.rint(np.sin(y / 9) * np.cos(x / 7) * 9000).astype(np.int16),
        "hills": np.rint(np.sin(y / 9) * np.cos(x / 7) * 9000 + x).astype(np.int32),
        "images": (np.add.outer(np.arange(40), (y + x)[:12, :10]) % 13 + rng.integers(0, 2, (40, 12, 10))).astype(
            np.uint8
        ),
        "tables": np.column_stack([parent, parent * 1000 + rng.geometric(0.01, 1500), parent % 3]),
        "photos": np.clip(rng.integers(-4, 5, (6, 30, 20, 3)).cumsum(1).cumsum(2) // 2 + 120, 0, 255).astype(np.uint8),
        "drawings": (np.hypot(y[:16, :16] - middles[0], x[:16, :16] - middles[1]) < 5)
        * rng.integers(200, 204, (90, 16, 16)).astype(np.uint8),
        "stamps": np.minimum(rng.geometric(0.4, (9000, 3, 2)).cumsum(1), 15).astype(np.uint8),
    }


if __name__ == "__main__":
    arrays = examples()
    np.savez_compressed(HERE / "compressed1.npz", **arrays)
    for name, array in arrays.items():
        path = HERE / f"compressed1.{name}.nrw"
        if not path.exists():
            narrows.compress(array, path)
        print(name, {chunk.method for chunk in narrows.open_compressed(path).methods()})  # noqa: T201
