"""Codecs of imagecodecs: every value within the bound, and whatever goes wrong is an error with a reason."""

import numpy as np
import pytest

from narrows.coding import borrowed, chunks
from narrows.coding.chunks import Content
from narrows.coding.efforts import EFFORTS
from narrows.coding.values import bits_of, within
from narrows.core.errors import FileError
from narrows.tasks.compression import Plan, to_bytes
from narrows.tasks.decompression import from_bytes

pytest.importorskip("imagecodecs")


def field(shape, dtype=np.float32):
    grids = np.meshgrid(*(np.linspace(0, 9, length) for length in shape), indexing="ij")
    return (sum(np.sin((k + 1) * grid) for k, grid in enumerate(grids)) * 100).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(900,), (40, 50), (9, 40, 30), (2, 3, 20, 24), (1, 30, 40), (3, 2, 100)])
def test_every_value_of_every_candidate_is_within_the_bound(shape, dtype):
    values = field(shape, dtype)
    values.flat[[3, 7, 8]] = np.nan, np.inf, -0.0
    made = borrowed.bounded(values, 0.05)
    names = {borrowed.in_words(one) for one in made}
    assert names & {"SZ3", "SPERR"} or min(values.shape[-2:]) < 8
    assert len(shape) == 1 or "JPEG XL of a grid" in names
    for one in made:
        found = borrowed.decode(one, values.dtype, values.shape)
        assert (within(found, values, 0.05) | (bits_of(found) == bits_of(values))).all()


def test_values_that_a_codec_gives_back_wrong_are_patched(monkeypatch):
    values = field((40, 50))
    real = borrowed._apart_back

    def wrong(*given):
        found = real(*given)
        found.flat[[5, 900]] += 1.0
        return found

    monkeypatch.setattr(borrowed, "_apart_back", wrong)
    (made,) = [one for one in borrowed.bounded(values, 0.05) if one[0] > borrowed.OF_GRID]
    assert within(borrowed.decode(made, values.dtype, values.shape), values, 0.05).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(7, 9), (5, 8, 8), (3, 6, 5, 3), (3, 6, 5, 4), (2, 3, 6, 5)])
def test_images_come_back(shape, dtype):
    values = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    (made,) = borrowed.planes(values)
    assert (borrowed.decode(made, values.dtype, shape) == values).all()


def test_a_file_is_hardly_larger_than_by_the_best_codec():
    values = (field((9, 20, 30)) + np.random.default_rng(0).normal(size=(9, 20, 30))).astype(np.float32)
    best = min(map(len, borrowed.bounded(values, 0.5)))
    assert len(to_bytes(values, Plan.of(0.5, "default"))) <= 1.03 * best + 200


def chosen(monkeypatch):
    """A chunk that is made by a borrowed codec, as no other method may be used."""
    monkeypatch.setattr(chunks, "_worth", lambda made: len(made) if made[0] == chunks.BORROWED else np.inf)
    values = field((40, 50))
    payload, back = chunks.encode(Content(values), [], {}, 0.05, EFFORTS["default"])
    assert "SZ3 SPERR JPEG XL of a grid".find(chunks.in_words(payload, values.dtype, 2000)) >= 0
    assert within(back.values, values, 0.05).all()
    return payload, values


def test_without_the_library_a_file_says_what_it_needs(monkeypatch):
    payload, values = chosen(monkeypatch)
    monkeypatch.setattr(borrowed, "installed", lambda: False)
    with pytest.raises(FileError, match=r"imagecodecs, which is not there: pip install 'narrows\[codecs\]'"):
        chunks.decode(payload, values.dtype, values.shape, [])


def test_portable_files_need_no_library(monkeypatch):
    values = field((9, 20, 30))
    data = to_bytes(values, Plan.of(0.5, "max", portable=True))
    monkeypatch.setattr(borrowed, "installed", lambda: False)
    assert within(from_bytes(data), values, 0.5).all()


@pytest.mark.parametrize("codec", [2, 3])
@pytest.mark.parametrize("stream", [b"", b"abc" * 30, bytes(200)])
def test_streams_of_anything_end_no_process_but_their_own(codec, stream):
    data = bytes([codec, 0, 0, 1, len(stream) & 127 | (128 if len(stream) > 127 else 0)])
    data += (bytes([len(stream) >> 7]) if len(stream) > 127 else b"") + stream
    with pytest.raises(FileError, match="damaged"):
        borrowed.decode(data, np.dtype(np.float32), (40, 50))
