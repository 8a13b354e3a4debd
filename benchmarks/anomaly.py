"""Anomaly detection on the classical tables of ADBench, one-class and unsupervised, beside PyOD and a trivial score.

    python benchmarks/anomaly.py --data FOLDER [--sets all] [--seeds 5] [--rows 20000] [--detectors narrows KNN IForest]

One-class: fit on half of the usual rows, test on the other half and all anomalies; equal rows are all on one side.
Unsupervised: fit and score all rows. Columns are standardised by the training rows. Every result is appended to a file
of lines, from which a run goes on that was broken off; the tables of all lines are printed at the end.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

import narrows
from common import DATA, load, machine, table, write_between

PROTOCOLS = ("one-class", "unsupervised")
LEAST_ROWS = 1_000
"""Sets with fewer rows are left out of the means unless `--small` is given."""


class Norm:
    """The trivial score: how long a standardised row is."""

    def fit(self, X):
        """Learn nothing."""
        return self

    def decision_function(self, X):
        """Higher is more anomalous, as PyOD has it."""
        return np.linalg.norm(X, axis=1)


class Ours:
    """narrows with its defaults."""

    def __init__(self, training: str, seed: int) -> None:
        self.detector = narrows.AnomalyDetector(training=training, random_state=seed)

    def fit(self, X):
        """Learn what is usual."""
        self.detector.fit(X)
        return self

    def decision_function(self, X):
        """Higher is more anomalous, as PyOD has it."""
        return -self.detector.score_samples(X)


def detectors(protocol: str) -> dict[str, Callable[[int], object]]:
    """How each detector is made from a seed: defaults everywhere, on one thread."""
    from pyod.models.auto_encoder import AutoEncoder
    from pyod.models.deep_svdd import DeepSVDD
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from pyod.models.lof import LOF
    from pyod.models.mcd import MCD
    from pyod.models.pca import PCA
    from pyod.models.vae import VAE

    training = "clean" if protocol == "one-class" else "contaminated"
    return {
        "narrows": lambda seed: Ours(training, seed),
        "norm": lambda _: Norm(),
        "KNN": lambda _: KNN(),
        "LOF": lambda _: LOF(),
        "IForest": lambda seed: IForest(random_state=seed),
        "MCD": lambda seed: MCD(random_state=seed),
        "PCA": lambda seed: PCA(random_state=seed),
        "ECOD": lambda _: ECOD(),
        "AE": lambda seed: AutoEncoder(random_state=seed, verbose=0),
        "VAE": lambda seed: VAE(random_state=seed, verbose=0),
        "DeepSVDD": lambda seed: DeepSVDD(n_features=0, random_state=seed, verbose=0),
    }


def sets(folder: Path, wanted: list[str]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Tables by name, with 1 for anomalies."""
    for path in sorted(folder.glob("*.npz"), key=lambda path: path.stem.partition("_")[2].lower()):
        name = path.stem.partition("_")[2]
        if wanted == ["all"] or name in wanted:
            with np.load(path) as found:
                yield name, found["X"].astype(np.float64), found["y"].ravel().astype(int)


def drawn(X: np.ndarray, y: np.ndarray, most: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most so many rows, with anomalies in their share, and ten of them if there are."""
    if len(X) <= most:
        return X, y
    rng = np.random.default_rng([seed, 1])
    strange, usual = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    count = min(len(strange), max(round(most * len(strange) / len(X)), 10))
    rows = np.r_[rng.choice(strange, count, False), rng.choice(usual, most - count, False)]
    rows.sort()
    return X[rows], y[rows]


def split(X: np.ndarray, y: np.ndarray, protocol: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training rows, test rows, and which of the latter are anomalies."""
    if protocol == "unsupervised":
        return X, X, y
    _, group = np.unique(X, axis=0, return_inverse=True)
    group = group.ravel()
    usual = np.unique(group[y == 0])
    chosen = np.random.default_rng([seed, 2]).permutation(usual)[: len(usual) // 2]
    seen = np.isin(group, chosen)
    return X[seen & (y == 0)], X[~seen], y[~seen]


def judged(make: Callable[[int], object], seed: int, train: np.ndarray, test: np.ndarray, y: np.ndarray) -> dict:
    """One detector on one split."""
    mean, spread = train.mean(0), train.std(0)
    spread[spread < 1e-12] = 1
    train, test = (train - mean) / spread, (test - mean) / spread
    detector = make(seed)
    if hasattr(detector, "n_features"):
        detector.n_features = train.shape[1]
    began = time.perf_counter()
    detector.fit(train)
    fitted = time.perf_counter()
    # of its training rows a PyOD detector keeps scores in which no row is its own neighbour
    same = test.shape == train.shape and np.array_equal(test, train)
    kept = getattr(detector, "decision_scores_", None) if same else None
    scores = detector.decision_function(test) if kept is None else kept
    scores = np.nan_to_num(scores, nan=0.0, posinf=1e300, neginf=-1e300)
    done = time.perf_counter()
    return {
        "auroc": roc_auc_score(y, scores),
        "ap": average_precision_score(y, scores),
        "fit": fitted - began,
        "score": done - fitted,
    }


def report(lines: list[dict], protocol: str) -> str:
    """Means and ranks of the detectors, and a line for each set."""
    lines = [line for line in lines if line["protocol"] == protocol]
    names = list(dict.fromkeys(line["detector"] for line in lines))
    tables = sorted({line["set"] for line in lines}, key=str.lower)
    cells = {
        (name, one): [line for line in lines if line["detector"] == name and line["set"] == one]
        for name in names
        for one in tables
    }
    tables = [one for one in tables if all(cells[name, one] for name in names)]

    def mean(name: str, one: str, what: str) -> float:
        return float(np.mean([line[what] for line in cells[name, one]]))

    ranks = {one: np.argsort(np.argsort([-mean(name, one, "auroc") for name in names])) + 1 for one in tables}
    overview = []
    for place, name in enumerate(names):
        by_seed: dict[int, list[float]] = {}
        for one in tables:
            for line in cells[name, one]:
                by_seed.setdefault(line["seed"], []).append(line["auroc"])
        overview.append(
            [
                name,
                f"{np.mean([mean(name, one, 'auroc') for one in tables]):.4f}",
                f"{np.mean([mean(name, one, 'ap') for one in tables]):.4f}",
                f"{np.std([np.mean(values) for values in by_seed.values()]):.4f}" if len(by_seed) > 1 else "-",
                f"{np.mean([ranks[one][place] for one in tables]):.2f}",
                f"{sum(mean(name, one, 'fit') for one in tables):.1f}",
                f"{sum(mean(name, one, 'score') for one in tables):.1f}",
            ]
        )
    each = [
        [one, *(f"{mean(name, one, 'auroc'):.3f} / {mean(name, one, 'ap'):.3f}" for name in names)] for one in tables
    ]
    head = ["detector", "AUROC", "AP", "seeds' sd", "rank", "fit s", "score s"]
    return (
        f"**{protocol.capitalize()}**, {len(tables)} sets\n\n{table(head, overview)}\n\n"
        f"AUROC / AP\n\n{table(['set', *names], each)}"
    )


def main() -> None:
    """Run what is missing, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA / "adbench")
    parser.add_argument("--sets", nargs="+", default=["all"])
    parser.add_argument("--small", action="store_true", help="sets of fewer than 1,000 rows as well")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--detectors", nargs="+", default=["all"])
    parser.add_argument("--protocols", nargs="+", default=list(PROTOCOLS), choices=PROTOCOLS)
    parser.add_argument("--results", type=Path, default=Path("anomaly.jsonl"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    parser.add_argument("--marker", default="anomaly", help="between which marks of README.md")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    warnings.simplefilter("ignore")
    lines = [json.loads(line) for line in asked.results.read_text().splitlines()] if asked.results.exists() else []
    done = {(line["protocol"], line["set"], line["seed"], line["detector"], line["rows"]) for line in lines}
    for name, X, y in sets(asked.data, asked.sets):
        if len(X) < LEAST_ROWS and not asked.small:
            continue
        for seed in range(asked.seeds):
            for protocol in asked.protocols:
                parts = split(*drawn(X, y, asked.rows, seed), protocol, seed)
                for detector, make in detectors(protocol).items():
                    key = (protocol, name, seed, detector, asked.rows)
                    if key in done or (asked.detectors != ["all"] and detector not in asked.detectors):
                        continue
                    found = judged(make, seed, *parts)
                    lines.append(dict(zip(("protocol", "set", "seed", "detector", "rows"), key, strict=True)) | found)
                    with asked.results.open("a") as file:
                        file.write(json.dumps(lines[-1]) + "\n")
    lines = [line for line in lines if line["rows"] == asked.rows]
    told = f"At most {asked.rows:,} rows, {asked.seeds} seeds. {machine()}; load {load()}."
    text = "\n\n".join([told, *(report(lines, protocol) for protocol in asked.protocols)])
    print(text)
    if asked.write:
        write_between(asked.marker, text)


if __name__ == "__main__":
    main()
