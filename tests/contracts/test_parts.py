"""What every part must satisfy, found by walking the exports: a new part is tested because it is exported."""

import inspect
from dataclasses import replace
from typing import ClassVar

import pytest
import torch

from narrows.core.contracts import Bottleneck, Part, Quantizer
from narrows.core.errors import ChoiceError
from narrows.core.spec import Column, SampleSpec
from narrows.core.trace import Code, Features, Trace, View
from narrows.networks.layers import initialise
from narrows.recipes.assemble import BOTTLENECKS, CORRUPTIONS, LIKELIHOODS, NETWORKS, OBJECTIVES, PENALTIES, assemble

SPECS = [
    SampleSpec("vector", (7,)),
    SampleSpec("image", (1, 8, 8)),
    SampleSpec("image", (3, 9, 5)),
    SampleSpec("image", (2, 28, 45)),
    SampleSpec("sequence", (2, 11)),
    SampleSpec("video", (1, 3, 4, 5)),
]


def by_spec(spec):
    return f"{spec.kind}{'x'.join(map(str, spec.shape))}"


@pytest.mark.parametrize(
    "registry", [BOTTLENECKS, CORRUPTIONS, LIKELIHOODS, OBJECTIVES, PENALTIES], ids=lambda r: r.kind
)
def test_parts_are_final(registry):
    for part in registry.values():
        assert issubclass(part, Part)
        assert not inspect.isabstract(part)
        assert not any(issubclass(other, part) and other is not part for other in registry.values())


def made(name, latent_dim):
    """A bottleneck with weights, where it has any."""
    part = BOTTLENECKS.build(name, latent_dim=latent_dim)
    initialise(part, torch.Generator().manual_seed(0))
    return part


@pytest.mark.parametrize("name", BOTTLENECKS)
class TestBottlenecks:
    def test_shapes_and_randomness(self, name, rng):
        part = made(name, 3)
        features = Features(torch.randn(5, part.in_features, generator=rng))
        code, again = part(features, None), part(features, None)
        assert code.z.shape == (5, 3)
        assert code.rate.shape == code.charge.shape == (5,)
        assert torch.equal(code.z, again.z), "without a generator nothing is drawn"
        drawn = [part(features, torch.Generator().manual_seed(seed)).z for seed in (1, 1, 2)]
        assert torch.equal(drawn[0], drawn[1])
        assert part.draws != torch.equal(drawn[0], drawn[2])

    def test_gradient_reaches_the_features(self, name, rng):
        part = made(name, 3)
        values = torch.randn(5, part.in_features, generator=rng, requires_grad=True)
        code = part(Features(values), rng)
        (code.z.square().sum() + code.charge.sum()).backward()
        assert values.grad.isfinite().all()
        assert values.grad.abs().sum() > 0

    def test_rate_is_nothing_exactly_where_the_code_is_free(self, name, rng):
        part = made(name, 3)
        rate = part(Features(torch.randn(5, part.in_features, generator=rng)), rng).rate
        assert (rate == 0).all() if part.free else (rate > 0).all()

    def test_linear_start_fits(self, name):
        part = made(name, 4)
        start = part.linear_start(torch.tensor([3.0, 2.0]), torch.tensor(0.5))
        if start is not None:
            assert start.encode.shape == start.decode.shape == (2,)
            assert start.features.shape == (part.in_features - 2,)

    def test_a_rectified_code_begins_alive(self, name):
        part = BOTTLENECKS.build({"name": name, **({"squash": "relu"} if name == "plain" else {})}, latent_dim=4)
        start = part.linear_start(torch.tensor([3.0, 2.0]), torch.tensor(0.5))
        if start is None:
            pytest.skip(f"{name} has no linear beginning")
        assert start.lift.shape == (2,)
        assert name != "plain" or (start.lift >= 2 * start.encode * torch.tensor([3.0, 2.0]).sqrt() - 1e-5).all()

    def test_side_is_handed_on(self, name):
        part = made(name, 2)
        side = (torch.ones(1),)
        assert part(Features(torch.zeros(1, part.in_features), side), None).side is side

    def test_draws_from_the_prior_or_says_that_there_is_none(self, name):
        part = made(name, 3)
        if type(part).sample is Bottleneck.sample:
            for ask in (lambda: part.sample(4, torch.Generator()), lambda: part.log_prior(torch.zeros(4, 3))):
                with pytest.raises(ChoiceError, match="have no prior"):
                    ask()
            return
        drawn = [part.sample(4, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
        assert drawn[0].shape == (4, 3)
        assert torch.equal(drawn[0], drawn[1])
        assert not torch.equal(drawn[0], drawn[2])
        densities = [part.log_prior(drawn[0])]
        if part.weighs:
            densities.append(part.log_posterior(Features(torch.randn(4, part.in_features)), drawn[0]))
        for found in densities:
            assert found.shape == (4,)
            assert found.isfinite().all()


NEEDED = {
    "contrastive_divergence": {"bottleneck": "binary", "network": {"name": "mlp", "widths": (), "tied": True}},
    "summed_labels": {"bottleneck": "class_code"},
}
"""Parts without which an objective refuses a model."""


@pytest.mark.parametrize("name", OBJECTIVES)
class TestObjectives:
    @pytest.mark.parametrize("bottleneck", ["plain", "gaussian"])
    def test_gives_a_scalar_to_differentiate_and_honest_terms(self, name, bottleneck, rng):
        if bottleneck == "plain" and name in ("importance_weighted", "doubly_reparametrized"):
            pytest.skip(f"{name} refuses codes without a density")
        parts = {"bottleneck": bottleneck} | NEEDED.get(name, {})
        model = assemble(SampleSpec("vector", (6,)), 3, objective=name, penalties=["l1"], **parts)
        x = torch.randn(8, 6, generator=rng)
        scalar, loss = model.loss(View(x), rng)
        assert scalar.shape == ()
        assert loss.distortion.shape == loss.rate.shape == (8,)
        assert list(loss.penalties) == ["l1"]
        scalar.backward()
        for half in (model.encoder, model.decoder):
            assert sum(weight.grad.abs().sum() for weight in half.parameters()) > 0

    def test_counts_what_is_scored_and_nothing_else(self, name, rng):
        if name == "contrastive_divergence":
            pytest.skip("energies are of whole samples, and refuse gaps")
        parts = {"bottleneck": "gaussian"} | NEEDED.get(name, {})
        model = assemble(SampleSpec("vector", (6,)), 3, objective=name, **parts)
        x = torch.randn(8, 6, generator=rng)
        scored = torch.rand(8, 6, generator=rng) > 0.5
        other = torch.where(scored, x, 9.0)
        view = View(torch.where(scored, x, 0.0), visible=scored, scored=scored)
        draw = [torch.Generator().manual_seed(1) for _ in range(2)]
        trace = model(view, draw[0])
        scalar, _ = model.objective(trace, model, draw[0])
        hidden = replace(model(view, draw[1]), x=other)
        assert torch.equal(model.objective(hidden, model, draw[1])[0], scalar)


QUANTIZERS = [name for name, part in BOTTLENECKS.items() if issubclass(part, Quantizer)]


@pytest.mark.parametrize("latent_dim", [1, 3, 8, 13])
@pytest.mark.parametrize("name", QUANTIZERS)
class TestQuantizers:
    def make(self, name, latent_dim, rng):
        """A quantiser that has seen data, and features that it has not."""
        part = BOTTLENECKS.build(
            {"name": name, **({"codes": 16} if "codes" in options_of(name) else {})}, latent_dim=latent_dim
        )
        part.start(torch.randn(200, part.in_features, generator=rng), [], rng)
        return part, Features(torch.randn(50, part.in_features, generator=rng))

    def test_symbols_are_numbers_below_their_sizes(self, name, latent_dim, rng):
        part, features = self.make(name, latent_dim, rng)
        indices = part.indices(features)
        assert indices.dtype == torch.int64
        assert indices.shape == (50, len(part.sizes))
        assert (indices >= 0).all()
        assert (indices < torch.tensor(part.sizes)).all()

    def test_symbols_stand_for_the_code(self, name, latent_dim, rng):
        part, features = self.make(name, latent_dim, rng)
        z = part(features, None).z
        assert torch.allclose(part.values(part.indices(features)), z, atol=1e-5)
        if name != "residual_quantizer":  # several sums can give one code
            assert torch.equal(part.symbols(z), part.indices(features))

    def test_drawn_codes_have_the_prior_s_probability(self, name, latent_dim, rng):
        part, _ = self.make(name, latent_dim, rng)
        z = part.sample(20, rng)
        nats = sum(share.log()[symbol] for share, symbol in zip(part.shares(), part.symbols(z).T, strict=True))
        assert torch.allclose(part.log_prior(z), nats)
        assert (nats < 0).all()

    def test_shares_are_probabilities_that_give_the_rate(self, name, latent_dim, rng):
        part, features = self.make(name, latent_dim, rng)
        shares, indices = part.shares(), part.indices(features)
        assert [len(share) for share in shares] == list(part.sizes)
        assert all(torch.allclose(share.sum(), torch.ones(())) and (share > 0).all() for share in shares)
        if not part.draws:  # a symbol that is certain costs its information, one that is drawn less
            nats = sum(-share.log()[index] for share, index in zip(shares, indices.T, strict=True))
            assert torch.allclose(part(features, None).rate, nats, rtol=1e-4)

    def test_the_gradient_passes_straight_through(self, name, latent_dim, rng):
        part, features = self.make(name, latent_dim, rng)
        values = features.values.requires_grad_()
        part(Features(values), None).z.sum().backward()
        squashed = {"fsq": values.tanh(), "binary": values.sigmoid()}.get(name, values)
        (expected,) = torch.autograd.grad(squashed.sum(), values)
        assert torch.allclose(values.grad, expected, atol=1e-6)

    def test_running_state_is_kept_and_differs_from_weights(self, name, latent_dim, rng):
        part, features = self.make(name, latent_dim, rng)
        before = {key: tensor.clone() for key, tensor in part.state_dict().items()}
        assert not list(part.parameters())
        code = part(features, rng)
        nothing = View(features.values)
        part.after_step(Trace(features.values, nothing, code, None), rng)
        moved = [key for key, tensor in part.state_dict().items() if not torch.equal(tensor, before[key])]
        assert bool(moved) == (type(part).after_step is not Part.after_step)


def options_of(name):
    """The options that a bottleneck takes."""
    return inspect.signature(BOTTLENECKS[name]).parameters


COLUMNS = (
    Column("a", "normal"),
    Column("b", "categorical", levels=3),
    Column("c", "laplace"),
    Column("d", "negative_binomial"),
    Column("e", "given"),
    Column("f", "bernoulli"),
    Column("g", "categorical", levels=50),
)


def described_by(name, spec):
    """A likelihood, and the spec of samples of this shape that it describes."""
    values = LIKELIHOODS[name].support
    if values == "mixed":
        if spec.kind != "vector":
            pytest.skip("only tables are mixed")
        spec = SampleSpec("table", (len(COLUMNS),), values, columns=COLUMNS)
    else:
        spec = replace(spec, values=values, levels=4 if values == "level" else 0)
    part = LIKELIHOODS.build(name, shape=spec.shape, columns=spec.columns, levels=spec.levels)
    initialise(part, torch.Generator().manual_seed(0))
    return part, spec


def ordered(spec):
    """Which values have an order, so that there is a mean, (*s) bool."""
    if spec.values == "mixed":
        return torch.tensor([column.kind != "categorical" for column in spec.columns])
    return torch.ones(spec.shape, dtype=torch.bool)


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("spec", SPECS, ids=by_spec)
class TestLikelihoods:
    def test_distortion_is_the_sum_over_the_values(self, name, spec, rng):
        part, spec = described_by(name, spec)
        params = torch.randn(4, *part.params_shape(spec), generator=rng)
        x = part.mode(params)
        torch.testing.assert_close(part.distortion(params, x), -part.log_prob(params, x).flatten(1).sum(1))

    def test_shapes(self, name, spec, rng):
        part, spec = described_by(name, spec)
        params = torch.randn(4, *part.params_shape(spec), generator=rng)
        x = part.sample(params, rng)
        for found in (x, part.log_prob(params, x), part.mean(params), part.median(params), part.mode(params)):
            assert found.shape == (4, *spec.shape)
            assert found.isfinite().all()

    def test_support(self, name, spec, rng):
        part, spec = described_by(name, spec)
        params = 3 * torch.randn(4, *part.params_shape(spec), generator=rng)
        most = {"unit": 1, "level": spec.levels - 1}.get(spec.values, torch.inf)
        for found in (part.mean(params), part.median(params), part.mode(params), part.sample(params, rng)):
            assert spec.values in ("real", "mixed") or ((found >= 0) & (found <= most)).all()
        for found in (part.median(params), part.mode(params), part.sample(params, rng)):
            assert spec.values not in ("count", "level") or torch.equal(found, found.round())

    def test_samples_have_the_mean(self, name, spec, rng):
        part, spec = described_by(name, spec)
        if spec.values == "level":
            pytest.skip("levels have no mean")
        params = torch.randn(1, *part.params_shape(spec), generator=rng).expand(4000, *part.params_shape(spec))
        drawn, mean = part.sample(params, rng)[:, ordered(spec)], part.mean(params)[0, ordered(spec)]
        assert ((drawn.mean(0) - mean).abs() <= 5 * drawn.std(0) / 4000**0.5 + 2e-3).all()

    def test_nothing_is_more_probable_than_the_mode(self, name, spec, rng):
        part, spec = described_by(name, spec)
        params = torch.randn(50, *part.params_shape(spec), generator=rng)
        best = part.log_prob(params, part.mode(params))
        for x in (part.sample(params, rng), part.median(params)):
            assert (part.log_prob(params, x) <= best + 1e-4).all()

    def test_missing_values_read_zero_and_stay_finite(self, name, spec, rng):
        part, spec = described_by(name, spec)
        params = (20 * torch.randn(4, *part.params_shape(spec), generator=rng)).requires_grad_()
        found = part.log_prob(params, torch.zeros(4, *spec.shape))
        found.sum().backward()
        assert found.isfinite().all()
        assert params.grad.isfinite().all()

    def test_starts_from_any_data(self, name, spec, rng):
        part, spec = described_by(name, spec)
        told = torch.rand(spec.shape, generator=rng)
        for mean, variance, noise in ((told, told, told.mean()), (0 * told, 0 * told, torch.tensor(0.0))):
            part.start(mean, variance, noise)
            params = torch.zeros(2, *part.params_shape(spec))
            assert part.log_prob(params, part.sample(params, rng)).isfinite().all()


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("spec", [*SPECS, SampleSpec("image", (1, 17, 12))], ids=by_spec)
class TestCorruptions:
    def part(self, name, spec):
        part = CORRUPTIONS[name]()
        if spec.kind not in part.kinds:
            pytest.skip(f"{name} makes no sense of samples of kind {spec.kind}")
        return part

    def test_leaves_the_original_alone(self, name, spec, rng):
        x = torch.randn(6, *spec.shape, generator=rng)
        view, before = View(x), x.clone()
        shown = self.part(name, spec)(view, rng)
        assert torch.equal(x, before)
        assert shown.x.shape == x.shape
        assert shown.x.isfinite().all()
        assert shown.context is view.context

    def test_same_generator_same_corruption(self, name, spec):
        view = View(torch.randn(6, *spec.shape))
        first, second = (self.part(name, spec)(view, torch.Generator().manual_seed(3)).x for _ in range(2))
        assert torch.equal(first, second)

    def test_hidden_values_are_not_shown(self, name, spec, rng):
        visible = torch.rand(6, *spec.shape, generator=rng) < 0.7
        for view in (View(torch.randn(6, *spec.shape)), View(visible.float(), visible=visible)):
            shown = self.part(name, spec)(view, rng)
            assert shown.visible is None or (shown.x[~shown.visible] == 0).all()
            assert view.visible is None or not (shown.visible & ~view.visible).any()

    def test_something_is_lost(self, name, spec, rng):
        x = torch.randn(6, *spec.shape, generator=rng)
        shown = self.part(name, spec)(View(x), rng)
        assert torch.equal(shown.x, x) == (name in ("clean", "compose", "paired"))


ESTIMATES = ("mmd", "total_correlation", "batch_total_correlation")
"""Penalties that estimate what is never negative, without bias, so that they may be negative themselves."""


@pytest.mark.parametrize("name", PENALTIES)
class TestPenalties:
    code: ClassVar = {"name": "plain", "squash": "sigmoid"}

    def model(self, name, **options):
        spec = SampleSpec("vector", (6,))
        return assemble(spec, 3, bottleneck=self.code, penalties=[{"name": name, **options}])

    def test_is_finite_and_moves_the_encoder(self, name, rng):
        model = self.model(name)
        penalty = model.penalties[0]
        value = penalty(model(View(torch.randn(8, 6)), rng), model, rng)
        assert value.shape in ((), (8,))
        assert (value >= 0).all() or name in ESTIMATES
        value.mean().backward()
        moved = [p.grad.abs().sum() for p in model.encoder.parameters() if p.grad is not None]
        assert sum(moved) > 0

    def test_weight_weighs(self, name):
        option = "beta" if "beta" in inspect.signature(PENALTIES[name]).parameters else "weight"
        x = torch.randn(8, 6)
        values = []
        for weight in (1.0, 2.0):
            model = self.model(name, **{option: weight})
            values.append(model.penalties[0](model(View(x)), model, None).mean())
        assert torch.allclose(2 * values[0], values[1])

    def test_an_opponent_rests_while_the_model_learns(self, name, rng):
        model = self.model(name)
        penalty = model.penalties[0]
        if penalty.opponent is None:
            pytest.skip(f"{name} has no opponent")
        assert not any(weight.requires_grad for weight in penalty.opponent.parameters())
        trace = model(View(torch.randn(8, 6)), rng)
        penalty.opponent.requires_grad_(True)
        loss = penalty.opponent_loss(trace, model, rng)
        assert loss.shape == ()
        loss.backward()
        assert all(weight.grad.abs().sum() > 0 for weight in penalty.opponent.parameters())
        others = (weight for key, weight in model.named_parameters() if ".opponent." not in key)
        assert all(weight.grad is None for weight in others), "the opponent's loss stops at what it looks at"


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("spec", SPECS, ids=by_spec)
def test_networks_mirror(name, spec, rng):
    family = NETWORKS[name]()
    if spec.kind not in family.kinds:
        pytest.skip(f"{name} does not take samples of kind {spec.kind}")
    encoder, decoder = family.pair(spec, 6, 3, (2, *spec.shape))
    initialise(encoder, rng)
    initialise(decoder, rng)
    features = encoder(View(torch.randn(4, *spec.shape)))
    assert features.values.shape == (4, encoder.out_features) == (4, 6)
    nothing = torch.zeros(4)
    params = decoder(Code(torch.randn(4, 3), nothing, nothing, features.side), None)
    assert params.shape == (4, 2, *spec.shape)
    assert encoder.silence()
    assert decoder.silence()
    assert is_affine(lambda x: encoder(View(x)).values, torch.randn(2, 4, *spec.shape))
    assert is_affine(lambda z: decoder(Code(z, nothing, nothing, features.side), None), torch.randn(2, 4, 3))


def is_affine(function, inputs):
    """A silenced network leaves its linear path alone, or nothing."""
    a, b = inputs
    return torch.allclose(function(a) + function(b), function(a + b) + function(torch.zeros_like(a)), atol=1e-3)
