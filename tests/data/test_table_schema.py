"""Tables of mixed columns: raw -> tensor -> raw, whatever the columns hold and whatever they came in."""

import datetime as dt
import json
import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from narrows.core.errors import ChoiceError, InputError
from narrows.data.door import samples, samples_like
from narrows.data.table_schema import TableSchema

FLOATS = st.floats(-1e12, 1e12, allow_subnormal=False)
WHOLE = st.integers(-(2**31), 2**31)
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
DAYS = st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1))
TIMES = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
KINDS = {
    "float": (pa.float64(), FLOATS),
    "whole": (pa.int64(), WHOLE),
    "count": (pa.int32(), st.integers(0, 50)),
    "truth": (pa.bool_(), st.booleans()),
    "word": (pa.string(), WORDS),
    "level": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["a", "", "ü", "日本"])),
    "day": (pa.date32(), DAYS),
    "second": (pa.timestamp("s"), TIMES.map(lambda t: t.replace(microsecond=0))),
    "microsecond": (pa.timestamp("us"), TIMES),
    "nanosecond": (pa.timestamp("ns"), st.integers(-(2**62), 2**62)),
    "zoned": (pa.timestamp("ms", "Europe/Berlin"), st.integers(-(10**12), 10**13)),
    "nothing": (pa.null(), st.none()),
}


@st.composite
def tables(draw, least_rows=2, gaps=True):
    """A random table: up to 30 rows, up to 6 columns of any kinds, unicode names, gaps."""
    rows = draw(st.integers(least_rows, 30))
    names = draw(st.lists(WORDS, min_size=2, max_size=6, unique=True))
    columns = []
    for _ in names:
        kind, values = KINDS[draw(st.sampled_from(sorted(KINDS)))]
        values = st.one_of(values, st.none()) if gaps and draw(st.booleans()) else values
        columns.append(pa.array(draw(st.lists(values, min_size=rows, max_size=rows)), kind))
    return pa.table(columns, names)


def learn(X, **options):
    return samples(X, mixed=True, **options).learn(None, "auto", None)


def try_to_learn(table):
    """The schema of a random table, None where too little of it varies."""
    try:
        return learn(table)
    except InputError as error:
        if "fewer than 2 columns that vary" not in str(error):
            raise
        return None


def assert_same(back, raw):
    """Equal where there was a value: exactly, or to the precision of floats for numbers that are none of a kind."""
    assert back.column_names == raw.column_names
    assert back.schema.types == raw.schema.types
    for name in raw.column_names:
        found, wanted = back[name].to_pylist(), raw[name].to_pylist()
        if pa.types.is_floating(raw.schema.field(name).type) or raw.schema.field(name).type == pa.int64():
            spread = max([abs(v) for v in wanted if v is not None], default=0)
            pairs = zip(found, wanted, strict=True)
            assert all(w is None or math.isclose(f, w, rel_tol=1e-5, abs_tol=1e-5 * spread + 1e-9) for f, w in pairs)
        else:
            assert all(w is None or f == w for f, w in zip(found, wanted, strict=True)), name


@settings(max_examples=400, deadline=None)
@given(tables())
def test_raw_to_tensor_to_raw(table):
    there_and_back(table)


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None)
@given(tables())
def test_raw_to_tensor_to_raw_of_many_tables(table):
    there_and_back(table)


def there_and_back(table):
    schema = try_to_learn(table)
    if schema is None:
        return
    x = schema.tensor(table)
    assert x.shape == (table.num_rows, *schema.spec.shape)
    assert not x.isinf().any()
    assert bool(x.isnan().any()) <= schema.gaps
    assert_same(schema.frame.restore(schema.raw(x.nan_to_num(0))), table)


@settings(max_examples=200, deadline=None)
@given(tables())
def test_a_schema_survives_json(table):
    schema = try_to_learn(table)
    if schema is None:
        return
    again = TableSchema.from_json(json.loads(json.dumps(schema.to_json())), {})
    assert again == schema
    assert again.spec == schema.spec
    assert torch.equal(again.tensor(table).nan_to_num(9), schema.tensor(table).nan_to_num(9))


@settings(max_examples=200, deadline=None)
@given(tables())
def test_no_rows(table):
    schema = try_to_learn(table)
    if schema is None:
        return
    nothing = table.slice(0, 0)
    assert schema.tensor(nothing).shape == (0, *schema.spec.shape)
    assert schema.frame.restore(schema.join([])).num_rows == 0


@settings(max_examples=300, deadline=None)
@given(tables(gaps=False))
def test_polars_gives_the_same_tensor_and_comes_back(table):
    table = table.select([n for n in table.column_names if not pa.types.is_null(table.schema.field(n).type)])
    if table.num_columns < 2:
        return
    schema = try_to_learn(table)
    if schema is None:
        return
    frame = pl.from_arrow(table)
    other = learn(frame)
    x = other.tensor(samples(frame, mixed=True).table)
    assert torch.equal(x, schema.tensor(table))
    back = samples(frame, mixed=True).like(other.raw(x))
    assert isinstance(back, pl.DataFrame)
    assert back.columns == frame.columns
    assert back.dtypes == frame.dtypes


@pytest.fixture
def people():
    """A table with every kind of column, and gaps."""
    rng = np.random.RandomState(0)
    n = 60
    frame = pd.DataFrame(
        {
            "height": rng.randn(n).astype(np.float32) * 10 + 170,
            "income": np.exp(rng.randn(n) * 2 + 8),
            "children": rng.poisson(1.5, n),
            "member": rng.rand(n) < 0.5,
            "town": rng.choice(["Ulm", "Köln", ""], n),
            "size": pd.Categorical(rng.choice(["s", "m", "l"], n), ["s", "m", "l"], ordered=True),
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.randint(0, 10**8, n), "s"),
            "constant": 7,
            "nothing": np.nan,
        },
        index=rng.permutation(n),
    )
    frame.loc[frame.index[::7], ["height", "town", "joined"]] = None
    return frame


class TestPandas:
    def test_comes_back_as_it_was(self, people):
        given = samples(people)
        schema = given.learn(None, "auto", None)
        back = given.like(schema.raw(schema.tensor(given.table).nan_to_num(0)))
        assert (back.dtypes == people.dtypes).all()
        assert back.index.equals(people.index)
        seen = people.notna()
        pd.testing.assert_frame_equal(back.where(seen), people.where(seen), rtol=1e-5)

    def test_kinds(self, people):
        kinds = {column.name: column.kind for column in learn(people).columns}
        assert kinds == {
            "height": "number",
            "income": "number",
            "children": "count",
            "member": "truth",
            "town": "category",
            "size": "category",
            "joined": "moment",
            "constant": "constant",
            "nothing": "constant",
        }

    def test_skewed_numbers_go_through_quantiles(self, people):
        income = next(column for column in learn(people).columns if column.name == "income")
        assert income.knots
        x = income.encode(pa.array(people["income"]))[:, 0]
        assert abs((x**3).mean()) < 0.5

    @pytest.mark.parametrize("column", ["children", "member"])
    @pytest.mark.parametrize("kind", ["float64", object])
    def test_gaps_may_change_a_type_but_not_the_kind(self, people, column, kind):
        schema, holed = learn(people), people.copy()
        holed[column] = holed[column].astype(kind)
        holed.loc[holed.index[3], column] = None
        x = schema.tensor(samples_like(holed, schema, schema.names).table)
        before = schema.tensor(samples(people).table)
        place = [c.name for c in schema.spec.columns].index(column)
        assert x[3, place].isnan()
        assert torch.equal(x[4:, place], before[4:, place])

    @pytest.mark.parametrize(
        ("column", "values", "sentence"),
        [
            ("height", "tall", "column 'height' holds text, but it held numbers when the model was fitted"),
            ("town", 3.5, "column 'town' holds numbers, but it held text"),
            ("joined", "soon", "column 'joined' holds text, but it held dates"),
            ("member", "yes", "column 'member' holds text, but it held truth values"),
        ],
    )
    def test_another_kind_than_at_fit_is_refused(self, people, column, values, sentence):
        schema = learn(people)
        with pytest.raises(InputError, match=sentence):
            schema.tensor(samples_like(people.assign(**{column: values}), schema, schema.names).table)

    def test_a_missing_column_is_refused(self, people):
        schema = learn(people)
        with pytest.raises(InputError, match="lacks the column 'town'"):
            samples_like(people.drop(columns="town"), schema, schema.names).check(schema)

    def test_further_columns_are_ignored_with_a_warning(self, people):
        schema = learn(people)
        with pytest.warns(UserWarning, match="does not know are ignored: new"):
            found = samples_like(people.assign(new=1), schema, schema.names)
        assert torch.equal(schema.tensor(found.table).nan_to_num(9), schema.tensor(samples(people).table).nan_to_num(9))

    def test_the_order_of_columns_does_not_matter(self, people):
        schema = learn(people)
        turned = samples(people[people.columns[::-1]])
        assert torch.equal(
            schema.tensor(turned.table).nan_to_num(9), schema.tensor(samples(people).table).nan_to_num(9)
        )

    def test_unseen_categories_are_unknown_and_reported(self, people):
        schema, other = learn(people), people.copy()
        other["town"] = "Bonn"
        with pytest.warns(UserWarning, match=r"column 'town' has 1 unseen categories \('Bonn'\)"):
            x = schema.tensor(samples(other).table)
        place = [c.name for c in schema.spec.columns].index("town")
        assert (x[:, place] == 0).all()
        assert schema.raw(x.nan_to_num(0))["town"].null_count == len(people)

    def test_numbers_can_be_categories_on_request(self, people):
        schema = learn(people, columns={"children": "category"})
        assert next(c.kind for c in schema.columns if c.name == "children") == "category"
        x = schema.tensor(samples(people).table).nan_to_num(0)
        assert schema.frame.restore(schema.raw(x))["children"].tolist() == people["children"].tolist()

    @pytest.mark.parametrize(
        ("columns", "sentence"),
        [
            ({"towm": "category"}, "unknown column 'towm', did you mean 'town'"),
            ({"town": "levels"}, "unknown kind for column 'town' 'levels'"),
            ({"town": "number"}, "holds text, which cannot be taken for 'number'"),
            ({"joined": "count"}, "holds dates"),
            ({"income": "count"}, "counts nothing"),
            ({"income": "truth"}, "no truth value"),
        ],
    )
    def test_wishes_that_cannot_be_granted(self, people, columns, sentence):
        with pytest.raises(ChoiceError, match=sentence):
            learn(people, columns=columns)

    def test_infinite_values_are_refused(self, people):
        people.loc[people.index[2], "income"] = np.inf
        with pytest.raises(InputError, match="inf in column 'income', first in row 2"):
            learn(people)

    def test_two_columns_of_one_name_are_refused(self, people):
        with pytest.raises(InputError, match="more than one column named 'town'"):
            learn(pd.concat([people, people[["town"]]], axis=1))

    def test_several_kinds_in_one_column_are_refused(self, people):
        people["town"] = [3, "Ulm"] * 30
        with pytest.raises(InputError, match="several kinds in one column"):
            learn(people)

    def test_lists_in_a_column_are_refused(self, people):
        people["town"] = [[1, 2]] * 60
        with pytest.raises(InputError, match="column 'town' holds values of type list"):
            learn(people)


def test_the_same_table_in_any_container_gives_the_same_tensor(people, tmp_path):
    from narrows.data.files import open_data

    people["size"] = people["size"].astype("str")
    people["nothing"] = None
    people = people.reset_index(drop=True)
    people.to_csv(tmp_path / "x.csv", index=False)
    people.to_parquet(tmp_path / "x.parquet")
    arrow = pa.Table.from_pandas(people, preserve_index=False)
    given = [people, pl.from_arrow(arrow), arrow, open_data(tmp_path / "x.csv"), open_data(tmp_path / "x.parquet")]
    found = []
    for X in given:
        schema = learn(X)
        found.append(schema.tensor(samples(X, mixed=True).table).nan_to_num(9))
    places = [c.name != "town" for c in schema.spec.columns]  # an empty word is missing in CSV, and a level elsewhere
    assert all(torch.allclose(x[:, places], found[0][:, places], rtol=0, atol=1e-6) for x in found[1:])
