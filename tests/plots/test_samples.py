"""Sheets of samples and ways between them: a panel for each, and no others."""

import numpy as np

from narrows.plots import sample_sheets, ways
from narrows.plots.style import png


def test_every_model_has_a_sheet_and_no_panel_stays_empty():
    made = {name: np.random.RandomState(0).rand(9, 8, 8) for name in "abcd"}
    figure = sample_sheets(made, columns=3)
    assert [axes.get_title() for axes in figure.axes] == list("abcd")
    assert png(figure).startswith(b"\x89PNG")


def test_a_row_for_each_way():
    figure = ways(np.zeros((10, 48, 48), np.uint8), steps=5)
    assert figure.axes[0].images[0].get_array().shape == (98, 248)


def test_what_is_dark_as_uint8_fills_the_scale():
    images = np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8) // 16
    for figure in (sample_sheets({"digits": images}), ways(images, steps=2)):
        shown = figure.axes[0].images[0].get_array()
        assert (shown.min(), np.unique(shown)[-2]) == (0, 238), (
            "fifteen of fifteen is white, as is what stands between images"
        )
