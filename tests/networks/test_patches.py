"""Networks of patches: what is hidden never gets in, and with nothing hidden they are plain autoencoders."""

import pytest
import torch

import narrows
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.networks import Patches
from narrows.networks.patches import Attention, Grid
from narrows.recipes.assemble import assemble
from narrows.recipes.masked_patches import masked_patches

SPEC = SampleSpec("image", (2, 9, 14))


def test_an_image_falls_into_patches_and_is_put_together_again(rng):
    grid = Grid((9, 14), 4)
    x = torch.randn(3, 2, 9, 14, generator=rng)
    cells = grid.cut(x)
    assert cells.shape == (3, 12, 32)
    assert torch.equal(cells[0, 5].view(2, 4, 4), x[0, :, 4:8, 4:8])
    assert torch.equal(grid.joined(cells, 2), x)
    assert len(grid.places(16).unique(dim=0)) == 12, "no two patches lie in one place"


def test_attention_is_that_of_torch(rng):
    ours = Attention(8, 2)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        for part in (*ours.parameters(), *theirs.parameters()):
            part.normal_(generator=rng)
        theirs.in_proj_weight.copy_(ours.asks.weight)
        theirs.in_proj_bias.copy_(ours.asks.bias)
        theirs.out_proj.weight.copy_(ours.answers.weight)
        theirs.out_proj.bias.copy_(ours.answers.bias)
    x, there = torch.randn(3, 5, 8, generator=rng), torch.arange(5) < torch.tensor([[5], [3], [1]])
    expected = theirs(x, x, x, key_padding_mask=~there, need_weights=False)[0]
    assert torch.allclose(ours(x, there), expected, atol=1e-5)


@pytest.mark.parametrize("mask", ["patches", "values", "nothing visible"])
def test_hidden_values_never_reach_the_encoder(mask, rng):
    model = masked_patches(SPEC, 5, rng=rng)
    x, other = torch.randn(2, 4, 2, 9, 14, generator=rng)
    visible = model.corruption(View(x), rng).visible
    visible = {"patches": visible, "values": torch.rand(x.shape, generator=rng) > 0.5}.get(mask, x > torch.inf)
    changed = torch.where(visible, x, other)
    codes = [model.encoder.network(View(values, visible=visible)).values for values in (x, changed)]
    assert torch.equal(*codes)
    assert codes[0].isfinite().all()


def test_the_encoder_takes_in_the_visible_patches_only(rng, monkeypatch):
    model = masked_patches(SampleSpec("image", (1, 16, 16)), 4, patch=4, rng=rng)
    taken = []
    through = type(model.encoder.network)._through
    monkeypatch.setattr(
        type(model.encoder.network),
        "_through",
        lambda self, cells, *rest: taken.append(cells.shape) or through(self, cells, *rest),
    )
    model(View(torch.randn(3, 1, 16, 16, generator=rng)), rng)
    assert taken == [(3, 4, 16)], "4 of 16 patches"


def test_all_visible_by_a_mask_is_all_visible_without(rng):
    encoder, _ = Patches().pair(SPEC, 5, 5, (1, *SPEC.shape))
    assemble(SPEC, 5, network="patches")
    torch.nn.init.normal_(encoder.head.weight, generator=rng)
    with torch.no_grad():
        for weight in encoder.parameters():
            weight.normal_(0, 0.1, generator=rng)
    x = torch.randn(3, *SPEC.shape, generator=rng)
    everything = torch.ones_like(x, dtype=torch.bool)
    assert torch.allclose(encoder(View(x)).values, encoder(View(x, visible=everything)).values, atol=1e-5)


def test_samples_with_fewer_visible_patches_are_not_changed_by_their_neighbours(rng):
    model = masked_patches(SPEC, 5, rng=rng)
    x = torch.randn(2, *SPEC.shape, generator=rng)
    visible = torch.ones_like(x, dtype=torch.bool)
    visible[1, :, 4:] = False
    together = model.encode(View(x, visible=visible)).z[1]
    alone = model.encode(View(x[1:], visible=visible[1:])).z[0]
    assert torch.allclose(together, alone, atol=1e-5)


def test_with_nothing_hidden_and_all_scored_it_is_the_plain_patch_autoencoder(rng):
    masked = masked_patches(SPEC, 5, fraction=0.0, rng=torch.Generator().manual_seed(1))
    plain = assemble(SPEC, 5, network="patches", rng=torch.Generator().manual_seed(1))
    x = View(torch.randn(4, *SPEC.shape, generator=rng))
    losses = [model.loss(x, torch.Generator().manual_seed(0))[0] for model in (masked, plain)]
    assert torch.allclose(*losses, rtol=1e-5)


def test_only_hidden_patches_are_scored_where_that_is_asked(rng):
    model = masked_patches(SPEC, 5, scored="hidden", rng=rng)
    view = model.corruption(View(torch.randn(3, *SPEC.shape, generator=rng)), rng)
    assert torch.equal(view.scored, ~view.visible)
    counts = view.visible[:, 0].flatten(1).sum(1)
    assert (counts > 0).all()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_learns_digits(digits):
    X = (digits.images[:600] / 16).astype("float32")
    small = {"linear_path": False, "width": 32, "depth": 2, "fraction": 0.5}
    ae = narrows.Autoencoder(recipe="masked_patches", latent_dim=8, epochs=40, random_state=0, verbose=0)
    ae.set_params(recipe_options=small).fit(X)
    assert ((ae.reconstruct(X) - X) ** 2).mean() < 0.7 * X.var(0).mean()
    assert ae.transform(X).shape == (600, 8)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fraction": 1.0}, "fraction of hidden patches lies in"),
        ({"patch": 0}, "the patch of a network of patches is a whole number"),
        ({"width": 60}, "the width of a token is a multiple of 8"),
        ({"scored": "hiden"}, "did you mean 'hidden'"),
    ],
)
def test_impossible_options_are_refused(options, sentence):
    with pytest.raises(ChoiceError, match=sentence):
        masked_patches(SPEC, 5, **options)
