"""What every part must satisfy, found by walking the exports: a new part is tested because it is exported."""

import inspect
from typing import ClassVar

import pytest
import torch

from narrows.core.contracts import Part
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.layers import initialise
from narrows.recipes.assemble import BOTTLENECKS, CORRUPTIONS, LIKELIHOODS, NETWORKS, PENALTIES, assemble

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


@pytest.mark.parametrize("registry", [BOTTLENECKS, CORRUPTIONS, LIKELIHOODS, PENALTIES], ids=lambda r: r.kind)
def test_parts_are_final(registry):
    for part in registry.values():
        assert issubclass(part, Part)
        assert not inspect.isabstract(part)
        assert not any(issubclass(other, part) and other is not part for other in registry.values())


@pytest.mark.parametrize("name", BOTTLENECKS)
class TestBottlenecks:
    def test_shapes_and_randomness(self, name, rng):
        part = BOTTLENECKS.build(name, latent_dim=3)
        features = Features(torch.randn(5, part.in_features, generator=rng))
        code, again = part(features, None), part(features, None)
        assert code.z.shape == (5, 3)
        assert code.rate.shape == code.charge.shape == (5,)
        assert torch.equal(code.z, again.z), "without a generator nothing is drawn"
        drawn = [part(features, torch.Generator().manual_seed(seed)).z for seed in (1, 1, 2)]
        assert torch.equal(drawn[0], drawn[1])
        assert part.free or not torch.equal(drawn[0], drawn[2])

    def test_gradient_reaches_the_features(self, name, rng):
        part = BOTTLENECKS.build(name, latent_dim=3)
        values = torch.randn(5, part.in_features, generator=rng, requires_grad=True)
        code = part(Features(values), rng)
        (code.z.square().sum() + code.charge.sum()).backward()
        assert values.grad.isfinite().all()
        assert values.grad.abs().sum() > 0

    def test_rate_is_nothing_exactly_where_the_code_is_free(self, name, rng):
        part = BOTTLENECKS.build(name, latent_dim=3)
        rate = part(Features(torch.randn(5, part.in_features, generator=rng)), rng).rate
        assert (rate == 0).all() if part.free else (rate > 0).all()

    def test_linear_start_fits(self, name):
        part = BOTTLENECKS.build(name, latent_dim=4)
        start = part.linear_start(torch.tensor([3.0, 2.0]), torch.tensor(0.5))
        if start is not None:
            assert start.encode.shape == start.decode.shape == (2,)
            assert start.features.shape == (part.in_features - 2,)

    def test_a_rectified_code_begins_alive(self, name):
        part = BOTTLENECKS.build({"name": name, **({"squash": "relu"} if name == "plain" else {})}, latent_dim=4)
        start = part.linear_start(torch.tensor([3.0, 2.0]), torch.tensor(0.5))
        assert start.lift.shape == (2,)
        assert name != "plain" or (start.lift >= 2 * start.encode * torch.tensor([3.0, 2.0]).sqrt() - 1e-5).all()

    def test_side_is_handed_on(self, name):
        part = BOTTLENECKS.build(name, latent_dim=2)
        side = (torch.ones(1),)
        assert part(Features(torch.zeros(1, part.in_features), side), None).side is side


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("spec", SPECS, ids=by_spec)
class TestLikelihoods:
    def test_shapes(self, name, spec, rng):
        part = LIKELIHOODS[name]()
        params = torch.randn(4, *part.params_shape(spec), generator=rng)
        x = torch.rand(4, *spec.shape, generator=rng)
        for found in (part.log_prob(params, x), part.mean(params), part.median(params), part.sample(params, rng)):
            assert found.shape == x.shape
            assert found.isfinite().all()

    def test_support(self, name, spec, rng):
        part = LIKELIHOODS[name]()
        params = 3 * torch.randn(4, *part.params_shape(spec), generator=rng)
        for found in (part.mean(params), part.median(params), part.sample(params, rng)):
            assert part.support == "real" or (found >= 0).all()
            assert part.support != "unit" or (found <= 1).all()

    def test_samples_have_the_mean(self, name, spec, rng):
        part = LIKELIHOODS[name]()
        params = torch.randn(1, *part.params_shape(spec), generator=rng).expand(4000, *part.params_shape(spec))
        drawn = part.sample(params, rng)
        error = drawn.mean(0) - part.mean(params)[0]
        assert (error.abs() < 5 * drawn.std(0).clamp(min=0.1) / 4000**0.5).all()


@pytest.mark.parametrize("name", CORRUPTIONS)
class TestCorruptions:
    def test_leaves_the_original_alone(self, name, rng):
        x = torch.randn(6, 9, generator=rng)
        view, before = View(x), x.clone()
        shown = CORRUPTIONS[name]()(view, rng)
        assert torch.equal(x, before)
        assert shown.x.shape == x.shape
        assert shown.x.isfinite().all()
        assert shown.context is view.context

    def test_same_generator_same_corruption(self, name):
        view = View(torch.randn(6, 9))
        first, second = (CORRUPTIONS[name]()(view, torch.Generator().manual_seed(3)).x for _ in range(2))
        assert torch.equal(first, second)

    def test_hidden_values_are_not_shown(self, name, rng):
        shown = CORRUPTIONS[name]()(View(torch.randn(6, 9)), rng)
        assert shown.visible is None or (shown.x[~shown.visible] == 0).all()


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
        assert (value >= 0).all()
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
