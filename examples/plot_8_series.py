"""
Series: odd stretches of a recording
====================================

A recording is one long series, ``(time,)`` or ``(time, channels)``. It is cut into windows to be learned from, and what
comes back lies on its own time line again: a reconstruction of each step, and a score of each step.
"""

# %%
# A machine with two sensors
# --------------------------
#
# We make a recording of a machine that turns: two channels, a cycle of 50 steps, some noise. The recording to learn
# from is as it should be. In the second one the machine stutters, runs too fast, and one sensor goes flat for a while.

import matplotlib.pyplot as plt
import numpy as np

import narrows
from narrows.data.series import windows

rng = np.random.default_rng(0)
ODD = {"stutter": (600, 680), "too fast": (1150, 1260), "flat sensor": (1700, 1800)}


def machine(steps: int, odd: bool = False) -> np.ndarray:
    """A recording (steps, 2)."""
    pace = np.full(steps, 2 * np.pi / 50)
    if odd:
        pace[slice(*ODD["stutter"])] *= rng.choice([0.0, 2.0], 80)
        pace[slice(*ODD["too fast"])] *= 1.6
    angle = np.cumsum(pace)
    channels = np.stack([np.sin(angle) + 0.3 * np.sin(3 * angle), np.cos(angle) ** 3], 1)
    if odd:
        channels[slice(*ODD["flat sensor"]), 1] = 0.0
    return channels + rng.normal(0, 0.08, channels.shape)


normal, recording = machine(6_000), machine(2_400, odd=True)
print(normal.shape, recording.shape)

# %%
# Windows
# -------
#
# ``windows`` cuts a recording into stretches of 64 steps that overlap by half; nothing is copied. For a file,
# ``narrows.open_data("recording.npy", window=64)`` does the same. The recipe is ``"sequence"``: convolutions in time.

ae = narrows.Autoencoder(latent_dim=4, epochs=15, random_state=0, verbose=0)
ae.fit(windows(normal, window=64))
print("recipe:", ae.chosen_["recipe"])
print("one sample is", ae.schema_.spec)
print("codes of the second recording:", ae.transform(windows(recording, window=64)).shape)

# %%
# On the time line
# ----------------
#
# Reconstructions and scores belong to steps, not to windows: where windows overlap, they are means. The smaller the
# stride, the smoother; here each step lies in eight windows.

given = windows(recording, window=64, stride=8)
rebuilt = ae.reconstruct(given)
scores = ae.score_samples(given)
print(rebuilt.shape, scores.shape)

# %%
# The score is the log-density of a step, less its share of what the code costs. Higher is more normal. A limit can be
# read off the recording that was as it should be: here the score that a thousandth of its steps falls below.

limit = np.quantile(ae.score_samples(windows(normal, window=64, stride=8)), 0.001)
steps = np.arange(len(recording))
elsewhere = np.ones(len(recording), dtype=bool)
for first, last in ODD.values():
    elsewhere[first - 64 : last + 64] = False
for name, (first, last) in ODD.items():
    print(f"steps below the limit, {name + ':':12} {(scores[first:last] < limit).mean():6.1%}")
print(f"steps below the limit, elsewhere:   {(scores[elsewhere] < limit).mean():6.1%}")

fig, axes = plt.subplots(3, 1, figsize=(8, 5.5), sharex=True)
for channel in (0, 1):
    axes[channel].plot(steps, recording[:, channel], linewidth=0.8, label="recording")
    axes[channel].plot(steps, rebuilt[:, channel], linewidth=0.8, label="rebuilt")
    axes[channel].set_ylabel(f"sensor {channel + 1}")
axes[0].set_ylim(-1.4, 2.2)
axes[0].legend(loc="upper right", ncols=2)
axes[2].plot(steps, scores, linewidth=0.8, color="black")
axes[2].axhline(limit, linestyle="--", color="gray", linewidth=1, label="limit")
axes[2].set(xlabel="step", ylabel="score, nats", ylim=(-60, 10))
axes[2].legend(loc="lower right")
for axis in axes:
    for first, last in ODD.values():
        axis.axvspan(first, last, color="tab:red", alpha=0.15, linewidth=0)
fig.suptitle("Odd stretches (shaded) score low")
fig.tight_layout()

# %%
# Gaps, and series of uneven lengths
# ----------------------------------
#
# Missing steps (NaN) are neither shown nor scored, and reconstruction fills them. Series of different lengths come as a
# list: they are padded for the network, and what comes back is as long as what was given.

holed = recording.copy()
holed[200:220, 0] = np.nan
filled = ae.reconstruct(windows(holed, window=64, stride=8))
print("error where nothing was shown:", round(float(np.abs(filled - recording)[200:220, 0].mean()), 3))
print("the mean would be off by:     ", round(float(np.abs(recording)[200:220, 0].mean()), 3))

pieces = [normal[start : start + 40 + start % 180 // 6] for start in range(0, 6_000, 60)]
uneven = narrows.Autoencoder(recipe="sequence", latent_dim=4, epochs=5, random_state=0, verbose=0).fit(pieces)
print(uneven.transform(pieces).shape, [len(series) for series in uneven.reconstruct(pieces)[:3]])
