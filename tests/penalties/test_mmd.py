"""The maximum mean discrepancy against the double sums that define it, and against a closed form."""

import pytest
import torch

from narrows.core.errors import ChoiceError
from narrows.penalties import MMD
from narrows.penalties.mmd import KERNELS, SCALES, biased_mmd, unbiased_mmd


def k(name, a, b, c):
    squared = sum((p - q) ** 2 for p, q in zip(a, b, strict=True))
    return c / (c + squared) if name == "inverse_multiquadric" else 2.718281828459045 ** (-squared / c)


def double_sum(name, x, y, with_itself):
    wide = [2 * x.shape[1] * scale for scale in SCALES]

    def mean(a, b, leave_out):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (leave_out and i == j)]
        return sum(k(name, a[i].tolist(), b[j].tolist(), c) for i, j in pairs for c in wide) / len(pairs)

    return mean(x, x, not with_itself) + mean(y, y, not with_itself) - 2 * mean(x, y, False)


@pytest.mark.parametrize("name", KERNELS)
def test_both_forms_equal_the_double_sum(name, rng):
    x = torch.randn(7, 3, generator=rng, dtype=torch.float64)
    y = 1 + 2 * torch.randn(5, 3, generator=rng, dtype=torch.float64)
    assert biased_mmd(x, y, KERNELS[name]).item() == pytest.approx(double_sum(name, x, y, True), abs=1e-9)
    assert unbiased_mmd(x, y, KERNELS[name]).item() == pytest.approx(double_sum(name, x, y, False), abs=1e-9)


@pytest.mark.parametrize("name", KERNELS)
def test_the_biased_form_is_zero_for_the_same_points_and_positive_for_others(name, rng):
    x = torch.randn(50, 4, generator=rng)
    assert biased_mmd(x, x[torch.randperm(50, generator=rng)], KERNELS[name]).item() == pytest.approx(0, abs=1e-5)
    assert biased_mmd(x, x + 1, KERNELS[name]) > 0.1


@pytest.mark.parametrize("name", KERNELS)
def test_the_unbiased_form_is_zero_on_average_for_samples_of_one_distribution(name, rng):
    found = torch.stack(
        [
            unbiased_mmd(torch.randn(20, 2, generator=rng), torch.randn(20, 2, generator=rng), KERNELS[name])
            for _ in range(400)
        ]
    )
    assert found.mean().abs() < 4 * found.std() / 400**0.5
    assert found.min() < 0 < found.max()


def test_rbf_of_two_normal_distributions_in_closed_form(rng):
    n, shift = 1000, 1.5
    x, y = torch.randn(n, 1, generator=rng), shift + torch.randn(n, 1, generator=rng)
    exact = 0.0
    for c in (2 * scale for scale in SCALES):  # x - y is normal with variance 2, so E exp(-(x - y)^2 / c) is known
        same = (c / (c + 4)) ** 0.5
        exact += 2 * same - 2 * same * torch.tensor(-(shift**2) / (c + 4)).exp().item()
    assert unbiased_mmd(x, y, KERNELS["rbf"]).item() == pytest.approx(exact, rel=0.1)


def test_an_unknown_kernel_is_refused():
    with pytest.raises(ChoiceError, match="unknown kernel 'rbff', did you mean 'rbf'"):
        MMD(kernel="rbff")
