"""Restricted Boltzmann machines beside scikit-learn's, on the digits that ship with it.

    python benchmarks/boltzmann.py [--repeats 3]

Pixels that are on or off; 256 hidden bits, ten passes in batches of ten, which are scikit-learn's defaults; narrows
also at its own. Judged on 450 test digits: the pseudo-likelihood, summed exactly over all pixels for both, and
what a classifier makes of the codes.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import BernoulliRBM

import narrows
from common import load, machine, spread, table, write_between
from narrows.core.spec import SampleSpec
from narrows.objectives.energy import log_pseudo_likelihood
from narrows.recipes import rbm


def theirs(seed: int, x: np.ndarray) -> tuple[Any, torch.nn.Module]:
    """Scikit-learn's machine, and the same weights as a module of ours, so that one function judges both."""
    fitted = BernoulliRBM(random_state=seed).fit(x)
    model = rbm(SampleSpec("vector", (64,), "unit"), fitted.n_components)
    with torch.no_grad():
        model.encoder.head.weight.copy_(torch.from_numpy(fitted.components_))
        model.encoder.head.bias.copy_(torch.from_numpy(fitted.intercept_hidden_))
        model.decoder.biases[0].copy_(torch.from_numpy(fitted.intercept_visible_))
    return fitted, model


def ours(seed: int, x: np.ndarray, **options: Any) -> tuple[Any, torch.nn.Module]:
    """A machine of narrows."""
    given = {"recipe": "rbm", "latent_dim": 256, "random_state": seed, "verbose": 0, "device": "cpu"}
    fitted = narrows.Autoencoder(**given | options).fit(x)
    return fitted, fitted.module_


WAYS = {
    "scikit-learn, its defaults": theirs,
    "narrows, the same passes and batches": lambda seed, x: ours(seed, x, epochs=10, batch_size=10),
    "narrows, its defaults": ours,
}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--repeats", type=int, default=3)
    repeats = asked.parse_args().repeats
    digits = load_digits()
    x, x_test, y, y_test = train_test_split(
        (digits.data > 7).astype(np.float32), digits.target, test_size=450, random_state=42
    )
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in WAYS}
    for seed in range(repeats):
        for name, fit in WAYS.items():
            began = time.perf_counter()
            fitted, model = fit(seed, x)
            seconds = time.perf_counter() - began
            likelihood = float(log_pseudo_likelihood(model, torch.from_numpy(x_test)).mean())
            z, z_test = fitted.transform(x), fitted.transform(x_test)
            probes = LogisticRegression(max_iter=3000), KNeighborsClassifier(5)
            found[name].append((likelihood, *(probe.fit(z, y).score(z_test, y_test) for probe in probes), seconds))
    rows = [
        [name, *(spread(values, digits) for values, digits in zip(zip(*runs, strict=True), (2, 4, 4, 1), strict=True))]
        for name, runs in found.items()
    ]
    head = ["trained by", "log pseudo-likelihood, nats", "logistic regression", "5 nearest neighbours", "seconds"]
    how = f"{machine()}; load {load()} at the end; {repeats} seeds each, medians (least to greatest)."
    write_between("boltzmann", f"{how}\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()
