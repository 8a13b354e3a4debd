"""The start: principal components of the data, and a model that begins as them.

Where a model has a linear path, W and V are set to (probabilistic) PCA and f and g to zero, so that training can only
improve on PCA as far as the validation rows can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor, nn

from narrows.core.contracts import Penalty
from narrows.core.errors import ChoiceError
from narrows.metrics.clusters import k_means

if TYPE_CHECKING:
    from narrows.data.sources import Source
    from narrows.model import AutoencoderModule

ROWS = 20_000
"""How many rows are looked at, at most."""
EXACT = 1_024
"""Up to how many values per sample the whole covariance is formed."""
GROUPED = 10_000
"""Of how many rows the codes are grouped, at most."""
BLOCK = 256
"""How many rows are taken in at once, at most."""
BLOCK_VALUES = 1 << 24
"""And how many values."""
FAINT = 0.01
"""Share of the variance that is taken for noise where blocks are rounded and nothing else is known."""


@dataclass(frozen=True)
class Components:
    """Principal components of scaled data.

    Args:
        mean: The mean of each value, (d,).
        spread: The variance of each value, (d,).
        axes: The components, (k, d).
        variances: Their variances, (k,).
        noise: What is left per axis, a scalar.
        effects: What the c numbers of a condition add to each value, (d, c), which was taken off before; None where
            there is no condition.
    """

    mean: Tensor
    spread: Tensor
    axes: Tensor
    variances: Tensor
    noise: Tensor
    effects: Tensor | None = None


@torch.no_grad()
def moments(source: Source, rng: Generator) -> tuple[Tensor, Tensor]:
    """Mean and variance of each value of a source, (*s) each; missing values left out.

    Dense rows are looked at 20,000 at most; sparse ones all, since a column may have values in few of them.
    """
    shape = source.spec.shape
    count, total, squares = (torch.zeros(shape, dtype=torch.float64, device=source.device) for _ in range(3))
    for view in (source if source.spec.sparse else source.some(ROWS, rng)).batches(BLOCK):
        if view.sparse:
            columns, values = view.x.col_indices(), view.x.values().double()
            count += len(view)
            total.index_add_(0, columns, values)
            squares.index_add_(0, columns, values.square())
            continue
        x = view.x.double()
        count += len(x) if view.present is None else view.present.sum(0)
        total += x.sum(0)
        squares += x.square().sum(0)
    mean = total / count.clamp(min=1)
    variance = (squares / count.clamp(min=1) - mean.square()).clamp(min=0)
    return mean.float(), variance.float()


@torch.no_grad()
def effects(source: Source, size: int, rng: Generator) -> Tensor:
    """What the numbers c of a condition, so many, add to each value, on average, (d, c): x = m + B c, by least squares.

    Of several solutions the least, so that of classes each adds what its mean differs by, and a row without a class
    is at the mean of all.
    """
    some = source.some(ROWS, rng)
    mean = torch.stack([view.x.flatten(1).double().sum(0) for view in some.batches(BLOCK)]).sum(0) / len(some)
    inner = torch.zeros(size, size, dtype=torch.float64, device=source.device)
    across = inner.new_zeros(source.spec.size, size)
    for view in some.batches(BLOCK):
        assert view.context is not None
        c = view.context.double()
        inner += c.T @ c
        across += (view.x.flatten(1) - mean).T @ c
    return (across @ torch.linalg.pinv(inner, hermitian=True)).float()


@torch.no_grad()
def principal_components(source: Source, k: int, rng: Generator, given: Tensor | None = None) -> Components:
    """The first k principal components of a source, or as many as it has; of what `given` effects leave of it.

    Up to 1,024 values per sample the covariance is decomposed exactly; beyond, by randomised subspace iteration
    (Halko, Martinsson and Tropp 2011), in passes over blocks of at most 20,000 rows.
    """
    size = source.spec.size
    some = source.some(ROWS, rng)
    n = len(some)
    step = max(1, min(BLOCK, BLOCK_VALUES // size))
    k = min(k, size, max(1, n - 1))

    def look() -> Iterator[Tensor]:
        for view in some.batches(step):
            x = view.x.flatten(1)
            yield x if given is None or view.context is None else x - view.context @ given.mT

    mean = torch.stack([x.double().sum(0) for x in look()]).sum(0) / n
    center = mean.float()
    spread = torch.stack([(x - center).double().square().sum(0) for x in look()]).sum(0) / n
    if size <= EXACT:
        covariance = torch.zeros(size, size, dtype=torch.float64, device=center.device)
        for x in look():
            away = (x - center).double()
            covariance += away.T @ away
        values, vectors = torch.linalg.eigh(covariance / n)
        values, axes = values.flip(0)[:k], vectors.flip(1).T[:k]
    else:
        values, axes = _subspace(look, center, n, k, rng)
    values = values.clamp(min=0)
    noise = ((spread.sum() - values.sum()) / max(1, size - k)).clamp(min=0)
    return Components(center, spread.float(), axes.float(), values.float(), noise.float(), given)


def _subspace(
    look: Callable[[], Iterator[Tensor]], center: Tensor, n: int, k: int, rng: Generator
) -> tuple[Tensor, Tensor]:
    """Eigenvalues and axes by repeated products with the covariance, which is never formed."""
    width = min(n, len(center), k + 20)
    basis = torch.randn(len(center), width, generator=rng).to(center.device)

    def times_covariance(q: Tensor) -> Tensor:
        product = torch.zeros_like(q)
        for x in look():
            away = x - center
            product += away.T @ (away @ q)
        return product / n

    for _ in range(6):
        basis = torch.linalg.qr(times_covariance(torch.linalg.qr(basis).Q)).Q
    small = basis.T @ times_covariance(basis)
    values, rotation = torch.linalg.eigh((small + small.T).double() / 2)
    return values.flip(0)[:k], (basis.double() @ rotation.flip(1)).T[:k]


@torch.no_grad()
def begin(model: AutoencoderModule, source: Source, found: Components | None, rng: Generator) -> bool:
    """Let a model begin as principal components or, where it can, as one distribution for all samples.

    Args:
        model: What is to be trained.
        source: What it is to be trained on.
        found: The principal components of the source; None where they are not wanted.
        rng: Which rows are looked at.

    Returns:
        Whether it begins as principal components.
    """
    if found is None:
        mean, variance = moments(source, rng)
    else:
        mean, variance = found.mean.view(source.spec.shape), found.spread.view(source.spec.shape)
    linear = found is not None and start_as(model, found)
    if not linear:
        _begin_at(model, mean, variance, known=found is not None)
        linear = _start_as_blocks(model, source, mean, variance, rng)
    model.objective.start(model, mean, variance, rng)
    if model.bottleneck.start_rows:
        some = source.some(model.bottleneck.start_rows, rng)
        features, x = zip(*((model.encoder(view).values, view.x) for view in some.batches(BLOCK)), strict=True)
        model.bottleneck.start(torch.cat(features), x, rng)
        if found is not None and linear:
            _expect(model, found, some)
    return linear


@torch.no_grad()
def group(model: AutoencoderModule, source: Source, rng: Generator) -> None:
    """Let penalties know the codes of training samples, and the groups into which k-means sorts them.

    Raises:
        ChoiceError: More groups than samples.
    """
    wanting = [penalty for penalty in model.penalties if isinstance(penalty, Penalty) and penalty.groups]
    if not wanting:
        return
    codes = torch.cat([model.encode(view).z for view in source.some(GROUPED, rng).batches(BLOCK)])
    for penalty in wanting:
        if len(codes) < penalty.groups:
            raise ChoiceError(f"groups={penalty.groups} needs as many training samples, got {len(codes)}")
        groups = k_means(codes.cpu().numpy(), penalty.groups, int(rng.initial_seed() % 2**32))
        penalty.start(codes, torch.from_numpy(groups).to(codes.device))


def _expect(model: AutoencoderModule, found: Components, some: Source) -> None:
    """Let the likelihood know what is left around a model that begins as components, but passes on less of them."""
    squares, count = torch.zeros((), device=some.device), 0
    for view in some.batches(BLOCK):
        squares += (model(view).prediction.mean() - view.x).square().sum()
        count += view.x.numel()
    shape = model.spec.shape
    model.likelihood.start(found.mean.view(shape), found.spread.view(shape), squares / count)


def _begin_at(model: AutoencoderModule, mean: Tensor, variance: Tensor, known: bool) -> None:
    """Let a model begin as one distribution for all samples, where it can; `known` to its likelihood already or not."""
    if not known:
        model.likelihood.start(mean, variance, variance.mean())
        if model.spec.sparse:
            numbers = model.likelihood.marginal(mean, variance)
            if numbers is not None:
                model.decoder.begin_at(numbers)
            return
    if model.likelihood.zero_is_marginal:
        model.decoder.silence()
        if model.bottleneck.draws:  # a code that says nothing costs nothing; without noise nothing is learned from it
            model.encoder.silence()


@torch.no_grad()
def start_as(model: AutoencoderModule, found: Components) -> bool:
    """Set a model's linear path to principal components and silence its networks; False where it has no such path."""
    shape = model.spec.shape
    model.likelihood.start(found.mean.view(shape), found.spread.view(shape), found.noise)
    encode, decode = model.encoder.linear, model.decoder.linear
    start = model.bottleneck.linear_start(found.variances, found.noise)
    if encode is None or decode is None or start is None or not model.likelihood.linear_mean:
        return False
    k = len(found.variances)
    model.encoder.silence()
    model.decoder.silence()
    into = start.encode.unsqueeze(1) * found.axes
    encode.weight.zero_()
    encode.weight[:k] = into
    encode.bias[:k] = start.lift - into @ found.mean
    encode.bias[k:] = start.features
    decode.weight.zero_()
    decode.weight[:, :k] = start.decode * found.axes.T
    decode.bias.copy_(found.mean - decode.weight[:, :k] @ start.lift)
    told = model.encoder.condition_path()
    if told is not None and found.effects is not None:
        decode.weight[:, -told.in_features :] = found.effects
        told.weight[:k] = -into @ found.effects
    return True


def _start_as_blocks(model: AutoencoderModule, source: Source, mean: Tensor, variance: Tensor, rng: Generator) -> bool:
    """Set the path of every block to principal components of blocks; False where there is no such path.

    The noise is what the likelihood takes for it: with as many axes as values, nothing is left but what is rounded.
    """
    encode, decode = model.encoder.block_path(), model.decoder.block_path()
    if encode is None or decode is None or not model.likelihood.linear_mean:
        return False
    model.likelihood.start(mean, variance, FAINT * variance.mean())
    blocks = torch.cat([model.encoder.cut_blocks(view.x) for view in source.some(ROWS, rng).batches(BLOCK)]).double()
    axes, variances, center = components_of(blocks, len(encode.weight))
    noise = model.likelihood.noise()
    start = None if noise is None else model.bottleneck.linear_start(variances, noise)
    if start is None:
        return False
    k, size = len(axes), len(center)
    model.encoder.silence()
    model.decoder.silence()
    into = start.encode.unsqueeze(1) * axes
    encode.weight.zero_()
    encode.weight[:k] = into
    encode.bias.zero_()
    encode.bias[:k] = -into @ center
    decode.weight.zero_()
    decode.weight[:size, :k] = start.decode * axes.T
    decode.bias.zero_()
    decode.bias[:size] = center
    return True


def components_of(rows: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """The first k principal axes (k, d) of rows (m, d) float64, their variances (k,), and the mean (d,), float32."""
    mean = rows.mean(0)
    away = rows - mean
    values, vectors = torch.linalg.eigh(away.T @ away / len(rows))
    return vectors.flip(1).T[:k].float(), values.flip(0)[:k].clamp(min=0).float(), mean.float()


def linear_path(model: AutoencoderModule) -> list[nn.Parameter]:
    """The weights of a model's linear path."""
    halves = (model.encoder.linear, model.decoder.linear, model.encoder.block_path(), model.decoder.block_path())
    return [weight for half in halves if half is not None for weight in half.parameters()]
