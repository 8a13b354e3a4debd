"""
Recipes and parts: composing your own
=====================================

A recipe is a named choice of parts. An autoencoder **corrupts** its input, **encodes** it, squeezes the features
through a **bottleneck** that charges a **rate**, **decodes** the code into a **likelihood** of the clean input, and
pays **penalties**. Change a part, and you have another variant.
"""

# %%
# The recipes
# -----------

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import narrows
from narrows.core.contracts import Corruption
from narrows.core.trace import View
from narrows.metrics import mean_squared_error, nearest_neighbour_accuracy
from narrows.recipes.assemble import CORRUPTIONS

for name, line in narrows.recipes().items():
    print(f"{name:14} {line}")

# %%
# One argument chooses among them, and ``recipe_options`` holds what the recipe takes besides.

digits = load_digits()
X, X_test, y, y_test = train_test_split(digits.data.astype("uint8"), digits.target, test_size=0.25, random_state=0)
models = {
    "deep": {},
    "sparse": {"weight": 0.05},
    "denoising": {"corruption": {"name": "masking", "fraction": 0.2}},
    "contractive": {"weight": 0.05},
    "variational": {"beta": 1.0},
}
fitted = {
    name: narrows.Autoencoder(recipe=name, latent_dim=8, recipe_options=options, epochs=30, random_state=0, verbose=0)
    for name, options in models.items()
}
print(f"{'recipe':14} {'test error':>10} {'1-NN accuracy of codes':>24}")
for name, ae in fitted.items():
    Z = ae.fit(X).transform(X)
    error = mean_squared_error(X_test, ae.reconstruct(X_test))
    accuracy = nearest_neighbour_accuracy(Z, y, ae.transform(X_test), y_test)
    print(f"{name:14} {error:10.2f} {accuracy:24.3f}")

# %%
# Distortion, rate and penalties
# ------------------------------
#
# The terms of the loss are reported one by one, in nats per sample. A variational code pays a rate. The plain code of
# a sparse model is free of rate, but pays a penalty.

for name in ("deep", "sparse", "variational"):
    last = fitted[name].history_[-1]["train"]
    print(f"{name:12}", {term: round(value, 2) for term, value in last.items()})

# %%
# Parts by name
# -------------
#
# The recipe ``composed`` takes any parts, each by its name or as a dictionary with its options. This one is shown
# digits with salt and pepper, has a Gaussian code at a higher price, and one wide hidden layer.

parts = {
    "network": {"name": "mlp", "widths": [128], "activation": "gelu"},
    "bottleneck": {"name": "gaussian", "beta": 2.0},
    "corruption": {"name": "salt_and_pepper", "fraction": 0.1},
}
own = narrows.Autoencoder(recipe="composed", latent_dim=8, recipe_options=parts, epochs=20, random_state=0, verbose=0)
print(own.fit(X).module_)

# %%
# A name that is not known is refused with the nearest one:

try:
    narrows.Autoencoder(recipe="composed", recipe_options={"bottleneck": "gausian"}).fit(X)
except narrows.ChoiceError as error:
    print(error)

# %%
# A part of your own
# ------------------
#
# A new idea is one small class. Here is a corruption that hides one half of the columns of each sample. ``register``
# makes its name known: after that, recipes can ask for it, and model files that name it can be loaded.


@CORRUPTIONS.register
class HideHalf(Corruption):
    """Hide the first or the second half of the values of each sample, with equal chance."""

    supports = ("real", "unit")

    def forward(self, view: View, rng: torch.Generator) -> View:
        n, d = view.x.shape
        side = torch.rand(n, 1, generator=rng, device=view.x.device) < 0.5
        second = torch.arange(d, device=view.x.device) >= d // 2
        visible = second == side
        return replace(view, x=view.x * visible, visible=visible)


options = {"corruption": "hide_half"}
ae = narrows.Autoencoder(
    recipe="denoising", latent_dim=16, recipe_options=options, epochs=40, random_state=0, verbose=0
).fit(X)

# %%
# The model learned to complete a digit from its upper or lower half. Hidden values read 0 in scaled data, which is
# the mean image in raw data.

mean = X.mean(0)
half = X_test.astype(float)
half[:, :32] = mean[:32]
completed = ae.reconstruct(np.rint(half).astype("uint8"))
fig, axes = plt.subplots(3, 8, figsize=(8, 3.4))
for row, (name, images) in enumerate({"original": X_test, "shown": half, "completed": completed}.items()):
    for column in range(8):
        axes[row, column].imshow(images[column].reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        axes[row, column].set(xticks=[], yticks=[])
    axes[row, 0].set_ylabel(name)
fig.suptitle("Digits completed from their lower half")
fig.tight_layout()
