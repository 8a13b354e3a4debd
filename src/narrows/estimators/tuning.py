"""Options found by trying: Optuna proposes, the held-out samples judge.

Error and size of the code are weighed against each other where the size is open: what is kept are the trials than which
none has a smaller code and no greater error, and of those the smallest code whose error is near the least.

Trials of one shape, which differ in learning rate and weight decay alone, are trained together as one stacked model
where rows are small: Optuna proposes the first of them, and the others are drawn around it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import train_test_split

from narrows.core.errors import ChoiceError, InputError, TrainingError
from narrows.core.spec import SampleSpec
from narrows.data.door import samples
from narrows.data.samples import Samples
from narrows.estimators.anomaly import AnomalyDetector
from narrows.estimators.autoencoder import Autoencoder
from narrows.estimators.base import Estimator
from narrows.recipes.catalogue import takes_conditions
from narrows.training.fit import Request, prepare
from narrows.training.trials import can_be_stacked, errors_together

NEAR = 1.1
"""How many times the least error the error of a smaller code may be."""
TOGETHER = 16
"""How many trials of one shape are trained as one, at most."""
SHAPES = 4
"""How many shapes are tried, at least, where there are trials enough for 4 of each."""
RATES, DECAYS = (3e-4, 1e-2), (1e-3, 0.3)
"""Within what learning rates and weight decays are tried."""
STUDY = "narrows"
"""The name of the study in a storage."""
SQLITE = b"SQLite format 3\0"
"""How a SQLite file begins."""


@dataclass(frozen=True)
class Tuned:
    """What was tried, and the best of it.

    Args:
        best: The estimator, fitted on all samples with the options of the best trial.
        options: Those options.
        trials: A row for each trial: its number, `error`, `latent_dim`, `seconds`, and the options tried.
        front: The rows than which none has a smaller code and no greater error, by size.
    """

    best: Estimator
    options: dict[str, Any]
    trials: list[dict[str, Any]]
    front: list[dict[str, Any]]


def tune(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    trials: int = 20,
    max_time: float | None = None,
    storage: str | Path | None = None,
    random_state: int = 0,
    tell: Callable[[dict[str, Any]], None] | None = None,
) -> Tuned:
    """Try options of an estimator: sizes of code and layers, learning rate and weight decay. Needs `narrows[tune]`.

    The first trial is the estimator as it is, so that the result is never worse than it on the held-out samples. What
    the estimator says itself (a `latent_dim`, `widths` among its `recipe_options`) is not tried.

    Args:
        estimator: An estimator of narrows, not fitted.
        X: Samples, as its `fit` takes them.
        y: Labels, where it takes them.
        trials: How many, those in the storage included.
        max_time: Seconds for all of them.
        storage: A SQLite file, or the address of another storage of Optuna, to keep trials in and go on from; None for
            memory. Several processes may share it.
        random_state: What proposals, splits and weights are drawn by.
        tell: Called with the row of each trial when it is done.

    Returns:
        A `Tuned`.

    Raises:
        ChoiceError: Numbers out of range, something that is no estimator, or Optuna is not installed.
        InputError: Data that cannot be used.
        TrainingError: No trial came to an end.

    >>> import narrows
    >>> from sklearn.datasets import load_iris
    >>> ae = narrows.Autoencoder(recipe="deep", epochs=2, verbose=0)
    >>> found = tune(ae, load_iris().data, trials=2)
    >>> len(found.trials), found.best.transform(load_iris().data).shape[1] == found.options["latent_dim"]
    (2, True)
    """
    if not isinstance(estimator, Estimator):
        raise ChoiceError(f"tune takes an estimator of narrows, got {estimator!r}")
    if isinstance(estimator, AnomalyDetector):
        raise ChoiceError("tune goes by errors of reconstruction, which say little of a detector: tune an Autoencoder")
    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer) or random_state < 0:
        raise ChoiceError(f"random_state is a whole number of at least 0, got {random_state!r}")
    if isinstance(trials, bool) or not isinstance(trials, int | np.integer) or trials < 1:
        raise ChoiceError(f"trials is a whole number of at least 1, got {trials!r}")
    if max_time is not None and not (isinstance(max_time, int | float) and max_time > 0):
        raise ChoiceError(f"max_time is a number greater than 0, got {max_time!r}")
    try:
        import optuna  # optional
    except ImportError as error:
        raise ChoiceError("tune needs Optuna: pip install 'narrows[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # what fails is raised, or a trial less
    started = time.monotonic()
    recipe = (
        "auto" if takes_conditions(estimator.recipe) else estimator.recipe
    )  # labels say nothing of a sample's shape
    spec = prepare(samples(X, 10), Request(recipe, latent_dim=1, likelihood=estimator.likelihood))[0].spec
    space = _Space(estimator, spec)
    study = optuna.create_study(
        study_name=STUDY,
        storage=_address(storage),
        sampler=optuna.samplers.TPESampler(seed=random_state),
        directions=["minimize", "minimize"],
        load_if_exists=True,
    )
    done = len([trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE])
    if done == 0:
        study.enqueue_trial(space.as_it_is())

    def objective(trial: Any) -> tuple[float, int]:
        began = time.monotonic()
        left = None if max_time is None else max(0.1, max_time - (began - started))
        made = space.made(trial, random_state, left)
        error = _error(made, X, y, random_state)
        trial.set_user_attr("seconds", time.monotonic() - began)
        return error, int(made.chosen_["latent_dim"])

    def told(_: Any, trial: Any) -> None:
        if tell is not None and trial.values is not None:
            tell(_row(trial))

    given = samples(X, 10)
    if y is None and type(estimator) is Autoencoder and can_be_stacked(given, estimator._request()):
        together = _Together(optuna, study, space, given, random_state)
        while done < trials and (max_time is None or time.monotonic() - started < max_time):
            left = None if max_time is None else max(0.1, max_time - (time.monotonic() - started))
            for trial in together.round(objective, min(trials - done, max(4, trials // SHAPES)), left):
                told(study, trial)
                done += 1
    elif done < trials:
        study.optimize(objective, trials - done, timeout=max_time, callbacks=[told], catch=(TrainingError,))
    rows = [_row(trial) for trial in study.trials if trial.values is not None]
    if not rows:
        raise TrainingError("no trial came to an end: look for extreme values in the data")
    chosen = _knee(rows)
    best = space.made(optuna.trial.FixedTrial(chosen["options"]), random_state, max_time)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        best.fit(X, y)
    options = {"latent_dim": chosen["latent_dim"], **chosen["options"]}
    return Tuned(best, options, rows, _front(rows))


class _Together:
    """Rounds of trials of one shape.

    Args:
        optuna: The package.
        study: What proposes, and where trials are kept.
        space: Which options are tried.
        given: Raw samples.
        seed: What the trials beside a proposal are drawn by.
    """

    def __init__(self, optuna: Any, study: Any, space: _Space, given: Samples, seed: int) -> None:
        self.optuna, self.study, self.space, self.given, self.seed = optuna, study, space, given, seed

    def round(self, alone: Callable[[Any], tuple[float, int]], most: int, max_time: float | None) -> list[Any]:
        """A proposal and trials of the same shape, finished.

        Args:
            alone: What is found of a single trial.
            most: How many trials, at most.
            max_time: Seconds for all of them.
        """
        proposal = self.study.ask()
        made = self.space.made(proposal, self.seed, max_time)
        count = min(TOGETHER, most) if proposal.params["changed"] else 1
        if count == 1:
            try:
                return [self.study.tell(proposal, alone(proposal))]
            except TrainingError:
                return [self.study.tell(proposal, state=self.optuna.trial.TrialState.FAIL)]
        rng = np.random.default_rng([self.seed, proposal.number])
        options = [proposal.params, *(proposal.params | _rates(rng) for _ in range(count - 1))]
        began = time.monotonic()
        asked = [self.space.made(self.optuna.trial.FixedTrial(one), self.seed, max_time)._request() for one in options]
        errors = errors_together(self.given, asked)
        size = made.latent_dim if isinstance(made.latent_dim, int) else prepare(self.given, asked[0])[2]["latent_dim"]
        return self._told(proposal, options, errors, size, (time.monotonic() - began) / count)

    def _told(
        self, proposal: Any, options: list[dict[str, Any]], errors: list[float], size: int, seconds: float
    ) -> list[Any]:
        """Keep what was found, and give the finished trials."""
        proposal.set_user_attr("seconds", seconds)
        found = []
        for number, (one, error) in enumerate(zip(options, errors, strict=True)):
            state = self.optuna.trial.TrialState.COMPLETE if np.isfinite(error) else self.optuna.trial.TrialState.FAIL
            values = (error, size) if np.isfinite(error) else None
            if number == 0:
                found.append(self.study.tell(proposal, values, state=state))
                continue
            told = {"params": one, "distributions": proposal.distributions, "user_attrs": {"seconds": seconds}}
            self.study.add_trial(self.optuna.trial.create_trial(state=state, values=values, **told))
            found.append(self.study.trials[-1])
        return found


def _rates(rng: np.random.Generator) -> dict[str, float]:
    """A learning rate and a weight decay, drawn evenly on a logarithmic scale."""
    within = {"learning_rate": RATES, "weight_decay": DECAYS}
    return {name: float(np.exp(rng.uniform(*np.log(ends)))) for name, ends in within.items()}


class _Space:
    """Which options are tried.

    Args:
        estimator: What it is about.
        spec: What one sample is.
    """

    def __init__(self, estimator: Estimator, spec: SampleSpec) -> None:
        self.estimator = estimator
        self.most = max(2, min(256, spec.size - 1))
        self.sized = estimator.latent_dim in (None, "auto")
        self.layered = spec.kind in ("vector", "table") and "widths" not in (estimator.recipe_options or {})

    def as_it_is(self) -> dict[str, Any]:
        """The options of a trial that leaves the estimator alone."""
        return {"changed": False}

    def made(self, trial: Any, seed: int, max_time: float | None) -> Estimator:
        """An estimator with the options that a trial proposes."""
        made: Estimator = clone(self.estimator).set_params(random_state=seed)
        if max_time is not None:
            made.set_params(max_time=max_time if made.max_time is None else min(max_time, made.max_time))
        if not trial.suggest_categorical("changed", [True, False]):
            return made
        made.set_params(
            learning_rate=trial.suggest_float("learning_rate", *RATES, log=True),
            weight_decay=trial.suggest_float("weight_decay", *DECAYS, log=True),
        )
        if self.sized:
            made.set_params(latent_dim=trial.suggest_int("latent_dim", 1, self.most, log=True))
        if self.layered:
            width, depth = trial.suggest_int("log2_width", 5, 10), trial.suggest_int("depth", 1, 3)
            widths = [max(8, 1 << (width - i)) for i in range(depth)]
            made.set_params(recipe_options={**(made.recipe_options or {}), "widths": widths})
        return made


def _error(made: Estimator, X: Any, y: Any, seed: int) -> float:
    """Fit, and say how wrong the result is on samples that were held out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if is_classifier(made) or is_regressor(made):
            if y is None:
                raise InputError(f"{type(made).__name__} requires y to be passed, but the target y is None")
            known, asked, labels, truth = train_test_split(X, np.asarray(y), test_size=0.2, random_state=seed)
            there = np.flatnonzero(
                [label is not None and label == label and label != made.unlabelled for label in truth]
            )
            if len(there) == 0:
                raise InputError("y has too few labels to judge by")
            return 1.0 - float(made.fit(known, labels).score(_rows(asked, there), truth[there]))
        made.fit(X, y)
    best = min(made.history_, key=lambda row: row["score"])
    return float(best["held_out"]["error"])


def _rows(X: Any, rows: Any) -> Any:
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return [X[row] for row in rows] if isinstance(X, list) else X[rows]


def _row(trial: Any) -> dict[str, Any]:
    """A finished trial as a row of a table."""
    seconds = trial.user_attrs.get("seconds")
    error, size = trial.values
    return {
        "trial": trial.number,
        "error": error,
        "latent_dim": int(size),
        "seconds": seconds,
        "options": dict(trial.params),
    }


def _front(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows than which none has a smaller code and no greater error, by size."""
    found: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda row: (row["latent_dim"], row["error"])):
        if not found or row["error"] < found[-1]["error"]:
            found.append(row)
    return found


def _knee(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the rows whose error is near the least the one with the smallest code."""
    least = min(row["error"] for row in rows)
    return next(row for row in _front(rows) if row["error"] <= NEAR * least or row["error"] == least)


def _address(storage: str | Path | None) -> str | None:
    """A storage of Optuna: a path is a SQLite file."""
    if storage is None or "://" in str(storage):
        return None if storage is None else str(storage)
    path = Path(storage)
    if not path.parent.is_dir():
        raise ChoiceError(f"storage lies in a folder that there is, got {str(storage)!r}")
    if path.is_dir() or (path.exists() and _beginning(path) not in (b"", SQLITE)):
        raise ChoiceError(f"storage is a SQLite file or a new one, and {str(storage)!r} is something else")
    return f"sqlite:///{storage}"


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(SQLITE))
