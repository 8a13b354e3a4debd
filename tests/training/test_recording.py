"""Functions written down as plain operations: the same bits, constants worked out, recordings left out of copies."""

import pickle

import torch

from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.recipes.denoising import denoising
from narrows.tasks.judging import Judge
from narrows.training.recording import recorded
from narrows.training.stacked import Stack


def test_what_depends_on_constants_alone_is_worked_out_once():
    weight = torch.tensor([1.0, 2.0])
    found = recorded(lambda x: x + weight.exp().neg() + x * 0, torch.zeros(3, 2))
    called = [node for node in found.graph.nodes if node.op == "call_function"]
    assert len(called) == 3
    assert torch.equal(found(torch.ones(3, 2)), torch.ones(3, 2) - weight.exp())


def stack(**spec):
    models = [
        denoising(SampleSpec("vector", (6,), **spec), 3, rng=torch.Generator().manual_seed(i)).eval() for i in range(3)
    ]
    return Stack.of(models)


def test_a_stack_replayed_gives_the_same_bits(rng):
    members = stack(gaps=True)
    x = torch.randn(8, 6, generator=rng)
    for view in (View(x), View.with_gaps(x.where(x < 1, torch.nan)), View(x + 1), View(x[:3])):
        for judge in (Judge(0), Judge(3)):
            with torch.inference_mode():
                found, truth = members.replayed(judge, view), members.each(judge, view)
            assert all(torch.equal(a, b) for a, b in zip(found, truth, strict=True))
    assert len(members.recordings) == 6


def test_recordings_stay_out_of_copies(rng):
    members, view = stack(), View(torch.randn(8, 6, generator=rng))
    deviance = members.replayed(Judge(0), view)[0]
    copy = pickle.loads(pickle.dumps(members))
    assert not copy.recordings
    assert torch.equal(copy.replayed(Judge(0), view)[0], deviance)
