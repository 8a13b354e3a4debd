"""Tables taken apart and put together: text of any letters, and files of every version."""

import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import narrows
from narrows.core.errors import FileError
from narrows.tasks.compression import Plan, to_bytes
from narrows.tasks.decompression import from_bytes
from narrows.tasks.table_forms import _array, _content

GOLDEN = Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))

from make_tables import people  # noqa: E402

LETTERS = st.one_of(st.none(), st.text("ab\0é", max_size=3), st.text(max_size=5))


@settings(deadline=None, max_examples=150)
@given(st.lists(LETTERS, max_size=30), st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]))
@example([""], pa.string())
@example(["", ""], pa.string())
@example(["", "a", "", None], pa.string())
@example(["\0", "", "\0\0"], pa.string())
@example([None], pa.string())
@example([], pa.string())
def test_text_comes_back(words, kind):
    column = pa.chunked_array(
        [pa.array([w if w is None else w.encode(errors="replace").decode() for w in words], kind)]
    )
    found = _array(_content(column), kind)
    assert found.type == kind
    assert found.to_pylist() == column.to_pylist()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.one_of(st.none(), st.binary(max_size=4)), max_size=20))
def test_bytes_come_back(words):
    column = pa.chunked_array([pa.array(words, pa.binary())])
    assert _array(_content(column), pa.binary()).to_pylist() == words


@pytest.mark.parametrize("words", [["one", "two", "three"], ["o\0ne", "two", "three"]])
def test_words_that_are_cut_short_are_refused(words):
    content = _content(pa.chunked_array([pa.array(words)]))
    for beside in (content.beside[:-6], content.beside + b"\0", content.beside[:5]):
        with pytest.raises(FileError, match=r"words|cut short"):
            _array(type(content)(content.values, content.missing, beside), pa.string())


@pytest.mark.parametrize("name", ["table1.nrw", "table2.nrw"])
def test_files_of_every_version_stay_readable(name):
    pd.testing.assert_frame_equal(narrows.decompress(GOLDEN / name), people())


def test_metadata_of_any_bytes_come_back():
    table = pa.table({"a": [1, 2]}).replace_schema_metadata({b"\xff\x00k": b"\x80v", b"plain": b"text"})
    found = from_bytes(to_bytes(table, Plan.of(0, "default")))
    assert found.schema.metadata == table.schema.metadata
    assert found.equals(table)
