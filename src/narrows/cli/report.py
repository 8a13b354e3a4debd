"""`narrows report MODEL DATA -o report.html`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import narrows
from narrows.cli import findings
from narrows.cli.generating import generator_page
from narrows.cli.opening import opened
from narrows.cli.reporting import report_page
from narrows.core.errors import ChoiceError
from narrows.data.tensor_file import replacing
from narrows.data.writing import check_output


def report(model: Path, data: str, /, *, output: Annotated[Path, Parameter(alias="-o")]) -> None:
    """Write one page on a model and data.

    Of an autoencoder: the card of the model, curves, reconstructions, codes, and PCA beside it. Of a detector: how
    scores lie, whether they are calibrated, and why the first anomalies are some. Of a generator: samples, how near
    they lie to the data, ways between samples, and what single numbers of the code do.

    Args:
        model: A model file of the job autoencoder, anomaly or generator.
        data: Samples: a file or a folder, as for `narrows train`, that fit into memory.
        output: The page to write: .html.
    """
    check_output(output, (".html",))
    estimator = narrows.load(model)
    if isinstance(estimator, narrows.AnomalyDetector):
        made = findings.report(estimator, opened(data, estimator), fdr=None)
    elif isinstance(estimator, narrows.Autoencoder):
        made = report_page(estimator, model, opened(data, estimator), data)
    elif isinstance(estimator, narrows.Generator):
        made = generator_page(estimator, model, opened(data, estimator), data)
    else:
        kind = type(estimator).__name__
        known = "an Autoencoder, an AnomalyDetector or a Generator"
        raise ChoiceError(f"{model} holds a model of class {kind}: reports are on {known}")
    with replacing(output) as temporary:
        temporary.write_text(made, encoding="utf-8")
