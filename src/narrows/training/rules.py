"""What `None` and `"auto"` stand for: fixed rules on shapes and hardware, never on a timing.

The same data on the same kind of machine always gets the same choice, and what was chosen is in the model file.
"""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

from narrows.core.errors import ChoiceError, unknown
from narrows.core.spec import SampleSpec
from narrows.core.trace import Share, View, csr
from narrows.data.sparse import parts

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule

STEPS = 10_000
"""How many steps a run takes, at most, unless epochs are given."""
WORK = 4e13
"""How many multiplications and additions, at most: some five minutes of two cores."""

HEAVY = 2e7
"""From how many multiplications and additions on a row is heavy work: small batches then cost no speed."""


def latent_dim(spec: SampleSpec) -> int:
    """The square root of the number of values, rounded up, at most 64; of a table, as many as it has columns.

    The columns of a table have little in common, so that its code is held back by what is hidden, not by its size.

    >>> [latent_dim(SampleSpec("vector", (d,))) for d in (2, 30, 784)]
    [1, 6, 28]
    """
    if spec.kind == "table":
        return min(64, spec.size)
    return max(1, min(64, spec.size - 1, ceil(sqrt(spec.size))))


def batch_size(rows: int, operations: int, sparse: bool = False) -> int:
    """From 32 for small data to 256 for 20,000 rows and more; at most 64 where a row is heavy work.

    Of 10,000 sparse rows and more 1,024, since a step then costs as much by its columns as by its rows.

    Args:
        rows: Training rows.
        operations: Multiplications and additions of the model for one row, one way.
        sparse: Whether the rows are.

    >>> [batch_size(n, 10_000) for n in (100, 2_000, 10_000, 60_000)], batch_size(60_000, 150_000_000)
    ([32, 64, 128, 256], 64)
    """
    if sparse and rows >= 10_000:
        return 1024
    most = 64 if operations >= HEAVY else 256
    return min(most, next((size for size, fewer in ((32, 1_000), (64, 5_000), (128, 20_000)) if rows < fewer), 256))


def epochs(rows: int, batch: int, operations: int) -> int:
    """As many passes as make about 10,000 steps or 4e13 multiplications, whichever is less, within 5 and 300.

    Args:
        rows: Training rows.
        batch: Rows of a step.
        operations: Multiplications and additions of the model for one row, one way.

    >>> epochs(100, 32, 10_000), epochs(60_000, 256, 10_000), epochs(10_000, 128, 150_000_000)
    (300, 43, 9)
    """
    by_steps = ceil(STEPS / ceil(rows / batch))
    by_work = ceil(WORK / (3 * operations * rows))
    return max(5, min(300, by_steps, by_work))


def operations(model: AutoencoderModule) -> int:
    """Multiplications and additions of one row on its way through a model, counted by torch."""
    device = next(model.parameters()).device
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(_empty_view(model.spec, device))
    return max(1, counter.get_total_flops())


def _empty_view(spec: SampleSpec, device: torch.device) -> View:
    """A view of one sample of zeros; of sparse ones, with as many zeros scored as a step of training would."""
    if not spec.sparse:
        context = torch.zeros(1, spec.context, device=device) if spec.context else None
        return View(torch.zeros(1, *spec.shape, device=device), context=context)
    starts = torch.zeros(2, dtype=torch.int64, device=device)
    empty = csr(starts, starts[:0], torch.zeros(0, device=device), spec.size)
    return View(empty, share=Share(parts(spec), 0))


def patience(epochs: int) -> int:
    """A tenth of the epochs, at least ten."""
    return max(10, epochs // 10)


def weight_decay(optimizer: str) -> float:
    """A tenth where decay is decoupled from the gradient (Loshchilov and Hutter 2019), otherwise none."""
    return 0.1 if optimizer in ("adamw", "muon") else 0.0


def gradient_clip(optimizer: str) -> float | None:
    """A norm of 1 for stochastic gradient descent, whose steps grow with the gradient; no limit for the others."""
    return 1.0 if optimizer == "sgd" else None


def device(asked: str) -> torch.device:
    """`"auto"` is the first CUDA device where there is one, otherwise the CPU."""
    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(asked)
        torch.empty(0, device=found)
    except (RuntimeError, TypeError) as error:
        if str(asked).partition(":")[0] not in ("cuda", "mps", "xpu"):
            raise unknown("device", asked, ["auto", "cpu", "cuda"]) from error
        raise ChoiceError(f"device={asked!r} is not there: choose 'auto' or 'cpu'") from error
    except AssertionError as error:  # a build of torch without that kind of device
        raise ChoiceError(f"device={asked!r} is not there: choose 'auto' or 'cpu'") from error
    return found


def precision(asked: str, on: torch.device, spec: SampleSpec, batch: int, operations: int) -> str:
    """`"auto"` is bfloat16 where the hardware multiplies it fast and samples and batches are large, otherwise float32.

    Measured on a CPU with AVX-512 BF16: 1.4 to 2.1 times faster from 256 values and batches of 256, and 1.6 times
    slower for 30-64-32-8; 1.7 times faster for convolutions on 32 x 32 images. Weights, likelihood and evaluation stay
    in float32 either way.
    """
    if asked not in ("auto", "float32", "bfloat16"):
        raise unknown("precision", asked, ["auto", "float32", "bfloat16"])
    if asked != "auto":
        return asked
    wide = spec.size >= 256 and (batch >= 128 or operations >= HEAVY)
    fast = torch.cuda.is_bf16_supported() if on.type == "cuda" else _cpu_multiplies_bfloat16()
    return "bfloat16" if wide and fast else "float32"


def _cpu_multiplies_bfloat16() -> bool:
    """Whether the CPU has matrix or vector instructions for bfloat16; torch keeps these questions private."""
    return any(
        getattr(torch.cpu, question, lambda: False)()
        for question in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    )
