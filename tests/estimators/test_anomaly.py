"""The detector: scikit-learn's contract, levels that are kept, explanations, gaps and categories, files."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

import narrows
from narrows.core.errors import ChoiceError


def quick(**options):
    return narrows.AnomalyDetector(**{"epochs": 2, "members": 2, "random_state": 0} | options)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [pytest.param(e, c, id=c.func.__name__) for e, c in estimator_checks_generator(quick())],
)
def test_scikit_learns_contract(estimator, check):
    check(estimator)
