"""Figures: they say what they show, and leave no global state behind."""

import sys

import numpy as np
import pytest

from narrows import plots
from narrows.plots.style import COLOURS, png

IMAGES = np.random.RandomState(0).rand(4, 8, 8)
HISTORY = [{"epoch": epoch, "held_out": {"error": 1 / (1 + epoch)}} for epoch in range(5)]


def test_originals_stand_above_their_reconstructions():
    figure = plots.reconstructions(IMAGES, IMAGES / 2)
    assert len(figure.axes) == 8
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["original", "rebuilt"]


def test_all_rows_share_one_scale():
    figure = plots.before_after(IMAGES, IMAGES / 2, np.clip(IMAGES * 2, 0, 1))
    first, *_ = (axes.images[0].get_array() for axes in figure.axes)
    second = figure.axes[4].images[0].get_array()
    assert np.allclose((first - second).max(), 0.5 * IMAGES[0].max() / np.ptp(IMAGES), atol=1e-6)


@pytest.mark.parametrize("images", [IMAGES.astype(bool), np.zeros((2, 8, 8, 3), np.uint8)], ids=["bool", "colour"])
def test_any_kind_of_image(images):
    assert len(png(plots.reconstructions(images, images))) > 1000


def test_each_label_has_its_colour_and_its_name():
    codes, labels = np.random.RandomState(0).randn(60, 2), np.arange(60) % 3
    axes = plots.code_map(codes, labels).axes[0]
    assert [collection.get_facecolor()[0][:3].tolist() for collection in axes.collections] == [
        [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in COLOURS[:3]
    ]
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("code, dimension 1", "code, dimension 2")


def test_a_curve_for_each_model():
    axes = plots.curves({"deep": HISTORY, "vanilla": HISTORY[:3]}).axes[0]
    assert [line.get_label() for line in axes.lines] == ["deep", "vanilla"]
    assert axes.lines[1].get_ydata().tolist() == [1, 1 / 2, 1 / 3]
    assert axes.get_yscale() == "log"


def test_the_overview_has_images_and_a_map():
    figure = plots.overview({"original": IMAGES, "deep": IMAGES}, IMAGES[:, 0, :2], np.arange(4), "digits")
    assert len(figure.axes) == 9
    assert png(figure).startswith(b"\x89PNG")


def test_no_global_state():
    assert "matplotlib.pyplot" not in sys.modules
