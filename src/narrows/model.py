"""The sentence, as code.

An autoencoder **corrupts** its input, **encodes** it, squeezes the features through a **bottleneck** that charges a
**rate**, **decodes** the code into a **likelihood** of the clean input, and pays **penalties**.

    loss(x) = distortion + rate + penalties
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor, nn

from narrows.core.contracts import Bottleneck, Corruption, Decoder, Encoder, Likelihood, Objective, Part, Penalty
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, Loss, Prediction, SparsePrediction, Trace, View


@dataclass(frozen=True)
class Stage:
    """A layer of a model as a model of its own, which is trained before the whole is.

    Args:
        model: The layer on its own; the encoder's layer in it is that of the whole.
        below: The layers under it, from values (n, *s) to the samples (n, width) that it learns from; None for none.
        mirror: The layer of the whole decoder that becomes the encoder's, transposed; None where it learns itself.
    """

    model: AutoencoderModule
    below: nn.Module | None
    mirror: nn.Linear | None

    @torch.no_grad()
    def unroll(self) -> None:
        """Hand what was learned to the whole."""
        if self.mirror is not None:
            nothing = self.mirror.weight.new_zeros(1, self.mirror.in_features)
            empty = nothing[:, 0]
            origin = self.model.decoder(Code(nothing, empty, empty), None).flatten()
            steps = torch.eye(self.mirror.in_features, device=nothing.device)
            ends = self.model.decoder(Code(steps, steps[0], steps[0]), None).flatten(1)
            self.mirror.bias.copy_(origin)
            self.mirror.weight.copy_((ends - origin).T)


class AutoencoderModule(nn.Module):
    """Six kinds of part put together; a variant is another choice of parts.

    Args:
        spec: What one sample is.
        corruption, encoder, bottleneck, decoder, likelihood, penalties: The parts, which must fit together.
        objective: How a trace becomes one number.

    Shapes: n samples of shape (*s), codes of size d. Nothing is drawn unless a generator `rng` is given.
    """

    def __init__(
        self,
        spec: SampleSpec,
        corruption: Corruption,
        encoder: Encoder,
        bottleneck: Bottleneck,
        decoder: Decoder,
        likelihood: Likelihood,
        penalties: Iterable[Penalty],
        objective: Objective,
    ) -> None:
        super().__init__()
        assert encoder.out_features == bottleneck.in_features, "the encoder must hand over what the bottleneck takes"
        assert decoder.params_shape == likelihood.params_shape(spec), "the decoder must fill what the likelihood takes"
        self.spec = spec
        self.corruption = corruption
        self.encoder = encoder
        self.bottleneck = bottleneck
        self.decoder = decoder
        self.likelihood = likelihood
        self.penalties = nn.ModuleList(penalties)
        self.objective = objective
        for penalty in self.penalties:
            if penalty.needs_unit_code and not bottleneck.unit_code:
                raise ChoiceError(f"{type(penalty).__name__} needs a code between 0 and 1, as Plain(squash='sigmoid')")
            if penalty.needs_dense and spec.sparse:
                raise ChoiceError(
                    f"{type(penalty).__name__} needs dense samples, got sparse ones: choose another penalty"
                )
        bottleneck.meet(encoder, spec)
        objective.check(self)
        parts = [part for part in self.modules() if isinstance(part, Part)]
        self.paced = tuple(part for part in parts if type(part).proceed is not Part.proceed)
        stateful = [part for part in parts if type(part).after_step is not Part.after_step]
        inner = {id(inside) for part in stateful for inside in part.modules() if inside is not part}
        self.stages: tuple[Stage, ...] = ()
        """Layers that are trained on their own before the whole, where a recipe says so."""
        self.with_state = tuple(part for part in stateful if id(part) not in inner)

    def encode(self, view: View, rng: Generator | None = None) -> Code:
        """The code of (n, *s): the mean code without `rng`, a draw with it."""
        found: Features = self.encoder(view)
        return self.bottleneck(found if view.context is None else replace(found, context=view.context), rng)

    def decode(self, code: Code, context: Tensor | None = None) -> Prediction:
        """A distribution over the values that code (n, d) stands for."""
        return Prediction(self.likelihood, self.decoder(code, context).float())

    def forward(self, view: View, rng: Generator | None = None) -> Trace:
        """One pass from end to end; corrupted only where a generator is given."""
        shown = view if rng is None else self.corruption(view, rng)
        code = self.encode(shown, rng)
        target = view.x if shown.target is None else shown.target
        return Trace(target, shown, code, self.predict(code, view))

    def predict(self, code: Code, view: View) -> Prediction | SparsePrediction:
        """A distribution over the values of samples, by their codes."""
        if view.sparse:
            readout = self.decoder.readout(code, view.context)
            return SparsePrediction(self.likelihood, readout, view)
        return self.decode(code, view.context)

    def loss(self, view: View, rng: Generator | None = None) -> tuple[Tensor, Loss]:
        """The scalar to minimise, in nats per sample, and its terms."""
        return self.objective(self(view, rng), self, rng)

    def proceed(self, step: int, progress: float) -> None:
        """Tell every part that changes on the way how far the run is."""
        for part in self.paced:
            part.proceed(step, progress)

    def arrives(self, steps: int) -> float:
        """After which share of a run of so many steps no part changes any more by itself."""
        return max((part.arrives(steps) for part in self.paced), default=0.0)

    def after_step(self, trace: Trace, rng: Generator) -> None:
        """Let every part update the state that no gradient moves."""
        for part in self.with_state:
            part.after_step(trace, rng)
