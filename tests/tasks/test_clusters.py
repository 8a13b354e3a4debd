"""Groups of samples, by a model that has learned centres for them."""

import numpy as np
import pytest

import narrows
from narrows.metrics import k_means, v_measure


def blobs(groups=3, each=60):
    draw = np.random.RandomState(0)
    y = np.repeat(np.arange(groups), each)
    X = 3 * draw.randn(groups, 10)[y] + draw.randn(len(y), 10)
    return X, y


def clustering(**options):
    given = {"latent_dim": 3, "epochs": 20, "random_state": 0, "verbose": 0} | options
    return narrows.Autoencoder(recipe="clustering", recipe_options={"groups": 3}, **given)


def test_finds_groups_that_are_there_and_knows_them_again(tmp_path):
    X, y = blobs()
    ae = clustering().fit(X)
    found = ae.clusters(X)
    assert found.dtype == np.int64
    assert v_measure(y, found) > 0.95
    ae.save(tmp_path / "m.safetensors")
    assert np.array_equal(narrows.load(tmp_path / "m.safetensors").clusters(X), found)
    assert np.array_equal(ae.clusters(X[:7]), found[:7])


def test_the_last_epoch_is_kept_since_prices_cannot_be_compared():
    ae = clustering(epochs=5, patience=1).fit(blobs()[0])
    assert ae.chosen_["best_epoch"] == 5


def test_a_broken_run_goes_on_to_the_same_bits(tmp_path):
    X, _ = blobs()
    whole = clustering(epochs=4).fit(X)
    clustering(epochs=4, checkpoint=tmp_path).fit(X)
    resumed = clustering(epochs=4, checkpoint=tmp_path).fit(X)
    assert np.array_equal(whole.transform(X), resumed.transform(X))
    assert np.array_equal(whole.clusters(X), resumed.clusters(X))


def test_the_penalty_joins_other_recipes():
    X, y = blobs()
    ae = narrows.Autoencoder(latent_dim=3, epochs=20, random_state=0, verbose=0, recipe="composed")
    ae.set_params(recipe_options={"penalties": [{"name": "clustering", "groups": 3}], "corruption": "masking"})
    assert v_measure(y, ae.fit(X).clusters(X)) > 0.9


@pytest.mark.slow
def test_codes_of_digits_gather_by_kind(digits):
    X, y = digits.data, digits.target
    found = {}
    for recipe in ("clustering", "deep"):
        ae = narrows.Autoencoder(recipe=recipe, latent_dim=10, epochs=40, random_state=0, verbose=0).fit(X)
        found[recipe] = v_measure(y, ae.clusters(X) if recipe == "clustering" else k_means(ae.transform(X), 10, 0))
    assert found["clustering"] > found["deep"] + 0.02  # .81 beside .755 once; pixels .744


def test_models_without_centres_and_too_few_samples_are_named():
    X, _ = blobs()
    with pytest.raises(narrows.ChoiceError, match="knows no clusters: choose the recipe 'clustering'"):
        narrows.Autoencoder(epochs=1, verbose=0).fit(X).clusters(X)
    with pytest.raises(narrows.ChoiceError, match="groups=30 needs as many training samples"):
        narrows.Autoencoder(recipe="clustering", recipe_options={"groups": 30}, epochs=1, verbose=0).fit(X[:20])
