"""
The encoder in other torch networks
===================================

``encoder_module()`` gives a plain ``torch.nn.Module`` from raw samples to codes. It can be a layer of any other network
and be trained further. It is a copy: the autoencoder itself stays as it is.
"""

# %%
# Few labels
# ----------
#
# Suppose that we have 1,300 digits but only 20 labels. The autoencoder learns from all digits; a small classifier
# then learns from the labels, on top of the encoder.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import narrows
from narrows.core.trace import View

digits = load_digits()
X, X_test, y, y_test = train_test_split(
    digits.data.astype("float32"), digits.target, test_size=0.25, random_state=0, stratify=digits.target
)
labelled, _ = train_test_split(np.arange(len(X)), train_size=20, random_state=0, stratify=y)

ae = narrows.Autoencoder(recipe="denoising", latent_dim=16, epochs=40, random_state=0, verbose=0).fit(X)
encoder = ae.encoder_module()
print(type(encoder).__mro__[1], "->", encoder(torch.from_numpy(X[:5])).shape)

# %%
# Scaling is part of the module, so it takes raw values, as ``transform`` does, and gives the same codes:

with torch.no_grad():
    same = np.allclose(encoder(torch.from_numpy(X_test)).numpy(), ae.transform(X_test), atol=1e-5)
print("same codes as transform:", same)

# %%
# A classifier on top
# -------------------
#
# The same training, once on top of the encoder, once with a fresh network of the same shape. With so few labels the
# encoder helps; with three for every one of these, both do equally well.


def train(network: nn.Module, epochs: int = 150) -> list[float]:
    """Train on the 20 labelled rows; the test accuracy after each epoch."""
    x, target = torch.from_numpy(X[labelled]), torch.from_numpy(y[labelled])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    found = []
    for _ in range(epochs):
        network.train()
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), target).backward()
        optimizer.step()
        network.eval()
        with torch.no_grad():
            found.append(float((network(torch.from_numpy(X_test)).argmax(1).numpy() == y_test).mean()))
    return found


with torch.random.fork_rng():
    torch.manual_seed(0)
    pretrained = nn.Sequential(encoder, nn.Linear(16, 10))
    fresh = nn.Sequential(
        nn.Linear(64, 128), nn.SiLU(), nn.Linear(128, 64), nn.SiLU(), nn.Linear(64, 16), nn.Linear(16, 10)
    )
    curves = {"on the encoder": train(pretrained), "from nothing": train(fresh)}

fig, axis = plt.subplots(figsize=(6, 3.4))
for name, values in curves.items():
    axis.plot(range(1, len(values) + 1), values, label=f"{name} ({values[-1]:.2f})")
axis.set(
    xlabel="epoch", ylabel="test accuracy", ylim=(0, 1), title="20 labels: a classifier with and without the encoder"
)
axis.legend()
fig.tight_layout()

# %%
# The autoencoder is untouched
# ----------------------------
#
# Training moved the copy of the encoder, not the model that it came from.

with torch.no_grad():
    moved = not np.allclose(encoder(torch.from_numpy(X_test)).numpy(), ae.transform(X_test), atol=1e-3)
print("the copy has moved:", moved)

# %%
# For everything else, ``ae.module_`` is the whole torch module: it encodes, decodes and gives the terms of the loss.

x = ae.schema_.tensor(torch.from_numpy(X_test[:4]))
with torch.no_grad():
    trace = ae.module_(View(x))
    scalar, loss = ae.module_.loss(View(x))
print("code:", tuple(trace.code.z.shape), " loss in nats per sample:", round(float(scalar), 2))
print({name: round(float(value), 2) for name, value in loss.means().items()})
