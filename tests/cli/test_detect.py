"""`narrows train anomaly` and `narrows detect`: verdicts, reasons, a report, and lines as they come."""

import io
import sys

import numpy as np
import pandas as pd
import pytest

import narrows

FAULTS = 8


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """A folder with a detector, its usual rows, and new rows of which the first eight have one wrong column."""
    folder = tmp_path_factory.mktemp("detect")
    draw = np.random.default_rng(0)
    usual = pd.DataFrame(draw.normal(size=(300, 2)) @ draw.normal(size=(2, 4)), columns=list("abcd"))
    usual += 0.1 * draw.normal(size=usual.shape)
    narrows.AnomalyDetector(training="clean", members=2, epochs=20, random_state=0).fit(usual).save(
        folder / "d.safetensors"
    )
    usual.to_csv(folder / "usual.csv", index=False)
    new = usual[:60].copy()
    new.iloc[:FAULTS, 2] += 8
    new.to_csv(folder / "new.csv", index=False)
    return folder


def lines(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_verdicts_with_reasons_go_to_a_file(run, detector, tmp_path):
    code, out, _ = run(
        "detect", str(detector / "d.safetensors"), str(detector / "new.csv"), "--fdr", "0.3", "--explain", "-o", "v.csv"
    )
    found = pd.read_csv(tmp_path / "v.csv")
    assert code == 0
    assert "of 60 samples are anomalies" in out
    assert list(found.columns[:4]) == ["score", "p_value", "verdict", "reason_1"]
    assert (found.verdict[:FAULTS] == "anomaly").all()
    assert found.reason_1[:FAULTS].str.startswith("c = ").all()
    assert (found.verdict[FAULTS:] == "usual").mean() > 0.8


@pytest.mark.filterwarnings("ignore:fdr=0.001 is out of reach")
def test_reasons_of_no_anomalies_are_none(run, detector, tmp_path):
    model, data = str(detector / "d.safetensors"), str(detector / "usual.csv")
    code, out, _ = run("detect", model, data, "--fdr", "0.001", "--explain", "-o", "v.csv")
    assert code == 0
    assert out.startswith("0 of 300")
    assert list(pd.read_csv(tmp_path / "v.csv").columns) == ["score", "p_value", "verdict"]


def test_verdicts_go_to_standard_output_and_a_report_beside_them(run, detector, tmp_path):
    code, out, _ = run("detect", str(detector / "d.safetensors"), str(detector / "new.csv"), "--report", "r.html")
    assert code == 0
    assert out.count("\n") == 61
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert all(
        words in page for words in ("The first anomalies", "c = ", "norm of the standardised row", "Calibration")
    )


def test_the_report_of_a_detector_is_the_same_page(run, detector, tmp_path):
    words = str(detector / "d.safetensors"), str(detector / "new.csv")
    assert run("report", *words, "-o", "r.html")[0] == 0
    run("detect", *words, "--report", "also.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == (tmp_path / "also.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("header", ["a,b,c,d\n", ""])
def test_lines_from_standard_input_are_judged_as_they_come(run, detector, monkeypatch, header):
    rows = (detector / "new.csv").read_text(encoding="utf-8").partition("\n")[2]
    lines(monkeypatch, header + rows)
    code, out, _ = run("detect", str(detector / "d.safetensors"), "-")
    whole = run("detect", str(detector / "d.safetensors"), str(detector / "new.csv"))[1]
    assert code == 0
    assert out == whole


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["new.csv", "--fdr", "2"], "fdr is a number between 0 and 1"),
        (["new.csv", "-o", "v.png"], "unknown ending of v.png"),
        (["-", "--fdr", "0.1"], "judged one by one"),
        (["nothing.csv"], "nothing.csv"),
    ],
)
def test_mistakes_are_told_in_one_sentence(run, detector, words, sentence):
    named = [str(detector / word) if word == "new.csv" else word for word in words]
    code, out, error = run("detect", str(detector / "d.safetensors"), *named)
    assert code == 2
    assert out == ""
    assert sentence in error
    assert error.count("\n") == 1


def test_a_cell_that_is_no_number_and_a_model_that_is_no_detector(run, detector, monkeypatch):
    lines(monkeypatch, "1,2,red,4\n")
    code, _, error = run("detect", str(detector / "d.safetensors"), "-")
    assert code == 2
    assert "'c'" in error
    code, _, error = run("detect", "m.safetensors", "x.csv")
    assert code == 2
    assert "train one by `narrows train anomaly`" in error


def test_train(run, detector):
    code, out, _ = run(
        "train", "anomaly", str(detector / "usual.csv"), "-o", "n.safetensors", "--epochs", "2", "--set", "members=2"
    )
    assert code == 0
    assert "AnomalyDetector" in out
