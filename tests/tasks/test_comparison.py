"""Recipes side by side."""

import numpy as np
import pytest

import narrows


def test_the_rows_are_the_simplest_things_and_the_recipes_and_repeat(table):
    first, second = (narrows.compare(table, recipes=["deep"], latent_dim=2, epochs=2) for _ in range(2))
    assert [row["model"] for row in first.rows] == ["the mean", "PCA", "deep"]
    assert [row["error"] for row in first.rows] == [row["error"] for row in second.rows]
    assert "PCA" in str(first)


def test_labels_of_another_number_are_refused(table):
    with pytest.raises(ValueError, match="y has shape"):
        narrows.compare(table, np.zeros(3), recipes=["deep"])
