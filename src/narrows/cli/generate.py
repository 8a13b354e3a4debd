"""`narrows generate MODEL -n 64 -o OUT`."""

from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter

import narrows
from narrows.cli import settings
from narrows.core.errors import ChoiceError
from narrows.data.sheets import contact_sheet, is_sheet
from narrows.data.writing import check_output, write_data


def generate(
    model: Path,
    /,
    *,
    number: Annotated[int, Parameter(alias="-n")] = 64,
    output: Annotated[Path, Parameter(alias="-o")],
    label: str | None = None,
    temperature: float = 1.0,
    random_state: int | None = None,
) -> None:
    """Make new samples.

    Args:
        model: A model file that `narrows train generator` wrote.
        number: How many samples.
        output: Where they go: .npy, .npz, .csv, .parquet, a new folder for images, .png for one sheet of all of them,
            or .gif or .mp4 for video.
        label: The label of all of them, for a model that was trained with labels.
        temperature: How far codes are drawn from the middle: 1 as they come, less for more usual samples.
        random_state: A whole number for the same samples each time.
    """
    check_output(output)
    estimator = narrows.load(model)
    if not isinstance(estimator, narrows.Generator):
        kind = type(estimator).__name__
        raise ChoiceError(f"{model} holds an estimator {kind!r}: 'narrows train generator' trains one that generates")
    y = None if label is None else settings.literal(label)
    made = estimator.sample(number, y, temperature, random_state)
    if is_sheet(output, np.shape(made)):
        made = contact_sheet(made)[None]
    write_data(output, made, columns=getattr(estimator, "feature_names_in_", None))
