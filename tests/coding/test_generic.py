"""Generic codecs, small fields, and arrangements of bytes: what goes in comes out, and no more than was announced."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from narrows.coding import bytewise
from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import CODECS, squeeze, unsqueeze
from narrows.core.errors import FileError


@pytest.mark.parametrize("number", range(len(CODECS)), ids=[codec.name for codec in CODECS])
@pytest.mark.parametrize("data", [b"", b"a", bytes(10_000), bytes(range(256)) * 40], ids=["none", "one", "same", "all"])
def test_every_codec_gives_back_what_it_got(number, data):
    made = bytes([number]) + CODECS[number].shrink(data)
    assert unsqueeze(made, len(data)) == data


@pytest.mark.parametrize("number", range(1, len(CODECS)), ids=[codec.name for codec in CODECS[1:]])
def test_a_stream_that_holds_more_than_announced_is_refused(number):
    made = bytes([number]) + CODECS[number].shrink(bytes(1_000_000))
    with pytest.raises(FileError, match="another number of bytes"):
        unsqueeze(made, 1000)


@settings(deadline=None)
@given(data=st.binary(max_size=300), size=st.integers(0, 400))
def test_any_bytes_are_read_or_refused(data, size):
    with suppress(FileError):
        assert len(unsqueeze(data, size)) == size


def test_squeezing_never_adds_more_than_a_byte():
    noise = np.random.default_rng(0).bytes(1000)
    assert len(squeeze(noise)) == 1001


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64)), st.lists(st.integers(-(2**64), 2**64)), st.binary())
def test_fields_come_back(numbers, signed, data):
    out = Writer()
    for number in numbers:
        out.number(number)
    for number in signed:
        out.signed(number)
    out.piece(data)
    fields = Reader(out.rest(b"rest"))
    assert [fields.number() for _ in numbers] == numbers
    assert [fields.signed() for _ in signed] == signed
    assert fields.piece() == data
    assert fields.rest() == b"rest"


@settings(deadline=None)
@given(st.binary(max_size=20))
def test_fields_of_any_bytes_are_read_or_refused(data):
    fields = Reader(data)
    try:
        fields.number(1000)
        fields.piece()
        fields.signed()
    except FileError:
        pass


@pytest.mark.parametrize("number", range(len(bytewise.ARRANGEMENTS)))
@settings(max_examples=25, deadline=None)
@given(
    values=hn.arrays(
        st.sampled_from([np.uint8, np.int16, np.float32, np.float64, np.bool_]),
        hn.array_shapes(min_dims=1, max_dims=3, max_side=5),
        elements={"allow_subnormal": True},
    )
)
def test_arrangements_give_back_every_bit(number, values):
    found = bytewise.taken_up(bytewise.laid_out(values, number), number, values.dtype, values.shape)
    assert found.tobytes() == values.tobytes()
    assert found.dtype == values.dtype


@pytest.mark.parametrize("shape", [(5000,), (1, 3, 90, 100), (2, 100_000), (40, 5), (300, 400)])
def test_a_glance_is_at_few_bytes_of_the_middle(shape):
    values = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    some = bytewise._middle(values, bytewise.GLANCE)
    assert 0 < some.nbytes <= max(2 * bytewise.GLANCE, 8)
    assert some.nbytes >= min(values.nbytes, bytewise.GLANCE // 4)
