"""What detectors promise, measured: levels, false discoveries, explanations, the spread of seeds, and speed.

    python benchmarks/anomaly_promises.py [levels] [discoveries] [faults] [digits] [series] [speed] [--repeats 200]

Levels: the share of usual samples, drawn as in training, that `predict` takes for anomalies at alpha = 0.05.
Discoveries: the false discovery rate of `select` at 0.1, over mixtures of usual samples and anomalies.
Faults: one column of a row replaced by that of another row, at least two standard deviations away, or moved by five;
how often `explain` puts it first. Digits: each digit of MNIST as the usual class, beside the fifth neighbour of
PCA codes. Series: the recordings of NAB, fitted and scored whole, beside the distance from the mean of steps before.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

import narrows
from common import DATA, load, machine, table, write_between

COLUMNS = 6
CODE = 128
"""Principal components of digits, as many as a detector's code has numbers."""
WINDOW = 32
TABLES = ("2_annthyroid", "6_cardio", "26_optdigits", "30_satellite", "40_vowels")


def usual(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Rows of two hidden causes and a little noise."""
    mixing = np.random.default_rng(7).normal(size=(2, COLUMNS))
    return np.tanh(rng.normal(size=(rows, 2)) @ mixing) + 0.1 * rng.normal(size=(rows, COLUMNS))


def levels(asked: argparse.Namespace) -> str:
    """How often usual samples are taken for anomalies."""
    rows = []
    for count in asked.rows:
        rates = []
        for repeat in range(asked.repeats):
            rng = np.random.default_rng([count, repeat])
            detector = narrows.AnomalyDetector(random_state=repeat, epochs=asked.epochs).fit(usual(rng, count))
            rates.append((detector.predict(usual(rng, 2_000)) == -1).mean())
        rows.append([str(count), str(len(rates)), f"{np.mean(rates):.4f}", f"{np.std(rates) / len(rates) ** 0.5:.4f}"])
    return table(["rows of fit", "repeats", "share flagged at 0.05", "standard error"], rows)


def discoveries(asked: argparse.Namespace) -> str:
    """How many of those selected are none."""
    shares, power = [], []
    for repeat in range(asked.repeats):
        rng = np.random.default_rng([1, repeat])
        detector = narrows.AnomalyDetector(training="clean", random_state=repeat, epochs=asked.epochs)
        detector.fit(usual(rng, 2_000))
        X = usual(rng, 500)
        X[:50] += rng.normal(0, 0.6, size=(50, COLUMNS))
        found = detector.select(X, fdr=0.1)
        shares.append(found[50:].sum() / max(1, found.sum()))
        power.append(found[:50].mean())
    found = [str(len(shares)), f"{np.mean(shares):.4f}", f"{np.mean(power):.3f}"]
    return table(["mixtures", "realised rate at 0.1", "anomalies found"], [found])


def faults(asked: argparse.Namespace) -> str:
    """How often a wrong column comes first."""
    rows = []
    for name in TABLES:
        with np.load(asked.data / "adbench" / f"{name}.npz") as found:
            X = found["X"][found["y"].ravel() == 0].astype(np.float64)
        rng = np.random.default_rng(0)
        X = X[rng.permutation(len(X))[:3_000], :][:, X.std(0) > 0]
        half, spread = len(X) // 2, X.std(0)
        others, far = (X[half:][: asked.faults].copy() for _ in range(2))
        columns = rng.integers(X.shape[1], size=len(far))
        for row, column in enumerate(columns):
            away = np.flatnonzero(np.abs(X[:, column] - others[row, column]) > 2 * spread[column])
            others[row, column] = X[rng.choice(away), column] if len(away) else others[row, column] + 4 * spread[column]
        far[np.arange(len(far)), columns] += 5 * spread[columns] * rng.choice([-1, 1], size=len(far))
        shares = []
        for training in ("clean", "contaminated"):
            detector = narrows.AnomalyDetector(training=training, random_state=0, epochs=asked.epochs).fit(X[:half])
            shares += [(detector.explain(faulty).order()[:, 0] == columns).mean() for faulty in (others, far)]
        rows.append([name.partition("_")[2], str(len(far)), *shares])
    rows.append(["mean", "", *np.mean([row[2:] for row in rows], 0)])
    cells = [[*row[:2], *(f"{share:.3f}" for share in row[2:])] for row in rows]
    head = [f"{training}, {fault}" for training in ("clean", "contaminated") for fault in ("another's", "five off")]
    return table(["table", "faults", *head], cells)


def digits(asked: argparse.Namespace) -> str:
    """Each digit as the usual class."""
    with np.load(asked.data / "images" / "mnist.npz") as found:
        train, labels, test, truth = found["x_train"], found["y_train"], found["x_test"], found["y_test"]
    rows = []
    for digit in asked.digits:
        usual_ones = train[labels == digit][: asked.images]
        judged, strange = test[: asked.images], truth[: asked.images] != digit
        detector = narrows.AnomalyDetector(training="clean", random_state=0, epochs=asked.epochs).fit(usual_ones)
        ours = -detector.score_samples(judged)
        pca = PCA(CODE, random_state=0).fit(usual_ones.reshape(len(usual_ones), -1))
        codes, asked_codes = (pca.transform(x.reshape(len(x), -1)) for x in (usual_ones, judged))
        theirs = NearestNeighbors(n_neighbors=5).fit(codes).kneighbors(asked_codes)[0][:, -1]
        rows.append([str(digit), f"{roc_auc_score(strange, ours):.4f}", f"{roc_auc_score(strange, theirs):.4f}"])
    rows.append(["mean", *(f"{np.mean([float(row[i]) for row in rows]):.4f}" for i in (1, 2))])
    return table(["usual digit", "narrows AUROC", "neighbours of PCA codes AUROC"], rows)


def series(asked: argparse.Namespace) -> str:
    """Steps within the windows that NAB has marked."""
    frame = pd.read_parquet(asked.data / "timeseries" / "nab.parquet")
    found: dict[str, list[list[float]]] = {}
    for name, recording in frame.groupby("series", observed=True):
        x, strange = recording.value.to_numpy(), recording.in_anomaly_window.to_numpy()
        if not 0 < strange.mean() < 1 or len(x) > asked.steps:
            continue
        before = pd.Series(x).shift().rolling(WINDOW, min_periods=1).mean().bfill().to_numpy()
        windows = narrows.open_data(x, window=WINDOW)
        detector = narrows.AnomalyDetector(random_state=0, epochs=asked.epochs).fit(windows)
        scores = -detector.score_samples(windows), np.abs(x - before)
        found.setdefault(str(name).partition("/")[0], []).append([roc_auc_score(strange, score) for score in scores])
    groups = [*found.items(), ("all", [row for group in found.values() for row in group])]
    rows = [[name, str(len(group)), *(f"{mean:.4f}" for mean in np.mean(group, 0))] for name, group in groups]
    return table(["recordings of", "how many", "narrows AUROC", "moving average AUROC"], rows)


def speed(asked: argparse.Namespace) -> str:
    """Seconds to fit, beside PyOD's autoencoder, and to score."""
    from pyod.models.auto_encoder import AutoEncoder

    X = np.random.default_rng(0).normal(size=(100_000, 30)).astype(np.float32)
    rows = []
    for count in asked.rows:
        seconds = []
        for detector in (narrows.AnomalyDetector(random_state=0), AutoEncoder(verbose=0)):
            began = time.process_time()
            detector.fit(X[:count])
            seconds.append(time.process_time() - began)
            if len(seconds) == 1:
                ours = detector
        rows.append([str(count), f"{seconds[0]:.1f}", f"{seconds[1]:.1f}", f"{seconds[0] / seconds[1]:.2f}"])
    fits = table(["rows of fit", "narrows CPU s", "PyOD AutoEncoder CPU s", "ratio"], rows)
    ours.score_samples(X[:1_000])
    began = time.process_time()
    ours.score_samples(X)
    whole = time.process_time() - began
    one = []
    for row in range(100):
        began = time.process_time()
        ours.score_samples(X[-1 - row :][:1])
        one.append(time.process_time() - began)
    scores = table(["100,000 rows, CPU s", "one row, CPU ms"], [[f"{whole:.2f}", f"{1e3 * np.median(one):.2f}"]])
    return f"{fits}\n\n{scores}"


PARTS = {part.__name__: part for part in (levels, discoveries, faults, digits, series, speed)}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 1_000, 10_000])
    parser.add_argument(
        "--epochs", type=int, default=None, help="passes over the data; by default as the detector has it"
    )
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--images", type=int, default=3_000)
    parser.add_argument("--steps", type=int, default=25_000, help="longer recordings are left out")
    parser.add_argument("--digits", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    warnings.simplefilter("ignore")
    for part in asked.parts:
        text = f"{PARTS[part](asked)}\n\n{machine()}; load {load()}."
        print(f"\n{part}\n\n{text}")
        if asked.write:
            write_between(f"anomaly-{part}", text)


if __name__ == "__main__":
    main()
