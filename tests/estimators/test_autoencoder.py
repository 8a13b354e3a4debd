"""The estimator: scikit-learn's contract, containers, and what goes in and comes out."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

import narrows
from narrows.recipes import RECIPES
from narrows.recipes.catalogue import takes_conditions

VECTOR_RECIPES = [
    name
    for name in RECIPES
    if name not in ("convolutional", "hyperspherical", "masked_patches", "restoring", "video")
    and not takes_conditions(name)
]
"""Recipes for rows of numbers: of two columns too, of which no sphere is made; and one that is told labels at fit is
told them at transform, which no check does."""
QUICK_RECIPES = ("deep", "denoising", "rbm", "variational", "vq")
"""One recipe of each make, checked each time; `make test-slow` checks all."""


def quick(**options):
    return narrows.Autoencoder(**{"epochs": 2, "random_state": 0, "verbose": 0} | options)


def _checks():
    for recipe in VECTOR_RECIPES:
        for estimator, check in estimator_checks_generator(quick(recipe=recipe)):
            marks = () if recipe in QUICK_RECIPES else pytest.mark.slow
            yield pytest.param(estimator, check, id=f"{recipe}-{check.func.__name__}", marks=marks)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(_checks()))
def test_scikit_learns_contract(estimator, check):
    check(estimator)


def test_the_first_call_works(digits):
    ae = narrows.Autoencoder(epochs=3).fit(digits.images)
    assert ae.transform(digits.images).shape == (1797, 8)
    assert ae.chosen_["recipe"] == "convolutional"


@pytest.mark.parametrize(
    "shape", [(20, 7), (20, 9, 6), (20, 9, 6, 1), (20, 9, 6, 3), (20, 3, 9, 6), (20, 1, 5, 5)], ids=str
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8", "int16", "uint16", "int64", ">f4", "bool"])
def test_shapes_and_types_come_back(shape, dtype):
    draw = np.random.RandomState(0)
    X = (draw.rand(*shape) * 200).astype(dtype) if dtype != "bool" else draw.rand(*shape) < 0.5
    ae = quick(latent_dim=2).fit(X)
    Z = ae.transform(X)
    assert Z.shape == (20, 2)
    assert Z.dtype == (np.float64 if dtype == "float64" else np.float32)
    for back in (ae.reconstruct(X), ae.inverse_transform(Z)):
        assert back.shape == X.shape
        assert back.dtype == X.dtype


def test_whole_numbers_are_rounded_and_clipped():
    X = np.random.RandomState(0).randint(0, 2, (50, 4, 4)).astype(np.uint8) * 255
    back = quick(latent_dim=1).fit(X).reconstruct(X)
    assert back.dtype == np.uint8


def test_a_shared_scale_keeps_units(table):
    ae = quick(latent_dim=3).fit(1000 * table + 5)
    error = np.square(ae.reconstruct(1000 * table + 5) - 1000 * table - 5).mean()
    assert error < 1e6 * np.var(table, axis=0).mean()


def test_columns_of_different_units_are_scaled_apart(table):
    X = table * np.array([1e4, 1e-4, 1, 1e3, 1, 1e-2])
    ae = quick(latent_dim=4, epochs=50).fit(X)
    explained = 1 - np.square(ae.reconstruct(X) - X).mean(0) / X.var(0)
    assert (explained > 0.5).all(), "small columns count as much as large ones"


def test_constant_columns_train_and_come_back_exactly(table):
    X = np.column_stack([table, np.full(len(table), 3.25)])
    back = quick().fit(X).reconstruct(X)
    assert (back[:, -1] == 3.25).all()


def test_all_columns_constant():
    X = np.full((10, 3), 7.0)
    assert (quick().fit(X).reconstruct(X) == X).all()


def test_results_do_not_depend_on_batching(digits):
    X = digits.images
    ae = quick().fit(X)
    Z, S = ae.transform(X), ae.score_samples(X)
    order = np.random.RandomState(0).permutation(len(X))
    assert np.array_equal(ae.transform(X[order]), Z[order])
    assert np.array_equal(np.concatenate([ae.transform(X[i : i + 1]) for i in range(5)]), Z[:5])
    assert np.array_equal(ae.score_samples(X[:77]), S[:77])


@pytest.mark.parametrize("columns", [2, 3, 13, 30])
@pytest.mark.parametrize("recipe", ["vanilla", "variational", "sparse_kl"])
def test_narrow_results_do_not_depend_on_batching_either(recipe, columns):
    X = np.random.RandomState(0).randn(150, columns)
    ae = quick(recipe=recipe, latent_dim=1 + columns // 4).fit(X)
    one_by_one = [np.concatenate([f(X[i : i + 1]) for i in range(len(X))]) for f in (ae.transform, ae.reconstruct)]
    assert np.array_equal(one_by_one[0], ae.transform(X))
    assert np.array_equal(one_by_one[1], ae.reconstruct(X))
    assert np.array_equal(ae.score_samples(X[::-1])[::-1], ae.score_samples(X))


def test_the_score_is_a_density_of_the_raw_values(table):
    """Stretching the data by a factor moves the log-density by that factor's logarithm, once a value."""
    near, far = quick().fit(table), quick().fit(100 * table)
    assert far.score(100 * table) == pytest.approx(near.score(table) - 6 * np.log(100), rel=1e-3)


def test_same_seed_same_result_and_global_state_untouched(table):
    before_numpy, before_torch = np.random.get_state()[1].copy(), torch.get_rng_state()
    first, second, other = (quick(recipe="sparse", random_state=seed).fit(table) for seed in (0, 0, 1))
    assert np.array_equal(first.transform(table), second.transform(table))
    assert np.array_equal(np.random.get_state()[1], before_numpy)
    assert torch.equal(torch.get_rng_state(), before_torch)
    assert not np.array_equal(first.transform(table), other.transform(table))


def test_random_state_of_every_kind(table):
    for state in (None, 3, np.random.RandomState(0), np.random.default_rng(0)):
        quick(random_state=state).fit(table)
    with pytest.raises(narrows.ChoiceError, match="random_state is None"):
        quick(random_state="seven").fit(table)


def test_large_whole_numbers_keep_their_precision():
    draw = np.random.RandomState(0)
    X = np.rint(draw.randn(200, 1) @ draw.randn(1, 4) * 100 + 1.7e9).astype(np.int64)
    error = np.abs(quick(latent_dim=2).fit(X).reconstruct(X) - X)
    assert error.max() <= 2


def test_small_floats_around_a_large_mean_are_not_constant():
    X = (1000 + np.random.RandomState(0).randn(200, 3)).astype(np.float16)
    assert quick(latent_dim=2).fit(X).reconstruct(X).astype(float).std() > 0


def test_a_likelihood_among_the_parts_is_the_estimators(digits):
    X = digits.images / 16
    ae = quick(recipe="composed", recipe_options={"likelihood": "bernoulli"}).fit(X)
    assert ae.chosen_["likelihood"] == {"name": "bernoulli"}
    assert ae.reconstruct(X).min() >= 0
    with pytest.raises(narrows.ChoiceError, match="given twice"):
        ae.set_params(likelihood="normal").fit(X)


def test_numpy_numbers_are_numbers(table, tmp_path):
    options = {"widths": np.array([8, 4])}
    ae = quick(latent_dim=np.int64(2), epochs=np.int32(1), learning_rate=np.float32(1e-3), recipe_options=options)
    ae.fit(table).save(tmp_path / "m.safetensors")
    assert np.array_equal(narrows.load(tmp_path / "m.safetensors").transform(table), ae.transform(table))


def test_gradients_after_inference(table, tmp_path):
    quick().fit(table).save(tmp_path / "m.safetensors")
    ae = narrows.load(tmp_path / "m.safetensors")
    ae.transform(table.astype(np.float32))
    x = torch.from_numpy(table.astype(np.float32)).requires_grad_()
    ae.encoder_module()(x).sum().backward()
    assert x.grad.abs().sum() > 0


def test_a_failed_fit_damages_nothing(table):
    ae = quick().fit(table)
    with pytest.raises(narrows.InputError):
        ae.fit(np.full((5, 4), np.inf))
    assert ae.transform(table).shape == (120, 3)


@pytest.mark.parametrize(("rows", "fraction"), [(2, 0.9), (3, 0.9), (10, 0.96), (40, 0.99)])
def test_some_rows_are_always_left_to_train_on(rows, fraction):
    quick(validation_fraction=fraction).fit(np.random.RandomState(0).randn(rows, 4))


@pytest.mark.parametrize("device", ["cuda:7", "mps", "gpu", None])
def test_devices_that_are_not_there(device, table):
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("there is one")
    with pytest.raises(narrows.ChoiceError, match=r"is not there|unknown device"):
        quick(device=device).fit(table)


def test_a_model_file_is_for_any_device(table, tmp_path):
    quick().fit(table).set_params(device="cuda:7").save(tmp_path / "m.safetensors")
    assert narrows.load(tmp_path / "m.safetensors").transform(table).shape == (120, 3)


class TestContainers:
    def test_a_data_frame_comes_back(self, table):
        frame = pd.DataFrame(table, columns=list("abcdef"), index=range(100, 220))
        frame["f"] = (frame["f"] * 100).round().astype("int32")
        ae = quick(scaling="column").fit(frame)
        back = ae.reconstruct(frame)
        assert back.index.equals(frame.index)
        assert (back.dtypes == frame.dtypes).all()
        assert list(ae.get_feature_names_out()) == ["autoencoder0", "autoencoder1", "autoencoder2"]

    def test_every_column_keeps_its_type(self, table):
        frame = pd.DataFrame({10: table[:, 0], 20: table[:, 1] > 0, 30: np.arange(120, dtype=np.uint8)})
        back = quick(scaling="column").fit(frame.astype(float).set_axis(list("abc"), axis=1))
        found = back.reconstruct(frame.set_axis(list("abc"), axis=1))
        assert found.dtypes.tolist() == frame.dtypes.tolist()
        assert 0.2 < found["b"].mean() < 0.8

    def test_validation_data_needs_the_columns_of_fit(self, table):
        frame = pd.DataFrame(table, columns=list("abcdef"))
        with pytest.raises(narrows.InputError, match="feature names should match"):
            quick().fit(frame, validation_data=frame[list("fedcba")])

    def test_set_output(self, table):
        Z = (
            quick()
            .set_output(transform="pandas")
            .fit(table)
            .transform(pd.DataFrame(table).set_axis(list("abcdef"), axis=1).values)
        )
        assert isinstance(Z, pd.DataFrame)

    def test_memory_maps(self, table, tmp_path):
        np.save(tmp_path / "x.npy", table)
        mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
        assert np.array_equal(quick().fit(mapped).transform(mapped), quick().fit(table).transform(table))

    def test_lists_and_strides(self, table):
        expected = quick().fit(table).transform(table)
        assert np.array_equal(quick().fit(table.tolist()).transform(table), expected)
        turned = np.asfortranarray(table)[::-1][::-1]
        assert np.array_equal(quick().fit(turned).transform(turned), expected)

    def test_the_caller_keeps_the_data(self, table):
        before = table.copy()
        quick().fit(table).reconstruct(table)
        assert np.array_equal(table, before)


class TestComposition:
    def test_pipeline_and_grid_search(self, digits):
        X, y = digits.data[:200], digits.target[:200]
        pipeline = make_pipeline(quick(epochs=1), LogisticRegression())
        search = GridSearchCV(pipeline, {"autoencoder__latent_dim": [2, 8]}, cv=2).fit(X, y)
        assert search.best_params_ == {"autoencoder__latent_dim": 8}

    def test_clone_and_repr(self):
        ae = narrows.Autoencoder(recipe="variational", latent_dim=3)
        assert clone(ae).get_params() == ae.get_params()
        assert repr(ae) == "Autoencoder(latent_dim=3, recipe='variational')"

    def test_pickle_and_joblib(self, table):
        ae = quick().fit(table)
        again = pickle.loads(pickle.dumps(ae))
        assert np.array_equal(again.transform(table), ae.transform(table))
        parallel = joblib.Parallel(n_jobs=2, prefer="threads")(
            joblib.delayed(lambda seed: quick(random_state=seed).fit(table).score(table))(seed) for seed in (0, 0)
        )
        assert parallel[0] == parallel[1] == ae.score(table)

    def test_encoder_module(self, digits):
        X = digits.images.astype(np.float32)
        ae = quick().fit(X)
        encoder = ae.encoder_module()
        Z = encoder(torch.from_numpy(X))
        assert np.allclose(Z.detach().numpy(), ae.transform(X), atol=1e-5)
        Z.sum().backward()
        assert all(p.grad is not None for p in encoder.parameters())
        assert all(p.grad is None for p in ae.module_.parameters()), "it is a copy"

    def test_module_is_public(self, table):
        assert isinstance(quick().fit(table).module_, narrows.AutoencoderModule)


class TestPartialFit:
    def test_goes_on_from_nothing(self, table):
        ae = quick(learning_rate=0.003)
        for _ in range(60):
            ae.partial_fit(table[:60]).partial_fit(table[60:])
        once = quick().partial_fit(table)
        assert ae.score(table) > once.score(table)

    def test_goes_on_from_fit(self, table):
        ae = quick().fit(table)
        before = ae.score(table)
        for _ in range(30):
            ae.partial_fit(table)
        assert ae.score(table) > before

    def test_refuses_another_shape(self, table):
        with pytest.raises(ValueError, match="features"):
            quick().partial_fit(table).partial_fit(table[:, :3])


BAD = {
    "inf": (lambda X: np.where(np.arange(6) == 3, np.inf, X), "inf in column 3, first in row 0"),
    "nothing": (lambda X: X * np.nan, "no values at all"),
    "no rows": (lambda X: X[:0], r"0 sample\(s\)"),
    "no columns": (lambda X: X[:, :0], r"0 feature\(s\)"),
    "one row": (lambda X: X[:1], r"1 sample\(s\)"),
    "one column": (lambda X: X[:, :1], r"1 feature\(s\)"),
    "one axis": (lambda X: X[0], "Reshape your data"),
    "six axes": (lambda X: X[:, :, None, None, None, None], "or video"),
    "text": (lambda X: np.where(np.arange(6) == 1, "blue", X.astype(str)), "'blue' in row 0, column 1"),
    "complex": (lambda X: X * 1j, "Complex data not supported"),
    "ragged": (lambda X: [[1, 2], [3]], "ragged"),
    "ragged images": (lambda X: [np.ones((3, 3)), np.ones((4, 4))], "ragged"),
    "many channels": (lambda X: np.ones((5, 6, 6, 6)), "1 to 4 channels"),
    "huge values": (lambda X: X * 1e300, "too large"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_refused_in_one_sentence(name, table):
    spoil, message = BAD[name]
    with pytest.raises(ValueError, match=message) as caught:
        quick().fit(spoil(table))
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 250


def test_infinite_values_name_the_column_of_a_frame(table):
    frame = pd.DataFrame(table, columns=list("abcdef"))
    frame.loc[4, "c"] = np.inf
    with pytest.raises(narrows.InputError, match="inf in column 'c', first in row 4"):
        quick().fit(frame)


class TestGaps:
    @pytest.fixture
    def holed(self, table):
        return np.where(np.random.RandomState(1).rand(*table.shape) < 0.2, np.nan, table)

    @pytest.mark.parametrize("recipe", ["deep", "variational", "denoising", "sparse"])
    def test_are_filled_and_beat_the_mean(self, recipe, table, holed):
        ae = quick(recipe=recipe, latent_dim=2, epochs=200, patience=None).fit(holed)
        filled, hidden = ae.reconstruct(holed), np.isnan(holed)
        assert np.isfinite(filled).all()
        assert np.isfinite(ae.score_samples(holed)).all()
        means = np.broadcast_to(np.nanmean(holed, 0), table.shape)
        assert np.square(filled - table)[hidden].mean() < 0.8 * np.square(means - table)[hidden].mean()

    def test_in_images(self, digits):
        X = np.where(np.random.RandomState(0).rand(200, 8, 8) < 0.1, np.nan, digits.images[:200])
        ae = quick(epochs=5).fit(X)
        assert ae.reconstruct(X).shape == X.shape
        assert np.isfinite(ae.reconstruct(X)).all()

    def test_what_lies_in_a_gap_is_not_seen(self, holed):
        ae = quick().fit(holed)
        view = ae.schema_.view(torch.from_numpy(holed), gaps=True)
        assert (view.x[~view.present] == 0).all()
        assert np.isfinite(ae.transform(holed)).all()

    def test_may_come_up_only_after_fit(self, table, holed):
        assert np.isfinite(quick().fit(table).reconstruct(holed)).all()

    def test_may_be_gone_after_fit(self, table, holed):
        assert np.isfinite(quick().fit(holed).reconstruct(table)).all()

    def test_survive_a_file(self, holed, tmp_path):
        ae = quick().fit(holed)
        ae.save(tmp_path / "m.safetensors")
        assert np.array_equal(narrows.load(tmp_path / "m.safetensors").transform(holed), ae.transform(holed))

    def test_a_column_of_nothing_else_comes_back_as_nothing(self, table):
        X = table.copy()
        X[:, 2] = np.nan
        assert np.isnan(quick().fit(X).reconstruct(X)[:, 2]).all()


def test_other_samples_are_refused_at_transform(table, digits):
    with pytest.raises(ValueError, match="X has 3 features, but Autoencoder is expecting 6"):
        quick().fit(table).transform(table[:, :3])
    with pytest.raises(narrows.InputError, match=r"shape \(8, 7\), but the model was fitted on samples of \(8, 8\)"):
        quick().fit(digits.images[:50]).transform(digits.images[:, :, :7])
    with pytest.raises(narrows.InputError, match="inf in column 0"):
        quick().fit(table).transform(table * np.inf)
    with pytest.raises(narrows.InputError, match="codes have the shape"):
        quick(latent_dim=2).fit(table).inverse_transform(np.ones((3, 5)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "dep"}, "did you mean 'deep'"),
        ({"latent_dim": 0}, "latent_dim is a whole number of at least 1"),
        ({"latent_dim": 2.5}, "latent_dim is a whole number"),
        ({"likelihood": "norml"}, "did you mean 'normal'"),
        ({"likelihood": "bernoulli"}, r"within \[0, 1\]"),
        ({"scaling": "columns"}, "did you mean 'column'"),
        ({"optimizer": "adamx"}, "unknown optimizer 'adamx'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"precision": "half"}, "unknown precision"),
        ({"epochs": 0}, "epochs is a whole number of at least 1"),
        ({"batch_size": -3}, "batch_size is a whole number"),
        ({"learning_rate": -1.0}, "learning_rate is a number greater than 0"),
        ({"max_time": 0}, "max_time is a number greater than 0"),
        ({"validation_fraction": 1.5}, "validation_fraction lies in"),
        ({"learning_rate": "fast"}, "learning_rate is a number greater than 0"),
        ({"patience": "abc"}, "patience is a number greater than 0"),
        ({"recipe_options": {"network": "mlp"}}, "sets network itself: choose it with recipe 'composed'"),
        ({"recipe": "sparse", "recipe_options": {"penalties": []}}, "sets penalties itself"),
        (
            {"recipe": "composed", "recipe_options": {"bottleneck": {"name": "gaussian", "beta": "x"}}},
            "beta is a number",
        ),
        ({"recipe_options": {"width": [3]}}, "did you mean 'widths'"),
        ({"recipe_options": {"widths": [0]}}, "positive whole numbers"),
        ({"recipe_options": {"activation": "rely"}}, "did you mean 'relu'"),
        ({"recipe": "variational", "recipe_options": {"beta": -1}}, "at least 0"),
        ({"recipe": "composed", "recipe_options": {"bottleneck": {"beta": 2}}}, "dictionary with a 'name'"),
        ({"recipe": "composed", "recipe_options": {"penalties": ["kl_sparsity"]}}, "needs a code between 0 and 1"),
    ],
    ids=str,
)
def test_bad_options_are_refused_in_one_sentence(options, message, table):
    with pytest.raises(ValueError, match=message):
        quick(**options).fit(table)


finite = st.floats(-1e6, 1e6, width=32)
shapes = st.one_of(
    st.tuples(st.integers(2, 12), st.integers(2, 6)),
    st.tuples(st.integers(2, 8), st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(2, 6), st.integers(5, 7), st.integers(5, 7), st.integers(1, 4)),
)
numeric = st.one_of(
    shapes.flatmap(lambda s: arrays(np.float32, s, elements=finite)),
    shapes.flatmap(lambda s: arrays(np.float64, s, elements=st.floats(-1e12, 1e12))),
    shapes.flatmap(lambda s: arrays(np.uint8, s)),
    shapes.flatmap(lambda s: arrays(np.int64, s, elements=st.integers(-(2**62), 2**62))),
    shapes.flatmap(lambda s: arrays(np.bool_, s)),
)


@settings(max_examples=40, deadline=None)
@given(numeric)
def test_any_finite_array_trains_and_comes_back(X):
    if X[0].size == 1:
        return
    ae = quick(epochs=1, latent_dim=1).fit(X)
    back = ae.reconstruct(X)
    assert back.shape == X.shape
    assert back.dtype == X.dtype
    assert np.isfinite(ae.transform(X)).all()
    assert np.isfinite(ae.score_samples(X)).all()
    assert np.isfinite(back.astype(np.float64)).all()
