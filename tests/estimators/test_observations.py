"""Codes as observations of an environment."""

import sys

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import narrows

gymnasium = pytest.importorskip("gymnasium", reason="gymnasium is not installed")


class Corridor(gymnasium.Env):
    """A light that moves along a corridor of 6 x 6 pixels."""

    observation_space = gymnasium.spaces.Box(0, 255, (6, 6), np.uint8)
    action_space = gymnasium.spaces.Discrete(2)

    def _seen(self):
        image = np.zeros((6, 6), np.uint8)
        image[:, self.place] = 255
        return image

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = 0
        return self._seen(), {}

    def step(self, action):
        self.place = int(np.clip(self.place + 2 * action - 1, 0, 5))
        return self._seen(), float(self.place == 5), self.place == 5, False, {}


@pytest.fixture(scope="module")
def model():
    env = Corridor()
    seen = [env.reset()[0], *(env.step(1)[0] for _ in range(5))]
    return narrows.Autoencoder(recipe="deep", latent_dim=3, epochs=3, random_state=0, verbose=0).fit(
        np.stack(seen * 10)
    )


def test_observations_are_the_codes_of_what_was_seen(model):
    env, plain = narrows.encoded_observations(Corridor(), model), Corridor()
    code, _ = env.reset(seed=0)
    seen, _ = plain.reset(seed=0)
    assert env.observation_space.contains(code)
    assert np.array_equal(code, model.transform(seen[None])[0])
    for action in (1, 1, 0):
        code, reward, *_ = env.step(action)
        seen, wanted, *_ = plain.step(action)
        assert np.array_equal(code, model.transform(seen[None])[0])
        assert reward == wanted


@pytest.mark.filterwarnings("ignore::UserWarning")  # it warns of every wrapper, and of numbers without bounds
def test_gymnasium_finds_nothing_wrong_with_it(model):
    from gymnasium.utils.env_checker import check_env

    check_env(narrows.encoded_observations(Corridor(), model), skip_render_check=True)


def test_the_model_goes_on_learning(model, tmp_path):
    model.save(tmp_path / "m.safetensors")
    own = narrows.load(tmp_path / "m.safetensors")
    env = narrows.encoded_observations(Corridor(), own, learn_every=4)
    first, _ = env.reset()
    for _ in range(2):
        env.step(1)
    assert np.array_equal(env.unwrapped._seen()[None].shape, (1, 6, 6))
    assert np.array_equal(own.transform(np.zeros((1, 6, 6), np.uint8)), model.transform(np.zeros((1, 6, 6), np.uint8)))
    env.step(1)  # the fourth observation
    again, _ = env.reset()
    assert not np.array_equal(first, again)


def test_mistakes_are_named(model, monkeypatch):
    with pytest.raises(narrows.ChoiceError, match=r"takes a fitted narrows\.Autoencoder"):
        narrows.encoded_observations(Corridor(), "model")
    with pytest.raises(narrows.ChoiceError, match="learn_every is a whole number"):
        narrows.encoded_observations(Corridor(), model, learn_every=-1)
    with pytest.raises(NotFittedError):
        narrows.encoded_observations(Corridor(), narrows.Autoencoder())
    with pytest.raises(narrows.InputError):
        narrows.encoded_observations(gymnasium.make("CartPole-v1"), model)
    monkeypatch.setitem(sys.modules, "narrows.estimators.gym_wrapper", None)
    with pytest.raises(narrows.ChoiceError, match=r"narrows\[rl\]"):
        narrows.encoded_observations(Corridor(), model)
