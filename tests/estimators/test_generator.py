"""New samples: what comes out is like what went in, and drawn from what the codes are like."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier

import narrows


def fitted(X, y=None, **options):
    options = {"latent_dim": 2, "epochs": 3, "random_state": 0, "verbose": 0} | options
    small = {} if options.get("recipe") == "deep" else {"network": "mlp"}
    options |= {"recipe_options": {"widths": [32], **small}}
    return narrows.Generator(**options).fit(X, y)


@pytest.fixture(scope="module")
def images(digits):
    return digits.images[:300].astype(np.uint8)


@pytest.fixture(scope="module")
def made_of_images(images):
    return fitted(images, epochs=5, latent_dim=4)


def test_samples_have_shape_type_and_range_of_the_data(images, made_of_images):
    made = made_of_images.sample(7, random_state=0)
    assert made.shape == (7, 8, 8)
    assert made.dtype == np.uint8
    assert len(np.unique(made.reshape(7, -1), axis=0)) == 7


@pytest.mark.parametrize("recipe", ["variational", "deep", "adversarial", "vq"])
def test_the_same_seed_gives_the_same_samples(table, recipe):
    ae = fitted(table, recipe=recipe)
    first, same, other = (ae.sample(5, random_state=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    assert not np.array_equal(ae.sample(5), ae.sample(5)), "without a seed they are new each time"


@pytest.mark.parametrize("recipe", ["variational", "deep", "residual_vq", "fsq"])
def test_a_saved_generator_makes_the_same_samples(table, recipe, tmp_path):
    ae = fitted(table, recipe=recipe)
    ae.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    assert isinstance(again, narrows.Generator)
    assert np.array_equal(ae.sample(5, random_state=0), again.sample(5, random_state=0))
    assert np.array_equal(ae.traverse(table[0], 1), again.traverse(table[0], 1))


def test_a_code_without_a_prior_gets_a_density_and_others_keep_theirs(table):
    assert fitted(table, recipe="deep").density_ is not None
    assert fitted(table).density_ is None
    assert fitted(table, density="mixture").density_ is not None
    with pytest.raises(narrows.ChoiceError, match="codes of the bottleneck 'plain' have no prior"):
        fitted(table, recipe="deep", density="prior")


def test_symbols_are_drawn_one_after_another_and_only_where_there_are_any(table):
    still = fitted(table, recipe="fsq", values="median").sample(5, temperature=0.0, random_state=0)
    assert (still == still[0]).all()
    assert fitted(table, recipe="fsq", density="prior").density_ is None
    with pytest.raises(narrows.ChoiceError, match="the bottleneck 'gaussian' has no symbols"):
        fitted(table, density="autoregressive")


def test_symbols_follow_from_labels(digits):
    ones_and_zeros = digits.target < 2
    X, y = digits.images[ones_and_zeros], digits.target[ones_and_zeros]
    options = {"widths": [32], "network": "mlp", "bottleneck": {"name": "vector_quantizer", "codes": 16}}
    ae = narrows.Generator(recipe="conditional", latent_dim=8, epochs=20, recipe_options=options, verbose=0)
    ae.set_params(random_state=0).fit(X, y)
    zeros, ones = (ae.sample(40, y=label, random_state=0)[:, 2:6, 3:5].mean() for label in (0, 1))
    assert zeros < ones, "a zero is empty in the middle, a one is not"


@pytest.mark.parametrize("options", [{"recipe": "deep"}, {"density": "mixture"}, {}])
def test_samples_have_the_moments_of_the_data(options):
    draw = np.random.RandomState(0)
    X = draw.randn(1500, 2) @ draw.randn(2, 5) + 0.3 * draw.randn(1500, 5) + 10
    made = fitted(X, epochs=20, **options).sample(4000, random_state=0)
    assert np.allclose(made.mean(0), X.mean(0), atol=0.25)
    assert np.allclose(np.cov(made.T), np.cov(X.T), atol=0.35 * np.cov(X.T).max())


def test_a_temperature_of_zero_gives_one_sample_and_less_than_one_less_variety(made_of_images):
    still = made_of_images.sample(5, temperature=0.0, random_state=0)
    assert (still == still[0]).all()
    spread = [made_of_images.sample(200, temperature=t, random_state=0).var(0).sum() for t in (0.5, 1.0)]
    assert spread[0] < spread[1]


def test_frames_come_back_as_frames(table):
    X = pd.DataFrame(table, columns=list("abcdef")).astype({"a": np.float32})
    made = fitted(X).sample(4, random_state=0)
    assert list(made.columns) == list("abcdef")
    assert made.dtypes.equals(X.dtypes)
    assert len(made) == 4


def test_tables_of_several_kinds_come_back_with_their_types(tmp_path):
    draw = np.random.RandomState(0)
    X = pd.DataFrame(
        {
            "age": draw.randint(18, 90, 200),
            "town": draw.choice(["Oslo", "Bergen"], 200),
            "pay": np.where(draw.rand(200) < 0.1, np.nan, draw.rand(200)),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.randint(0, 900, 200), unit="D"),
        }
    )
    ae = fitted(X)
    ae.save(tmp_path / "m.safetensors")
    made = narrows.load(tmp_path / "m.safetensors").sample(50, random_state=0)
    assert list(made.columns) == list(X.columns)
    assert set(made["town"]) == {"Oslo", "Bergen"}
    assert made["when"].dtype == X["when"].dtype
    assert made["age"].dtype == X["age"].dtype
    assert made["age"].nunique() > 10, "values are drawn, not middles repeated"


def test_labels_ask_for_samples(digits):
    ones_and_zeros = digits.target < 2
    X, y = digits.images[ones_and_zeros], digits.target[ones_and_zeros]
    ae = fitted(X, y, epochs=20)
    assert ae.chosen_["recipe"] == "conditional"
    zeros, ones = (ae.sample(40, y=label, random_state=0) for label in (0, 1))
    middle = [made[:, 2:6, 3:5].mean() for made in (zeros, ones)]
    assert middle[0] < middle[1], "a zero is empty in the middle, a one is not"
    assert ae.sample(2, y=[0, 1], random_state=0).shape == (2, 8, 8)
    with pytest.raises(narrows.InputError, match="give labels here too, as y"):
        ae.sample(2)


def test_labels_decide_what_a_conditional_generator_draws(digits):
    ae = fitted(digits.images, digits.target, epochs=20)
    wanted = np.arange(300) % 10
    made = ae.sample(300, y=wanted, random_state=0).reshape(300, -1)
    judge = KNeighborsClassifier(5).fit(digits.data, digits.target)
    assert (judge.predict(made) == wanted).mean() > 0.75


def test_labels_of_a_model_without_are_refused(made_of_images):
    with pytest.raises(narrows.InputError, match="fitted without labels, so none can be asked for"):
        made_of_images.sample(2, y=1)


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_a_way_begins_and_ends_at_the_reconstructions(images, made_of_images, path):
    way = made_of_images.interpolate(images[0], images[1], steps=6, path=path)
    assert way.shape == (6, 8, 8)
    assert way.dtype == np.uint8
    several = made_of_images.interpolate(images[:2], images[2:4], steps=5, path=path)
    assert several.shape == (10, 8, 8)
    assert np.array_equal(several[0], made_of_images.interpolate(images[0], images[2], 5, path=path)[0])
    assert np.array_equal(several[4], made_of_images.interpolate(images[2], images[0], 5, path=path)[0])


def test_impossible_ways_are_refused(images, made_of_images):
    with pytest.raises(narrows.ChoiceError, match="unknown path 'sphericl', did you mean 'spherical'"):
        made_of_images.interpolate(images[0], images[1], path="sphericl")
    with pytest.raises(narrows.ChoiceError, match="steps is a whole number of at least 2"):
        made_of_images.interpolate(images[0], images[1], steps=1)
    with pytest.raises(narrows.InputError, match="as many samples as samples, got 2 and 1"):
        made_of_images.interpolate(images[:2], images[2])


def test_a_traversal_edits_one_entry(images, made_of_images):
    made = made_of_images.traverse(images[0], 2, values=[-3.0, 0.0, 3.0])
    assert made.shape == (3, 8, 8)
    assert not np.array_equal(made[0], made[2])
    assert made_of_images.traverse(images[:2], -1).shape == (18, 8, 8)
    with pytest.raises(narrows.ChoiceError, match="dimension is a whole number from 0 to 3"):
        made_of_images.traverse(images[0], 4)


def test_the_likelihood_of_samples_is_importance_sampled(table):
    ae = fitted(table, epochs=10)
    found = ae.log_likelihood(table[:20], draws=50)
    assert found.shape == (20,)
    assert np.array_equal(found, ae.log_likelihood(table[:20], draws=50)), "the same each time"
    assert ae.log_likelihood(table, draws=100).mean() >= ae.log_likelihood(table, draws=1).mean() - 1e-5
    assert ae.log_likelihood(table + 5, draws=50).mean() < found.mean(), "what is far from the data is less probable"


def test_a_likelihood_needs_draws_and_a_random_code(table):
    with pytest.raises(narrows.ChoiceError, match="draws is a whole number of at least 1, got 0"):
        fitted(table).log_likelihood(table, draws=0)
    with pytest.raises(narrows.ChoiceError, match="needs codes with a prior and a posterior"):
        fitted(table, recipe="deep").log_likelihood(table)


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "many"])
def test_impossible_numbers_are_refused(made_of_images, n):
    with pytest.raises(narrows.ChoiceError, match="n is the number of samples, at least 1"):
        made_of_images.sample(n)


@pytest.mark.parametrize("temperature", [-1, float("nan"), float("inf"), "hot"])
def test_impossible_temperatures_are_refused(made_of_images, temperature):
    with pytest.raises(narrows.ChoiceError, match="temperature is a number of at least 0"):
        made_of_images.sample(2, temperature=temperature)


def test_what_is_not_fitted_cannot_make_samples():
    with pytest.raises(NotFittedError):
        narrows.Generator().sample(3)


@pytest.mark.parametrize("option", [{"density": "priors"}, {"values": "medians"}])
def test_unknown_options_name_the_nearest(table, option):
    with pytest.raises(narrows.ChoiceError, match="did you mean"):
        fitted(table, **option)


def test_machines_generate_by_gibbs_sampling(digits):
    """A restricted Boltzmann machine has no prior of its codes, but a chain that ends in its own distribution."""
    X = (digits.images[:600] > 8).astype(np.float32)
    made = narrows.Generator(recipe="rbm", latent_dim=48, epochs=6, random_state=0, verbose=0).fit(X)
    drawn = made.sample(200, random_state=0)
    assert np.abs(drawn.mean(0) - X.mean(0)).mean() < np.abs(X.mean() - X.mean(0)).mean() / 3
