"""
Codes of symbols and of bits
============================

A quantised code is a row of symbols, each one of finitely many: something to count, to store in so many bits, and to
draw anew. A restricted Boltzmann machine has a code of bits, and an energy that says how likely a sample is.
"""

# %%
# A codebook
# ----------
#
# ``vq`` splits its code into groups of four numbers, and moves each group to the nearest entry of a codebook. Codebooks
# begin as k-means of the training data, follow the encoder by running means, and begin anew where nothing is near.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

import narrows
from narrows import metrics

digits = load_digits()
X, X_test, y, y_test = train_test_split(digits.data.astype("uint8"), digits.target, test_size=0.25, random_state=0)

vq = narrows.Autoencoder(recipe="vq", latent_dim=16, epochs=12, recipe_options={"codes": 64}, random_state=0, verbose=0)
vq.fit(X)
symbols = vq.indices(X_test)
print("symbols of the first three digits:")
print(symbols[:3])
print("the same digits from their symbols alone:", np.array_equal(vq.from_indices(symbols), vq.reconstruct(X_test)))

# %%
# How much of a codebook is in use? The perplexity says how many entries it amounts to if all were equally frequent.

sizes = vq.module_.bottleneck.sizes
print(f"in use: {metrics.codebook_use(vq.indices(X), sizes):.1%} of {sizes[0]} entries")
print("perplexity:", metrics.perplexity(vq.indices(X)).round(1))

# %%
# Bits and error
# --------------
#
# ``residual_vq`` lets each codebook quantise what the last one left over; ``fsq`` has no codebook at all, only a few
# levels in each number. The trivial baseline is PCA with as many bits: four components of six bits each.


def pca_with_bits(components, bits):
    """Squared error of PCA whose components are rounded to 2^bits levels within what training saw."""
    pca = PCA(components).fit(X)
    seen, asked = pca.transform(X), pca.transform(X_test)
    low, step = seen.min(0), np.ptp(seen, axis=0) / 2**bits
    middle = low + step * (np.clip((asked - low) // step, 0, 2**bits - 1) + 0.5)
    return np.square(pca.inverse_transform(middle) - X_test).mean()


rows = [("PCA, 4 components of 6 bits", 24.0, pca_with_bits(4, 6))]
recipes = {"vq": {"codes": 64}, "residual_vq": {"codes": 64}, "fsq": {"codes": 64}}
for recipe, options in recipes.items():
    d = 8 if recipe == "fsq" else 16
    ae = narrows.Autoencoder(recipe=recipe, latent_dim=d, recipe_options=options, epochs=12, random_state=0, verbose=0)
    ae.fit(X)
    bits = np.log2(ae.module_.bottleneck.sizes).sum()
    rows.append((recipe, bits, metrics.mean_squared_error(X_test, ae.reconstruct(X_test))))
for name, bits, error in rows:
    print(f"{name:28} {bits:5.1f} bits    squared error {error:5.2f}")

# %%
# A restricted Boltzmann machine
# ------------------------------
#
# Pixels that are on or off, hidden bits, and one layer of weights between them. The code is the probability of each
# hidden bit; the score is minus the free energy, a log-probability up to a constant.

bits, bits_test = (X > 7).astype("uint8"), (X_test > 7).astype("uint8")
rbm = narrows.Autoencoder(recipe="rbm", latent_dim=64, epochs=40, random_state=0, verbose=0).fit(bits)
noise = np.random.RandomState(0).rand(*bits_test.shape) < bits.mean(0)
print("mean score of test digits:         ", round(rbm.score(bits_test), 2))
print("mean score of independent pixels:  ", round(rbm.score(noise.astype("uint8")), 2))

# %%
# Each hidden bit looks for a pattern: strokes and gaps between them.

filters = rbm.module_.encoder.head.weight.detach().numpy()
fig, axes = plt.subplots(2, 8, figsize=(8, 2.2))
for axis, weights in zip(axes.flat, filters, strict=False):
    limit = np.abs(weights).max()
    axis.imshow(weights.reshape(8, 8), cmap="RdBu", vmin=-limit, vmax=limit)
    axis.set(xticks=[], yticks=[])
fig.suptitle("What hidden bits look for")
fig.tight_layout()

# %%
# New digits by Gibbs sampling: bits of the code are drawn, then pixels from the bits, over and over.

codes = rbm.module_.objective.codes(rbm.module_, 16, torch.Generator().manual_seed(0))
drawn = rbm.inverse_transform(codes.numpy())
fig, axes = plt.subplots(2, 8, figsize=(8, 2.2))
for axis, image in zip(axes.flat, drawn, strict=True):
    axis.imshow(image.reshape(8, 8), cmap="gray_r")
    axis.set(xticks=[], yticks=[])
fig.suptitle("Digits that the machine drew")
fig.tight_layout()

# %%
# A stack of machines
# -------------------
#
# ``deep_belief`` trains one machine on the hidden bits of the other, unrolls the stack into a deep autoencoder, and
# fine-tunes it. ``chosen_["pretraining"]`` says how each stage went.

dbn = narrows.Autoencoder(recipe="deep_belief", latent_dim=16, epochs=24, random_state=0, verbose=0)
dbn.set_params(recipe_options={"widths": (64, 32)}).fit(X)
for stage in dbn.chosen_["pretraining"]:
    first, last = stage["first"]["distortion"], stage["last"]["distortion"]
    print(f"{stage['width']:4} hidden bits: distortion {first:7.1f} -> {last:7.1f} nats")
print(f"squared error: {metrics.mean_squared_error(X_test, dbn.reconstruct(X_test)):.2f}")
