"""
The curse of dimensionality, and what a code gives back
=======================================================

The more columns, the less distances say: the nearest sample is hardly nearer than the farthest, and neighbours stop
meaning anything. Real data have few causes, however many columns they come in. A code with as many numbers as there are
causes gives distances their meaning back.
"""

# %%
# Distances concentrate
# ---------------------
#
# Take points whose columns are drawn independently, and ask how much farther than the nearest neighbour the farthest
# point is, (d_max - d_min) / d_min. In one or two columns it is hundreds of times as far; in a thousand, a few percent
# (Beyer, Goldstein, Ramakrishnan and Shaft 1999, https://doi.org/10.1007/3-540-49257-7_15).

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import narrows
from narrows.metrics import nearest_neighbour_accuracy

rng = np.random.default_rng(0)


def contrast(X: np.ndarray) -> float:
    """How much farther the farthest sample is than the nearest, in units of the latter: the median over 100 samples."""
    asked, known = X[:100], X[100:]
    distances = narrows.search(known, asked, len(known)).distances
    return float(np.median(distances[:, -1] / distances[:, 0] - 1))


sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
contrasts = [contrast(rng.uniform(size=(1_100, columns))) for columns in sizes]
for columns, found in zip(sizes, contrasts, strict=True):
    print(f"{columns:5d} columns: the farthest point is {1 + found:8.2f} times as far as the nearest")

fig, ax = plt.subplots(figsize=(6, 3.5))
ax.loglog(sizes, contrasts, marker="o")
ax.set(xlabel="independent columns", ylabel="(d_max - d_min) / d_min", title="Distances concentrate")

# %%
# Neighbours lose their meaning
# -----------------------------
#
# Here are handwritten digits, 64 pixels each, to which columns of noise are added. Each of those varies no more than
# the liveliest pixel; but there are many of them, and a distance counts them all. The nearest neighbour of a digit is
# then no longer a digit of the same kind.

digits = load_digits()
order = rng.permutation(len(digits.data))
known, asked = order[:1_200], order[1_200:]
y = digits.target


def with_noise(columns: int) -> np.ndarray:
    """Digits, and beside the pixels columns that have nothing to say."""
    return np.hstack([digits.data, rng.normal(scale=5.0, size=(len(digits.data), columns))])


def accuracy(Z: np.ndarray) -> float:
    """Share of the digits whose nearest neighbour among the known ones is of their kind."""
    return nearest_neighbour_accuracy(Z[known], y[known], Z[asked], y[asked])


noises = [0, 64, 128, 256, 512]
spoiled = {columns: with_noise(columns) for columns in noises}
raw = [accuracy(X) for X in spoiled.values()]
for columns, found in zip(noises, raw, strict=True):
    print(f"64 pixels and {columns:4d} columns of noise: {found:.3f}, contrast {contrast(spoiled[columns]):.2f}")

# %%
# A code of the right size
# ------------------------
#
# An autoencoder has to rebuild every column from its code, and can only do so for what columns have in common: noise in
# a column of its own is not worth a number of the code. PCA thinks alike, along straight lines.

X = spoiled[512]
print(narrows.compare(X, y, recipes=["deep"], latent_dim=8, baselines=["raw data", "PCA"], epochs=20))

# %%
# How many numbers? ``latent_dim="auto"`` looks for the knee: the size from which on more numbers gain little. Here is
# the curve that it goes by, from short fits; ``chosen_`` keeps it.

options = {"recipe": "deep", "recipe_options": {"widths": [128, 64]}, "epochs": 20, "random_state": 0, "verbose": 0}
ae = narrows.Autoencoder(latent_dim="auto", **options).fit(X[known])
tried, errors = zip(*ae.chosen_["knee"], strict=True)
print("chosen:", ae.chosen_["latent_dim"], "numbers instead of", X.shape[1])

fig, ax = plt.subplots(figsize=(6, 3.5))
ax.plot(tried, errors, marker="o")
ax.axvline(ae.chosen_["latent_dim"], color="0.6", linestyle="--")
ax.set(xlabel="size of the code", ylabel="error on held-out samples", title="The knee")

# %%
# With that code a digit's nearest neighbour is a digit of its kind again, and the farthest is far again.

Z = ae.transform(X)
print(f"raw columns: 1-NN accuracy {accuracy(X):.3f}, contrast {contrast(X):.2f}")
print(f"code:        1-NN accuracy {accuracy(Z):.3f}, contrast {contrast(Z):.2f}")

# %%
# Too small a code, or too large
# ------------------------------
#
# Too few numbers cannot tell the digits apart; too many have room for the noise, and the curse begins again.

found = {
    size: accuracy(narrows.Autoencoder(latent_dim=size, **options).fit(X[known]).transform(X))
    for size in (1, 2, 4, 8, 16, 64)
}
for size, share in found.items():
    print(f"code of {size:3d}: {share:.3f}")

fig, ax = plt.subplots(figsize=(6, 3.5))
ax.semilogx(list(found), list(found.values()), marker="o", label="code")
ax.axhline(accuracy(X), color="0.6", linestyle="--", label="raw columns")
ax.set(xlabel="size of the code", ylabel="1-NN accuracy", title="What a code gives back")
ax.legend()
