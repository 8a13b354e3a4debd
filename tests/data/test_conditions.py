"""Labels and other conditions: learned at fit, and told to the networks."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import narrows
from narrows.core.errors import InputError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, View
from narrows.data.conditions import Conditions
from narrows.recipes.assemble import assemble

LABELS = st.one_of(
    *(st.lists(one, min_size=1, max_size=12) for one in (st.integers(-9, 9), st.text(max_size=3), st.booleans()))
)


@settings(max_examples=30, deadline=None)
@given(LABELS, st.data())
def test_every_label_has_a_place_of_its_own(labels, data):
    found = Conditions.learn(labels, len(labels))
    told = found.encode(labels, len(labels))
    assert (told.sum(1) == 1).all()
    i, j = data.draw(st.integers(0, len(labels) - 1)), data.draw(st.integers(0, len(labels) - 1))
    assert torch.equal(told[i], told[j]) == (labels[i] == labels[j])


@settings(max_examples=30, deadline=None)
@given(LABELS)
def test_what_was_learned_survives_a_file(labels):
    found = Conditions.learn([*labels, None], len(labels) + 1)
    assert Conditions.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(["a", None, "b"]),
        np.array([1.0, np.nan, 2.0]),
        pd.Series([1, None, 2], dtype="Int64"),
        [False, None, True],
    ],
)
def test_missing_labels_become_zeros(y):
    assert Conditions.learn(y, 3).encode(y, 3).tolist() == [[1, 0], [0, 0], [0, 1]]


def test_numbers_of_numpy_among_none_are_labels():
    found = Conditions.learn([None, *np.array([3, 1])], 3)
    assert found.classes == (1, 3)
    assert found.encode([np.int64(3), None, 1], 3).tolist() == [[0, 1], [0, 0], [1, 0]]


def test_numbers_are_centred_and_scaled(rng):
    y = 5 + 3 * np.random.RandomState(0).randn(50, 2)
    told = Conditions.learn(y, 50).encode(y, 50)
    assert torch.allclose(told.mean(0), torch.zeros(2), atol=1e-6)
    assert torch.allclose(told.std(0, correction=0), torch.ones(2), atol=1e-6)


@pytest.mark.parametrize(
    ("y", "says"),
    [
        ([1, 2], "y has 2 labels, but X has 3 samples"),
        ([None, None, None], "every one is missing"),
        ([1, "a", 2.5], None),
        ([{}, {}, {}], "several types|got dict"),
        (np.zeros((3, 2, 2)), "one label for each sample"),
        ([["a", "b"]] * 3, "make text a column of labels"),
        ([[1], [1, 2], [3]], "one label for each sample"),
        ([np.inf, 1.5, 2.5], "infinite"),
    ],
)
def test_bad_labels_are_refused_in_a_sentence(y, says):
    if says is None:  # NumPy makes text of them
        assert Conditions.learn(y, 3).size == 3
        return
    with pytest.raises(InputError, match=says):
        Conditions.learn(y, 3)


def test_labels_that_fit_did_not_see_are_named():
    found = Conditions.learn(["cat", "dog"], 2)
    with pytest.raises(InputError, match=r"'cow', which was not there at fit \(known: 'cat', 'dog'\)"):
        found.encode(["cow"], 1)
    with pytest.raises(InputError, match="give labels here too"):
        found.encode(None, 1)
    with pytest.raises(InputError, match="the label of sample 1 is missing"):
        found.encode(["cat", None], 2)


@pytest.mark.parametrize("shape", [(5,), (1, 8, 8), (2, 9)])
@pytest.mark.parametrize("linear_path", [True, False])
def test_a_constant_condition_only_shifts_biases(shape, linear_path, rng):
    """What is told to every sample alike can be folded into the biases of a model that is told nothing."""
    kind = {1: "vector", 2: "sequence", 3: "image"}[len(shape)]
    told = assemble(SampleSpec(kind, shape, context=2), 3, bottleneck="gaussian", linear_path=linear_path)
    plain = assemble(SampleSpec(kind, shape), 3, bottleneck="gaussian", linear_path=linear_path)
    c = torch.tensor([0.7, -1.2])
    halves = ((told.encoder.network, plain.encoder), (told.decoder.network, plain.decoder))
    for ours, theirs in halves:
        theirs.load_state_dict(
            {
                name: t[:, :3] if t.shape != theirs.state_dict()[name].shape else t
                for name, t in ours.state_dict().items()
            }
        )
    with torch.no_grad():
        head = plain.encoder.linear
        (head if head is not None else plain.encoder.head).bias += told.encoder.shift.weight @ c
        for name, weight in told.decoder.network.named_parameters():
            if weight.shape != plain.decoder.get_parameter(name).shape:
                plain.decoder.get_parameter(name.replace("weight", "bias")).add_(weight[:, 3:] @ c)
    x = torch.randn(4, *shape, generator=rng)
    ours = told(View(x, context=c.expand(4, 2)))
    theirs = plain(View(x))
    assert torch.allclose(ours.code.z, theirs.code.z, atol=1e-5)
    assert torch.allclose(ours.prediction.mean(), theirs.prediction.mean(), atol=1e-4)


def test_no_condition_is_a_row_of_zeros(rng):
    model = assemble(SampleSpec("vector", (5,), context=2), 3)
    x, nothing = torch.randn(4, 5, generator=rng), torch.zeros(4)
    assert torch.equal(model.encode(View(x)).z, model.encode(View(x, context=torch.zeros(4, 2))).z)
    code = Code(torch.randn(4, 3, generator=rng), nothing, nothing)
    assert torch.equal(model.decode(code).mean(), model.decode(code, torch.zeros(4, 2)).mean())


@pytest.fixture
def groups():
    """Rows about one of three centres far apart, and which."""
    draw = np.random.RandomState(0)
    y = draw.randint(3, size=200)
    return 10 * np.eye(3, 6)[y] + draw.randn(200, 6), np.array(["a", "b", "c"])[y]


def conditional(**options):
    common = {"recipe": "conditional", "latent_dim": 2, "epochs": 30, "random_state": 0, "verbose": 0}
    return narrows.Autoencoder(**common | options)


def test_the_label_decides_what_is_drawn(groups, tmp_path):
    X, y = groups
    ae = conditional().fit(X, y)
    drawn = ae.inverse_transform(np.zeros((3, 2)), ["a", "b", "c"])
    assert np.allclose(drawn, 10 * np.eye(3, 6), atol=1.5)
    ae.save(tmp_path / "m.safetensors")
    again = narrows.load(tmp_path / "m.safetensors")
    assert np.array_equal(again.inverse_transform(np.zeros((3, 2)), ["a", "b", "c"]), drawn)
    assert np.array_equal(again.transform(X, y), ae.transform(X, y))
    assert np.array_equal(again.reconstruct(X, y), ae.inverse_transform(ae.transform(X, y), y))


def test_labels_explain_samples(groups):
    X, y = groups
    ae = conditional().fit(X, y)
    assert ae.score(X, y) > ae.score(X, np.roll(np.sort(y), 100)) + 5
    assert ae.score(X, y) > narrows.Autoencoder(recipe="variational", latent_dim=2, epochs=60, verbose=0).fit(X).score(
        X
    )


def test_results_do_not_depend_on_the_batch(groups):
    X, y = groups
    ae = conditional(epochs=2).fit(X, y)
    assert np.array_equal(ae.transform(X, y)[50:60], ae.transform(X[50:60], y[50:60]))


def test_labels_by_name_of_a_frame_and_of_tables(groups):
    X, y = groups
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(kind=np.where(X[:, 5] > 0, "up", "down"))
    ae = conditional(epochs=2).fit(frame, pd.Series(y))
    assert ae.reconstruct(frame, y).columns.tolist() == frame.columns.tolist()


def test_validation_data_come_with_labels(groups):
    X, y = groups
    ae = conditional(epochs=1).fit(X[:150], y[:150], validation_data=(X[150:], y[150:]))
    assert ae.transform(X[150:], y[150:]).shape == (50, 2)
    with pytest.raises(InputError, match=r"validation_data is a pair \(X, y\)"):
        conditional(epochs=1).fit(X, y, validation_data=X)


def test_partial_fit_keeps_its_labels(groups):
    X, y = groups
    ae = conditional().partial_fit(X[:100], y[:100]).partial_fit(X[100:], y[100:])
    assert ae.transform(X, y).shape == (200, 2)
    with pytest.raises(InputError, match="'z', which was not there"):
        ae.partial_fit(X, ["z"] * 200)


def test_a_run_resumes_only_with_the_same_labels(groups, tmp_path):
    X, y = groups
    whole = conditional(epochs=4).fit(X, y).transform(X, y)
    for epochs in (4, 4):
        ae = conditional(epochs=epochs, checkpoint=tmp_path).fit(X, y)
    assert np.array_equal(ae.transform(X, y), whole)
    with pytest.raises(narrows.FileError, match="belongs to another run"):
        conditional(epochs=4, checkpoint=tmp_path).fit(X, np.roll(y, 1))


def test_streams_are_refused(tmp_path):
    blocks = iter([np.random.RandomState(0).rand(40, 3)])
    with pytest.raises(InputError, match="labels need samples in memory"):
        conditional(epochs=1).fit(blocks, np.arange(40) % 2)
