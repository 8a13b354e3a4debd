"""Shared fixtures. Tests need no data but scikit-learn's; those on real data are skipped, with a reason, without it."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"  # scikit-learn skips one of its checks otherwise, and must be told before scipy

from pathlib import Path

import numpy as np
import pytest
import torch

REAL = Path(os.environ.get("NARROWS_DATA", Path(__file__).parents[1].parent / "shared" / "data"))


@pytest.fixture
def real():
    """The folder of real data, or a skip."""
    if not REAL.is_dir():
        pytest.skip(f"real data is not at {REAL.name}: set NARROWS_DATA to its folder")
    return REAL


@pytest.fixture(autouse=True)
def seeded():
    """Global draws begin alike, so that a test that makes its data by them sees the same data each time."""
    torch.manual_seed(0)
    np.random.seed(0)


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def digits():
    from sklearn.datasets import load_digits

    return load_digits()


@pytest.fixture
def table():
    """A small table with structure: 120 rows, 6 columns from 2 hidden causes and a little noise."""
    draw = np.random.RandomState(0)
    causes = draw.randn(120, 2)
    return np.tanh(causes @ draw.randn(2, 6)) + 0.1 * draw.randn(120, 6)
