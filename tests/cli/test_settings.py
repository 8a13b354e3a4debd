"""Settings: text on the command line, values for the estimator."""

import pytest

from narrows import Autoencoder
from narrows.cli.settings import arguments
from narrows.core.errors import ChoiceError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("epochs=3", 3),
        ("learning_rate=1e-3", 1e-3),
        ("optimizer=sgd", "sgd"),
        ("patience=None", None),
        ("patience=null", None),
        ("weight_decay=1", 1),
        ('likelihood={"name": "normal", "scale": 0.1}', {"name": "normal", "scale": 0.1}),
    ],
)
def test_values(text, value):
    assert arguments(Autoencoder, "auto", [text])[0] == {text.partition("=")[0]: value}


def test_options_of_the_recipe_are_kept_together():
    found, _ = arguments(Autoencoder, "auto", ["recipe=variational", "beta=4", "linear_path=false"])
    assert found == {"recipe": "variational", "recipe_options": {"beta": 4, "linear_path": False}}


def test_an_option_of_another_recipe_is_unknown():
    with pytest.raises(ChoiceError, match="unknown setting 'beta'"):
        arguments(Autoencoder, "deep", ["beta=4"])


def test_an_unknown_recipe_is_named_first():
    with pytest.raises(ChoiceError, match="unknown recipe 'dep', did you mean 'deep'"):
        arguments(Autoencoder, "dep", ["beta=4"])
