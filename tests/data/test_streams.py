"""Streams: every row once, mixed well, the same for the same seed, and never the whole in memory."""

import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import narrows
from narrows.core.errors import ChoiceError, FileError, InputError, TrainingError
from narrows.data import stores, streams
from narrows.data.door import samples
from narrows.data.files import open_data
from narrows.data.readers import SlicedReader
from narrows.data.shuffling import ahead
from narrows.data.streams import StreamSamples
from narrows.training.loop import Loop

ROWS = 1200


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def numbers(n=ROWS):
    """A table whose first column is the number of its row."""
    draw = np.random.RandomState(0)
    X = draw.randn(n, 2) @ draw.randn(2, 5) + 0.1 * draw.randn(n, 5)
    X[:, 0] = np.arange(n)
    return X.astype(np.float32)


def write(path, X, group=100, names="abcde"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(zip(names, map(pa.array, X.T), strict=True))), path, row_group_size=group)


@pytest.fixture
def X():
    return numbers()


@pytest.fixture
def folder(tmp_path, X):
    """A data set of three files, with row groups of several sizes."""
    for name, (first, last, group) in {"a": (0, 500, 100), "b": (500, 530, 7), "deeper/c": (530, ROWS, 300)}.items():
        write(tmp_path / "set" / f"{name}.parquet", X[first:last], group)
    return tmp_path / "set"


@pytest.fixture
def small_buffer(monkeypatch):
    """A buffer of 250 rows of 5 float32."""
    monkeypatch.setattr(streams, "BUFFER", 250 * 20)


def learned(stream, scaling="none"):
    return stream.learn("real", scaling, None)


def rows_in(batches):
    return torch.cat([view.x for view in batches])[:, 0].long().tolist()


def quick(**options):
    return narrows.Autoencoder(
        **{"epochs": 2, "latent_dim": 2, "batch_size": 64, "random_state": 0, "verbose": 0} | options
    )


class TestBatches:
    def test_in_order_they_are_the_rows(self, folder, X):
        stream = open_data(folder)
        found = torch.cat([view.x for view in stream.source(learned(stream)).batches(64)])
        assert torch.equal(found, torch.from_numpy(X))

    @pytest.mark.parametrize("size", [1, 64, 999, 5000])
    def test_every_row_once_in_whole_batches(self, folder, small_buffer, size):
        stream = open_data(folder)
        batches = list(stream.source(learned(stream)).batches(size, seeded()))
        assert sorted(rows_in(batches)) == list(range(ROWS))
        assert [len(view) for view in batches[:-1]] == [size] * (len(batches) - 1)

    def test_epochs_differ_and_seeds_repeat(self, folder, small_buffer):
        stream = open_data(folder)
        source = stream.source(learned(stream))
        rng = seeded()
        first, second = (rows_in(source.batches(64, rng)) for _ in range(2))
        assert first != second
        assert rows_in(source.batches(64, seeded())) == first

    def test_rows_travel_beyond_their_row_groups(self, tmp_path, small_buffer):
        write(tmp_path / "x.parquet", numbers(4000), group=50)
        stream = StreamSamples(narrows.data.files.ParquetNumbers(_files(tmp_path / "x.parquet")))
        order = np.array(rows_in(stream.source(learned(stream)).batches(50, seeded())))
        groups_in_a_batch = [len(set(batch // 50)) for batch in order.reshape(-1, 50)]
        assert np.median(groups_in_a_batch) >= 4
        assert abs(np.corrcoef(order, np.arange(4000))[0, 1]) < 0.3

    def test_start_skips_what_was_seen(self, folder, small_buffer):
        stream = open_data(folder)
        source = stream.source(learned(stream))
        for rng in (None, 3):
            whole, rest = (rows_in(source.batches(64, None if rng is None else seeded(rng), start)) for start in (0, 7))
            assert rest == whole[7 * 64 :]

    def test_chosen_rows(self, folder, X):
        stream = open_data(folder)
        rows = torch.tensor([5, 3, 1100, 501])
        assert rows_in(stream.source(learned(stream), rows).batches(3)) == rows.tolist()

    def test_the_thread_ends_with_the_loop(self):
        made = []

        def endless():
            for number in range(10**9):
                made.append(number)
                yield number

        for number in ahead(endless()):
            if number == 3:
                break
        assert len(made) <= 5

    def test_an_error_while_reading_arrives(self, folder):
        stream = open_data(folder)
        schema = learned(stream)
        (folder / "b.parquet").unlink()
        with pytest.raises(FileError, match=r"b\.parquet"):
            list(stream.source(schema).batches(64, seeded()))


class TestSplit:
    @pytest.mark.parametrize("fraction", [0.05, 0.2])
    def test_rows_that_judge_are_never_trained_on(self, folder, small_buffer, fraction):
        stream = open_data(folder)
        train, judges = stream.split(learned(stream), fraction, seeded())
        aside = rows_in(judges.batches(64))
        for epoch in range(2):
            assert sorted(rows_in(train.batches(64, seeded(epoch))) + aside) == list(range(ROWS))
        assert (len(train), len(judges)) == (ROWS * (1 - fraction), ROWS * fraction)

    def test_the_sample_is_of_training_rows(self, folder):
        stream = open_data(folder)
        train, judges = stream.split(learned(stream), 0.2, seeded())
        some = rows_in(train.some(700, seeded()).batches(64))
        assert len(set(some)) == 700
        assert not set(some) & set(rows_in(judges.batches(64)))

    def test_they_are_spread_over_the_stream(self, folder):
        stream = open_data(folder)
        aside = rows_in(stream.split(learned(stream), 0.2, seeded())[1].batches(64))
        assert np.histogram(aside, 6, (0, ROWS))[0].min() > 20

    def test_how_many_stay_in_memory_is_bounded(self, folder, monkeypatch):
        monkeypatch.setattr("narrows.data.kept.ROWS", 30)
        monkeypatch.setattr(streams, "ROWS", 30)
        stream = open_data(folder)
        train, judges = stream.split(learned(stream), 0.2, seeded())
        assert (len(judges), len(train), len(train.some(1000, seeded()))) == (30, ROWS - 30, 30)

    def test_a_sample_judges_where_none_is_set_aside(self, folder):
        stream = open_data(folder)
        train, judges = stream.split(learned(stream), 0, seeded())
        assert len(train) == len(judges) == ROWS


class TestFit:
    def test_statistics_are_those_of_the_array(self, folder, X):
        stream, array = open_data(folder), samples(X)
        ours, theirs = learned(stream, "column"), array.learn("real", "column", None)
        assert np.allclose(ours.shift, theirs.shift, rtol=1e-12)
        assert np.allclose(ours.scale, theirs.scale, rtol=1e-12)

    def test_results_equal_those_of_the_array(self, folder, X):
        ae = quick(scaling="column").fit(folder_of(folder))
        frame = pd.DataFrame(X, columns=list("abcde"))
        assert np.array_equal(ae.transform(open_data(folder)), ae.transform(frame))
        assert np.array_equal(ae.score_samples(open_data(folder)), ae.score_samples(frame))
        assert np.array_equal(ae.reconstruct(open_data(folder)), ae.reconstruct(frame).to_numpy())

    def test_it_learns(self, folder, X):
        ae = quick(scaling="column", epochs=5).fit(open_data(folder))
        Z = (X - X.mean(0)) / X.std(0)
        back = (np.asarray(ae.reconstruct(open_data(folder))) - X.mean(0)) / X.std(0)
        left = np.linalg.svd(Z - Z.mean(0), compute_uv=False)[2:]
        assert np.square(back - Z).sum() < 1.05 * np.square(left).sum()

    def test_columns_are_known_by_name(self, folder, X):
        ae = quick().fit(open_data(folder))
        assert list(ae.feature_names_in_) == list("abcde")
        with pytest.raises(InputError, match="feature names"):
            ae.transform(pd.DataFrame(X, columns=list("abcdX")))

    def test_the_same_bits_each_time(self, folder, small_buffer):
        one, two = (quick().fit(open_data(folder)).transform(open_data(folder)) for _ in range(2))
        assert np.array_equal(one, two)

    @pytest.mark.parametrize("broken_off", [4, 17, 25])
    def test_a_run_that_was_killed_ends_in_the_same_bits(self, folder, small_buffer, tmp_path, monkeypatch, broken_off):
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

    def test_a_checkpoint_knows_its_data(self, folder, tmp_path):
        quick(checkpoint=tmp_path / "moments").fit(open_data(folder))
        moved = shutil.move(folder, tmp_path / "elsewhere")
        quick(checkpoint=tmp_path / "moments").fit(open_data(moved))
        write(moved / "a.parquet", numbers()[::-1][:500])
        with pytest.raises(FileError, match="another run"):
            quick(checkpoint=tmp_path / "moments").fit(open_data(moved))

    def test_partial_fit_takes_streams_and_their_blocks(self, folder, monkeypatch):
        monkeypatch.setattr("narrows.data.parquet.BLOCK", 200 * 20)
        ae = quick().partial_fit(open_data(folder))
        before = ae.transform(open_data(folder))
        for block in open_data(folder).blocks():
            ae.partial_fit(pd.DataFrame(block, columns=list("abcde")))
        assert not np.array_equal(ae.transform(open_data(folder)), before)

    def test_another_stream_validates(self, folder, X):
        ae = quick(epochs=1).fit(pd.DataFrame(X, columns=list("abcde")), validation_data=open_data(folder))
        assert len(ae.history_) == 2

    def test_too_few_rows(self, tmp_path, X):
        write(tmp_path / "set" / "a.parquet", X[:1])
        with pytest.raises(InputError, match="needs at least 2 samples"):
            quick().fit(open_data(tmp_path / "set"))


class TestParquet:
    def test_gaps_are_missing_values(self, tmp_path):
        whole = pa.table({"a": [1, None, 3, 4], "b": [0.5, 1.5, None, 2.0], "c": [1.0, 0.0, 1.0, None]})
        (tmp_path / "set").mkdir()
        pq.write_table(whole, tmp_path / "set" / "x.parquet")
        (found,) = open_data(tmp_path / "set").blocks()
        expected = [[1, 0.5, 1], [np.nan, 1.5, 0], [3, np.nan, 1], [4, 2, np.nan]]
        assert np.array_equal(found, expected, equal_nan=True)

    def test_gaps_train(self, folder, X):
        holes = np.where(np.random.RandomState(0).rand(*X.shape) < 0.1, np.nan, X).astype(np.float32)
        write(folder / "a.parquet", holes[:500])
        ae = quick().fit(open_data(folder))
        assert ae.schema_.spec.gaps
        assert np.isfinite(ae.reconstruct(open_data(folder))).all()

    @pytest.mark.parametrize(
        ("types", "expected"),
        [("ff", "float32"), ("fd", "float64"), ("bb", "bool"), ("BB", "uint8"), ("hf", "float32"), ("if", "float64")],
    )
    def test_columns_have_one_type(self, tmp_path, types, expected):
        columns = {str(i): pa.array(np.array([0, 1, 1], "?" if t == "b" else t)) for i, t in enumerate(types)}
        (tmp_path / "set").mkdir()
        pq.write_table(pa.table(columns), tmp_path / "set" / "x.parquet")
        (found,) = open_data(tmp_path / "set").blocks()
        assert found.dtype == expected
        assert found[:, 0].tolist() == [0, 1, 1]

    def test_columns_may_come_in_another_order(self, folder, X):
        write(folder / "deeper" / "c.parquet", X[530:, ::-1], names="edcba")
        assert np.array_equal(np.concatenate(list(open_data(folder).blocks())), X)

    def test_hidden_files_are_left_out(self, folder):
        (folder / "_metadata.parquet").write_bytes(b"what a writer left")
        (folder / ".part.parquet").write_bytes(b"what a writer left")
        assert len(open_data(folder)) == ROWS

    @pytest.mark.parametrize(("names", "reason"), [("abcdX", "lacks the column 'e'"), ("abcd", "lacks the column 'e'")])
    def test_other_columns_are_refused(self, folder, X, names, reason):
        write(folder / "b.parquet", X[:, : len(names)], names=names)
        with pytest.raises(InputError, match=rf"b.parquet {reason} that .*a.parquet has"):
            open_data(folder)

    def test_further_columns_are_refused(self, folder, X):
        write(folder / "b.parquet", np.c_[X, X[:, 0]], names="abcdef")
        with pytest.raises(InputError, match=r"b.parquet has a column 'f' that .*a.parquet lacks"):
            open_data(folder)

    def test_text_is_refused_by_file_and_column(self, folder, X):
        columns = dict(zip("abcd", X[:3, :4].T, strict=True)) | {"e": ["x", "y", "z"]}
        pq.write_table(pa.table(columns), folder / "b.parquet")
        with pytest.raises(InputError, match=r"b.parquet holds values of type string in column 'e'"):
            open_data(folder)

    def test_a_truncated_file_is_named(self, folder):
        whole = (folder / "b.parquet").read_bytes()
        (folder / "b.parquet").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FileError, match=r"b.parquet is no Parquet file, or it is damaged or cut short"):
            open_data(folder)

    def test_a_damaged_row_group_is_named(self, folder):
        whole = bytearray((folder / "a.parquet").read_bytes())
        whole[4:400] = b"\xff" * 396
        (folder / "a.parquet").write_bytes(whole)
        with pytest.raises(FileError, match=r"a.parquet is damaged in its row group 0"):
            quick().fit(open_data(folder))

    def test_infinite_values_are_refused_by_row_and_column(self, folder, X):
        X[507, 2] = np.inf
        write(folder / "b.parquet", X[500:530])
        with pytest.raises(InputError, match="inf in column 'c', first in row 507"):
            quick().fit(open_data(folder))

    def test_empty_folders_and_files(self, tmp_path, X):
        with pytest.raises(InputError, match="holds nothing that narrows can open"):
            open_data(tmp_path)
        write(tmp_path / "x.parquet", X[:0])
        with pytest.raises(InputError, match="has no rows"):
            open_data(tmp_path)

    def test_a_large_file_is_a_stream(self, folder, monkeypatch):
        assert isinstance(open_data(folder / "a.parquet"), pd.DataFrame)
        monkeypatch.setattr("narrows.data.files.LARGE", 1000)
        assert isinstance(open_data(folder / "a.parquet"), StreamSamples)


class TestStores:
    @pytest.mark.parametrize("large", [False, True])
    def test_hdf5(self, tmp_path, X, monkeypatch, large):
        h5py = pytest.importorskip("h5py")
        monkeypatch.setattr(stores, "LARGE", 0 if large else 1 << 30)
        with h5py.File(tmp_path / "x.h5", "w") as file:
            file.create_dataset("deep/x", data=X, chunks=(100, 5))
            file["y"] = X[:10]
        found = open_data(f"{tmp_path}/x.h5:deep/x")
        assert isinstance(found, StreamSamples if large else np.ndarray)
        ae = quick().fit(found)
        assert np.array_equal(ae.transform(open_data(f"{tmp_path}/x.h5:deep/x")), ae.transform(X))
        with pytest.raises(InputError, match=r"holds 2 arrays, so say which, as in .*x.h5:deep/x \(deep/x, y\)"):
            open_data(tmp_path / "x.h5")
        with pytest.raises(ChoiceError, match="did you mean 'deep/x'"):
            open_data(f"{tmp_path}/x.h5:deep/z")

    def test_a_truncated_hdf5_file(self, tmp_path, X):
        h5py = pytest.importorskip("h5py")
        with h5py.File(tmp_path / "x.h5", "w") as file:
            file["x"] = X
        (tmp_path / "x.h5").write_bytes((tmp_path / "x.h5").read_bytes()[:5000])
        with pytest.raises(FileError, match=r"x.h5 is no HDF5 file, or it is damaged or cut short"):
            open_data(tmp_path / "x.h5")

    @pytest.mark.parametrize("large", [False, True])
    def test_zarr(self, tmp_path, X, monkeypatch, large):
        zarr = pytest.importorskip("zarr")
        monkeypatch.setattr(stores, "LARGE", 0 if large else 1 << 30)
        zarr.save(tmp_path / "x.zarr", X)
        zarr.save_group(tmp_path / "group.zarr", one=X, two=X[:10])
        found = open_data(tmp_path / "x.zarr")
        assert isinstance(found, StreamSamples if large else np.ndarray)
        ae = quick().fit(found)
        assert np.array_equal(ae.transform(open_data(f"{tmp_path}/group.zarr:one")), ae.transform(X))
        with pytest.raises(InputError, match="holds 2 arrays, so say which"):
            open_data(tmp_path / "group.zarr")

    @pytest.mark.parametrize(("package", "name"), [("h5py", "x.h5"), ("zarr", "x.zarr")])
    def test_a_missing_package_is_named(self, tmp_path, monkeypatch, package, name):
        (tmp_path / name).write_bytes(b"anything")
        monkeypatch.setitem(__import__("sys").modules, package, None)
        with pytest.raises(InputError, match=rf"needs {package}: pip install 'narrows\[(hdf5|zarr)\]'"):
            open_data(tmp_path / name)

    @pytest.mark.parametrize("step", [1, 2])
    def test_maps_larger_than_half_the_memory(self, tmp_path, X, monkeypatch, step):
        np.save(tmp_path / "x.npy", X)
        monkeypatch.setattr("os.sysconf", lambda name: 1)
        mapped = open_data(tmp_path / "x.npy")
        assert isinstance(mapped, np.memmap)
        stream = samples(mapped[::step])
        assert isinstance(stream, StreamSamples)
        assert np.array_equal(np.concatenate(list(stream.blocks())), X[::step])

    def test_images_stream_like_arrays(self, tmp_path):
        images = np.random.RandomState(0).randint(0, 256, (300, 6, 6, 3), dtype=np.uint8)
        stream = StreamSamples(SlicedReader(images, images.dtype, "images"))
        ae = quick(recipe="deep", epochs=1).fit(stream)
        assert np.array_equal(ae.reconstruct(stream), ae.reconstruct(images))
        assert ae.reconstruct(stream).dtype == np.uint8


class TestIterators:
    def test_an_iterator_is_as_good_as_its_rows(self, X):
        ae = quick().fit(X[i : i + 100] for i in range(0, ROWS, 100))
        assert ae.n_features_in_ == 5
        assert np.array_equal(ae.transform(iter([X[:700], X[700:]])), ae.transform(X))

    def test_columns_of_frames_are_known(self, X):
        ae = quick().fit(iter([pd.DataFrame(X, columns=list("abcde"))]))
        assert list(ae.feature_names_in_) == list("abcde")

    def test_the_temporary_file_goes(self, X, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        found = samples(iter([X]))
        assert len(list(tmp_path.iterdir())) == 1
        del found
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("blocks", "reason"),
        [
            ([], "gave no rows"),
            ([np.ones((3, 2)), np.ones((3, 4))], r"block 1 has \(4,\), and the first \(2,\)"),
            ([np.ones((3, 2), np.float32), np.ones((3, 2))], "block 1 has float64, and the first float32"),
        ],
    )
    def test_what_is_refused(self, blocks, reason, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with pytest.raises(InputError, match=reason):
            samples(iter(blocks))
        assert not list(tmp_path.iterdir())


def test_a_loss_that_blows_up_ends_in_a_sentence(folder):
    with pytest.raises(TrainingError, match="not finite"):
        quick(learning_rate=1e20, optimizer="sgd", gradient_clip=None, likelihood="normal", warmup=0).fit(
            open_data(folder)
        )


def _files(path):
    return narrows.data.files.ParquetFiles([path], path.parent)


def folder_of(folder):
    return open_data(str(folder) + "/")


class TestDamageInStores:
    """One chunk of the middle is overwritten: what is around it reads well, and the rows of it are named."""

    @pytest.fixture(params=["hdf5", "zarr"])
    def damaged(self, request, tmp_path):
        X = np.random.RandomState(0).randn(400, 8)
        if request.param == "hdf5":
            path = tmp_path / "x.h5"
            with pytest.importorskip("h5py").File(path, "w") as file:
                data = file.create_dataset("x", data=X, chunks=(100, 8), compression="gzip")
                chunk = data.id.get_chunk_info(2)
            place, where = path, chunk.byte_offset
        else:
            zarr = pytest.importorskip("zarr")
            path = tmp_path / "x.zarr"
            zarr.create_array(path, data=X, chunks=(100, 8))
            place, where = path / "c" / "2" / "0", 0
        content = bytearray(place.read_bytes())
        content[where + 20 : where + 220] = b"\xab" * 200
        place.write_bytes(content)
        return path

    def test_in_one_read(self, damaged):
        with pytest.raises(FileError, match=r"is damaged or cut short: rows 0 to 399 cannot be read"):
            open_data(damaged)

    def test_in_a_stream(self, damaged, monkeypatch):
        monkeypatch.setattr("narrows.data.stores.LARGE", 0)
        monkeypatch.setattr("narrows.data.readers.BLOCK", 100 * 8 * 8)
        blocks = open_data(damaged).reader.blocks()
        assert [len(next(blocks)[1]) for _ in range(2)] == [100, 100]
        with pytest.raises(FileError, match=r"rows 200 to 299 cannot be read"):
            next(blocks)
