"""What kind a column is, by its values, and on request."""

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pytest

from narrows.core.errors import ChoiceError, InputError
from narrows.data.kinds import MANY, MOST_COUNT, canonical, column_from_json, fitting, learn_column


def learned(values, asked=None):
    return learn_column("c", canonical(pa.chunked_array([pa.array(values)]), "c"), asked)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, 2.5, None], "number"),
        ([0, 1, 5, None], "count"),
        ([0, 1, MOST_COUNT + 1], "number"),
        ([1, 2, 3], "number"),
        ([-1, 0, 1], "number"),
        ([True, False, None], "truth"),
        ([0, 1, 1], "truth"),
        (["a", "b", None], "category"),
        ([dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1)], "moment"),
        ([dt.date(2020, 1, 1), dt.date(2021, 1, 1)], "moment"),
        ([decimal.Decimal("1.50"), decimal.Decimal("2.25")], "number"),
        ([dt.timedelta(seconds=1), dt.timedelta(seconds=5)], "number"),
        (["a", "a", None], "constant"),
        ([None, None], "constant"),
        ([float("nan"), 3.0], "constant"),
    ],
)
def test_the_values_decide(values, kind):
    found = learned(values)
    assert found.kind == kind
    assert column_from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("values", "asked"),
    [([1.0, 2.0, 3.0], "count"), ([1, 2, 3], "category"), ([0, 1, 1], "number"), (["a", "b"], "identifier")],
)
def test_a_user_decides_otherwise(values, asked):
    assert learned(values, asked).kind == asked


@pytest.mark.parametrize(
    ("values", "asked", "sentence"),
    [
        ([1.5, 2.5], "count", "counts nothing"),
        ([1, 2], "truth", "no truth value"),
        (["a", "b"], "number", "holds text"),
        ([dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1)], "count", "holds dates"),
        ([True, False], "identifier", "identifiers are text or numbers"),
        ([1, 2], "nubmer", "did you mean 'number'"),
    ],
)
def test_what_values_do_not_allow_is_refused(values, asked, sentence):
    with pytest.raises(ChoiceError, match=sentence):
        learned(values, asked)


NAMES = [f"order {i}" for i in range(MANY + 1)]


class TestIdentifiers:
    def test_text_of_which_nearly_every_value_is_another_one(self):
        assert learned(NAMES).kind == "identifier"
        assert learned(NAMES + NAMES).kind == "category", "half of the rows is not most of them"
        assert learned(NAMES[:-1]).kind == "category", "few enough to be learned"

    def test_a_model_sees_nothing_of_them_and_they_come_back_missing(self):
        column = learned(NAMES)
        assert column.columns == ()
        assert column.encode(pa.array(["order 3", "another"])).shape == (2, 0)
        assert column.decode(np.empty((2, 0))).to_pylist() == [None, None]

    def test_numbers_on_request(self):
        assert learned([3, 1, 2], "identifier").type == pa.float64()


class TestCanonical:
    def test_every_kind_of_text_is_text(self):
        for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
            given = pa.chunked_array([pa.array(["a", None, "b"]).cast(kind)])
            assert canonical(given, "c").equals(pa.array(["a", None, "b"]))

    def test_several_chunks_become_one(self):
        assert canonical(pa.chunked_array([[1], [2]]), "c").to_pylist() == [1.0, 2.0]

    def test_a_time_zone_is_taken_off_and_the_moment_stays(self):
        zoned = pa.chunked_array([pa.array([0], pa.timestamp("s", "Europe/Berlin"))])
        assert canonical(zoned, "c").equals(pa.array([0], pa.timestamp("s")))

    def test_infinity_is_named_with_its_row(self):
        with pytest.raises(InputError, match="column 'c', first in row 12"):
            canonical(pa.chunked_array([[1.0, 2.0, float("-inf")]]), "c", before=10)

    def test_what_nothing_can_be_made_of_is_refused(self):
        with pytest.raises(InputError, match="column 'c' holds values of type list"):
            canonical(pa.chunked_array([[[1], [2]]]), "c")


class TestFitting:
    def test_numbers_truth_values_and_gaps_stand_for_each_other(self):
        number = learned([1.5, 2.5, 9.0])
        assert fitting(pa.array([True, None]), number).to_pylist() == [1.0, None]
        assert fitting(pa.nulls(2), number).equals(pa.nulls(2, pa.float64()))

    @pytest.mark.parametrize(
        ("was", "now", "sentence"),
        [
            ([1.5, 2.5], ["a", "b"], "holds text, but it held numbers"),
            (["a", "b"], [1.0], "holds numbers, but it held text"),
            ([dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1)], [True], "holds truth values, but it held dates"),
        ],
    )
    def test_another_kind_is_refused_by_name(self, was, now, sentence):
        with pytest.raises(InputError, match=f"column 'c' {sentence}"):
            fitting(pa.array(now), learned(was))


def test_a_kind_that_there_is_not():
    with pytest.raises(ValueError, match="of kind 'colour'"):
        column_from_json({"kind": "colour", "name": "c"})
