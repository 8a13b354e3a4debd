"""Models of sparse rows: the numbers of dense ones, estimates without bias, and outputs that stay sparse."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

import narrows
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Share, View
from narrows.data import sparse as sparse_data
from narrows.data.sparse import SparseSamples
from narrows.recipes.assemble import assemble

QUICK = {"latent_dim": 3, "epochs": 3, "random_state": 0, "verbose": 0, "recipe_options": {"widths": [8]}}
LIKELIHOODS = {"count": "poisson", "unit": "bernoulli", "real": "normal"}


def matrix(kind="count", n=150, d=60):
    """Rows with structure: three groups that like columns of their own."""
    draw = np.random.default_rng(0)
    rates = 0.05 + 0.8 * (np.arange(d) % 3 == draw.integers(0, 3, n)[:, None])
    counts = draw.poisson(rates)
    values = {"count": counts, "unit": counts > 0, "real": 0.37 * counts}[kind]
    return sparse.csr_array(values.astype(np.float32))


def model_and_rows(kind, rng):
    found = SparseSamples(matrix(kind, 12))
    schema = found.learn(None, "none", None)
    model = assemble(schema.spec, 3, widths=(8,), likelihood=LIKELIHOODS[kind], rng=rng)
    return model, found.source(schema)


def gradients(model, view):
    model.zero_grad()
    model.loss(view)[0].backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_distortion_and_gradients_are_those_of_dense_rows(kind, rng):
    model, source = model_and_rows(kind, rng)
    view = source.take(torch.arange(12))
    dense = View(view.x.to_dense())
    assert torch.allclose(model.loss(view)[1].distortion, model.loss(dense)[1].distortion, rtol=1e-5)
    exact = gradients(model, dense)
    assert torch.allclose(gradients(model, view), exact, atol=1e-5 * exact.abs().max())


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_shares_give_loss_and_gradient_without_bias(kind, rng, monkeypatch):
    monkeypatch.setattr(sparse_data, "SCORED", 10)
    model, source = model_and_rows(kind, rng)
    view = source.take(torch.arange(12))
    exact, exact_loss = gradients(model, view), model.loss(view)[0].item()
    sampled = [replace(view, share=Share(source.parts, shift)) for shift in range(source.parts)]
    assert source.parts == 6
    drawn = torch.stack([gradients(model, view) for view in sampled])
    assert drawn.std(0).max() > 1e-2 * exact.abs().max()
    assert torch.allclose(drawn.mean(0), exact, atol=1e-5 * exact.abs().max())
    assert np.isclose(np.mean([model.loss(view)[0].item() for view in sampled]), exact_loss, rtol=1e-5)


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_sparse_or_dense_the_same_rows_have_the_same_codes(kind):
    X = matrix(kind)
    ae = narrows.Autoencoder(**QUICK).fit(X)
    assert ae.chosen_["likelihood"]["name"] == LIKELIHOODS[kind]
    assert np.abs(ae.transform(X) - ae.transform(X.toarray())).max() < 1e-5
    assert np.allclose(ae.score_samples(X), ae.score_samples(X.toarray()), rtol=1e-5, atol=1e-3)
    assert np.allclose(ae.transform(X[:5]), ae.transform(X)[:5], atol=0)
    with torch.no_grad():
        assert np.allclose(ae.encoder_module()(torch.from_numpy(X.toarray())).numpy(), ae.transform(X), atol=1e-5)


def marginal_mean(likelihood, mean):
    """The mean that a likelihood gives a column, of which it clips what it cannot say."""
    return {"discretized_logistic": pytest.approx(mean, abs=0.1)}.get(likelihood, pytest.approx(mean, rel=1e-2))


OTHERS = {
    "negative_binomial": "count",
    "zero_inflated_negative_binomial": "count",
    "laplace": "real",
    "discretized_logistic": "unit",
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("recipe", ["deep", "variational"])
def test_other_likelihoods_begin_at_the_mean_and_score_sparse_and_dense_rows_alike(name, recipe):
    X = matrix(OTHERS[name])
    asked = {"name": name, "scale": "learned"} if name == "laplace" else name
    slow = {"learning_rate": 1e-9, "validation_fraction": 0, "scaling": "none"}
    ae = narrows.Autoencoder(**QUICK | slow, recipe=recipe, likelihood=asked).fit(X)
    with torch.no_grad():
        found = ae.module_(View(torch.zeros(1, 60))).prediction.mean()
    assert found.numpy()[0] == marginal_mean(name, X.toarray().mean(0))
    assert np.allclose(ae.score_samples(X), ae.score_samples(X.toarray()), rtol=1e-5, atol=1e-3)
    trained = narrows.Autoencoder(**QUICK | {"epochs": 30}, recipe=recipe, likelihood=asked).fit(
        matrix(OTHERS[name], 400)
    )
    losses = [row["held_out"]["loss"] for row in trained.history_]
    assert min(losses) < losses[0] - 0.5


def test_a_model_of_dense_rows_takes_sparse_ones():
    X = matrix("real")
    ae = narrows.Autoencoder(**QUICK).fit(X.toarray())
    assert np.array_equal(ae.transform(X), ae.transform(X.toarray()))
    assert sparse.issparse(ae.reconstruct(X))


def test_sparse_in_sparse_out():
    X = matrix()
    ae = narrows.Autoencoder(**QUICK).fit(X)
    for given in (X, X.tocsc(), sparse.coo_matrix(X)):
        back = ae.reconstruct(given)
        assert type(back) is type(given)
        assert (back.shape, back.dtype) == (given.shape, given.dtype)
    assert isinstance(ae.reconstruct(X.toarray()), np.ndarray)
    assert np.array_equal(ae.reconstruct(X).toarray(), ae.reconstruct(X.toarray()))
    assert np.array_equal(ae.inverse_transform(ae.transform(X)).toarray(), ae.reconstruct(X).toarray())


@pytest.mark.parametrize("kind", LIKELIHOODS)
@pytest.mark.parametrize("recipe", ["deep", "variational"])
def test_training_improves_on_the_mean_of_each_column(kind, recipe, monkeypatch):
    monkeypatch.setattr(sparse_data, "SCORED", 10)
    ae = narrows.Autoencoder(**QUICK | {"epochs": 30, "recipe": recipe}).fit(matrix(kind, 400))
    losses = [row["held_out"]["loss"] for row in ae.history_]
    assert min(losses) < losses[0] - 1


def test_a_model_begins_at_the_mean_of_each_column():
    X = matrix()
    ae = narrows.Autoencoder(**QUICK | {"epochs": 1, "learning_rate": 1e-9, "validation_fraction": 0}).fit(X)
    with torch.no_grad():
        found = ae.module_(View(torch.zeros(1, 60))).prediction.mean()
    assert np.allclose(found.numpy()[0], X.toarray().mean(0), rtol=1e-3)


def test_saved_and_loaded_and_continued(tmp_path):
    X = matrix()
    ae = narrows.Autoencoder(**QUICK).fit(X)
    ae.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    assert np.array_equal(again.transform(X), ae.transform(X))
    assert np.array_equal(again.reconstruct(X).toarray(), ae.reconstruct(X).toarray())
    before = ae.score(X)
    for _ in range(5):
        again.partial_fit(X)
    assert again.score(X) > before


def test_the_same_seed_gives_the_same_bits(monkeypatch):
    monkeypatch.setattr(sparse_data, "SCORED", 10)
    first, second = (narrows.Autoencoder(**QUICK).fit(matrix()).transform(matrix()) for _ in range(2))
    assert np.array_equal(first, second)


def test_what_needs_dense_rows_says_so():
    spec = SampleSpec("vector", (9,), "unit", sparse=True)
    tied = {"name": "mlp", "tied": True}
    for parts in ({"corruption": "masking"}, {"penalties": ["contractive"]}, {"network": tied}):
        with pytest.raises(ChoiceError, match="dense samples"):
            assemble(spec, 2, likelihood="bernoulli", **parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["20newsgroups/X_train.npz", "scrna_worm_neuron/X_counts.npz"])
def test_real_counts(real, name):
    X = narrows.open_data(real / "sparse" / name)
    ae = narrows.Autoencoder(latent_dim=16, epochs=8, random_state=0, verbose=0).fit(X)
    losses = [row["held_out"]["loss"] for row in ae.history_]
    assert min(losses) < losses[0] * 0.99
