"""What methods promise before they code, and what comes of it."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from narrows.coding import chunks
from narrows.coding.candidates import Seen
from narrows.coding.chunks import Content
from narrows.coding.efforts import EFFORTS
from narrows.coding.rows import Known

RNG = np.random.default_rng(0)
Y, X = np.mgrid[:120, :140]
PARENT = RNG.integers(0, 60, 6000)
VALUES = {
    "digits": load_digits().images.astype(np.uint8),
    "hills": np.rint(np.sin(Y / 9) * np.cos(X / 7) * 9000 + RNG.normal(size=Y.shape) * 20).astype(np.int32),
    "field": (np.sin(Y / 9) * np.cos(X / 7) + RNG.normal(size=Y.shape) / 99).astype(np.float32),
    "prices": np.round(RNG.gamma(2, 20, 6000), 2),
    "child": PARENT * 7 + RNG.integers(0, 3, 6000),
    "walk": RNG.integers(-3, 4, 6000).cumsum(),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_promise_is_about_what_is_made(name):
    bound = 1e-3 if name == "field" else 0.0
    seen = Seen.of(VALUES[name], None, bound, EFFORTS["default"])
    promises = seen.promises({3: Known.of(PARENT.astype(np.uint64))} if name == "child" else {})
    assert promises
    for promise in promises:
        assert 0.75 < 8 * len(promise.make()) / promise.bits < 1.3


@pytest.mark.parametrize("name", VALUES)
def test_an_estimate_is_about_what_a_chunk_takes(name):
    bound = 1e-3 if name == "field" else 0.0
    told = Content(VALUES[name]), {}, bound, EFFORTS["default"]
    payload, _ = chunks.encode(told[0], [], *told[1:])
    assert 0.75 < len(payload) / chunks.estimate(*told) < 1.3


def test_where_time_does_not_count_every_method_is_tried(monkeypatch):
    made = {}
    for name in ("default", "max"):
        seen = []
        monkeypatch.setattr(chunks, "_tried", lambda payload, *_, seen=seen: seen.append(payload))
        with pytest.raises(AssertionError):
            chunks.encode(Content(VALUES["walk"].reshape(60, 100)), [], {}, 0.0, EFFORTS[name])
        made[name] = {payload[1] for payload in seen}
    assert made["default"] < made["max"]
