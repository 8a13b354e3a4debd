"""Filling gaps: what the network expects, what a linear guess does, and the share of each that errs least.

    x_h = w f(x_o) + (1 - w) E[x_h | x_o],    w in {0, 1/4, 1/2, 3/4, 1} for each column

The shares are chosen on rows that were held out. Of these, cells are hidden that are there, as they are missing from
rows like them; so a column is never filled worse than by the linear guess, as far as those rows can tell. What errors
are left there is kept too, so that draws spread as far as errors do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.data.sources import Source
from narrows.model import AutoencoderModule
from narrows.tasks.codes import block_rows, in_blocks
from narrows.tasks.guesses import ROWS, Guess, learn_guess
from narrows.tasks.replay import replayed

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the network that are tried."""
HIDDEN = 0.3
"""Share of the cells that are hidden to judge by, where no gaps tell which."""
LOOKS = 2_500
"""How often held-out rows are looked at, each time with other cells hidden."""
CELLS = 1 << 22
"""How many values that are, at most."""
JUDGES = 1_000
"""How many held-out rows are looked at, at most."""
ENOUGH = 20
"""In how many rows a column is missing at least, for these to say which cells to hide."""
QUANTILES = 65
"""How many quantiles of the errors are kept."""


@dataclass(frozen=True)
class Filler:
    """What fills gaps beside the network.

    Args:
        guess: The simplest thing.
        shares: How much the network counts in each value of a sample, (values,).
        errors: Quantiles of the errors that are left, in standard deviations of the guess, (values, QUANTILES).
    """

    guess: Guess
    shares: Tensor
    errors: Tensor

    def blend(self, network: Tensor, guessed: Tensor) -> Tensor:
        """Both estimates as one, (n, values)."""
        mixed = self.shares * network + (1 - self.shares) * guessed
        return torch.where(self.shares == 0, guessed, torch.where(self.shares == 1, network, mixed))


def learn_filler(model: AutoencoderModule, schema: Schema, train: Source, held_out: Source, rng: Generator) -> Filler:
    """Learn the linear guess, and on held-out rows how much to trust it.

    Args:
        model: The trained network.
        schema: How raw values become tensors.
        train: Rows to learn the guess from.
        held_out: Rows to judge by.
        rng: What chooses rows and hides cells.
    """
    rows = [_flat(schema, view) for view in train.some(ROWS, rng).batches(256)]
    values, present = torch.cat([x for x, _ in rows]), torch.cat([there for _, there in rows])
    guess = learn_guess(schema.spec, values, present, _common(schema.spec, values, present))
    looks = _look(model, schema, guess, (values, present), held_out.some(JUDGES, rng), rng)
    shares, errors = [], []
    alike = schema.spec.kind != "table"  # the values of a picture or a series are judged together
    ordered = _ordered(schema.spec)
    often = (~present).sum(0) >= ENOUGH
    for place in range(1 if alike else present.shape[1]):
        cells = looks[0 if (often.any() if alike else often[place]) else 1]
        hidden = cells.hidden if alike else cells.hidden[:, place]
        truth, network, guessed, spread = (
            (x if alike else x[:, place])[hidden] for x in (cells.truth, cells.network, cells.guessed, cells.spread)
        )
        share = _best_share(truth, network, guessed, bool(ordered[place]))
        shares.append(share)
        apart = len(truth) if alike else len(set(cells.rows[hidden].tolist()))
        errors.append(_quantiles((truth - share * network - (1 - share) * guessed) / spread, apart))
    chosen = torch.tensor(shares, dtype=torch.float64)
    size = schema.spec.size
    return Filler(guess, chosen.expand(size).clone(), torch.stack(errors).expand(size, -1).clone())


def fill(model: AutoencoderModule, schema: Schema, filler: Filler, samples: Samples) -> Any:
    """Samples with their gaps filled by the best estimate, in the container that they came in."""
    blocks = in_blocks(model, schema, samples, lambda view: _estimate(model, schema, filler, view)[0])
    return samples.fill(_joined(schema, samples, blocks))


def draws(
    model: AutoencoderModule, schema: Schema, filler: Filler, samples: Samples, n: int, rng: Generator
) -> list[Any]:
    """Samples with their gaps filled n times, each time by a draw from what they may have been.

    With a normal code draws come from the posterior, importance-weighted; otherwise they are the best estimate and an
    error as they were found on held-out rows, correlated as the linear guess says.
    """
    source = samples.source(schema, device=next(model.parameters()).device)
    found: list[list[Tensor]] = [[] for _ in range(n)]
    for view in source.batches(block_rows(schema.spec)):
        with torch.inference_mode():
            normal = model.bottleneck.posterior(model.encoder(view)) is not None
            drawn = (
                _from_posterior(model, view, n, rng) if normal else _from_errors(model, schema, filler, view, n, rng)
            )
            for several, one in zip(found, drawn, strict=True):
                several.append(one)
    return [samples.fill(_joined(schema, samples, iter(several))) for several in found]


def _joined(schema: Schema, samples: Samples, blocks: Iterator[Tensor]) -> Any:
    return schema.join([schema.raw(block, samples.form if schema.spec.kind != "table" else None) for block in blocks])


def _from_posterior(model: AutoencoderModule, view: View, n: int, rng: Generator) -> Iterator[Tensor]:
    r"""Draws by sampling importance resampling (MIWAE; Mattei and Frellsen 2019, https://arxiv.org/abs/1812.02633).

    z_1..z_L ~ q(z | x_o),    w_l ~ p(x_o | z_l) p(z_l) / q(z_l | x_o),    x_h ~ p(x_h | z_l) with l drawn by w
    """
    posterior = model.bottleneck.posterior(model.encoder(view))
    assert posterior is not None
    mean, scale = posterior
    codes, weights = [], []
    for _ in range(max(2 * n, 20)):
        noise = torch.randn(mean.shape, generator=rng, device=mean.device)
        z = mean + scale * noise
        code = model.encode(view)
        prediction = model.decode(type(code)(z, code.rate, code.charge, code.side), view.context)
        log_seen = prediction.total(prediction.likelihood.log_prob, view.x, view.scored)
        weights.append(log_seen + model.bottleneck.log_prior(z) + 0.5 * noise.square().sum(1) + scale.log().sum(1))
        codes.append(z)
    together = torch.stack(codes)
    chosen = torch.multinomial(torch.stack(weights, 1).softmax(1), n, replacement=True, generator=rng)
    rows = torch.arange(len(mean), device=mean.device)
    for draw in range(n):
        code = model.encode(view)
        prediction = model.decode(
            type(code)(together[chosen[:, draw], rows], code.rate, code.charge, code.side), view.context
        )
        made = prediction.likelihood.sample(prediction.params, rng)
        yield torch.where(_there(view), view.x, made).cpu()


def _from_errors(
    model: AutoencoderModule, schema: Schema, filler: Filler, view: View, n: int, rng: Generator
) -> Iterator[Tensor]:
    """The best estimate, and errors as they were on held-out rows; levels are drawn by their probabilities."""
    best, spread = _estimate(model, schema, filler, view)
    straight = schema.straight(best).double().flatten(1).cpu()
    ordered = _ordered(schema.spec)
    numbers = filler.guess.design.level < 0
    owner = filler.guess.design.owner[numbers]
    shown = _there(view).flatten(1)[:, filler.guess.design.owner].double().cpu()
    prediction = model(view).prediction
    grid = torch.linspace(0, 1, QUANTILES, dtype=torch.float64)
    for _ in range(n):
        scores = filler.guess.scores(shown, rng)
        chance = torch.special.ndtr(scores)[:, numbers]
        place = (chance * (QUANTILES - 1)).long().clamp(max=QUANTILES - 2)
        quantiles = filler.errors[owner].T  # (QUANTILES, numbers)
        low, high = quantiles.gather(0, place), quantiles.gather(0, place + 1)
        error = low + (high - low) * (chance - grid[place]) * (QUANTILES - 1)
        drawn = straight.clone()
        drawn[:, owner] += error * spread[:, owner].cpu()
        numbered = schema.bent(drawn.view(best.shape)).to(best.dtype)
        likely = prediction.likelihood.sample(prediction.params, rng).cpu()
        made = torch.where(ordered.view(best.shape[1:]), numbered, likely)
        yield torch.where(_there(view).cpu(), view.x.cpu(), made)


def _estimate(model: AutoencoderModule, schema: Schema, filler: Filler, view: View) -> tuple[Tensor, Tensor]:
    """The best estimate of a batch, (n, *s) of the tensor, and how far numbers lie around the guess, (n, values)."""
    values, present = _flat(schema, view)
    guessed, spread = filler.guess.fill(values, present)
    network = schema.straight(model(view).prediction.median()).double().flatten(1).cpu()
    blended = torch.where(present, values, filler.blend(network, guessed))
    best = schema.bent(blended.view(view.x.shape)).to(view.x.dtype)
    return torch.where(_there(view), view.x, best.to(view.x.device)), spread


@dataclass(frozen=True)
class Cells:
    """Cells of held-out rows and their estimates, (n, values) each.

    Args:
        rows: Which row each comes from, (n,).
        hidden: Which of the cells count.
        truth, network, guessed, spread: What they are, both estimates, and the deviation around the guess.
    """

    rows: Tensor
    hidden: Tensor
    truth: Tensor
    network: Tensor
    guessed: Tensor
    spread: Tensor


def _look(
    model: AutoencoderModule, schema: Schema, guess: Guess, known: tuple[Tensor, Tensor], source: Source, rng: Generator
) -> tuple[Cells, Cells]:
    """Cells of held-out rows, estimated both ways: hidden as they are missing from others, and at random.

    Args:
        model: The trained network.
        schema: How raw values become tensors.
        guess: The linear guess.
        known: Rows with gaps, and where they have values, (n, values) each.
        source: The rows to hide cells of.
        rng: What chooses.
    """
    view = _joint(list(source.batches(block_rows(schema.spec))))
    times = max(1, min(LOOKS, CELLS // schema.spec.size))
    as_missing = replayed(guess, *known, *_flat(schema, view), times, rng)
    at_random = torch.arange(times) % len(view), torch.rand((times, schema.spec.size), generator=rng) < HIDDEN
    blindly = _estimated(model, schema, guess, view, *at_random)
    return _estimated(model, schema, guess, view, *as_missing) if len(as_missing[0]) else blindly, blindly


@torch.inference_mode()
def _estimated(model: AutoencoderModule, schema: Schema, guess: Guess, view: View, rows: Tensor, gone: Tensor) -> Cells:
    """Some rows of a view, each with other values hidden, estimated both ways."""
    model.eval()
    found, size = [], block_rows(schema.spec)
    for first in range(0, len(rows), size):
        places = rows[first : first + size].to(view.x.device)
        x, present = view.x[places], _there(view)[places]
        there = present & ~gone[first : first + size].view(x.shape).to(x.device)
        seen = View(x * there, there, there, there, None if view.context is None else view.context[places])
        values, visible = _flat(schema, seen)
        network = schema.straight(model(seen).prediction.median()).double().flatten(1).cpu()
        hidden = (present & ~there).flatten(1).cpu()
        found.append((hidden, _flat(schema, View(x))[0], network, *guess.fill(values, visible)))
    return Cells(rows, *(torch.cat(parts) for parts in zip(*found, strict=True)))


def _joint(views: list[View]) -> View:
    """All samples of several views as one."""
    contexts = [view.context for view in views if view.context is not None]
    there = torch.cat([_there(view) for view in views])
    x = torch.cat([view.x for view in views])
    return View(x, there, there, there, torch.cat(contexts) if contexts else None)


def _flat(schema: Schema, view: View) -> tuple[Tensor, Tensor]:
    """Values to scale, float64, and where they are there, (n, values) each."""
    values = schema.straight(view.x).double().flatten(1).cpu()
    return values, _there(view).flatten(1).cpu()


def _there(view: View) -> Tensor:
    return torch.ones_like(view.x, dtype=torch.bool) if view.present is None else view.present


def _ordered(spec: SampleSpec) -> Tensor:
    """Which values have an order, (values,) bool."""
    if spec.kind != "table":
        return torch.ones(spec.size, dtype=torch.bool)
    return torch.tensor([column.kind != "categorical" for column in spec.columns])


def _common(spec: SampleSpec, values: Tensor, present: Tensor) -> Tensor:
    """The mean, or the most frequent level, of each value of a sample."""
    means = torch.where(present, values, 0).sum(0) / present.sum(0).clamp(min=1)
    for place in (~_ordered(spec)).nonzero().flatten().tolist():
        there = values[present[:, place], place].long()
        means[place] = float(there.bincount().argmax()) if len(there) else 1.0
    return means


def _best_share(truth: Tensor, network: Tensor, guessed: Tensor, ordered: bool) -> float:
    """The share of the network by which hidden cells are filled best; that of the guess where nothing tells."""
    if len(truth) == 0:
        return 0.0
    if not ordered:
        return float((network == truth).sum() > (guessed == truth).sum())
    errors = [(truth - w * network - (1 - w) * guessed).square().mean() for w in SHARES]
    return SHARES[int(torch.stack(errors).argmin())]


def _quantiles(errors: Tensor, rows: int) -> Tensor:
    """Quantiles of errors that were left, (QUANTILES,); nothing where there were none.

    That of p is the p (n + 1)-th of n rows, below which an error of one more row lies with probability p.

    Args:
        errors: The errors, several of a row.
        rows: How many rows they are of.
    """
    if len(errors) == 0:
        return torch.zeros(QUANTILES, dtype=torch.float64)
    draw = errors[torch.linspace(0, len(errors) - 1, min(len(errors), 1 << 16)).long()]
    levels = torch.linspace(0, 1, QUANTILES, dtype=torch.float64)
    return draw.quantile(((levels * (rows + 1) - 1) / max(rows - 1, 1)).clamp(0, 1))
