"""What is chosen where nothing was said: by shapes and hardware, never by a clock."""

import pytest
import torch

from narrows.core.errors import ChoiceError
from narrows.core.spec import Column, SampleSpec
from narrows.recipes.catalogue import build
from narrows.training import rules


@pytest.mark.parametrize("d", [2, 3, 10, 100, 5000, 10**6])
def test_a_code_is_smaller_than_a_vector(d):
    assert 1 <= rules.latent_dim(SampleSpec("vector", (d,))) < d


def test_a_table_has_as_many_numbers_as_columns():
    columns = tuple(Column(str(i), "normal") for i in range(7))
    assert rules.latent_dim(SampleSpec("table", (7,), "mixed", columns=columns)) == 7


def test_batches_grow_with_the_data_and_shrink_with_the_work():
    sizes = [rules.batch_size(n, 10_000) for n in (10, 999, 1_000, 19_999, 20_000, 10**7)]
    assert sizes == sorted(sizes)
    assert rules.batch_size(10**7, int(rules.HEAVY)) < rules.batch_size(10**7, int(rules.HEAVY) - 1)
    assert rules.batch_size(10_000, 10_000, sparse=True) > rules.batch_size(9_999, 10_000, sparse=True)


@pytest.mark.parametrize("rows", [10, 1_000, 20_000, 10**6])
@pytest.mark.parametrize("work", [10**3, 10**6, 10**9])
def test_a_run_takes_so_many_steps_and_so_much_work_or_five_epochs(rows, work):
    batch = rules.batch_size(rows, work)
    epochs = rules.epochs(rows, batch, work)
    assert 5 <= epochs <= 300
    if epochs > 5:
        assert (epochs - 1) * rows / batch <= rules.STEPS
        assert 3 * work * rows * (epochs - 1) <= rules.WORK


def test_operations_are_those_of_the_matrices():
    spec = SampleSpec("vector", (30,))
    options = {"widths": (64, 32), "linear_path": False}
    model = build("deep", spec, 8, likelihood="normal", options=options)
    assert rules.operations(model) == 2 * 2 * (30 * 64 + 64 * 32 + 32 * 8)


@pytest.mark.parametrize(("asked", "wanted"), [("float32", "float32"), ("bfloat16", "bfloat16")])
def test_a_precision_that_is_asked_for(asked, wanted):
    assert rules.precision(asked, torch.device("cpu"), SampleSpec("vector", (4,)), 32, 100) == wanted


@pytest.mark.parametrize("fast", [False, True])
def test_bfloat16_only_where_it_is_fast_and_samples_are_wide(monkeypatch, fast):
    monkeypatch.setattr(rules, "_cpu_multiplies_bfloat16", lambda: fast)
    cpu = torch.device("cpu")
    assert rules.precision("auto", cpu, SampleSpec("vector", (30,)), 256, 10**4) == "float32"
    assert rules.precision("auto", cpu, SampleSpec("vector", (784,)), 32, 10**4) == "float32"
    wide = rules.precision("auto", cpu, SampleSpec("vector", (784,)), 256, 10**4)
    assert wide == ("bfloat16" if fast else "float32")


@pytest.mark.parametrize("asked", ["gpu", "cuda:99", "cpuu"])
def test_a_device_that_is_not_there(asked):
    with pytest.raises(ChoiceError, match="device"):
        rules.device(asked)
