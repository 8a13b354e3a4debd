"""Labels of samples, of which some are missing."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from narrows.core.errors import InputError
from narrows.data.arrays import Array


@dataclass(frozen=True)
class Labelled:
    """The labels that are there.

    Args:
        rows: Which samples have one, (r,), in order.
        values: Those, (r,).
    """

    rows: Array
    values: Array


def labelled(labels: Array, mark: Any = None) -> Labelled:
    """The labels that are neither None nor NaN nor the mark of samples without a label.

    Args:
        labels: (n,) numbers, text or objects.
        mark: What else means that there is none; among text its text does.

    Raises:
        InputError: None is there.

    >>> labelled(np.array([0.0, np.nan, -1.0]), mark=-1).rows, labelled(np.array(["cat", "-1"]), mark=-1).values
    (array([0]), array(['cat'], dtype='<U3'))
    """
    if labels.dtype.kind in "US":
        found = labels != str(mark)
    elif labels.dtype.kind == "O":
        found = np.array([not (_missing(label) or (mark is not None and label == mark)) for label in labels], bool)
    else:
        found = ~np.isnan(labels) if labels.dtype.kind == "f" else np.ones(len(labels), bool)
        if isinstance(mark, int | float | np.number):
            found &= labels != mark
    rows = np.flatnonzero(found)
    if len(rows) == 0:
        raise InputError(f"y has no label at all: each of its {len(labels)} entries counts as unlabelled")
    values = labels[rows]
    return Labelled(rows, np.array(values.tolist()) if values.dtype.kind == "O" else values)


def classified(labels: Array, mark: Any) -> Labelled:
    """The labels of classes; a mark beside a single class is the other class, since one could not be learned.

    Raises:
        InputError: Fewer than two classes.

    >>> classified(np.array([2, -1, 3]), mark=-1).values
    array([2, 3])
    """
    found = labelled(labels, mark)
    one = np.unique(found.values)
    if len(one) > 1:
        return found
    everything = labelled(labels)
    if len(np.unique(everything.values)) < 2:
        raise InputError(f"y has one class only, {str(one[0])!r}, and a classifier needs two")
    warnings.warn(
        f"y holds {one[0]} and {mark} alone, so that both count as labels: unlabelled=None says so without a warning",
        stacklevel=4,
    )
    return everything


def _missing(label: Any) -> bool:
    """None, NaN, or what pandas puts where nothing is, of which no comparison is plainly false."""
    return label is None or str(label != label) != "False"
