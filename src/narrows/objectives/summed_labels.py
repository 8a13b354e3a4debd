r"""The bound of models with a class in their code: a label that is missing is summed over, one decoding for each class.

loss(x) = sum_y q(y | x) (-log p(x | a_y, y) + L(y) + log q(y | x)),    and its one term where the label is known
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Generator, Tensor

from narrows.bottlenecks.class_code import ClassCode
from narrows.core.contracts import Objective
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features, Loss, Trace, View
from narrows.objectives.terms import paid

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class SummedLabels(Objective):
    r"""The mean bound, with the expectation over the class of a sample taken exactly.

    Source: Kingma, Rezende, Mohamed and Welling (2014), https://arxiv.org/abs/1406.5298, equations 6 to 9.

    >>> SummedLabels()
    SummedLabels()
    """

    def check(self, model: AutoencoderModule) -> None:
        if not isinstance(model.bottleneck, ClassCode):
            raise ChoiceError(
                "labels are summed over of codes with a class in them: choose the bottleneck 'class_code'"
            )

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> tuple[Tensor, Loss]:
        penalties, extra = paid(trace, model, rng)
        part, code = model.bottleneck, trace.code
        assert isinstance(part, ClassCode), "checked when the model was built"
        assert code.features is not None, "it hands on what it was handed"
        found = part.each(Features(code.features, code.side, trace.view.context), rng)
        side = Features(code.features, code.side).repeated(part.classes).side
        target: View = replace(trace.view, x=trace.x).repeated(part.classes)
        nothing = found.z.new_zeros(len(found.z))
        prediction = model.predict(Code(found.z, nothing, nothing, side), target)
        each = prediction.distortion(target.x, target.scored).view(part.classes, -1).mT
        costs = (found.share * each).sum(1)
        return (costs + code.charge).mean() + extra, Loss(costs.detach(), code.rate, penalties, code.charge)
