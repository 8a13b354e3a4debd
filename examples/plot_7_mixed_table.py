"""
Tables with gaps, text and dates
================================

A table as people have it holds numbers, counts, words, truth values and dates, and some cells are empty. Every job
takes it as it is: a pandas, Polars or Arrow frame, or a ``.csv`` or ``.parquet`` file through ``narrows.open_data``.
"""

# %%
# A table of trips
# ----------------
#
# We make a table of bicycle trips in which columns depend on each other: distance and speed give the duration, the
# bicycle decides the speed, days grow warmer from January to June, and warm days have longer trips. A tenth of all
# cells is empty.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import narrows

rng = np.random.default_rng(0)


def trips(n: int) -> pd.DataFrame:
    """A row for each trip."""
    day = rng.integers(0, 182, n)
    warmth = 12 - 10 * np.cos(2 * np.pi * day / 365) + rng.normal(0, 2, n)
    bicycle = rng.choice(["city", "cargo", "racing"], n, p=[0.5, 0.2, 0.3])
    speed = pd.Series(bicycle).map({"city": 15, "cargo": 11, "racing": 26}).to_numpy()
    distance = rng.gamma(4, 1 + warmth.clip(0) / 12) * np.where(bicycle == "racing", 3, 1)
    return pd.DataFrame(
        {
            "started": pd.Timestamp("2025-01-01") + pd.to_timedelta(day * 24 + rng.integers(7, 20, n), unit="h"),
            "bicycle": bicycle,
            "warmth": warmth.round(1),
            "kilometres": distance.round(1),
            "minutes": (60 * distance / speed * rng.normal(1, 0.05, n)).round(),
            "stops": rng.poisson(np.where(bicycle == "cargo", 6, 1)),
            "lamp": warmth + rng.normal(0, 1, n) < 8,
        }
    )


def with_gaps(frame: pd.DataFrame, share: float) -> pd.DataFrame:
    """The same with some of the cells missing."""
    return frame.convert_dtypes().mask(rng.random(frame.shape) < share)


whole = trips(1_000)
table = with_gaps(whole, 0.1)
table.head()

# %%
# What each column becomes
# ------------------------
#
# ``fit`` learns a schema for each column from its values: which kind it is, how it becomes numbers, and how it comes
# back. ``columns={"stops": "number"}`` would overrule it.

ae = narrows.Autoencoder(latent_dim=6, epochs=50, random_state=0, verbose=0).fit(table)
for column in ae.schema_.columns:
    print(f"{column.name:12}{column.kind:10}", ", ".join(seen.kind for seen in column.columns))

# %%
# Each column has a likelihood of its own; a date becomes a day and a time, and an encoder is given their cycles too.
# The recipe is ``"denoising"``: while it learns, further cells are hidden from the encoder, which makes it rebuild
# each column from the others.

print(ae.chosen_["recipe"], "-", ae.chosen_["likelihood"])

# %%
# What is missing is filled
# -------------------------
#
# ``reconstruct`` rebuilds every cell, also those that are empty, in the columns and types of the frame that came in.

filled = table.fillna(ae.reconstruct(table))
gap = table.isna()
pd.concat({"given": table, "filled": filled, "truth": whole}, axis=1).swaplevel(axis=1)[
    ["bicycle", "kilometres", "minutes"]
].loc[gap["minutes"] | gap["bicycle"]].head(6)

# %%
# How far off that is, cell by cell, for the duration of trips:

missing = gap["minutes"].to_numpy()
truth, guess = whole["minutes"][missing], filled["minutes"].astype(float)[missing]
middle = float(table["minutes"].median())
kinds = whole["bicycle"][missing]

fig, axis = plt.subplots(figsize=(5, 4.5))
for kind in sorted(set(kinds)):
    axis.plot(truth[kinds == kind], guess[kinds == kind], "o", markersize=4, alpha=0.7, label=kind)
ends = [0, float(truth.max())]
axis.plot(ends, ends, color="gray", linewidth=1, label="exactly right")
axis.axhline(middle, linestyle="--", color="gray", linewidth=1, label="the median")
axis.set(xlabel="true duration, minutes", ylabel="filled in, minutes", title="Durations that were missing")
axis.legend()
fig.tight_layout()
errors = np.abs(guess - truth).mean(), np.abs(middle - truth).mean()
print("mean absolute error: {:.1f} minutes, of the median {:.1f}".format(*errors))

# %%
# Which recipe
# ------------
#
# ``narrows.compare`` sets a fifth of the rows aside, hides a fifth of their cells, and lets recipes fill them in beside
# PCA and beside the simplest thing, the median of a number and the most frequent category. Below 1 is better than that.
# Columns that have nothing to do with the others cannot be filled in by anything.

print(narrows.compare(table, recipes=["denoising", "deep"], latent_dim=6, epochs=25))

# %%
# What a model refuses
# --------------------
#
# Later data needs the columns of ``fit``; others are ignored with a warning, and so is a category that was never seen,
# which counts as unknown. A column of another kind is refused by name:

try:
    ae.transform(table.assign(minutes="long"))
except narrows.InputError as error:
    print(error)
