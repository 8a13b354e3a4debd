"""
Reconstruction, and the promise about PCA
=========================================

Principal component analysis is the best linear autoencoder. An autoencoder that ends worse is not worth its training,
so narrows begins as PCA and never hands back a worse model.
"""

# %%
# How the promise is kept
# -----------------------
#
# Beside a fully connected network runs a straight, linear path:
#
# .. code-block:: none
#
#     z = W x + f(x)          x' = V z + g(z)
#
# In the beginning ``f`` and ``g`` give zero, and ``W`` and ``V`` are the principal components. The first row of the
# history is therefore the score of PCA with as many dimensions on the rows that were set aside, and the weights of the
# best epoch are the ones you get. The promise is about those rows: on fresh test rows it holds as well as they stand
# for them.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

import narrows
from narrows.metrics import mean_squared_error

X, X_test = train_test_split(load_digits().data, test_size=0.25, random_state=0)
sizes = [2, 4, 8, 16]
errors = {"PCA": [], "narrows, deep": []}
for size in sizes:
    pca = PCA(size).fit(X)
    ae = narrows.Autoencoder(recipe="deep", latent_dim=size, epochs=60, random_state=0, verbose=0).fit(X)
    errors["PCA"].append(mean_squared_error(X_test, pca.inverse_transform(pca.transform(X_test))))
    errors["narrows, deep"].append(mean_squared_error(X_test, ae.reconstruct(X_test)))
    assert ae.history_[ae.chosen_["best_epoch"]]["score"] <= ae.history_[0]["score"], "the promise"

# %%
# The error on test rows, in squared grey levels, beside that of predicting the mean image for every sample:

mean_row = mean_squared_error(X_test, X.mean(0, keepdims=True).repeat(len(X_test), 0))
print(f"{'dimensions':>16}" + "".join(f"{size:>8}" for size in sizes))
for name, values in errors.items():
    print(f"{name:>16}" + "".join(f"{value:8.2f}" for value in values))
print(f"{'the mean':>16}" + f"{mean_row:8.2f}" * len(sizes))

fig, axis = plt.subplots(figsize=(6, 3.5))
for name, values in errors.items():
    axis.plot(sizes, values, marker="o", label=name)
axis.axhline(mean_row, linestyle="--", color="gray", label="the mean")
axis.set(xlabel="size of the code", ylabel="squared error, test rows", xticks=sizes, ylim=(0, None))
axis.set_title("Test error by the size of the code")
axis.legend()
fig.tight_layout()

# %%
# When nothing is gained
# ----------------------
#
# Where the data has no curved structure, a network can only learn noise. Here every column is a linear mixture of four
# sources plus noise: the best epoch is then often the very beginning, and the model that you get is PCA.

rng = np.random.default_rng(0)
mixture = rng.normal(size=(400, 4)) @ rng.normal(size=(4, 20)) + 0.3 * rng.normal(size=(400, 20))
ae = narrows.Autoencoder(latent_dim=4, epochs=40, random_state=0, verbose=0).fit(mixture)
print("best epoch:", ae.chosen_["best_epoch"])
print("held-out error at the beginning (PCA):", round(ae.history_[0]["score"], 5))
print("held-out error at the best epoch:     ", round(min(row["score"] for row in ae.history_), 5))

# %%
# What the promise covers
# -----------------------
#
# * With a plain code (``vanilla``, ``deep``, ``convolutional``, ``denoising``) the measure is the squared error. A code
#   that is also penalised or squashed (``sparse``, ``sparse_kl``, ``contractive``) is judged by its whole loss instead.
# * With a Gaussian code (``variational``) the measure is the evidence lower bound, and the beginning is probabilistic
#   PCA, whose bound is known in closed form.
# * A convolutional pair is built around the same two linear maps: ``z = W (x + E(x))``, ``y = V z``, ``x' = y + R(y)``,
#   with ``E`` and ``R`` at zero in the beginning.
# * ``recipe_options={"linear_path": False}`` takes the straight path of a fully connected network away. Training then
#   begins at the mean, and PCA is fitted beside the model.
