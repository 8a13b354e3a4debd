"""Names, specs and errors."""

import pytest

from narrows import corruptions
from narrows.core.errors import ChoiceError, FileError, InputError, InputTypeError, NarrowsError, TrainingError, unknown
from narrows.core.registry import Registry, snake_case
from narrows.core.spec import SampleSpec


def test_the_tree_of_errors():
    for error, built_in in [(InputError, ValueError), (ChoiceError, ValueError), (FileError, ValueError)]:
        assert issubclass(error, NarrowsError)
        assert issubclass(error, built_in)
    assert issubclass(InputTypeError, TypeError)
    assert issubclass(TrainingError, RuntimeError)


def test_unknown_without_a_near_choice():
    assert str(unknown("colour", "qqq", ["red"])) == "unknown colour 'qqq' (known: red)"


@pytest.mark.parametrize("name", ["MLP", "KLSparsity", "SaltAndPepper", "L1", "vanilla"])
def test_snake_case(name):
    found = snake_case(name)
    assert found == found.lower()
    assert "__" not in found


def test_a_registry_builds_by_name_and_by_options():
    registry = Registry("corruption", corruptions)
    assert registry.build("masking").fraction == 0.3
    assert registry.build({"name": "masking", "fraction": 0.7}).fraction == 0.7
    assert registry.build("masking", fraction=0.6, unheard_of=1).fraction == 0.6
    with pytest.raises(ChoiceError, match="did you mean 'fraction'"):
        registry.build({"name": "masking", "fractoin": 0.7})
    with pytest.raises(ChoiceError, match="did you mean 'masking'"):
        registry["masks"]


@pytest.mark.parametrize(
    ("kind", "shape"), [("vector", (3, 3)), ("image", (3, 3)), ("vector", (0,)), ("smell", (3,)), ("video", (1,))]
)
def test_specs_that_cannot_be(kind, shape):
    with pytest.raises(ChoiceError):
        SampleSpec(kind, shape)


def test_spec_round_trip():
    spec = SampleSpec("image", (3, 4, 5))
    assert SampleSpec.from_json(spec.to_json()) == spec
    assert spec.size == 60
