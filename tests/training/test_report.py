"""What a run says: a bar on a terminal, lines on request, otherwise nothing."""

import io

import pytest

from narrows.training.report import Bar, Lines, Reports, losses, reports

ROW = {
    "epoch": 3,
    "seconds": 1.25,
    "score": 0.5,
    "train": {"loss": 12.3456, "distortion": 12.3456, "rate": 0.0, "error": 0.0},
}


def test_terms_that_are_nothing_are_left_out():
    assert losses(ROW) == {"loss": "12.35", "distortion": "12.35", "error": "0", "held out": "0.5"}


def test_a_line_for_each_epoch(capsys):
    Lines().epoch(ROW)
    said = capsys.readouterr()
    assert said.out == ""
    assert " ".join(said.err.split()) == "epoch 3 1.2 s loss 12.35 distortion 12.35 error 0 held out 0.5"


@pytest.mark.parametrize(("verbose", "kinds"), [(0, []), (1, []), (2, [Lines])])
def test_silent_where_there_is_no_terminal(verbose, kinds):
    assert [type(report) for report in reports(verbose, 10, 0, None).reports] == kinds


def test_a_bar_on_a_terminal_counts_on_from_where_a_run_resumes(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stderr", Terminal())
    with reports(1, 100, 40, None) as found:
        (bar,) = found.reports
        assert isinstance(bar, Bar)
        found.steps(60)
        found.epoch(ROW)
        assert bar.bar.n == 60
        assert bar.bar.total == 100


def test_reports_are_closed_when_a_run_breaks_off():
    class Heard:
        closed = False

        def close(self):
            self.closed = True

    heard = Heard()
    with pytest.raises(RuntimeError), Reports(heard):
        raise RuntimeError
    assert heard.closed
