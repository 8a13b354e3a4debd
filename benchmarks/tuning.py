"""What `narrows.tune` finds in the time of ten fits, beside sixty random trials run one by one.

    python benchmarks/tuning.py [--trials 60] [--epochs 40] [--seeds 0 1] [--dry]

Tables that ship with scikit-learn, a quarter of the rows kept for the test. Random trials draw learning rate, weight
decay and widths from where `tune` draws them, and the one with the least error on its held-out rows is chosen; of both
the test error is shown. The size of the code is fixed. `tune` gets as many seconds as ten random trials took of the
processor, and, in a row of its own, as many trials. Its seconds include its last fit, which random trials do without.
A second table has trials of one shape, trained as one stacked model and in turn.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import narrows
from common import load, machine, spread, table, write_between
from narrows.data.door import samples
from narrows.estimators.tuning import DECAYS, RATES, TOGETHER
from narrows.training.fit import Request, fit
from narrows.training.trials import errors_together

TABLES = {"wine": (datasets.load_wine, 3), "breast_cancer": (datasets.load_breast_cancer, 5)}
TABLES |= {"digits": (datasets.load_digits, 10)}
"""Where each comes from, and the size of its code."""
FITS = 10


def drawn(rng: np.random.Generator) -> dict[str, Any]:
    """Options of a random trial."""
    rate, decay = (float(np.exp(rng.uniform(*np.log(ends)))) for ends in (RATES, DECAYS))
    width, depth = int(rng.integers(5, 11)), int(rng.integers(1, 4))
    widths = [max(8, 1 << (width - i)) for i in range(depth)]
    return {"learning_rate": rate, "weight_decay": decay, "recipe_options": {"widths": widths}}


def one_by_one(usual: dict[str, Any], x: np.ndarray, trials: int, seed: int) -> tuple[narrows.Autoencoder, float]:
    """The best of so many random trials, and the processor seconds of all."""
    rng, best, least = np.random.default_rng(seed), None, np.inf
    began = time.process_time()
    for _ in range(trials):
        made = narrows.Autoencoder(**usual, **drawn(rng), random_state=seed).fit(x)
        error = min(made.history_, key=lambda row: row["score"])["held_out"]["error"]
        if error < least:
            best, least = made, error
    assert best is not None
    return best, time.process_time() - began


def measured(name: str, trials: int, epochs: int, seed: int) -> dict[str, list[float]]:
    """Test error, processor seconds and number of trials of each way to choose."""
    source, size = TABLES[name]
    x, x_test = train_test_split(source().data.astype(np.float32), random_state=seed)
    scaler = StandardScaler().fit(x)
    x, x_test = scaler.transform(x), scaler.transform(x_test)
    usual = {"recipe": "deep", "latent_dim": size, "epochs": epochs, "verbose": 0, "device": "cpu"}

    def error(made: Any) -> float:
        return float(np.square(made.reconstruct(x_test) - x_test).mean())

    best, spent = one_by_one(usual, x, trials, seed)
    found = {f"{trials} random trials, one by one": [error(best), spent, trials]}
    for called, most in ((f"tune, the seconds of {FITS} trials", FITS * spent / trials), ("tune", None)):
        began = time.process_time()
        tuned = narrows.tune(narrows.Autoencoder(**usual), x, trials=trials, max_time=most, random_state=seed)
        found[called] = [error(tuned.best), time.process_time() - began, len(tuned.trials)]
    defaults = narrows.Autoencoder(**usual, random_state=seed)
    began = time.process_time()
    found["no tuning"] = [error(defaults.fit(x)), time.process_time() - began, 1]
    return found


def together(name: str, epochs: int) -> list[str]:
    """Processor seconds of trials of one shape, trained as one stacked model and in turn; the times of three turns."""
    source, size = TABLES[name]
    given = samples(StandardScaler().fit_transform(source().data).astype(np.float32), 10)
    usual = Request(recipe="deep", latent_dim=size, epochs=epochs, patience=None, weight_decay=0.1, seed=0)
    asked = [replace(usual, options={"widths": (32, 16)}, learning_rate=3e-4 * (i + 1)) for i in range(TOGETHER)]
    stacked, in_turn = [], []
    for _ in range(3):
        began = time.process_time()
        errors_together(given, asked)
        between = time.process_time()
        for one in asked:
            fit(given, one)
        stacked.append(between - began)
        in_turn.append(time.process_time() - between)
    ratios = [b / a for a, b in zip(stacked, in_turn, strict=True)]
    return [name, str(TOGETHER), *(f"{np.median(times):.2f}" for times in (stacked, in_turn)), spread(ratios, 1)]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--trials", type=int, default=60)
    asked.add_argument("--epochs", type=int, default=40)
    asked.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    asked.add_argument("--dry", action="store_true", help="print the table, leave README.md as it is")
    given = asked.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    rows = []
    for name in TABLES:
        found = [measured(name, given.trials, given.epochs, seed) for seed in given.seeds]
        for way in found[0]:
            error, seconds, tried = zip(*(one[way] for one in found), strict=True)
            rows.append([name, way, spread(error, 4), f"{np.median(seconds):.1f}", f"{np.median(tried):.0f}"])
            print(*rows[-1], sep="  ", flush=True)
    head = ["table", "chosen by", "test error, squared, standardised", "processor s", "trials"]
    how = f"{machine()}; load {load()} at the end; {given.epochs} epochs a trial, {len(given.seeds)} seeds."
    columns = ["table", "trials of one shape", "stacked, processor s", "in turn, processor s", "times as fast"]
    side_by_side = [together(name, given.epochs) for name in TABLES]
    text = f"{how}\n\n{table(head, rows)}\n\n{table(columns, side_by_side)}"
    print(table(columns, side_by_side))
    if not given.dry:
        write_between("tuning", text)


if __name__ == "__main__":
    main()
