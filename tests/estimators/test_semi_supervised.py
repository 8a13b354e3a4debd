"""Few labels inside the model: what is guessed, what is generated, and what is refused."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import estimator_checks_generator

import narrows
from narrows.data.conditions import ConditionedSamples
from narrows.data.door import samples
from narrows.training.guessing import SHARE, labels_often, spread_labels
from narrows.training.seeds import generator


def _checks():
    asked = {"recipe": "semi_supervised", "epochs": 30, "random_state": 0, "verbose": 0}
    for estimator, check in estimator_checks_generator(narrows.PretrainedClassifier(**asked)):
        yield pytest.param(estimator, check, id=check.func.__name__)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(_checks()))
def test_scikit_learns_contract(estimator, check):
    check(estimator)


QUICK = {"recipe": "semi_supervised", "epochs": 20, "random_state": 0, "verbose": 0}


@pytest.fixture(scope="module")
def few(digits):
    """Five labels of each digit, in the first 1,300; -1 for the others."""
    y = np.full(1300, -1)
    for digit in range(10):
        y[np.flatnonzero(digits.target[:1300] == digit)[:5]] = digit
    return y


@pytest.fixture(scope="module")
def fitted(digits, few):
    return narrows.PretrainedClassifier(**QUICK).fit(digits.data[:1300], few)


def test_few_labels_go_a_long_way(digits, few, fitted):
    known = few >= 0
    alone = LogisticRegression(max_iter=2000).fit(digits.data[:1300][known], few[known])
    ours = fitted.score(digits.data[1300:], digits.target[1300:])
    assert ours > 0.8
    assert ours > alone.score(digits.data[1300:], digits.target[1300:]) + 0.04


def test_probabilities_are_those_of_the_model_and_are_saved_with_it(digits, fitted, tmp_path):
    found = fitted.predict_proba(digits.data[1300:])
    np.testing.assert_allclose(found.sum(1), 1)
    assert np.array_equal(found.argmax(1), fitted.predict(digits.data[1300:]))
    with torch.no_grad():
        z = torch.from_numpy(fitted.transform(digits.data[1300:])).float()
        np.testing.assert_allclose(fitted.module_.bottleneck.guess(z).softmax(1), found, atol=1e-5)
    fitted.save(tmp_path / "m.safetensors")
    assert np.array_equal(narrows.load(tmp_path / "m.safetensors").predict_proba(digits.data[1300:]), found)


def test_what_is_known_of_a_sample_counts(digits, few):
    """Any label at all can be missing later; a wrong one makes a sample less probable than the true one."""
    X, y = digits.data[:600], digits.target[:600]
    model = narrows.Autoencoder(**QUICK | {"epochs": 8}).fit(X, y)
    assert model.transform(X).shape == (600, 8)
    right, wrong = model.score_samples(X, y), model.score_samples(X, (y + 1) % 10)
    assert (right > wrong).mean() > 0.9
    assert right.mean() < model.score(X)  # p(x, y) is less than p(x)


def test_samples_can_be_had_of_a_class(digits, few):
    X, y = digits.data[:1300], digits.target[:1300]
    made = narrows.Generator(**QUICK).fit(X, [label if i % 2 else None for i, label in enumerate(y)])
    judge = LogisticRegression(max_iter=2000).fit(digits.data, digits.target)
    asked = np.repeat(np.arange(10), 30)
    found = judge.predict(made.sample(300, y=asked, random_state=0))
    assert (found == asked).mean() > 0.35
    assert len(np.unique(judge.predict(made.sample(300, random_state=0)))) == 10


def test_labels_are_spread_in_part_and_none_is_set_aside(digits, few, fitted):
    context = fitted.conditions_.encode([None if label < 0 else label for label in few], 1300)
    given = ConditionedSamples(samples(digits.data[:1300], 2, None), context, few=True)
    train, judges = given.split(fitted.schema_, 0.1, generator(0, 0))
    assert (len(train), len(judges)) == (1300 - len(judges), len(judges))
    assert train.context.any(1).sum() == 50
    assert not judges.context.any()
    train, judges = spread_labels(fitted.module_, train, judges, 0)
    trust = torch.cat([train.context, judges.context]).sum(1)
    assert (trust == 1).sum() >= 50
    assert ((trust >= 0) & (trust <= 1)).all()
    assert 0.2 < trust.mean() < 1
    where = torch.cat([train.of.rows, judges.of.rows]).numpy()
    guessed = torch.cat([train.context, judges.context]).argmax(1).numpy()
    assert (guessed == digits.target[where]).mean() > 0.8


def test_with_the_class_in_the_code_labels_are_seen_often(digits, few):
    made = narrows.PretrainedClassifier(**QUICK, latent_dim=20, recipe_options={"label": "beside"})
    made.fit(digits.data[:1300], few)
    assert made.score(digits.data[1300:], digits.target[1300:]) > 0.5
    z = made.transform(digits.data[1300:])
    np.testing.assert_allclose(z[:, 10:], made.predict_proba(digits.data[1300:]), atol=1e-5)
    context = made.conditions_.encode([None if label < 0 else int(label) for label in few], 1300)
    given = ConditionedSamples(samples(digits.data[:1300], 2, None), context, few=True).source(made.schema_)
    often = labels_often(given)
    assert float(often.context.any(1).float().mean()) == pytest.approx(SHARE, abs=0.02)
    rows = often.context.any(1).nonzero().squeeze(1)
    assert sorted({int(row) for row in often.of.positions[rows]}) == np.flatnonzero(few >= 0).tolist()


def test_what_cannot_be_learned_is_refused_first(digits):
    X, y = digits.data[:50], digits.target[:50]
    for given, says in (
        (None, "needs labels of some samples, of at least two classes, and got none: call fit"),
        ([None] * 50, "no label at all"),
        ([3] * 50, "and got one: call fit"),
        (X[:, 0] + 0.5 * X[:, 2] / 7, "learns classes, and y holds numbers"),
    ):
        with pytest.raises(ValueError, match=says):
            narrows.Autoencoder(**QUICK).fit(X, given)
    with pytest.raises(ValueError, match="unknown place of the label 'besides', did you mean 'beside'"):
        narrows.Autoencoder(**QUICK, recipe_options={"label": "besides"}).fit(X, y)
    with pytest.raises(ValueError, match="needs latent_dim=10 or more, not 4"):
        narrows.Autoencoder(**QUICK, latent_dim=4, recipe_options={"label": "beside"}).fit(X, y)
    with pytest.raises(ValueError, match="learns classes, not numbers: give it to PretrainedClassifier"):
        narrows.PretrainedRegressor(**QUICK).fit(X, y / 3)


@pytest.mark.slow
def test_a_hundred_labels_of_mnist(real):
    """A small run, which misses 6 to 9 % of the test images; the benchmark has the whole."""
    mnist = np.load(real / "images" / "mnist.npz")
    x, x_test = (mnist[part].reshape(-1, 784) / np.float32(255) for part in ("x_train", "x_test"))
    y, draw = mnist["y_train"][:20_000].astype(int), np.random.default_rng(0)
    few = np.full(len(y), -1)
    for digit in range(10):
        few[draw.choice(np.flatnonzero(y == digit), 10, replace=False)] = digit
    made = narrows.PretrainedClassifier(recipe="semi_supervised", latent_dim=50, likelihood="bernoulli", epochs=15)
    made.set_params(recipe_options={"widths": [400]}, random_state=0, verbose=0).fit(x[: len(y)], few)
    assert made.score(x_test, mnist["y_test"]) > 0.88
