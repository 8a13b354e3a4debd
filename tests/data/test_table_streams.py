"""Tables on disk: the same codes as in memory, every row once, and nothing missed that only the last file says."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import narrows
from narrows.core.errors import ChoiceError, InputError
from narrows.data import looks, streams
from narrows.data.door import samples
from narrows.data.files import open_data
from narrows.data.streams import StreamSamples
from narrows.data.table_streams import TableStream
from narrows.training.loop import Loop

ROWS = 600


def table(n=ROWS):
    """A frame whose first column is the number of its row."""
    draw = np.random.RandomState(0)
    cause = draw.randint(0, 4, n)
    frame = pd.DataFrame(
        {
            "number": np.arange(n) + 0.5,
            "size": draw.randn(n) + cause,
            "colour": np.array(["red", "grün", "blue", ""])[cause],
            "flag": draw.rand(n) < 0.2 * cause,
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.randint(0, 900, n), "D"),
            "hits": draw.poisson(1 + cause),
            "same": "x",
        }
    )
    frame.loc[draw.rand(n) < 0.1, ["size", "colour"]] = None
    return frame


def write(path, frame, group=70):
    path.parent.mkdir(parents=True, exist_ok=True)
    given = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(given, path, row_group_size=group)


@pytest.fixture
def frame():
    return table()


@pytest.fixture
def folder(tmp_path, frame):
    for name, (first, last, group) in {"a": (0, 250, 50), "b": (250, 270, 7), "deeper/c": (270, ROWS, 150)}.items():
        write(tmp_path / "set" / f"{name}.parquet", frame[first:last], group)
    return tmp_path / "set"


@pytest.fixture
def small(monkeypatch):
    """A sample of 40 rows, a buffer of 100 rows, blocks of a few rows."""
    monkeypatch.setattr(looks, "SAMPLE", 40)
    monkeypatch.setattr(streams, "BUFFER", 100 * 48)
    monkeypatch.setattr("narrows.data.table_streams.BLOCK", 2000)
    monkeypatch.setattr(looks, "BLOCK", 2000)


def quick(**options):
    return narrows.Autoencoder(
        **{"epochs": 2, "latent_dim": 2, "batch_size": 64, "random_state": 0, "verbose": 0} | options
    )


def learned(stream):
    return stream.learn(None, "auto", None)


def numbers_in(schema, batches):
    """The numbers of the rows in batches."""
    first = schema.raw(torch.cat([view.x for view in batches]))["number"]
    return np.floor(first.to_numpy()).astype(int).tolist()


def columns_of(stream):
    return {column.name: column for column in learned(stream).columns}


class TestFit:
    def test_codes_are_those_of_the_table_in_memory(self, folder, frame):
        ae = quick().fit(open_data(folder))
        assert isinstance(open_data(folder), TableStream)
        assert np.array_equal(ae.transform(open_data(folder)), ae.transform(frame))
        assert np.array_equal(ae.score_samples(open_data(folder)), ae.score_samples(frame))
        rebuilt = ae.reconstruct(open_data(folder))
        assert rebuilt.schema.types == open_data(folder).files.schema.types
        assert rebuilt.equals(ae.reconstruct(pa.Table.from_pandas(frame)).cast(rebuilt.schema))

    def test_a_model_of_a_frame_reads_a_folder(self, folder, frame):
        ae = quick().fit(frame)
        assert np.array_equal(ae.transform(open_data(folder)), ae.transform(frame))

    def test_a_sample_that_is_everything_learns_what_the_table_does(self, folder, frame):
        ours, theirs = learned(open_data(folder)), samples(frame).learn(None, "auto", None)
        assert ours.spec == theirs.spec
        size, other = ours.columns[1], theirs.columns[1]
        assert np.allclose([size.shift, size.scale], [other.shift, other.scale])

    def test_a_folder_of_numbers_stays_an_array(self, tmp_path, frame):
        write(tmp_path / "set" / "a.parquet", frame[["number", "hits"]])
        assert isinstance(open_data(tmp_path / "set"), StreamSamples)

    def test_numbers_are_a_table_where_that_is_asked_for(self, tmp_path, frame):
        write(tmp_path / "set" / "a.parquet", frame[["number", "hits"]])
        ae = quick(columns={"hits": "category"}).fit(open_data(tmp_path / "set"))
        assert [column.kind for column in ae.schema_.columns] == ["number", "category"]
        assert np.array_equal(ae.transform(open_data(tmp_path / "set")), ae.transform(frame[["number", "hits"]]))
        with pytest.raises(ChoiceError, match="'hitz'"):
            quick(columns={"hitz": "category"}).fit(open_data(tmp_path / "set"))

    def test_it_learns(self, folder):
        ae = quick(epochs=30, learning_rate=1e-2).fit(open_data(folder))
        rebuilt = ae.reconstruct(open_data(folder)).to_pandas()
        known = table()["colour"].notna()
        assert (rebuilt["colour"] == table()["colour"])[known].mean() > 0.8  # seeds give 0.87 to 0.97, in memory too

    def test_the_same_bits_each_time(self, folder, small):
        one, two = (quick().fit(open_data(folder)).transform(open_data(folder)) for _ in range(2))
        assert np.array_equal(one, two)

    @pytest.mark.parametrize("broken_off", [4, 13])
    def test_a_run_that_was_killed_ends_in_the_same_bits(self, folder, small, tmp_path, monkeypatch, broken_off):
        uninterrupted = quick().fit(open_data(folder))
        monkeypatch.setattr("narrows.training.loop.SAVE_SECONDS", 0)
        monkeypatch.setattr("narrows.training.loop.LOOK", 1)
        step, taken = Loop._step, []

        def stops(loop, view):
            taken.append(view)
            if len(taken) == broken_off:
                raise KeyboardInterrupt
            step(loop, view)

        monkeypatch.setattr(Loop, "_step", stops)
        with pytest.raises(KeyboardInterrupt):
            quick(checkpoint=tmp_path / "moments").fit(open_data(folder))
        resumed = quick(checkpoint=tmp_path / "moments").fit(open_data(folder))
        assert np.array_equal(resumed.transform(open_data(folder)), uninterrupted.transform(open_data(folder)))

    def test_partial_fit_takes_its_blocks(self, folder):
        ae = quick().partial_fit(open_data(folder))
        before = ae.transform(open_data(folder))
        for block in open_data(folder).blocks():
            ae.partial_fit(block)
        assert not np.array_equal(ae.transform(open_data(folder)), before)

    def test_a_model_file_knows_the_table(self, folder, tmp_path):
        ae = quick(epochs=1).fit(open_data(folder))
        ae.save(tmp_path / "m.safetensors")
        again = narrows.load(tmp_path / "m.safetensors")
        assert again.reconstruct(open_data(folder)).equals(ae.reconstruct(open_data(folder)))


class TestBatches:
    def test_rows_that_judge_are_never_trained_on(self, folder, small):
        stream = open_data(folder)
        schema = learned(stream)
        train, judges = stream.split(schema, 0.03, torch.Generator().manual_seed(0))
        aside = numbers_in(schema, judges.batches(64))
        assert len(aside) == len(judges) == 18
        for epoch in range(2):
            order = numbers_in(schema, train.batches(64, torch.Generator().manual_seed(epoch)))
            assert order != sorted(order)
            assert sorted(order + aside) == list(range(ROWS))
        assert not set(numbers_in(schema, train.some(20, torch.Generator()).batches(64))) & set(aside)

    def test_start_skips_what_was_seen(self, folder, small):
        stream = open_data(folder)
        source = stream.source(learned(stream))
        whole, rest = (list(source.batches(50, torch.Generator().manual_seed(3), start)) for start in (0, 5))
        assert all(torch.equal(one.x, two.x) for one, two in zip(whole[5:], rest, strict=True))

    def test_chosen_rows(self, folder):
        stream = open_data(folder)
        schema = learned(stream)
        rows = torch.tensor([5, 3, 599, 251])
        assert numbers_in(schema, stream.source(schema, rows).batches(3)) == rows.tolist()


class TestLook:
    """What a small sample misses is found in the other rows."""

    @pytest.fixture
    def last(self, folder, small):
        """Change the last row of all."""

        def change(**values):
            part = table()[270:].astype({"colour": object})
            for name, value in values.items():
                part[name] = [*part[name][:-1], value]
            write(folder / "deeper" / "c.parquet", part)
            return open_data(folder)

        return change

    def test_levels(self, last):
        stream = last(colour="violet")
        assert columns_of(stream)["colour"].levels == ("", "blue", "grün", "red", "violet")
        schema = learned(stream)
        assert schema.raw(torch.cat([v.x for v in stream.source(schema).batches(64)]))["colour"][-1].as_py() == "violet"

    def test_gaps(self, folder, small):
        full = table().fillna({"size": 0.0, "colour": "red"})
        write(folder / "a.parquet", full[:250])
        write(folder / "b.parquet", full[250:270])
        part = full[270:].reset_index(drop=True)
        write(folder / "deeper" / "c.parquet", part)
        assert not learned(open_data(folder)).gaps
        part.loc[len(part) - 1, "colour"] = None
        write(folder / "deeper" / "c.parquet", part)
        schema = learned(open_data(folder))
        assert schema.gaps
        *_, view = open_data(folder).source(schema).batches(64)
        assert view.present[-1].sum() == view.present[0].sum() - 1

    def test_a_constant_that_is_none(self, last):
        assert columns_of(last())["same"].kind == "constant"
        assert columns_of(last(same="y"))["same"].levels == ("x", "y")

    def test_counts_that_are_none(self, last):
        assert columns_of(last())["hits"].kind == "count"
        assert columns_of(last(hits=0.5))["hits"].kind == "number"
        assert columns_of(last(hits=-1))["hits"].kind == "number"

    def test_a_time_of_day(self, last):
        assert columns_of(last())["day"].varies == (True, False, False, False)
        assert columns_of(last(day=pd.Timestamp("2021-01-01 10:00:00.000007")))["day"].varies == (
            True,
            True,
            True,
            False,
        )

    def test_an_infinite_value_is_named_by_its_row(self, last):
        with pytest.raises(InputError, match="X has inf in column 'size', first in row 599"):
            learned(last(size=np.inf))

    def test_too_many_levels(self, folder, small, monkeypatch):
        monkeypatch.setattr(looks, "LEVELS", 2)
        stream = open_data(folder)
        with pytest.warns(UserWarning, match="column 'colour' has too many categories"):
            schema = learned(stream)
        assert len(schema.columns[2].levels) == 2


class TestFiles:
    def test_a_type_that_differs_is_named_by_file_and_column(self, folder, frame):
        write(folder / "b.parquet", frame[250:270].assign(hits="many"))
        with pytest.raises(
            InputError, match=r"b\.parquet holds values of type \w+ in column 'hits', where .*a\.parquet holds int64"
        ):
            open_data(folder)

    def test_types_that_stand_for_each_other(self, folder, frame):
        other = frame[250:270].astype({"hits": "float32", "colour": "category", "flag": "int8"})
        write(folder / "b.parquet", other.assign(same=None, day=other["day"].dt.date))
        stream = open_data(folder)
        assert [str(kind) for kind in stream.files.schema.types[2:6]] == [
            "string",
            "double",
            str(pa.Table.from_pandas(frame).schema.field("day").type),
            "double",
        ]
        ae = quick(epochs=1).fit(frame)
        assert np.array_equal(ae.transform(stream), ae.transform(frame))

    def test_the_index_of_a_frame_is_no_column(self, folder, frame):
        frame[250:270].to_parquet(folder / "b.parquet")
        assert open_data(folder).names == list(frame)

    def test_a_missing_column_and_others(self, folder, frame, tmp_path):
        ae = quick(epochs=1).fit(frame)
        write(tmp_path / "less" / "a.parquet", frame.drop(columns="flag"))
        with pytest.raises(InputError, match="X lacks the column 'flag'"):
            ae.transform(open_data(tmp_path / "less"))
        write(tmp_path / "more" / "a.parquet", frame.assign(more="y"))
        with pytest.warns(UserWarning, match="ignored: more"):
            assert np.array_equal(ae.transform(open_data(tmp_path / "more")), ae.transform(frame))
        write(tmp_path / "other" / "a.parquet", frame.assign(colour=1.5))
        with pytest.raises(InputError, match="column 'colour' holds numbers, but it held text"):
            ae.transform(open_data(tmp_path / "other"))

    def test_models_of_numbers_refuse_tables(self, folder, frame):
        ae = quick(epochs=1).fit(frame[["number", "hits"]])
        with pytest.raises(InputError, match="fitted on numbers alone"):
            ae.transform(open_data(folder))

    def test_unseen_categories_are_told_once(self, folder, frame, small):
        ae = quick(epochs=1).fit(frame[frame["colour"] != "blue"])
        with pytest.warns(UserWarning, match="unseen categories") as told:
            found = ae.transform(open_data(folder))
        assert [str(one.message) for one in told] == ["column 'colour' has unseen categories ('blue'): unknown"]
        with pytest.warns(UserWarning, match="unseen"):
            assert np.array_equal(found, ae.transform(frame))

    def test_another_likelihood_is_refused(self, folder):
        with pytest.raises(InputError, match="only the likelihood 'mixed'"):
            quick(likelihood="bernoulli").fit(open_data(folder))


@pytest.mark.parametrize("name", ["adult_test", "titanic", "diamonds"])
def test_real_tables(tmp_path, real, name):
    frame = pq.read_table(real / "tabular" / f"{name}.parquet").slice(0, 2000)
    for number in range(4):
        write(tmp_path / "set" / f"{number}.parquet", frame.slice(number * 500, 500), group=200)
    ae = quick(epochs=1).fit(open_data(tmp_path / "set"))
    assert np.array_equal(ae.transform(open_data(tmp_path / "set")), ae.transform(frame))
