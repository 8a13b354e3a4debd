"""The estimator for anomalies: how unusual samples are, which of them are anomalies, and why."""

import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import torch
from sklearn.base import OutlierMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from narrows.core.errors import ChoiceError, InputError
from narrows.data.arrays import Array
from narrows.data.samples import ArraySamples, Samples
from narrows.data.table_samples import TableSamples
from narrows.estimators.base import Estimator
from narrows.tasks import anomaly, verdicts
from narrows.tasks.anomaly import Ensemble, blocks_from
from narrows.tasks.calibration import Calibration, Drift, discoveries, level, warn_if_out_of_reach
from narrows.tasks.detection import detect
from narrows.tasks.explanation import Explanation, Reason, explain
from narrows.training import rules
from narrows.training.fit import whole


class Detecting:
    """What a fitted detector knows beside its schema."""

    ensemble_: Ensemble
    calibration_: Calibration
    offset_: float


@dataclass(kw_only=True, eq=False, repr=False)
class AnomalyDetector(Detecting, OutlierMixin, Estimator):  # type: ignore[misc]
    r"""Finds anomalies by an ensemble of autoencoders: scores, p-values, decisions and explanations.

        unusual(x) = log r(x) + w/2 log d(x),  w = 0.3
        p(x) = (1 + number of held-out scores at least as unusual as x) / (m + 1)

    Here d(x) is how many nats less probable x is than what the ensemble expects in its place, and r(x) how far its code
    lies from known codes. Samples are tables, images, series and video of any kind that `Autoencoder` takes but sparse
    ones; missing values count for nothing, and unknown categories are scored, with a warning. A sample without any
    value is not judged: its score and p-value are NaN and `predict` gives 0, with a warning.

    Args:
        training: What the samples of `fit` are taken for: `"contaminated"` with some anomalies, which members leave
            out where they fit badly, or `"clean"`, usual ones alone.
        alpha: Share of usual samples that `predict` takes for anomalies, by mistake.
        contamination: None to judge by p-values at `alpha`, or a share within (0, 0.5]: as many of the samples of `fit`
            are taken for anomalies, as scikit-learn means it.
        members: How many autoencoders the ensemble has.
        recipe: As in `Autoencoder`; `"auto"` is `"denoising"`.
        latent_dim: As in `Autoencoder`; None for as many as a sample has values, at most 64 of a table, 128 of others.
        epochs: Passes over the data; None for 10, or as many as make 200 steps.
        scaling: As in `Autoencoder`; `"auto"` is `"column"`.
        recipe_options: As in `Autoencoder`; samples of up to 16,384 values have the network `"mlp"` unless it says so.
        likelihood, batch_size, learning_rate, max_time, device, random_state, columns: As in
            `Autoencoder`.
        verbose: Ignored; training is quiet.
        optimizer: Ignored, since the stack is trained by one rule; so are `weight_decay`, `schedule`, `warmup`,
            `gradient_clip`, `validation_fraction`, `patience`, `checkpoint`, `tensorboard` and `precision`.

    Attributes:
        ensemble_: The trained members and the codes that they know.
        calibration_: Scores of samples that the members had not seen.
        offset_: Scores below are anomalies.
        module_: The first member, an `AutoencoderModule`.
        schema_: How raw values become tensors and come back.
        chosen_: What was chosen where the choice was ours.

    Sources: Bates, Candès, Lei, Romano and Sesia (2023) for p-values, https://doi.org/10.1214/22-AOS2244; Bandaragoda
    et al. (2018) for nearest neighbours in small samples, https://doi.org/10.1111/coin.12156.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> detector = AnomalyDetector(random_state=0).fit(X)
    >>> detector.predict([[0, 0, 0, 0], [9, -9, 9, -9]])
    array([ 1, -1])
    """

    training: str = "contaminated"
    alpha: float = 0.05
    contamination: float | None = None
    members: int = 4

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what is usual.

        Args:
            X: Samples.
            y: Ignored.

        Raises:
            InputError: Data that cannot be used: text in arrays, infinite values, fewer than two samples or columns.
            ChoiceError: An unknown name, with the nearest known one, or an impossible value.
            TrainingError: The loss was not finite even at lower learning rates.
        """
        taken, alpha, members = (
            anomaly.regime(self.training),
            level("alpha", self.alpha),
            whole("members", self.members),
        )
        self._check_contamination()
        given = self._samples(X, least_rows=2)
        clone(self)._know_columns(given, reset=True)
        found = detect(given, self._request(), taken, members, alpha)
        self._know_columns(given, reset=True)
        self.ensemble_, self.calibration_ = found.ensemble.to(torch.device("cpu")), found.calibration
        self.module_, self.schema_, self.chosen_ = self.ensemble_.stack.member(0), found.schema, found.chosen
        self.history_ = []
        self._set_offset(given)
        return self

    def score_samples(self, X: Any) -> Array:
        """How usual samples are: higher is more normal.

        Args:
            X: Samples of the same shape as in fit.

        Returns:
            (n,) float64, or one for each step of a recording; NaN for a sample without values.
        """
        return -self._unusual(self._checked(X))

    def decision_function(self, X: Any) -> Array:
        """Scores less the offset: negative for anomalies.

        Args:
            X: Samples of the same shape as in fit.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> Array:
        """1 for usual samples, -1 for anomalies, 0 for those without values, which cannot be judged.

        Args:
            X: Samples of the same shape as in fit.
        """
        decision = self.decision_function(X)
        return np.where(np.isnan(decision), 0, np.where(decision < 0, -1, 1))

    def p_values(self, X: Any) -> Array:
        """The probability that a usual sample is at least as unusual, for each sample; NaN for one without values.

        Where the samples of fit held anomalies, p-values are too large rather than too small.

        Args:
            X: Samples of the same shape as in fit.
        """
        return self.calibration_.p_values(self._unusual(self._checked(X)))

    def select(self, X: Any, fdr: float = 0.05) -> Array:
        """Which samples are anomalies, so that a share of at most `fdr` of those is expected to be none.

        Args:
            X: Samples of the same shape as in fit, all that are judged together.
            fdr: The false discovery rate.

        Returns:
            (n,) bool.

        Source: Benjamini and Hochberg (1995); Bates et al. (2023).
        """
        fdr = level("fdr", fdr)
        found = self.p_values(X)
        warn_if_out_of_reach(self.calibration_, "fdr", fdr)
        return discoveries(found, fdr)

    def explain(self, X: Any) -> Explanation:
        """Why samples are unusual: what each value costs, in nats, and what was expected in its place.

        Args:
            X: Samples of the same shape as in fit.
        """
        return self._explained(self._checked(X))

    def verdicts(self, X: Any, fdr: float | None = None, reasons: int = 0) -> pa.Table:
        """Scores, p-values and decisions as a table, a line for each sample.

        Args:
            X: Samples of the same shape as in fit.
            fdr: Anomalies are those that `select` finds at this rate; None for those that `predict` finds.
            reasons: How many of the costliest values to name of each anomaly, of tables alone.

        Returns:
            An Arrow table with the columns `score`, `p_value`, `verdict` (usual, anomaly or empty), `reason_1`, ...

        Raises:
            InputError: Reasons are asked for where samples have no columns.
        """
        given = self._checked(X)
        picked = given if isinstance(given, ArraySamples | TableSamples) else None
        if reasons and (picked is None or len(self.schema_.raw_shape) != 1):
            raise InputError("reasons name the columns of tables in memory: of other samples explain gives a map")
        unusual = self._unusual(given)
        p = self.calibration_.p_values(unusual)
        strange = -unusual < self.offset_
        if fdr is not None:
            warn_if_out_of_reach(self.calibration_, "fdr", level("fdr", fdr))
            strange = discoveries(p, fdr)
        told: list[list[Reason]] | None = None
        if reasons and picked is not None:
            rows, told = np.flatnonzero(strange), [[] for _ in p]
            for row, found in zip(rows, self._explained(picked.select(rows)).top(reasons), strict=True):
                told[row] = found
        return verdicts.table(-unusual, p, verdicts.decided(p, strange), told)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Take in one more batch of samples: the first as in `fit`; later ones are scored, and become known.

        Their scores calibrate, the newest ones first, and their codes take the places of some known ones, by the number
        of samples behind either. The weights stay as they are, so that it takes no longer than scoring.

        Args:
            X: Samples.
            y: Ignored.
        """
        if not hasattr(self, "module_"):
            return self.fit(X)
        given = self._checked(X)
        scores = self._unusual(given)
        self.calibration_ = self.calibration_.and_of(scores)
        seen = int(self.chosen_.get("seen", 0))
        rng = torch.Generator().manual_seed(self.chosen_["seed"] + seen)
        self.ensemble_ = self._ensemble().and_of(given, self.schema_, seen, rng).to(torch.device("cpu"))
        self.chosen_ = self.chosen_ | {"seen": seen + len(given), "calibration": len(self.calibration_)}
        if self.contamination is None:
            self.offset_ = -self.calibration_.threshold(self.alpha)
        return self

    def drift(self, level: float = 0.01) -> Drift:
        """A watch over samples to come, fed with their `unusual` scores: `drift.update(-detector.score_samples(X))`.

        Args:
            level: Probability of a false alarm, ever.
        """
        check_is_fitted(self)
        return Drift(self.calibration_, level, self.chosen_["seed"])

    def _explained(self, given: Samples) -> Explanation:
        return explain(self._ensemble(), self.schema_, given, getattr(self, "feature_names_in_", None))

    def _unusual(self, given: Samples) -> Array:
        ensemble = self._ensemble()
        found = ensemble.unusual(blocks_from(given, self.schema_, ensemble.stack.device), given.tally)
        empty = int(np.isnan(found).sum())
        if empty:
            warnings.warn(f"{empty} samples of X have no values at all and cannot be judged", stacklevel=3)
        return given.like_scores(found)

    def _ensemble(self) -> Ensemble:
        check_is_fitted(self)
        return self.ensemble_.to(rules.device(self.device))

    def _set_offset(self, given: Samples) -> None:
        if self.contamination is None:
            warn_if_out_of_reach(self.calibration_, "alpha", self.alpha)
            self.offset_ = -self.calibration_.threshold(self.alpha)
            return
        scores = -self._unusual(given)
        self.offset_ = float(np.percentile(scores[~np.isnan(scores)], 100 * self.contamination))

    def _check_contamination(self) -> None:
        share = self.contamination
        if share is None:
            return
        if isinstance(share, bool) or not isinstance(share, int | float | np.number) or not 0 < share <= 0.5:
            raise ChoiceError(f"contamination is None or a share within (0, 0.5], got {share!r}")

    def _keepsake(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        stack = {f"stack.{name}": tensor for name, tensor in self.ensemble_.stack.tensors.items()}
        own = {"known": self.ensemble_.known, "floors": self.ensemble_.floors}
        own |= {} if self.ensemble_.squash is None else {"squash": self.ensemble_.squash.numbers}
        own |= {} if self.ensemble_.examples is None else {"examples": self.ensemble_.examples}
        scores = {"calibration": torch.from_numpy(self.calibration_.scores.copy())}
        return {"offset": self.offset_}, stack | own | scores

    def _recall(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        stack = {name.removeprefix("stack."): t for name, t in tensors.items() if name.startswith("stack.")}
        self.offset_ = float(facts["offset"])
        self.ensemble_ = Ensemble.recalled(
            self.module_,
            stack,
            tensors["known"],
            tensors["floors"],
            tensors.get("squash"),
            tensors.get("examples"),
        )
        self.calibration_ = Calibration.of(tensors["calibration"].numpy())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags
