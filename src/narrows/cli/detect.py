"""`narrows detect MODEL DATA [-o OUT]`, and lines from standard input with `-` for DATA."""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import pyarrow as pa
import pyarrow.csv
from cyclopts import Parameter

import narrows
from narrows.cli.findings import report as report_page
from narrows.cli.opening import opened
from narrows.core.errors import ChoiceError, InputError
from narrows.data.tables import read_rows, write_table
from narrows.data.tensor_file import replacing
from narrows.data.writing import TABLES, check_file, check_output
from narrows.estimators import AnomalyDetector

PIECE = 1 << 16
"""How many bytes are read from standard input at once, at most: those that are there already."""


def detect(
    model: Path,
    data: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    fdr: float | None = None,
    explain: bool = False,
    report: Path | None = None,
) -> None:
    """Find anomalies: a line for each sample, with its score, its p-value and a verdict.

    Args:
        model: A model file that `narrows train anomaly` wrote.
        data: Samples: a file or a folder, as for `narrows train`; or - for lines of a CSV from standard input, each of
            which is judged as it comes.
        output: Where the verdicts go: .csv or .parquet; by default to standard output.
        fdr: The share of the anomalies found that may be none; by default samples are judged one by one, at the level
            alpha of the model.
        explain: Whether to name the three columns of an anomaly that cost most, with what was found and expected.
        report: A page to write as well, with the distribution of scores, the calibration and the first anomalies.
    """
    if output is not None:
        check_output(output, TABLES)
    if report is not None:
        check_file(report)
    detector = narrows.load(model)
    if not isinstance(detector, AnomalyDetector):
        raise InputError(
            f"{model} holds a model of class {type(detector).__name__}: train one by `narrows train anomaly`"
        )
    reasons = 3 if explain else 0
    if data == "-":
        if fdr is not None or output is not None or report is not None:
            raise ChoiceError("lines from standard input are judged one by one: leave out --fdr, --output and --report")
        _judge_lines(detector, sys.stdin.buffer, reasons)
        return
    given = opened(data, detector)
    found = detector.verdicts(given, fdr, reasons)
    if report is not None:
        with replacing(report) as temporary:
            temporary.write_text(report_page(detector, given, fdr), encoding="utf-8")
    if output is None:
        print(_as_csv(found, header=True), end="")
        return
    with replacing(output) as temporary:
        write_table(temporary, found, named=True)
    print(f"{found['verdict'].to_pylist().count('anomaly')} of {len(found)} samples are anomalies")


def _judge_lines(detector: AnomalyDetector, lines: BinaryIO, reasons: int) -> None:
    """Verdicts of lines as they come."""
    names = [str(name) for name in getattr(detector, "feature_names_in_", [])]
    first = True
    for piece in _pieces(lines):
        rows = _rows(piece, names, first)
        if rows is not None:
            found = detector.verdicts(rows, reasons=reasons)
            for place in range(len(found.column_names) - 3, reasons):
                found = found.append_column(f"reason_{place + 1}", pa.nulls(len(found), pa.string()))
            print(_as_csv(found, header=first), end="", flush=True)
            first = False


def _pieces(lines: Any) -> Iterator[bytes]:
    """Whole lines, as many as are there."""
    rest = b""
    while piece := lines.read1(PIECE):
        whole, end, rest = (rest + piece).rpartition(b"\n")
        if end:
            yield whole + end
    if rest.strip():
        yield rest


def _rows(piece: bytes, names: list[str], first: bool) -> Any:
    """Lines of a CSV as a frame or an array; None of a header alone."""
    if first and names and piece.partition(b"\n")[0].strip().decode().replace('"', "").split(",") == names:
        piece = piece.partition(b"\n")[2]
    return read_rows(BytesIO(piece), names) if piece.strip() else None


def _as_csv(found: pa.Table, header: bool) -> str:
    sink = BytesIO()
    pa.csv.write_csv(found, sink, pa.csv.WriteOptions(include_header=header))
    return sink.getvalue().decode()
