"""What a run says while it goes: a bar on a terminal, rows for TensorBoard, or nothing."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Protocol, Self

from tqdm import tqdm

from narrows.core.errors import ChoiceError


class Report(Protocol):
    """What the loop tells: steps as they pass, and one row at the end of each epoch."""

    def steps(self, done: int) -> None:
        """So many steps of the run are behind."""

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch ended; the row is the one that goes into the history."""

    def close(self) -> None:
        """The run is over."""


def losses(row: dict[str, Any]) -> dict[str, str]:
    """The terms of the loss by name, short enough for a bar."""
    shown = {name: f"{value:.4g}" for name, value in row["train"].items() if name in ("loss", "error") or value}
    return shown | {"held out": f"{row['score']:.4g}"}


class Bar:
    """A progress bar with the losses by name and the time left."""

    def __init__(self, total: int, done: int) -> None:
        self.bar = tqdm(total=total, initial=done, unit="step", desc="training", file=sys.stderr, dynamic_ncols=True)

    def steps(self, done: int) -> None:
        self.bar.update(done - self.bar.n)

    def epoch(self, row: dict[str, Any]) -> None:
        self.bar.set_postfix(losses(row))

    def close(self) -> None:
        self.bar.close()


class Lines:
    """One line for each epoch, on standard error."""

    def steps(self, done: int) -> None:
        pass

    def epoch(self, row: dict[str, Any]) -> None:
        terms = "  ".join(f"{name} {value}" for name, value in losses(row).items())
        print(f"epoch {row['epoch']:4d}  {row['seconds']:7.1f} s  {terms}", file=sys.stderr)

    def close(self) -> None:
        pass


class TensorBoard:
    """Every term of the loss as a curve for TensorBoard; needs the extra `narrows[tensorboard]`."""

    def __init__(self, folder: str) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ChoiceError(
                "writing for TensorBoard needs its package: pip install 'narrows[tensorboard]'"
            ) from error
        self.writer = SummaryWriter(folder)

    def steps(self, done: int) -> None:
        pass

    def epoch(self, row: dict[str, Any]) -> None:
        for part in ("train", "held_out"):
            for name, value in row[part].items():
                self.writer.add_scalar(f"{part}/{name}", value, row["step"])
        self.writer.add_scalar("learning_rate", row["learning_rate"], row["step"])
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


class Reports:
    """Several reports as one; usable in a with statement, so that a bar is closed whatever happens."""

    def __init__(self, *reports: Report) -> None:
        self.reports = reports

    def steps(self, done: int) -> None:
        for report in self.reports:
            report.steps(done)

    def epoch(self, row: dict[str, Any]) -> None:
        for report in self.reports:
            report.epoch(row)

    def close(self) -> None:
        for report in self.reports:
            report.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def reports(verbose: int, total: int, done: int, tensorboard: str | None) -> Reports:
    """What was asked for: `verbose` 0 says nothing, 1 shows a bar where there is a terminal, 2 prints lines."""
    chosen: list[Report] = []
    if verbose == 1 and sys.stderr.isatty():
        chosen.append(Bar(total, done))
    elif verbose >= 2:
        chosen.append(Lines())
    if tensorboard is not None:
        chosen.append(TensorBoard(tensorboard))
    return Reports(*chosen)
