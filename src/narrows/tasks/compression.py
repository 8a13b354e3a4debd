"""Compression: data to one file of chunks, each by the method that makes it smallest, and tried before it is written.

Rows are cut into blocks, and a block is one chunk for each column. Chunks are made side by side on several cores; what
comes out does not depend on how many.
"""

from __future__ import annotations

import io
import mmap
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from narrows.coding import chunks
from narrows.coding.candidates import by_model
from narrows.coding.chunks import Content
from narrows.coding.container import ContainerWriter, digest
from narrows.coding.efforts import EFFORTS, Effort
from narrows.coding.rows import Known
from narrows.core.errors import ChoiceError, InputError, unknown
from narrows.data.arrays import Array
from narrows.data.csr import is_sparse
from narrows.data.frames import is_frame
from narrows.data.samples import Samples
from narrows.data.tensor_file import replacing
from narrows.data.writing import check_file
from narrows.tasks.forms import ArrayForm, Form
from narrows.tasks.lossless import LosslessImages
from narrows.tasks.lossy import LossyImages
from narrows.tasks.shared import Shared
from narrows.tasks.table_forms import TableForm

KINDS: dict[str, type[Form]] = {form.kind: form for form in (ArrayForm, TableForm)}
ENDING = ".nrw"
FEW, SOME = 1024, 16
"""So many rows, and columns at least, decide about how an array is taken apart where time counts."""
PARTS = 8
"""Chunks of images by a model are so many times smaller: it does not learn from them, and all cores have some."""

Progress = Callable[[int, int, int], None]
"""Called with the rows that are done, the bytes that they were, and the bytes that they became."""


@dataclass(frozen=True)
class Plan:
    """How data are compressed.

    Args:
        bound: How far a number may come back from what it was; 0 for not at all.
        effort: How much is tried.
        primer: Rows of the same kind that whoever reads the file will have.
        lossy: What codes images where they need not come back exactly.
        lossless: What foretells images where they come back exactly.
        embed: Whether the file holds what is needed to decode them.
    """

    bound: float
    effort: Effort
    primer: Array | None = None
    lossy: LossyImages | None = None
    lossless: LosslessImages | None = None
    embed: bool = False

    @property
    def learned(self) -> LossyImages | LosslessImages | None:
        """What was learned of images."""
        return self.lossy or self.lossless

    @property
    def shared(self) -> Shared:
        """What readers have to have."""
        return Shared(self.primer, None if self.learned is None else self.learned.model)

    @classmethod
    def of(cls, max_error: float, effort: str, portable: bool = False) -> Plan:
        """A plan by what a user asks for.

        Args:
            max_error: How far a number may come back from what it was.
            effort: The name of an effort.
            portable: Whether codecs that not every reader has are left out.

        Raises:
            ChoiceError: An unknown effort, or an error that is no number from 0 on.
        """
        if effort not in EFFORTS:
            raise unknown("effort", effort, EFFORTS)
        if not isinstance(max_error, (int, float, np.integer, np.floating)) or isinstance(max_error, bool):
            raise ChoiceError(f"max_error is a number from 0 on, got {max_error!r}")
        if not 0 <= max_error < np.inf:
            raise ChoiceError(f"max_error is a number from 0 on, got {max_error!r}")
        found = cls(float(max_error), EFFORTS[effort])
        return found.portable() if portable else found

    def portable(self) -> Plan:
        """The same without the codecs that not every reader has."""
        return replace(self, effort=replace(self.effort, borrowed=False))


def compress(X: Any, path: str | Path, max_error: float = 0, effort: str = "default", portable: bool = False) -> int:
    """Write data to one compressed file that holds everything needed to read them again.

    Without an error allowed every bit comes back, of any type and shape: numbers, text, dates, gaps, not-a-numbers.
    With one, no floating-point number comes back further from what it was, reckoned in its own type; whole numbers,
    text and dates come back as they were.

    Args:
        X: An array, a memory map, a data frame of pandas, Polars or Arrow.
        path: The file to write, by convention ending in `.nrw`.
        max_error: How far a floating-point number may come back from what it was.
        effort: How much is tried to make the file smaller: `"fast"` a generic codec, `"default"` tables too, of pixels
            by their neighbours where there are images, `"max"` mixed contexts too, which take many times as long.
        portable: Whether the codecs of imagecodecs are left out. Where that is installed, JPEG XL, SZ3 and SPERR are
            tried for fields with an error allowed, and at `"max"` JPEG XL for images; a file that is clearly smaller by
            one of them can only be read where imagecodecs is installed.

    Returns:
        How many bytes the file has.

    Raises:
        InputError: Data that cannot be compressed, with the reason.
        ChoiceError: An unknown effort, or an error below 0.
        FileError: The path cannot be written to.

    >>> import tempfile, numpy as np, narrows
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size = narrows.compress(np.arange(1000.0), f"{folder}/x.nrw")
    ...     narrows.decompress(f"{folder}/x.nrw")[:3], size < 400
    (array([0., 1., 2.]), True)
    """
    return compress_to(path, X, Plan.of(max_error, effort, portable))[1]


def compress_to(path: str | Path, X: Any, plan: Plan, progress: Progress | None = None) -> tuple[int, int]:
    """Write a compressed file; how many bytes the data took, and how many the file has."""
    check_file(path)
    form, data = form_of(X, plan)
    with replacing(path) as temporary, temporary.open("wb") as file:
        after = write(file, form, data, plan, progress)
    return int(data.nbytes), after


def to_bytes(X: Any, plan: Plan, progress: Progress | None = None) -> bytes:
    """Data as the bytes of a compressed file."""
    file = io.BytesIO()
    form, data = form_of(X, plan)
    write(file, form, data, plan, progress)
    return file.getvalue()


def form_of(X: Any, plan: Plan) -> tuple[Form, Any]:
    """What data are, and the data as their form takes them apart.

    Raises:
        InputError: Data that cannot be compressed.
    """
    if is_frame(X):
        return TableForm.of(X)
    if is_sparse(X):
        raise InputError("sparse matrices cannot be compressed yet: compress their data, indices and indptr")
    if isinstance(X, Samples):
        raise InputError("data that are read piece by piece cannot be compressed yet: compress the files' arrays")
    array = X if isinstance(X, np.ndarray) else np.asarray(X)
    if plan.learned is not None and plan.learned.takes(array):
        return ArrayForm(array.dtype, array.shape, "whole"), array
    layouts = ArrayForm.layouts(array)
    forms = [ArrayForm(array.dtype, array.shape, layout) for layout in layouts]
    return (forms[0] if len(forms) == 1 else _smaller(forms, array, plan)), array


def _smaller(forms: Sequence[ArrayForm], array: Array, plan: Plan) -> ArrayForm:
    """The form by which the first block is smaller, or is likely to be by the first rows of it where time counts."""
    with ThreadPoolExecutor(cores()) as pool:
        if plan.effort.thorough:
            made = [_block(form, array, 0, min(form.count, form.block()), plan, pool) for form in forms]
            sizes = [float(sum(len(future.result()[0]) for future in futures)) for futures in made]
        else:
            sizes = [_estimate(form.contents(array, 0, min(form.count, FEW)), plan, pool) for form in forms]
    return forms[int(np.argmin(sizes))]


def _estimate(contents: Sequence[Content], plan: Plan, pool: ThreadPoolExecutor) -> float:
    """About how many bytes the chunks of a block take, by some of them where they are many."""
    _, candidates = _candidates(contents, plan, pool)
    some = slice(None, None, max(1, len(contents) // SOME))
    sizes = pool.map(chunks.estimate, contents[some], candidates[some], repeat(plan.bound), repeat(plan.effort))
    return len(contents) * float(np.mean(list(sizes)))


def pays(X: Array, plan: Plan) -> bool:
    """Whether a model of images saves more than its own bytes, by how it does on the first block of rows."""
    assert plan.lossless is not None
    form = form_of(X, plan)[0]
    (content,) = form.contents(X, 0, min(form.count, form.block()))
    without = len(chunks.encode(content, [], {}, plan.bound, plan.effort)[0])
    with_it = min(map(len, by_model(content.values, plan.lossless)), default=without)
    blocks = form.count / max(1, len(content.values))
    return (without - with_it) * blocks > len(plan.lossless.model.packed)


def cores() -> int:
    """How many threads make chunks."""
    return max(1, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))


def write(file: BinaryIO, form: Form, data: Any, plan: Plan, progress: Progress | None = None) -> int:
    """Write a compressed file, and say how many bytes it has."""
    size = max(1, form.block() // (1 if plan.learned is None else PARTS))
    told = {"kind": form.kind, **form.to_json(), "rows": size, "bound": plan.bound.hex()}
    model = plan.shared.fingerprint
    if model:
        told |= {"model": model, "embedded": plan.embed}
    writer = ContainerWriter(file, told)
    held = plan.shared.model
    if plan.embed and held is not None:
        writer.add(held.packed, digest(held.packed))
    before = after = 0
    with ThreadPoolExecutor(cores()) as pool:
        for stop, made in _ahead(form, data, size, plan, pool):
            for future in made:
                payload, content = future.result()
                writer.add(payload, content.stamp())
                before += content.values.nbytes + len(content.beside)
                after += len(payload)
            let_go(data)
            if progress is not None:
                progress(stop, before, after)
    return writer.finish()


def let_go(data: Any) -> None:
    """Give back the memory of pages of a memory map that were read; they are read again where they are needed."""
    mapped = getattr(data, "_mmap", None)
    if isinstance(data, np.memmap) and mapped is not None and data.mode == "r" and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


Made = Sequence["Future[tuple[bytes, Content]]"]


def _ahead(form: Form, data: Any, size: int, plan: Plan, pool: ThreadPoolExecutor) -> Iterator[tuple[int, Made]]:
    """The chunks of every block, a few blocks ahead of the one that is asked for."""
    waiting: deque[tuple[int, Made]] = deque()
    for start in range(0, form.count, size):
        stop = min(form.count, start + size)
        waiting.append((stop, _block(form, data, start, stop, plan, pool)))
        if sum(len(made) for _, made in waiting) > 2 * cores() and len(waiting) > 1:
            yield waiting.popleft()
    yield from waiting


def _block(form: Form, data: Any, start: int, stop: int, plan: Plan, pool: ThreadPoolExecutor) -> Made:
    """The chunks of a block in the making: a column may be foretold by those that cost more than it does."""
    contents = form.contents(data, start, stop)
    if plan.lossy is not None:
        return [pool.submit(plan.lossy.encode, one) for one in contents]
    known, candidates = _candidates(contents, plan, pool)
    made = partial(chunks.encode, bound=plan.bound, effort=plan.effort, primer=plan.primer, foreteller=plan.lossless)
    return [pool.submit(made, one, known, others) for one, others in zip(contents, candidates, strict=True)]


def _candidates(
    contents: Sequence[Content], plan: Plan, pool: ThreadPoolExecutor
) -> tuple[list[Known | None], list[dict[int, Known]]]:
    """The columns as others are foretold by them, and for each column those that may foretell it."""
    if len(contents) == 1 or not plan.effort.modelled or plan.bound > 0:
        return [None] * len(contents), [{}] * len(contents)
    known = list(pool.map(Content.known, contents))
    order = np.argsort([-chunks.weight(one) for one in known], kind="stable").tolist()
    places = {number: place for place, number in enumerate(order)}
    return list(known), [{n: known[n] for n in order[: places[number]]} for number in range(len(contents))]
