"""What a member of an ensemble has to say of samples: how improbable each value is, and the code."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from narrows.core.trace import Prediction, Trace, View
from narrows.model import AutoencoderModule


def codes(model: AutoencoderModule, view: View, rng: Generator | None) -> Tensor:
    """The codes of samples."""
    return model.encode(view, rng).z


@dataclass(frozen=True)
class Judge:
    """Deviance of each value and what was expected in its place, (n, *s) each, and the code, (n, d).

    The deviance is how many nats a value is less probable than the most probable one.

    Args:
        parts: Columns are judged while they are hidden themselves, this many parts of them in turn; 0 to hide nothing.
    """

    parts: int

    def __call__(self, model: AutoencoderModule, view: View, rng: Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        if self.parts == 0:
            whole: Trace = model(view, rng)
            return *_deviance(whole, view), whole.code.z
        return *self._of_hidden(model, view, rng), codes(model, view, rng)

    def _of_hidden(self, model: AutoencoderModule, view: View, rng: Generator | None) -> tuple[Tensor, Tensor]:
        """Deviance and expectation of the values of a table, each from a pass in which its column is hidden."""
        rows, columns = view.x.shape
        numbers = torch.arange(self.parts, device=view.x.device).unsqueeze(1)
        hidden = torch.arange(columns, device=view.x.device) % self.parts == numbers  # (parts, columns)
        every = view.repeated(self.parts)
        visible = ~hidden.repeat_interleave(rows, 0)
        if every.present is not None:
            visible = visible & every.present
        trace: Trace = model(View(every.x * visible, every.present, visible, every.scored), rng)
        found = _deviance(replace(trace, x=every.x), every)
        deviance, expected = ((f.view(self.parts, rows, columns) * hidden.unsqueeze(1)).sum(0) for f in found)
        return deviance, expected


def _deviance(trace: Trace, view: View) -> tuple[Tensor, Tensor]:
    assert isinstance(trace.prediction, Prediction), "detectors are of dense samples"
    likelihood, params = trace.prediction.likelihood, trace.prediction.params
    best = likelihood.log_prob(params, likelihood.mode(params))
    lost = (best - trace.prediction.log_prob(trace.x)).clamp(min=0)
    return lost if view.scored is None else lost * view.scored, likelihood.median(params)
