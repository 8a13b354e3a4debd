"""Values from outside as Python's own."""

import json

import numpy as np
import torch

from narrows.core.values import plain


def test_numbers_and_arrays_of_any_library_become_pythons():
    found = plain({"a": np.int64(3), "b": [np.float32(0.5), (np.bool_(True),)], "c": torch.tensor([1, 2]), "d": None})
    assert found == {"a": 3, "b": [0.5, (True,)], "c": [1, 2], "d": None}
    assert json.loads(json.dumps(found))["b"] == [0.5, [True]]


def test_what_is_pythons_already_stays_as_it_is():
    thing = object()
    assert plain(thing) is thing
    assert plain("text") == "text"
