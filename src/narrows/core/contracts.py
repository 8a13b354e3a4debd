"""The six kinds of part, and the two that put them to work: abstract classes, nothing else.

    Corruption -> Encoder -> Bottleneck -> Decoder -> Likelihood        + Penalty
    Network: a mirrored encoder and decoder        Objective: how a trace becomes one number

A part is abstract or final: to change one, wrap it. Randomness enters by a generator called `rng`, and where a part
takes `rng=None`, nothing is drawn: evaluation is deterministic unless somebody hands over a generator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, get_args

import torch
from torch import Generator, Tensor, nn

from narrows.core.errors import ChoiceError
from narrows.core.registry import snake_case
from narrows.core.spec import Kind, SampleSpec, Values
from narrows.core.trace import Code, Features, Loss, Share, Trace, View

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class Part(nn.Module, ABC):
    """What all parts share: weights, and a hook for state that no gradient moves."""

    def after_step(self, trace: Trace, rng: Generator) -> None:
        """Update running state (a scale, a codebook, a chain) after an optimiser step.

        A part that has state answers for the parts inside it.
        """

    def proceed(self, step: int, progress: float) -> None:
        """Be told before each step of training how far the run is, for what changes on the way.

        Args:
            step: How many steps are behind.
            progress: How much of the run is behind, from 0 to 1.
        """

    def arrives(self, steps: int) -> float:
        """After which share of a run of so many steps nothing changes any more."""
        return 0.0


class Corruption(Part):
    """What the encoder is not shown. The likelihood is still of the clean input."""

    supports: tuple[Values, ...]
    """Which values it makes sense for, as in `SampleSpec.values`."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    """Which samples it makes sense for, as in `SampleSpec.kind`."""

    @abstractmethod
    def forward(self, view: View, rng: Generator) -> View:
        """The view with less in it: (n, *s) in, (n, *s) out."""


class Encoder(Part):
    """From a view to `out_features` numbers per sample."""

    out_features: int
    linear: nn.Linear | None
    """The linear path beside the network, where there is one."""

    @abstractmethod
    def forward(self, view: View) -> Features:
        """Features of (n, *s): values (n, out_features)."""

    @abstractmethod
    def silence(self) -> bool:
        """Set the network's last affine map to zero, so that a linear path begins alone; False where there is none."""

    def block_path(self) -> nn.Linear | None:
        """The linear path of every block of a sample by itself, where there is one instead."""
        return None

    def condition_path(self) -> nn.Linear | None:
        """The linear path of a condition to the features, where the encoder is told one."""
        return None

    def cut_blocks(self, x: Tensor) -> Tensor:
        """The blocks of samples (n, *s) that a path maps one by one, (m, values of a block)."""
        raise AssertionError(f"{type(self).__name__} knows no blocks")


@dataclass(frozen=True)
class LinearStart:
    """How a bottleneck wants principal components scaled, so that the model begins as PCA.

    Args:
        encode: Gain of each component on its way in, (k,).
        decode: Gain of each component on its way out, (k,).
        lift: Constant added to each component on its way in and taken off on its way out, (k,).
        features: Constant for every feature after the first k, (in_features - k,).
    """

    encode: Tensor
    decode: Tensor
    lift: Tensor
    features: Tensor


class Answer(nn.Module, ABC):
    """What answers a question about a sample by its code: a class by log-odds, or numbers."""

    outputs: int
    """How many numbers an answer has."""

    @abstractmethod
    def forward(self, z: Tensor) -> Tensor:
        """(n, latent_dim) to (n, outputs)."""


class Bottleneck(Part):
    """Squeezes `in_features` numbers into a code of `latent_dim` and charges a rate for it."""

    in_features: int
    latent_dim: int
    free: bool
    """True where the code costs nothing, so that the error of reconstruction alone judges the model."""
    unit_code: bool = False
    """True where every entry of the code lies between 0 and 1."""
    draws: bool = False
    """True where a generator makes the code random."""
    weighs: bool = False
    """True where codes have densities, `log_prior` and `log_posterior`, so that draws can be weighed."""
    priced: bool = False
    """True where training ever pays anything but the rate itself."""
    start_rows: int = 0
    """How many training samples, at most, it wants to see before training begins."""

    @property
    def guess(self) -> Answer | None:
        """What guesses the class of codes, by log-odds, where there is such a part."""
        return None

    @abstractmethod
    def forward(self, features: Features, rng: Generator | None) -> Code:
        """The code of a batch; the mean code where `rng` is None."""

    def posterior(self, features: Features) -> tuple[Tensor, Tensor] | None:
        """Mean and standard deviation of a normal code, (n, latent_dim) each; None of codes that are not normal."""
        return None

    @abstractmethod
    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart | None:
        """The gains that make a linear model with this bottleneck equal to (probabilistic) PCA, or None.

        Args:
            variances: The k largest eigenvalues of the covariance, (k,), k <= latent_dim.
            noise: The mean of the other eigenvalues, a scalar.
        """

    @property
    def has_prior(self) -> bool:
        """Whether codes can be drawn from a prior."""
        return type(self).sample is not Bottleneck.sample

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Codes drawn from the prior, (n, latent_dim).

        Raises:
            ChoiceError: There is no prior.
        """
        raise self._without_prior()

    def sample_given(self, context: Tensor, rng: Generator) -> Tensor:
        """Codes drawn from the prior for samples of which something is known, (n, c); (n, latent_dim).

        Raises:
            ChoiceError: There is no prior.
        """
        return self.sample(len(context), rng)

    def log_prior(self, z: Tensor) -> Tensor:
        """Log-density of codes (n, latent_dim) under the prior in nats, (n,); of discrete ones the log-probability.

        Raises:
            ChoiceError: There is no prior.
        """
        raise self._without_prior()

    def log_posterior(self, features: Features, z: Tensor) -> Tensor:
        """Log-density of codes (n, latent_dim) given what the encoder found of their samples, in nats, (n,).

        Raises:
            ChoiceError: Codes have no density.
        """
        raise self._without_prior()

    def meet(self, encoder: Encoder, spec: SampleSpec) -> None:
        """Get to know the encoder, where a prior looks at samples of its own."""

    def _without_prior(self) -> ChoiceError:
        name = snake_case(type(self).__name__)
        return ChoiceError(f"codes of the bottleneck {name!r} have no prior: choose one that has, such as 'gaussian'")

    def start(self, features: Tensor, x: Sequence[Tensor], rng: Generator) -> None:
        """Learn what there is to know of training samples before training begins.

        It is asked where `start_rows` are wanted.

        Args:
            features: What the encoder makes of them, (n, f).
            x: The samples themselves, in batches of (b, *s), which may be sparse.
            rng: What chooses.

        Raises:
            ChoiceError: There are too few samples for what was asked.
        """


class Quantizer(Bottleneck):
    """A bottleneck whose code is a row of symbols, each one of finitely many: what can be counted, coded and drawn."""

    sizes: tuple[int, ...]
    """How many values each symbol can take."""

    @abstractmethod
    def indices(self, features: Features) -> Tensor:
        """The symbols of a batch as numbers from 0 to size - 1, (n, symbols) int64; nothing is drawn."""

    @abstractmethod
    def values(self, indices: Tensor) -> Tensor:
        """The code that symbols (n, symbols) stand for, (n, latent_dim)."""

    @abstractmethod
    def symbols(self, z: Tensor) -> Tensor:
        """The symbols of codes (n, latent_dim) that `values` or `forward` gave, (n, symbols) int64."""

    @abstractmethod
    def shares(self) -> tuple[Tensor, ...]:
        """How probable the rate takes each value of each symbol to be, (size,) each."""

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Codes whose symbols are drawn independently, each by its shares, (n, latent_dim)."""
        drawn = [torch.multinomial(share, n, replacement=True, generator=rng) for share in self.shares()]
        return self.values(torch.stack(drawn, 1))

    def log_prior(self, z: Tensor) -> Tensor:
        """Log-probability of codes (n, latent_dim) in nats, (n,), as if their symbols were independent."""
        each = zip(self.shares(), self.symbols(z).T, strict=True)
        return torch.stack([share.log()[symbol] for share, symbol in each]).sum(0)


class Readout(ABC):
    """A decoder's numbers for sparse rows (n, columns), computed only where they are asked for."""

    @abstractmethod
    def at_columns(self, columns: slice) -> Tensor:
        """Every row's numbers at some columns, (n, p, m)."""

    @abstractmethod
    def at_entries(self, x: Tensor, share: Share | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The numbers at each entry of a CSR tensor, (1, p, entries), and of each block of a share, (n_b, p, m_b)."""


class Decoder(Part):
    """From a code to the numbers of a likelihood, `params_shape` per sample."""

    params_shape: tuple[int, ...]
    linear: nn.Linear | None
    """The linear path beside the network, where there is one."""
    transposes: bool = False
    """True where it is the one affine map of the encoder, transposed, so that both belong to one energy."""
    foretells: bool = False
    """True where values are told by others of the same sample, so that samples are drawn value by value."""

    @abstractmethod
    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        """The likelihood's numbers, (n, *params_shape)."""

    def drawn(self, code: Code, context: Tensor | None, likelihood: Likelihood, rng: Generator) -> Tensor:
        """One draw of the samples that codes stand for, (n, *s)."""
        return likelihood.sample(self(code, context).float(), rng)

    def readout(self, code: Code, context: Tensor | None) -> Readout:
        """The same numbers, where they are asked for: of decoders that are made for sparse rows alone."""
        raise AssertionError(f"{type(self).__name__} is not made for sparse rows")

    def begin_at(self, numbers: Tensor) -> None:
        """Give these numbers, (p, columns), for a code of zeros: of decoders for sparse rows, or for energies."""
        raise AssertionError(f"{type(self).__name__} cannot begin anywhere")

    @abstractmethod
    def silence(self) -> bool:
        """Set the network's last affine map to zero, so that a linear path begins alone; False where there is none."""

    def block_path(self) -> nn.Linear | None:
        """The linear path of every block of a sample by itself, where there is one instead."""
        return None


class Likelihood(Part):
    """What the decoder's numbers say about data: `params` is (n, p, *s), p numbers a value, or (n, P) of a table.

    A value that is missing reads 0 in `x`, and its log-density is finite.
    """

    support: ClassVar[Values]
    """Which values it can describe, as in `SampleSpec.values`."""
    density: ClassVar[bool]
    """Whether `log_prob` is a density, which changes with the units of a value, or a probability, which does not."""
    natural: bool = False
    """Whether the one number for a value is its natural parameter, so that energies can be linear in it."""
    linear_mean: bool
    """Whether the mean is the first of the p numbers itself, so that a linear path can begin as PCA."""
    zero_is_marginal: ClassVar[bool] = False
    """Whether numbers of zero are, after `start`, one good distribution for all samples, so that a decoder without a
    linear path had better begin with zeros."""

    @abstractmethod
    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        """How many numbers a decoder has to hand over for one sample."""

    @abstractmethod
    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        """Log-density or log-probability of each value in nats, (n, *s)."""

    def distortion(self, params: Tensor, x: Tensor) -> Tensor:
        """-log p(x | z) of each sample in nats, (n,): for likelihoods that know a shorter way to the sum."""
        return -self.log_prob(params, x).flatten(1).sum(1)

    @abstractmethod
    def mean(self, params: Tensor) -> Tensor:
        """Expectation of each value, (n, *s)."""

    @abstractmethod
    def median(self, params: Tensor) -> Tensor:
        """Median of each value, (n, *s): the point estimate; of levels, which have no order, the mode."""

    @abstractmethod
    def mode(self, params: Tensor) -> Tensor:
        """Most probable value, (n, *s)."""

    @abstractmethod
    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        """One draw of each value, (n, *s)."""

    @abstractmethod
    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        """Learn what there is to know of the data before training begins.

        Args:
            mean: The mean of each value over the samples, (*s).
            variance: The variance of each value over the samples, (*s).
            noise: The variance that is left around the model as it begins: a scalar, or one for each value, (*s).
        """

    def noise(self) -> Tensor | None:
        """The variance that is taken to be left around a prediction, a scalar; None where there is no such number."""
        return None

    def marginal(self, mean: Tensor, variance: Tensor) -> Tensor | None:
        """The numbers of one good distribution for all sparse rows, (p, columns), after `start`; None where unknown.

        A likelihood of sparse rows is asked about any of the columns, so it keeps nothing for each of them; what
        `zero_is_marginal` says of the buffers of others, a decoder of sparse rows has in its biases.

        Args:
            mean: The mean of each column over the samples, (columns,).
            variance: The variance of each column over the samples, (columns,).
        """
        if not self.linear_mean:
            return None
        others = self.params_shape(SampleSpec("vector", tuple(mean.shape)))[0] - 1
        return torch.stack([mean, *[torch.zeros_like(mean)] * others])


class Critic(nn.Module, ABC):
    """A network that tells samples, or codes, of one kind from those of another: the opponent of a penalty."""

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """What it goes by, (n, f)."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """The log-odds that each is of the first kind, (n,)."""


class Critics(ABC):
    """Builds critics that fit a model. Penalties get it from `assemble`, since they know no networks."""

    @abstractmethod
    def of_codes(self, widths: tuple[int, ...] | None) -> Critic:
        """A critic of codes (n, d); of the usual widths where they are None."""

    @abstractmethod
    def of_samples(self, widths: tuple[int, ...] | None) -> Critic:
        """A critic of samples (n, *s); of the usual widths where they are None."""


class Penalty(Part):
    """What is neither distortion nor rate, in nats, its weight included.

    A penalty may have an opponent: a network that learns against the model, by a loss and an optimiser of its own. Its
    weights move in its own step alone, and those of the model in the model's.
    """

    opponent: nn.Module | None
    """What learns against the model; at rest, without gradients, but in its own step."""
    needs_unit_code: ClassVar[bool] = False
    """Whether the penalty makes sense only for codes between 0 and 1."""
    needs_dense: ClassVar[bool] = False
    """Whether the penalty looks at the values of samples themselves, which sparse rows do not hold."""
    neighbours: int = 0
    """How many nearest training samples of each sample it wants to know of, in `View.near`; 0 for none."""
    blur: float = 0.0
    """How far pictures are blurred before neighbours among them are looked for, as a share of their shorter side."""
    groups: int = 0
    """Into how many groups the codes of training samples are to be sorted for it before training; 0 for none."""
    comparable: ClassVar[bool] = True
    """Whether its prices of two epochs can be compared, so that the best can be kept; otherwise the last one is."""

    def __init__(self, opponent: nn.Module | None = None) -> None:
        super().__init__()
        self.opponent = None if opponent is None else opponent.requires_grad_(False)

    @abstractmethod
    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        """A scalar, or one number per sample, (n,)."""

    def start(self, codes: Tensor, groups: Tensor) -> None:
        """Learn what there is to know of the codes of training samples before training begins.

        It is asked where `groups` are wanted.

        Args:
            codes: (n, latent_dim).
            groups: The group of each, (n,) int64.
        """

    def lay_out(self, arrows: Tensor, weights: Tensor, begin: Tensor, rng: Generator) -> Tensor:
        """Places for the training samples that suit a graph of neighbours, (n, latent_dim).

        It is asked where `neighbours` are wanted.

        Args:
            arrows: From samples to their neighbours, (2, arrows) int64.
            weights: How much each neighbour belongs to its sample, 0 to 1, (arrows,).
            begin: Where the samples lie at first, (n, latent_dim).
            rng: Which arrows are looked at.
        """
        raise AssertionError(f"{type(self).__name__} wants no neighbours")

    def opponent_loss(self, trace: Trace, model: AutoencoderModule, rng: Generator) -> Tensor:
        """What the opponent wants to be small, a scalar: of penalties that have one."""
        raise AssertionError(f"{type(self).__name__} has no opponent")


class Objective(Part):
    """How the draws of a trace become one number to differentiate, and a `Loss` to report."""

    comparable: bool = True
    """Whether its terms of two epochs can be compared, so that the best can be kept; otherwise the last one is."""
    pace: float = 1.0
    """How many times the usual learning rate suits it, with so many times less weight decay."""

    @abstractmethod
    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> tuple[Tensor, Loss]:
        """The scalar to minimise, in nats per sample, and its terms."""

    def rate(self, trace: Trace, model: AutoencoderModule) -> Tensor:
        """What scores count beside the distortion, in nats, (n,): the rate of the code, unless there is more to say."""
        return trace.code.rate

    def codes(self, model: AutoencoderModule, n: int, rng: Generator, context: Tensor | None = None) -> Tensor:
        """Codes of samples that the model itself would draw, (n, latent_dim): from the prior, unless there is another.

        Args:
            model: The model.
            n: How many.
            rng: What they are drawn by.
            context: What is known of the samples to be, (n, c); None for nothing.

        Raises:
            ChoiceError: There is no prior.
        """
        return model.bottleneck.sample(n, rng) if context is None else model.bottleneck.sample_given(context, rng)

    @property
    def draws_codes(self) -> bool:
        """Whether it draws codes in a way of its own, in place of the prior's."""
        return type(self).codes is not Objective.codes

    def start(self, model: AutoencoderModule, mean: Tensor, variance: Tensor, rng: Generator) -> None:
        """Prepare a model for training, given mean and variance of each value, (*s)."""

    def check(self, model: AutoencoderModule) -> None:
        """Refuse a model of which it makes no sense.

        Raises:
            ChoiceError: Parts that do not fit.
        """


class Network(ABC):
    """A family of networks: options in, a mirrored encoder and decoder out."""

    kinds: ClassVar[tuple[str, ...]]
    """The kinds of sample that the family takes."""

    @abstractmethod
    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        """Build the two halves.

        Args:
            spec: What one sample is.
            features: How many numbers the bottleneck takes from the encoder.
            latent_dim: How many numbers the decoder gets.
            params_shape: What the likelihood takes from the decoder.
        """
