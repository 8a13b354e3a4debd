"""Affine maps of sparse rows: the same numbers and gradients as dense ones."""

import numpy as np
import pytest
import torch
from scipy import sparse

from narrows.core.trace import Share, csr
from narrows.networks.rows import Pattern, RowsLinear, _Shared


@pytest.fixture
def dense():
    """Rows of which the third is empty and the second column too."""
    x = torch.from_numpy(sparse.random_array((9, 30), density=0.2, rng=np.random.default_rng(0)).toarray()).float()
    x[2], x[:, 1] = 0, 0
    return x


@pytest.fixture
def rows(dense):
    found = sparse.csr_array(dense.numpy())
    starts, columns = (torch.from_numpy(part).long() for part in (found.indptr, found.indices))
    return csr(starts, columns, torch.from_numpy(found.data), found.shape[1])


def test_products_are_those_of_dense_rows(rows, dense, rng):
    pattern, matrix, other = Pattern.of(rows), torch.randn(30, 5, generator=rng), torch.randn(9, 5, generator=rng)
    assert torch.allclose(pattern.times(rows.values(), matrix), dense @ matrix, atol=1e-6)
    assert torch.allclose(pattern.transposed_times(rows.values(), other), dense.T @ other, atol=1e-6)
    assert torch.allclose(pattern.dots(other, matrix), (other @ matrix.T)[dense != 0], atol=1e-6)


def test_a_layer_has_the_gradients_of_a_dense_one(rows, dense, rng):
    layer = RowsLinear(30, 4)
    with torch.no_grad():
        layer.weight.normal_(generator=rng)
        layer.bias.normal_(generator=rng)
    found = []
    for x in (rows, dense):
        layer.zero_grad()
        out = layer(x)
        out.sin().sum().backward()
        found.append((out, layer.weight.grad, layer.bias.grad))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_shared_maps_have_exact_gradients(rows, dense, rng, shift):
    def drawn(*shape):
        return torch.randn(*shape, generator=rng, dtype=torch.float64).requires_grad_()

    h, heads = drawn(9, 4), [(drawn(30, 4), drawn(30)) for _ in range(2)]
    share = tuple(Share(4, shift).blocks())
    at_entries, *blocks = _Shared.apply(h, Pattern.of(rows), share, *(weight for head in heads for weight in head))
    (at_entries.square().sum() + sum(block.sin().sum() for block in blocks)).backward()
    found = [weight.grad.clone() for weight in (h, *heads[0], *heads[1])]
    for weight in (h, *heads[0], *heads[1]):
        weight.grad = None
    where = (torch.arange(30) - torch.arange(9)[:, None]) % 4 == shift
    everywhere = [h @ weight.T + bias for weight, bias in heads]
    sum(every[dense != 0].square().sum() + every[where].sin().sum() for every in everywhere).backward()
    for mine, weight in zip(found, (h, *heads[0], *heads[1]), strict=True):
        assert torch.allclose(mine, weight.grad)
