"""One likelihood for each column of a table."""

import math
from dataclasses import asdict

import pytest
import torch

from narrows.core.errors import ChoiceError
from narrows.core.spec import Column, SampleSpec
from narrows.core.trace import Code, Prediction, Trace, View
from narrows.likelihoods import Bernoulli, Categorical, Laplace, Mixed, NegativeBinomial, Normal
from narrows.networks.layers import initialise
from narrows.recipes.assemble import assemble

COLUMNS = (
    Column("count", "negative_binomial"),
    Column("colour", "categorical", levels=3),
    Column("age", "normal"),
    Column("row", "given"),
    Column("city", "categorical", levels=100),
    Column("wage", "laplace"),
    Column("sex", "bernoulli"),
    Column("shape", "categorical", levels=3),
    Column("height", "normal"),
    Column("street", "categorical", levels=40),
    Column("visits", "negative_binomial"),
    Column("grade", "categorical", levels=7),
)
SPEC = SampleSpec("table", (len(COLUMNS),), "mixed", gaps=True, columns=COLUMNS)


def rows(n, columns, rng):
    """Values that fit the columns."""
    found = torch.randn(n, len(columns), generator=rng)
    for i, column in enumerate(columns):
        if column.kind == "categorical":
            found[:, i] = torch.randint(0, column.levels, (n,), generator=rng).float()
        elif column.kind in ("bernoulli", "negative_binomial"):
            top = 2 if column.kind == "bernoulli" else 30
            found[:, i] = torch.randint(0, top, (n,), generator=rng).float()
    return found


@pytest.fixture
def part(rng):
    made = Mixed(COLUMNS)
    initialise(made, rng)
    return made


def numbers_of(part, params):
    """The decoder's numbers of each column, by place: (n, p, 1)."""
    grouped = part.grouped.tolist()
    found, first, column = {}, 0, 0
    for p, width in part.shapes:
        block = params[:, first : first + p * width].view(len(params), p, width)
        found |= {grouped[column + i]: block[:, :, i : i + 1] for i in range(width)}
        first, column = first + p * width, column + width
    return found


ALONE = {
    "normal": lambda column: Normal("learned"),
    "laplace": lambda column: Laplace("learned"),
    "bernoulli": lambda column: Bernoulli(),
    "negative_binomial": lambda column: NegativeBinomial(),
    "categorical": lambda column: Categorical(column.levels, least=1),
}


def test_a_table_is_the_columns_one_by_one(part, rng):
    params = torch.randn(9, *part.params_shape(SPEC), generator=rng)
    x = rows(9, COLUMNS, rng)
    log_prob, mean, median, mode = part.log_prob(params, x), part.mean(params), part.median(params), part.mode(params)
    for place, numbers in numbers_of(part, params).items():
        column = COLUMNS[place]
        if column.kind == "given" or column.levels > part.most_levels:
            continue
        alone, one = ALONE[column.kind](column), slice(place, place + 1)
        assert torch.allclose(log_prob[:, one], alone.log_prob(numbers, x[:, one]), atol=1e-6), column
        assert torch.equal(mean[:, one], alone.mean(numbers)), column
        assert torch.equal(median[:, one], alone.median(numbers)), column
        assert torch.equal(mode[:, one], alone.mode(numbers)), column


def test_many_levels_are_products_with_their_vectors(part, rng):
    params = torch.randn(9, *part.params_shape(SPEC), generator=rng)
    x = rows(9, COLUMNS, rng)
    numbers, many = numbers_of(part, params), [4, 9]
    weight, bias = part.parts[-1].embedding.weight, part.parts[-1].bias
    bias.data.normal_(generator=rng)
    for place, own in zip(many, (slice(0, 100), slice(100, 140)), strict=True):
        logits = numbers[place][:, :, 0] @ weight[own].T / 4 + bias[own]
        expected = logits.log_softmax(1).gather(1, x[:, place : place + 1].long())[:, 0]
        assert torch.allclose(part.log_prob(params, x)[:, place], expected, atol=1e-5)
        assert torch.equal(part.median(params)[:, place], 1.0 + logits[:, 1:].argmax(1))
    assert part.params_shape(SPEC) == (2 * 2 + 3 * 1 + 1 + 2 * 3 + 7 + 2 * 16,)


def test_many_levels_begin_sane(rng):
    columns = [Column("a", "categorical", levels=5000), Column("b", "categorical", levels=40)]
    part = Mixed(columns)
    initialise(part, rng)
    params = torch.randn(400, *part.params_shape(SPEC), generator=rng)
    start = part.log_prob(params, rows(400, columns, rng)).mean(0)
    assert torch.allclose(start, -torch.tensor([5000.0, 40.0]).log(), atol=1.0)


def test_many_levels_are_drawn_as_often_as_they_are_probable(rng):
    part = Mixed([Column("b", "categorical", levels=40)])
    initialise(part, rng)
    params = torch.randn(1, 16, generator=rng).expand(20_000, -1)
    drawn = part.sample(params, rng)[:, 0].long().bincount(minlength=40) / 20_000
    probable = part.log_prob(params[:40], torch.arange(40.0).unsqueeze(1))[:, 0].exp()
    assert drawn[0] == 0
    assert torch.allclose(drawn[1:], probable[1:] / probable[1:].sum(), atol=0.015)


@pytest.mark.parametrize("levels", [4, 40])
def test_the_unknown_level_is_neither_read_nor_drawn(levels, rng):
    part = Mixed([Column("a", "categorical", levels=levels)])
    initialise(part, rng)
    part.requires_grad_(False)
    params = torch.zeros(50, *part.params_shape(SPEC))
    if levels == 4:
        params[:, 0] = 9.0
    else:
        part.parts[0].bias[0] = 9.0
    for found in (part.mean(params), part.median(params), part.mode(params), part.sample(params, rng)):
        assert (found >= 1).all()
    assert part.log_prob(params[:1], torch.zeros(1, 1)) > -0.1


def test_given_columns_cost_nothing_and_read_zero(part, rng):
    params = torch.randn(9, *part.params_shape(SPEC), generator=rng)
    assert (part.log_prob(params, rows(9, COLUMNS, rng))[:, 3] == 0).all()
    for found in (part.mean(params), part.median(params), part.mode(params), part.sample(params, rng)):
        assert (found[:, 3] == 0).all()


def test_columns_may_come_as_dictionaries(rng):
    params = torch.randn(2, *Mixed(COLUMNS).params_shape(SPEC), generator=rng)
    assert torch.equal(Mixed([asdict(c) for c in COLUMNS]).mean(params), Mixed(COLUMNS).mean(params))


def test_columns_are_needed():
    with pytest.raises(ChoiceError, match="there are none"):
        Mixed(())


def test_gradients_are_finite_at_the_extremes(part, rng):
    size = part.params_shape(SPEC)[0]
    params = (100 * torch.rand(200, size, generator=rng) - 50).requires_grad_()
    found = part.log_prob(params, rows(200, COLUMNS, rng))
    found.sum().backward()
    assert found.isfinite().all()
    assert params.grad.isfinite().all()
    assert all(weight.grad.isfinite().all() for weight in part.parameters())


def test_learned_scales_are_those_of_each_column(rng):
    columns = [Column("a", "normal"), Column("b", "laplace"), Column("c", "normal"), Column("d", "laplace")]
    part = Mixed(columns, floor=0.05)
    x = torch.randn(300, 4, generator=rng) * torch.tensor([2.0, 3.0, 1e-4, 1e-4])
    scored = torch.rand(300, 4, generator=rng) < 0.5
    nothing = torch.zeros(300)
    trace = Trace(x, View(x, scored=scored), Code(nothing, nothing, nothing), Prediction(part, torch.zeros(300, 4)))
    for _ in range(500):
        part.after_step(trace, rng)
    normal, laplace = part.parts
    a, b = x[:, 0][scored[:, 0]], x[:, 1][scored[:, 1]]
    assert normal.variance.tolist() == [
        pytest.approx(a.square().mean().item(), rel=0.01),
        pytest.approx(0.05**2, rel=0.1),
    ]
    assert laplace.deviation.tolist() == [pytest.approx(b.abs().mean().item(), rel=0.01), pytest.approx(0.05, rel=0.1)]


def test_start_knows_each_column():
    part = Mixed([Column("n", "negative_binomial"), Column("a", "normal"), Column("big", "negative_binomial")])
    part.start(torch.tensor([2.0, 0.1, 3000.0]), torch.tensor([4.0, 0.81, 9e6]), torch.tensor(1.0))
    found = part.mean(torch.zeros(1, *part.params_shape(SPEC)))
    assert torch.allclose(found, torch.tensor([[2.0, 0.0, 3000.0]]))
    assert part.parts[1].variance.item() == pytest.approx(0.81)


def test_state_is_updated_once_and_by_column(rng):
    model = assemble(SPEC, 3, likelihood="mixed", rng=rng)
    assert model.with_state == (model.likelihood,)
    trace = model(View(rows(64, COLUMNS, rng)), rng)
    model.after_step(trace, rng)
    errors = (trace.x - trace.prediction.mean()).square().mean(0)[[2, 8]]
    assert torch.allclose(variances(model), 0.98 + 0.02 * errors)


def variances(model):
    return next(part.variance for part in model.likelihood.parts if isinstance(part, Normal))


def test_a_table_with_gaps_is_learned(rng):
    """The codes of two causes explain every predictable column better than its own distribution does."""
    causes = torch.randn(1000, 2, generator=rng)
    levels = (causes @ torch.randn(2, 40, generator=rng) * 2).argmax(1)
    x = torch.stack(
        [
            torch.poisson((causes[:, 0] + 3).exp(), generator=rng),
            (causes[:, 0] > 0).float() + (causes[:, 1] > 0).float(),
            causes.sum(1) + 0.1 * torch.randn(1000, generator=rng),
            (causes[:, 1] > 0).float(),
            levels.float(),
        ],
        1,
    )
    kinds = ("negative_binomial", "categorical", "laplace", "bernoulli", "categorical")
    columns = tuple(Column(k, k, lv) for k, lv in zip(kinds, (0, 3, 0, 0, 40), strict=True))
    spec = SampleSpec("table", (5,), "mixed", gaps=True, columns=columns)
    model = assemble(spec, 2, likelihood="mixed", rng=rng)
    model.likelihood.start(x.mean(0), x.var(0), x.var(0).mean())
    model.decoder.silence()
    hidden = torch.rand(x.shape, generator=rng) < 0.1
    view = View.with_gaps(x.masked_fill(hidden, math.nan))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    first = None
    for _ in range(200):
        optimizer.zero_grad()
        trace = model(view, rng)
        scalar, _ = model.objective(trace, model, rng)
        scalar.backward()
        optimizer.step()
        model.after_step(trace, rng)
        first = trace.prediction.log_prob(x).detach() if first is None else first
    last = model(view).prediction.log_prob(x).detach()
    seen = ~hidden
    assert last.isfinite().all()
    for place, column in enumerate(columns):
        assert last[seen[:, place], place].mean() > first[seen[:, place], place].mean() + 0.2, column


def test_columns_of_a_kind_are_computed_together():
    assert len(Mixed(COLUMNS * 50).parts) == len(Mixed(COLUMNS).parts) == 8
