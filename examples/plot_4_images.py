"""
Images with convolutional networks
==================================

Images come as ``(n, height, width)``, ``(n, height, width, channels)`` or ``(n, channels, height, width)`` arrays, of
any size, odd sizes too. For such arrays ``recipe="auto"`` is ``"convolutional"``.
"""

# %%
# Small pictures of coloured discs
# --------------------------------
#
# To keep this page quick we draw 600 images of 15 by 17 pixels: a disc of some colour, somewhere. A disc has six
# degrees of freedom (position, size and colour), and so has the code.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

import narrows
from narrows.metrics import mean_squared_error

rng = np.random.default_rng(0)


def discs(n: int, height: int = 15, width: int = 17) -> np.ndarray:
    """Images (n, height, width, 3) of type uint8."""
    y, x = np.mgrid[:height, :width]
    at_y, at_x = rng.uniform(4, height - 4, n), rng.uniform(4, width - 4, n)
    radius, colour = rng.uniform(2, 4, n), rng.uniform(60, 255, (n, 3))
    distance = np.hypot(y - at_y[:, None, None], x - at_x[:, None, None])
    inside = np.clip(radius[:, None, None] - distance + 0.5, 0, 1)
    return (inside[..., None] * colour[:, None, None]).astype("uint8")


X, X_test = discs(600), discs(200)
print(X.shape, X.dtype)

# %%
# The channels are recognised by the length of their axis, at most four. ``widths`` are the channels of each level of
# the network; each level halves the size, rounded up.

ae = narrows.Autoencoder(latent_dim=6, recipe_options={"widths": [16, 32]}, epochs=30, random_state=0, verbose=0).fit(X)
print("recipe:", ae.chosen_["recipe"])
print("one sample is", ae.schema_.spec)

# %%
# The same with no network at all, PCA with six dimensions, is what the model began as. A disc that moves is not a
# sum of six pictures, so here the network gains much.

flat, flat_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
pca = PCA(6).fit(flat)
by_pca = pca.inverse_transform(pca.transform(flat_test)).clip(0, 255).reshape(X_test.shape)
back = ae.reconstruct(X_test)
print("test error, PCA:          ", round(mean_squared_error(X_test, by_pca)))
print("test error, convolutional:", round(mean_squared_error(X_test, back)))

fig, axes = plt.subplots(3, 8, figsize=(8, 3.2))
rows = {"original": X_test, "PCA": by_pca.astype("uint8"), "narrows": back}
for row, (name, images) in enumerate(rows.items()):
    for column in range(8):
        axes[row, column].imshow(images[column])
        axes[row, column].set(xticks=[], yticks=[])
    axes[row, 0].set_ylabel(name)
fig.suptitle("Six numbers per image")
fig.tight_layout()

# %%
# Between two images
# ------------------
#
# Codes can be mixed. On the way from one code to another the disc changes place, size and colour.

a, b = ae.transform(X_test[:2])
steps = np.linspace(0, 1, 8)
path = ae.inverse_transform(np.stack([(1 - t) * a + t * b for t in steps]))
fig, axes = plt.subplots(1, 8, figsize=(8, 1.5))
for axis, image, t in zip(axes, path, steps, strict=True):
    axis.imshow(image)
    axis.set(xticks=[], yticks=[], xlabel=f"{t:.2f}")
fig.suptitle("From one code to another")
fig.tight_layout()

# %%
# Grey levels as probabilities
# ----------------------------
#
# For values between 0 and 1 there is another likelihood, ``"bernoulli"``, which is binary cross-entropy. ``uint8``
# images are put between 0 and 1 for it. Its decoder's output passes through a sigmoid, because the likelihood says so.

coin = narrows.Autoencoder(
    latent_dim=6,
    likelihood="bernoulli",
    recipe_options={"widths": [16, 32]},
    epochs=10,
    random_state=0,
    verbose=0,
).fit(X)
print(coin.module_.likelihood, "test error:", round(mean_squared_error(X_test, coin.reconstruct(X_test))))
