"""The estimator for smaller data."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

import narrows
from narrows.core.errors import ChoiceError, FileError

IMAGES = load_digits().images


@pytest.fixture(scope="module")
def fitted():
    return narrows.Compressor().fit(IMAGES[:600])


def test_what_it_learned_makes_data_smaller(fitted, tmp_path):
    images = IMAGES[600:700]
    data = fitted.compress(images)
    assert fitted.decompress(data).tobytes() == images.tobytes()
    assert len(data) < 0.95 * narrows.compress(images, tmp_path / "x.nrw")


def test_it_comes_back_from_its_file(fitted, tmp_path):
    images = IMAGES[600:650]
    fitted.save(tmp_path / "c.safetensors")
    again = narrows.load(tmp_path / "c.safetensors")
    assert again.get_params() == fitted.get_params()
    assert again.compress(images) == fitted.compress(images)
    assert again.decompress(fitted.compress(images)).dtype == images.dtype


def test_another_compressor_cannot_read_it(fitted):
    data = fitted.compress(IMAGES[600:650])
    with pytest.raises(FileError, match="only the same one"):
        narrows.Compressor().fit(IMAGES[:50]).decompress(data)


def test_tables_and_other_arrays_are_compressed_by_themselves():
    table = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "y"]})
    compressor = narrows.Compressor().fit(table)
    pd.testing.assert_frame_equal(compressor.decompress(compressor.compress(table)), table)
    assert compressor.decompress(compressor.compress(np.arange(5))).tolist() == [0, 1, 2, 3, 4]


def test_an_error_is_kept():
    X = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    compressor = narrows.Compressor(max_error=0.1).fit(X)
    data = compressor.compress(X)
    assert 0 < np.abs(compressor.decompress(data) - X).max() <= np.float32(0.1)
    assert len(data) < X.nbytes / 4


def test_bad_options_are_refused_at_fit():
    with pytest.raises(ChoiceError, match="unknown effort"):
        narrows.Compressor(effort="huge").fit(IMAGES)
    with pytest.raises(ChoiceError, match="max_error"):
        narrows.Compressor(max_error=-1).fit(IMAGES)
    with pytest.raises(NotFittedError):
        clone(narrows.Compressor(effort="fast")).compress(IMAGES)
