"""Blame: distances without a column against all of them, columns mended, shares that add up."""

import pytest
import torch

import narrows
from narrows.core.trace import View
from narrows.tasks.blame import distances, mended, shared


def test_distances_without_a_column_are_those_of_the_others(rng):
    x, examples = torch.randn(7, 5, generator=rng), torch.randn(30, 5, generator=rng)
    x[0, 2] = torch.nan
    view, columns = View.with_gaps(x), torch.tensor([[4, 0, 2]]).expand(7, -1)

    def slowly(rows, others):
        gaps = (rows.unsqueeze(1) - others).square().nansum(-1)
        return gaps.topk(3, largest=False).values.mean(1).sqrt().double()

    whole, without = distances(examples, view, columns)
    assert torch.allclose(whole, slowly(x, examples), atol=1e-5)
    for place, column in enumerate((4, 0, 2)):
        left = [j for j in range(5) if j != column]
        assert torch.allclose(without[:, place], slowly(x[:, left], examples[:, left]), atol=1e-5)


def test_mended_samples_differ_in_one_column_that_is_there():
    view = View.with_gaps(torch.tensor([[1.0, 2, 3], [4, torch.nan, 6]]))
    found = mended(view, -torch.ones(2, 3), torch.tensor([[2, 0], [0, 1]]))
    assert found.x.tolist() == [[1, 2, -1], [-1, 2, 3], [-1, 0, 6], [4, 0, 6]]
    assert found.present.tolist() == [[True] * 3] * 2 + [[True, False, True]] * 2


@pytest.mark.parametrize("training", ["clean", "contaminated"])
def test_shares_add_up_to_the_distortion_and_name_what_was_changed(rng, training):
    cause = torch.randn(400, 2, generator=rng)
    X = (cause @ torch.randn(2, 8, generator=rng) + 0.1 * torch.randn(400, 8, generator=rng)).numpy()
    ensemble = narrows.AnomalyDetector(training=training, random_state=0).fit(X).ensemble_
    x = torch.from_numpy((X[:64] - X.mean(0)) / X.std(0))
    wrong = torch.arange(64) % 8
    x[torch.arange(64), wrong] += 3
    view = ensemble.drawn_in(View(x))
    with torch.inference_mode():
        deviance, expected, _ = ensemble.stack.each(ensemble.close_judge, view)
        lost, middle = deviance.mean(0), expected.median(0).values
        found = shared(ensemble, view, middle, lost)
    assert torch.allclose(found.sum(1), lost.sum(1), rtol=1e-4)
    assert (found >= 0).all()
    assert (found.argmax(1) == wrong).float().mean() > 0.9
