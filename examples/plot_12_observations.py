"""
Codes as observations
=====================

An agent that sees pixels has to learn to see before it can learn to act. An autoencoder learns to see without any
reward, from frames that anybody can collect; the agent then observes a few numbers. ``narrows.encoded_observations``
makes an environment of Gymnasium give codes (``pip install 'narrows[rl]'``).
"""

# %%
# A pole on a cart, as pixels
# ---------------------------
#
# CartPole has four hidden numbers: where the cart is, how far the pole leans, and how fast both change. Here it is
# rendered, and the agent sees a small grey picture of the middle of the screen.

import os

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # no window is needed to render

import gymnasium
import matplotlib.pyplot as plt
import numpy as np
from gymnasium.wrappers import AddRenderObservation, TransformObservation

import narrows


def small(frame: np.ndarray) -> np.ndarray:
    """The middle of a frame, (20, 60) uint8: dark where cart and pole are."""
    return frame[160:320:8, ::10].min(-1)


def pixels() -> gymnasium.Env:
    """CartPole as small pictures."""
    env = AddRenderObservation(gymnasium.make("CartPole-v1", render_mode="rgb_array"), render_only=True)
    return TransformObservation(env, small, gymnasium.spaces.Box(0, 255, (20, 60), np.uint8))


def walked(env: gymnasium.Env, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What is seen on the way of an agent that acts at random, and the hidden numbers behind it."""
    env.action_space.seed(seed)
    seen, hidden = [], []
    observation, _ = env.reset(seed=seed)
    for _ in range(steps):
        seen.append(observation)
        hidden.append(env.unwrapped.state)
        observation, _, over, cut, _ = env.step(env.action_space.sample())
        if over or cut:
            observation, _ = env.reset()
    return np.stack(seen), np.array(hidden)


frames, _ = walked(pixels(), 800, seed=0)
fig, axes = plt.subplots(1, 3, figsize=(9, 1.6))
for ax, frame in zip(axes, frames[[0, 300, 600]], strict=True):
    ax.imshow(frame, cmap="gray")
    ax.axis("off")

# %%
# Six numbers for each picture
# ----------------------------
#
# The frames of a random walk are enough to learn from. The wrapped environment observes codes, and whatever takes an
# environment takes it.

ae = narrows.Autoencoder(recipe="deep", latent_dim=6, epochs=40, random_state=0, verbose=0).fit(frames)
env = narrows.encoded_observations(pixels(), ae)
print(env.observation_space)
print(env.reset(seed=1)[0].round(2))

# %%
# What the codes know
# -------------------
#
# A straight line through the codes tells where the cart is and how far the pole leans, on walks that were not learned
# from. Speeds cannot be seen in one picture: an agent that needs them looks at the codes of two steps.

codes, hidden = walked(env, 400, seed=2)
known_codes, known_hidden = walked(env, 800, seed=3)


def explained(columns: int) -> float:
    """The share of the variance of a hidden number that an affine map of the codes explains."""
    design, asked = (np.column_stack([Z, np.ones(len(Z))]) for Z in (known_codes, codes))
    weights, *_ = np.linalg.lstsq(design, known_hidden[:, columns], rcond=None)
    left = np.square(hidden[:, columns] - asked @ weights).sum()
    return 1 - left / np.square(hidden[:, columns] - hidden[:, columns].mean()).sum()


for name, column in (("position", 0), ("speed", 1), ("angle", 2), ("speed of the angle", 3)):
    print(f"{name:20s} {explained(column):6.2f} of the variance")

# %%
# A model that goes on learning
# -----------------------------
#
# A better agent comes to where a random one has never been. With ``learn_every`` the model follows it, a pass over so
# many frames at a time, by ``partial_fit``. What was seen before then has another code, which an agent has to bear.

following = narrows.encoded_observations(pixels(), ae, learn_every=100)
before = ae.transform(frames)
walked(following, 100, seed=4)
moved = np.linalg.norm(ae.transform(frames) - before, axis=1).mean()
apart = np.linalg.norm(before - before.mean(0), axis=1).mean()
print(f"one more pass moved the codes of known frames by {moved / apart:.2f} of their distance from the middle")
