"""`narrows compress`, `decompress`, `verify` and `info` on what they write."""

import re
from pathlib import Path

import numpy as np
import pytest


def test_data_go_into_a_file_and_come_back(run):
    assert run("compress", "x.csv", "-o", "x.nrw")[0] == 0
    code, said, _ = run("info", "x.nrw")
    assert code == 0
    assert "a table of 150 rows, 4 columns" in said
    assert "times less" in said
    assert "undamaged: 4 chunks, 150 rows" in run("verify", "x.nrw")[1]
    assert run("decompress", "x.nrw", "-o", "y.npy")[0] == 0
    np.testing.assert_array_equal(np.load("y.npy"), np.load("x.npy"))


def test_an_error_can_be_allowed(run):
    assert run("compress", "x.npy", "-o", "x.nrw", "--max-error", "0.3", "--effort", "fast")[0] == 0
    assert run("decompress", "x.nrw", "-o", "y.npy")[0] == 0
    assert 0 < np.abs(np.load("y.npy") - np.load("x.npy")).max() <= 0.3


def test_a_damaged_file_is_named_and_salvaged(run):
    run("compress", "images.npy", "-o", "x.nrw")
    whole = Path("x.nrw").read_bytes()
    Path("x.nrw").write_bytes(whole[:-30])
    for command in (("verify", "x.nrw"), ("decompress", "x.nrw", "-o", "y.npy"), ("info", "x.nrw")):
        code, _, complaint = run(*command)
        assert code == 2
        assert "cut short" in complaint
    code, said, _ = run("decompress", "x.nrw", "-o", "y.npy", "--salvage")
    assert code == 0
    assert "20 of 20 rows were undamaged" in said
    np.testing.assert_array_equal(np.load("y.npy"), np.load("images.npy"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["compress", "x.npy", "-o", "x.zip"], "ends in .nrw"),
        (["compress", "x.npy", "-o", "x.nrw", "--effort", "most"], "did you mean 'max'|known: default, fast, max"),
        (["compress", "x.npy", "-o", "x.nrw", "--max-error", "-1"], "from 0 on"),
        (["compress", "none.npy", "-o", "x.nrw"], "none.npy"),
        (["decompress", "x.npy", "-o", "y.npy"], "no compressed file"),
        (["verify", "nothing.nrw"], "there is no compressed file"),
    ],
)
def test_mistakes_are_told_in_one_sentence(run, words, complaint):
    code, _, said = run(*words)
    assert code == 2
    assert re.search(complaint, said)
    assert said.count("\n") == 1
