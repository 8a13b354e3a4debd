"""
First steps
===========

Fit an autoencoder on the handwritten digits that ship with scikit-learn, look at its codes, and go back from codes to
digits. ``Autoencoder`` is a scikit-learn transformer: ``fit``, ``transform``, ``inverse_transform``.
"""

# %%
# A first model
# -------------
#
# The digits are 1,797 images of 8 by 8 pixels, here as rows of 64 values. No argument is needed; we choose the size of
# the code, fewer epochs so that this page builds quickly, and a ``random_state`` so that the result is the same each
# time.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import narrows

digits = load_digits()
X, X_test, y, y_test = train_test_split(digits.data.astype("uint8"), digits.target, test_size=0.25, random_state=0)

ae = narrows.Autoencoder(latent_dim=8, epochs=60, random_state=0, verbose=0)
ae.fit(X)

# %%
# ``transform`` gives one code for each sample, and ``inverse_transform`` the sample that a code stands for. Outputs
# keep the units, the shape and the type of the input: ``uint8`` pixels come back as ``uint8``, rounded and clipped.

Z = ae.transform(X_test)
back = ae.inverse_transform(Z)
print("codes:", Z.shape, Z.dtype)
print("reconstructions:", back.shape, back.dtype)
print("same as reconstruct:", np.array_equal(back, ae.reconstruct(X_test)))

# %%
# What comes back
# ---------------
#
# The upper row shows test digits, the lower row what eight numbers kept of them.

fig, axes = plt.subplots(2, 8, figsize=(8, 2.4))
for column in range(8):
    for row, (name, images) in enumerate({"original": X_test, "rebuilt": back}.items()):
        axis = axes[row, column]
        axis.imshow(images[column].reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        axis.set(xticks=[], yticks=[])
        if column == 0:
            axis.set_ylabel(name)
fig.suptitle("Test digits and their reconstructions from 8 numbers")
fig.tight_layout()

# %%
# What was chosen for you
# -----------------------
#
# Where an argument is ``None`` or ``"auto"``, a fixed rule on shapes and hardware chooses, never a timing. What it
# chose is in ``chosen_``, and in the model file.

for name in ("recipe", "likelihood", "batch_size", "learning_rate", "precision", "best_epoch"):
    print(f"{name:14}", ae.chosen_[name])

# %%
# How training went
# -----------------
#
# ``history_`` has one row for each epoch, the first for the model as it began. ``score`` judges the model on rows that
# were set aside; for a plain code it is the mean squared error of the scaled values.

epochs = [row["epoch"] for row in ae.history_]
scores = [row["score"] for row in ae.history_]
fig, axis = plt.subplots(figsize=(6, 3))
axis.plot(epochs, scores)
axis.axhline(scores[0], linestyle="--", color="gray", label="the beginning: PCA")
axis.set(xlabel="epoch", ylabel="squared error, held-out rows", ylim=(0, None), title="Training begins as PCA")
axis.legend()
fig.tight_layout()

# %%
# How well a sample is explained
# ------------------------------
#
# ``score_samples`` says in nats how well the model explains each sample; higher is more normal. Digits that are turned
# upside down score lower than the digits that the model knows.

upside_down = X_test[:, ::-1]
fig, axis = plt.subplots(figsize=(6, 3))
bins = np.linspace(-400, -50, 50)
axis.hist(ae.score_samples(X_test), bins, alpha=0.7, label="test digits")
axis.hist(ae.score_samples(upside_down), bins, alpha=0.7, label="upside down")
axis.set(xlabel="score (nats)", ylabel="samples", title="Higher is more normal")
axis.legend()
fig.tight_layout()
