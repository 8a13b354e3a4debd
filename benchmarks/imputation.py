"""Filling gaps: narrows beside scikit-learn's imputers, on tables with cells hidden at random and by pattern.

    python benchmarks/imputation.py [--data FOLDER] [--rows 800] [--shares 0.1 0.3 0.5] [--epochs 100] [--draws 100]
        [--write]

Each table is cut to so many rows; cells are hidden, imputers are fitted on what is left and judged on hidden cells:
root mean squared and mean absolute error in standard deviations of a column, and the share of levels that are right.
Peers see numbers standardised and levels as indicators, of which the highest wins. Of narrows it is also told how many
of the hidden numbers lie between the 5 % and 95 % quantiles of its draws.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd
import torch
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

import narrows
from common import DATA, load, machine, table, write_between

TABLES = ("california_housing", "diamonds", "bike_sharing_dc", "mammography", "titanic")
MOST_LEVELS = 60
FEWEST = 5
"""Columns with fewer hidden cells are not judged."""


def tables(data: Path, rows: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """The tables, each cut to so many rows; text that is a date is left out."""
    draw = np.random.RandomState(0)
    for name in TABLES:
        frame = pd.read_parquet(data / "tabular" / f"{name}.parquet").dropna(axis=1, how="all")
        frame = frame.iloc[draw.permutation(len(frame))[:rows]].reset_index(drop=True)
        yield name, frame[[c for c in frame if is_number(frame[c]) or frame[c].nunique() <= MOST_LEVELS]]


def is_number(column: pd.Series) -> bool:
    """Whether a column is judged by its error."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def hidden(frame: pd.DataFrame, share: float, how: str) -> np.ndarray:
    """Which cells are hidden: each by itself, or columns together in rows where another column is high."""
    draw = np.random.RandomState(0)
    rows, width = frame.shape
    if how == "at random":
        found = draw.rand(rows, width) < share
    else:
        found = np.zeros((rows, width), bool)
        ranks = frame.apply(lambda c: (c if is_number(c) else c.astype("category").cat.codes).rank(pct=True))
        patterns = max(2, width // 2)
        for _ in range(patterns):
            together, decides = draw.rand(width) < 0.5, draw.randint(width)
            chance = np.clip(4 * share / patterns * ranks.fillna(0.5).to_numpy()[:, decides], 0, 1)
            found |= (draw.rand(rows) < chance)[:, None] & together & (np.arange(width) != decides)
    found[found.all(1), 0] = False
    return found & frame.notna().to_numpy()


def covered(frame: pd.DataFrame, draws: list[pd.DataFrame], gone: np.ndarray) -> float:
    """The share of hidden numbers between the 5 % and 95 % quantiles of draws, a mean over columns."""
    shares = []
    for place, name in enumerate(frame):
        where = gone[:, place]
        if where.sum() >= FEWEST and is_number(frame[name]):
            low, high = np.quantile([draw[name].to_numpy(float)[where] for draw in draws], (0.05, 0.95), axis=0)
            truth = frame[name].to_numpy(float)[where]
            shares.append(((low <= truth) & (truth <= high)).mean())
    return mean(shares)


def peer(imputer: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """One of scikit-learn's, on standardised numbers and indicators."""

    def fill(gaps: pd.DataFrame) -> pd.DataFrame:
        blocks, known = [], []
        for name in gaps:
            column = gaps[name]
            if is_number(column):
                blocks.append(column.to_numpy(float)[:, None])
                known.append(None)
            else:
                levels = list(column.dropna().unique())
                blocks.append(np.stack([np.where(column.isna(), np.nan, column == level) for level in levels], 1))
                known.append(np.array(levels, dtype=object))
        whole = np.concatenate(blocks, 1).astype(float)
        centre, scale = np.nanmean(whole, 0), np.nanstd(whole, 0) + 1e-9
        found = imputer.fit_transform((whole - centre) / scale) * scale + centre
        filled, place = gaps.copy(), 0
        for name, levels in zip(gaps, known, strict=True):
            width = 1 if levels is None else len(levels)
            block = found[:, place : place + width]
            values = block[:, 0] if levels is None else levels[block.argmax(1)]
            filled[name] = gaps[name].where(gaps[name].notna(), pd.Series(values, gaps.index))
            place += width
        return filled

    return fill


def errors(frame: pd.DataFrame, filled: pd.DataFrame, gone: np.ndarray) -> tuple[float, float, float]:
    """Root mean squared error, mean absolute error and accuracy, each a mean over columns."""
    squared, absolute, right = [], [], []
    for place, name in enumerate(frame):
        where = gone[:, place]
        if where.sum() < FEWEST:
            continue
        if is_number(frame[name]):
            off = (filled[name].to_numpy(float) - frame[name].to_numpy(float))[where] / np.nanstd(
                frame[name].to_numpy(float)
            )
            squared.append(np.sqrt(np.square(off).mean()))
            absolute.append(np.abs(off).mean())
        else:
            right.append((filled[name].astype(str) == frame[name].astype(str)).to_numpy()[where].mean())
    return mean(squared), mean(absolute), mean(right) if right else float("nan")


def run(frame: pd.DataFrame, gone: np.ndarray, options: argparse.Namespace) -> Iterator[tuple[str, list[float], float]]:
    """Each imputer, its errors and the coverage of its intervals, and processor seconds to fit and fill."""
    gaps = frame.astype({c: float for c in frame if frame[c].dtype.kind in "iu"}).mask(gone)
    began = time.process_time()
    imputer = narrows.Imputer(random_state=0, verbose=0, epochs=options.epochs, batch_size=128).fit(gaps)
    found = imputer.transform(gaps)
    seconds = time.process_time() - began
    coverage = covered(frame, imputer.sample(gaps, options.draws), gone)
    yield "narrows", [*errors(frame, found, gone), coverage], seconds
    peers = {
        "IterativeImputer": IterativeImputer(max_iter=10, random_state=0),
        "KNNImputer": KNNImputer(n_neighbors=10),
        "SimpleImputer": SimpleImputer(),
    }
    for who, other in peers.items():
        began = time.process_time()
        found = peer(other)(gaps)
        yield who, [*errors(frame, found, gone), float("nan")], time.process_time() - began


def told(figures: list[float]) -> list[str]:
    """Figures as a table shows them, nothing for what there is not."""
    return ["" if np.isnan(figure) else f"{figure:.3f}" for figure in figures]


def main() -> None:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.3, 0.5], help="of the cells are hidden")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="replace the tables in README.md")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows, every = [], {}
    for name, frame in tables(options.data, options.rows):
        for share, how in product(options.shares, ("at random", "by pattern")):
            for who, figures, seconds in run(frame, hidden(frame, share, how), options):
                every.setdefault((f"{share:.0%}", how, who), []).append(figures)
                rows.append([name, f"{share:.0%}", how, who, *told(figures), f"{seconds:.1f}"])
                print(*rows[-1], flush=True)
    means = [[*key, *told(np.nanmean(found, 0).tolist())] for key, found in sorted(every.items())]
    judged = ["root mean squared error", "mean absolute error", "levels right", "covered by 90 %"]
    whole = table(["hidden", "how", "imputer", *judged], means)
    each = table(["table", "hidden", "how", "imputer", *judged, "processor s"], rows)
    said = f"{machine()}; load {load()}; {options.rows} rows, {options.draws} draws, one run. Means over the tables:"
    print(whole)
    if options.write:
        write_between("imputation", f"{said}\n\n{whole}\n\nEach table:\n\n{each}")


if __name__ == "__main__":
    main()
