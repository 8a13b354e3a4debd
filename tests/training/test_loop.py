"""The loop: resuming, recovering, stopping, and leaving the best weights behind."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import narrows
from narrows.core.contracts import Penalty
from narrows.recipes.assemble import PENALTIES
from narrows.training.checkpoint import NAME, Checkpoint, weights
from narrows.training.optimisers import OPTIMISERS, SCHEDULES, rate_at


def fitted(X, **options):
    options = {"recipe": "variational", "latent_dim": 2, "epochs": 6, "random_state": 0, "verbose": 0} | options
    return narrows.Autoencoder(**options).fit(X)


def same_weights(a, b):
    first, second = weights(a.module_), weights(b.module_)
    return all(torch.equal(first[name], second[name]) for name in first)


class Stop(Exception):
    pass


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "muon"])
@pytest.mark.parametrize("after", [1, 3, 5])
def test_a_resumed_run_ends_in_the_same_bits(table, tmp_path, monkeypatch, after, optimizer):
    whole = fitted(table, optimizer=optimizer)
    save, saves = Checkpoint.save, []

    def save_then_stop(self, *moment):
        save(self, *moment)
        saves.append(1)
        if len(saves) == after:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_then_stop)
        with pytest.raises(Stop):
            fitted(table, checkpoint=tmp_path, optimizer=optimizer)
    assert same_weights(fitted(table, checkpoint=tmp_path, optimizer=optimizer), whole)


def test_a_run_resumes_inside_an_epoch(tmp_path, monkeypatch):
    X = np.random.RandomState(0).randn(1400, 5)
    whole = fitted(X, epochs=2, batch_size=8)
    monkeypatch.setattr("narrows.training.loop.SAVE_SECONDS", 0.0)
    save, saves = Checkpoint.save, []

    def save_then_stop(self, progress, *rest):
        save(self, progress, *rest)
        saves.append(progress.batch)
        if len(saves) == 3:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_then_stop)
        with pytest.raises(Stop):
            fitted(X, epochs=2, batch_size=8, checkpoint=tmp_path)
    assert saves == [50, 100, 150]
    resumed = fitted(X, epochs=2, batch_size=8, checkpoint=tmp_path)
    assert same_weights(resumed, whole)
    strip = [{k: v for k, v in row.items() if k != "seconds"} for row in resumed.history_]
    assert strip == [{k: v for k, v in row.items() if k != "seconds"} for row in whole.history_]


RUN = """
import sys, numpy as np, narrows
import narrows.training.loop as loop
loop.SAVE_SECONDS = 0.02
X = np.random.RandomState(0).randn(900, 8)
ae = narrows.Autoencoder(recipe="denoising", latent_dim=3, epochs=12, batch_size=16, random_state=0, verbose=0,
                         checkpoint=sys.argv[1], device="cpu").fit(X)
ae.save(sys.argv[2])
"""


def _run(folder, out):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), str(out)], env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def _killed(tmp_path, moments):
    assert _run(tmp_path / "whole", tmp_path / "whole.safetensors").wait() == 0
    whole = narrows.load(tmp_path / "whole.safetensors")
    for number, moment in enumerate(moments):
        folder, out = tmp_path / f"killed{number}", tmp_path / f"killed{number}.safetensors"
        process = _run(folder, out)
        begun = time.monotonic()
        while not (folder / NAME).exists() and process.poll() is None and time.monotonic() < begun + 60:
            time.sleep(0.01)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert _run(folder, out).wait() == 0
        assert same_weights(narrows.load(out), whole)
        assert not list(folder.glob(".*")) or (folder / NAME).exists()


def test_a_killed_run_resumes_to_the_same_bits(tmp_path):
    _killed(tmp_path, [0.3])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_killed_runs_resume_to_the_same_bits(tmp_path):
    _killed(tmp_path, np.random.RandomState(0).uniform(0, 2, 20))


def test_a_checkpoint_of_another_run_is_refused(table, tmp_path):
    fitted(table, checkpoint=tmp_path)
    with pytest.raises(narrows.FileError, match="other epochs"):
        fitted(table, checkpoint=tmp_path, epochs=9)
    with pytest.raises(narrows.FileError, match="other data"):
        fitted(table + 1, checkpoint=tmp_path)


def test_a_checkpoint_is_a_folder(table, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(narrows.FileError, match="cannot be a folder"):
        fitted(table, checkpoint=tmp_path / "file")


def test_options_given_as_tuples_resume(table, tmp_path):
    for _ in range(2):
        fitted(table, checkpoint=tmp_path, recipe_options={"widths": (8,)})


def test_a_run_without_a_seed_resumes_with_the_one_it_had(table, tmp_path):
    first, again = (fitted(table, checkpoint=tmp_path, random_state=None) for _ in range(2))
    assert same_weights(first, again)


def test_a_run_that_time_ended_goes_on_with_more(table, tmp_path):
    short = fitted(table, checkpoint=tmp_path, epochs=30, patience=None, max_time=0.01)
    assert len(short.history_) < 31
    assert len(fitted(table, checkpoint=tmp_path, epochs=30, patience=None, max_time=60).history_) == 31


def test_one_changed_value_is_another_run(tmp_path):
    X = np.random.RandomState(0).randn(600, 5)
    fitted(X, checkpoint=tmp_path)
    X[371, 2] += 1
    with pytest.raises(narrows.FileError, match="other data"):
        fitted(X, checkpoint=tmp_path)


def test_a_finished_checkpoint_gives_the_model_at_once(table, tmp_path):
    first = fitted(table, checkpoint=tmp_path)
    assert same_weights(first, fitted(table, checkpoint=tmp_path))


class Burst(Penalty):
    """Not finite from a set step on, for as long as the learning rate is high."""

    calls = 0
    times = 1

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, trace, model, rng):
        if model.training:
            type(self).calls += 1
            if self.calls > 10 and self.times > 0:
                type(self).times -= 1
                return trace.code.z.sum() * float("nan")
        return trace.code.z.sum() * 0


@pytest.fixture
def burst(monkeypatch):
    monkeypatch.setattr(PENALTIES, "_entries", {**PENALTIES._entries, "burst": Burst})
    Burst.calls, Burst.times = 0, 1
    return {"recipe": "deep", "recipe_options": {"penalties": ["burst"]}}


def test_a_loss_that_is_not_finite_goes_back_with_a_lower_rate(table, burst):
    ae = fitted(table, **burst)
    assert len(ae.history_) == 7
    assert np.isfinite(ae.transform(table)).all()
    steady = fitted(table, recipe="deep")
    assert ae.history_[-1]["learning_rate"] == pytest.approx(steady.history_[-1]["learning_rate"] / 4)


def test_a_loss_that_stays_infinite_stops_with_a_sentence(table, burst):
    Burst.times = 10**9
    with pytest.raises(narrows.TrainingError, match="not finite in epoch 3 after 3 retries"):
        fitted(table, **burst)


def test_early_stopping_restores_the_best_weights(table):
    ae = fitted(table, recipe="deep", epochs=300, patience=5, learning_rate=0.01)
    scores = [row["score"] for row in ae.history_]
    best = int(np.argmin(scores))
    assert ae.chosen_["best_epoch"] == best
    assert len(scores) == best + 5 + 1
    assert ae.history_[best]["held_out"]["error"] == min(scores)


def test_max_time_is_kept():
    X = np.random.RandomState(0).randn(20_000, 30)
    began = time.monotonic()
    ae = narrows.Autoencoder(epochs=10_000, patience=None, max_time=3.0, random_state=0, verbose=0).fit(X)
    assert time.monotonic() - began < 5
    assert ae.history_[-1]["learning_rate"] < 0.2 * 2e-3, "the schedule ends with the time"


def test_validation_data_judges(table):
    ae = narrows.Autoencoder(epochs=2, random_state=0, verbose=0).fit(table, validation_data=table[:7])
    assert np.isfinite(ae.history_[-1]["score"])
    with pytest.raises(narrows.InputError, match="X has 3 features, but Autoencoder is expecting 6"):
        narrows.Autoencoder(epochs=2, verbose=0).fit(table, validation_data=table[:, :3])


@pytest.mark.parametrize("fraction", [0.0, 0.5])
def test_validation_fraction(table, fraction):
    assert np.isfinite(fitted(table, validation_fraction=fraction).history_[-1]["score"])


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_learns(table, name):
    ae = fitted(table, recipe="deep", optimizer=name, epochs=20, recipe_options={"linear_path": False})
    assert ae.history_[-1]["held_out"]["error"] < ae.history_[0]["held_out"]["error"]


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_stay_within_the_rate(name):
    rates = [rate_at(name, progress, round(500 * progress), 100) for progress in np.linspace(0, 1, 50)]
    assert min(rates) >= 0
    assert max(rates) <= 1 + 1e-9


def test_gradient_clipping_limits_the_step(table):
    free, tight = (fitted(table, recipe="deep", optimizer="sgd", gradient_clip=c) for c in (1.0, 1e-9))
    assert free.history_[-1]["score"] < tight.history_[-1]["score"]


def test_bfloat16_learns_too(table):
    ae = fitted(table, precision="bfloat16", recipe="deep", epochs=20, recipe_options={"linear_path": False})
    assert ae.history_[-1]["held_out"]["error"] < ae.history_[0]["held_out"]["error"]
    assert ae.chosen_["precision"] == "bfloat16"


def test_reports_by_line(table, capsys):
    fitted(table, verbose=2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert "distortion" in lines[0]
    assert "rate" in lines[0]


def test_silence(table, capsys):
    fitted(table, verbose=0)
    fitted(table, verbose=1)
    assert capsys.readouterr() == ("", ""), "a bar only where there is a terminal"


@pytest.mark.filterwarnings("ignore")
def test_tensorboard(table, tmp_path):
    pytest.importorskip("tensorboard")
    fitted(table, tensorboard=str(tmp_path))
    assert list(tmp_path.glob("events*"))


def test_a_held_out_score_that_is_not_finite_is_said_once(table, monkeypatch):
    scores = iter([0.5, float("nan"), float("inf"), 0.4, float("nan")])

    def scored(*_):
        return {"loss": (score := next(scores)), "error": score}

    monkeypatch.setattr("narrows.training.loop.judge", scored)
    with pytest.warns(UserWarning, match="not finite after epoch 1") as told:
        model = fitted(table, epochs=4)
    assert len(told) == 1
    assert model.chosen_["best_epoch"] == 3
