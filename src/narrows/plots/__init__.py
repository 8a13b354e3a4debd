"""Figures from arrays, and pages of figures. The only place that imports matplotlib, and never its global state.

Each function draws on a figure of its own, or on the one (or the part of one) that it is given.
"""

from .anomalies import calibration as calibration
from .anomalies import score_distribution as score_distribution
from .codes import code_map as code_map
from .history import curves as curves
from .images import before_after as before_after
from .images import contact_sheet as contact_sheet
from .images import image_rows as image_rows
from .images import reconstructions as reconstructions
from .overview import overview as overview
from .samples import sample_sheets as sample_sheets
from .samples import ways as ways
from .spectrum import pareto as pareto
from .spectrum import spectrum as spectrum

__all__ = [
    "before_after",
    "calibration",
    "code_map",
    "contact_sheet",
    "curves",
    "image_rows",
    "overview",
    "pareto",
    "reconstructions",
    "sample_sheets",
    "score_distribution",
    "spectrum",
    "ways",
]
