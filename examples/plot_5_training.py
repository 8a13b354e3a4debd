"""
Training: early stopping, checkpoints, reproducibility
======================================================

``fit`` trains until it has run its epochs, until the held-out score stops improving, or until its time is over. It
keeps the best weights, survives being killed, and gives the same bits each time.
"""

# %%
# Early stopping
# --------------
#
# A tenth of the rows (``validation_fraction``) is set aside to judge the model, unless ``fit`` is given rows of their
# own for that, as ``validation_data``. When the score has not improved for ``patience`` epochs, training stops. The
# weights of the best epoch are the ones you get, whenever it stopped.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

import narrows
from narrows.training.loop import Loop
from narrows.training.optimisers import rate_at

X = StandardScaler().fit_transform(load_wine().data)
ae = narrows.Autoencoder(
    latent_dim=3, epochs=300, patience=15, schedule="constant", learning_rate=2e-3, random_state=1, verbose=0
).fit(X)
epochs = [row["epoch"] for row in ae.history_]
best = ae.chosen_["best_epoch"]
print(f"stopped after {epochs[-1]} of 300 epochs, best epoch {best}")

fig, axis = plt.subplots(figsize=(6, 3.2))
axis.plot(epochs, [row["score"] for row in ae.history_], label="held-out error")
axis.axvline(best, linestyle="--", color="gray", label=f"best epoch ({best})")
axis.set(xlabel="epoch", ylabel="squared error, scaled values", title="Training stops by itself")
axis.legend()
fig.tight_layout()

# %%
# The schedule of the learning rate
# ---------------------------------
#
# By default the learning rate climbs for 100 steps (``warmup``) and falls along half a cosine. The other schedules
# are ``"one_cycle"`` and ``"constant"``. With ``max_time`` the schedule ends when the time does.

progress = np.linspace(0, 1, 400)
fig, axis = plt.subplots(figsize=(6, 3))
for schedule in ("cosine", "one_cycle", "constant"):
    rates = [rate_at(schedule, p, round(2000 * p), 100) for p in progress]
    axis.plot(progress, rates, label=schedule)
axis.set(
    xlabel="progress of the run", ylabel="share of the learning rate", title="Schedules over 2,000 steps, warmup=100"
)
axis.legend()
fig.tight_layout()

# %%
# The same seed, the same bits
# ----------------------------
#
# Randomness enters by ``random_state`` alone. Global random state is neither read nor changed, so other code in your
# program has no influence on the result, and narrows has none on it.

settings = {"latent_dim": 3, "epochs": 10, "random_state": 0, "verbose": 0}
first = narrows.Autoencoder(**settings).fit(X).transform(X)
np.random.seed(12345)  # noqa: NPY002 (to show that nothing depends on it)
second = narrows.Autoencoder(**settings).fit(X).transform(X)
print("same codes, bit for bit:", np.array_equal(first, second))

# %%
# Encoding runs in padded blocks of one size, so that a row's code does not depend on how many rows come with it:

ae = narrows.Autoencoder(**settings).fit(X)
one_by_one = np.concatenate([ae.transform(row[None]) for row in X[:50]])
print("largest difference, one by one:", np.abs(one_by_one - first[:50]).max())

# %%
# Checkpoints and resuming
# ------------------------
#
# ``checkpoint`` names a folder. Training writes a moment there after each epoch, and inside long epochs every half
# minute. Run the same program again, and it goes on from that moment. Here we break a run off in its sixth epoch, as
# a power cut would, and start it again. The weights are those of a run that was never interrupted.


class PowerCut(BaseException):
    """What stops the run."""


def fit_with_power_cut(folder: Path, at_epoch: int) -> None:
    """Run the same fit, but fail when an epoch begins."""
    whole = Loop._epoch

    def broken(self, report):
        if self.progress.epoch == at_epoch:
            raise PowerCut
        return whole(self, report)

    Loop._epoch = broken
    try:
        narrows.Autoencoder(**settings, checkpoint=folder).fit(X)
    except PowerCut:
        print("power cut; left in the folder:", [path.name for path in folder.iterdir()])
    finally:
        Loop._epoch = whole


with tempfile.TemporaryDirectory() as temporary:
    folder = Path(temporary)
    fit_with_power_cut(folder, at_epoch=6)
    resumed = narrows.Autoencoder(**settings, checkpoint=folder).fit(X)
    print("epochs in the history:", resumed.history_[-1]["epoch"])
    print("same codes as without the cut:", np.array_equal(resumed.transform(X), first))

# %%
# A checkpoint of another run (other data, recipe or plan) is refused, so two runs cannot be mixed up:

with tempfile.TemporaryDirectory() as temporary:
    narrows.Autoencoder(**settings, checkpoint=temporary).fit(X)
    try:
        narrows.Autoencoder(**settings | {"latent_dim": 4}, checkpoint=temporary).fit(X)
    except narrows.FileError as error:
        print(str(error).replace(temporary, "FOLDER"))

# %%
# When the loss blows up
# ----------------------
#
# A loss that is not finite sends the run back to its last good state, with a quarter of the learning rate. After three
# such retries it stops with one sentence, a ``TrainingError``, that says what to try.
#
# In batches, as they come
# ------------------------
#
# ``partial_fit`` trains on one more batch of rows, in a single pass at a constant learning rate. The first call learns
# the scaling, so let its batch be a fair sample.

stream = narrows.Autoencoder(latent_dim=3, random_state=0, verbose=0)
shuffled = X[np.random.default_rng(0).permutation(len(X))]
for _ in range(20):
    for batch in np.array_split(shuffled, 3):
        stream.partial_fit(batch)
print("codes:", stream.transform(X).shape)
