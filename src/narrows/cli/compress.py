"""`narrows compress DATA -o FILE.nrw`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from tqdm import tqdm

import narrows
from narrows.cli.opening import compressor
from narrows.core.errors import FileError
from narrows.tasks.compression import ENDING, Plan, Progress, compress_to
from narrows.tasks.decompression import open_compressed
from narrows.tasks.lossy import nearness


def compress(
    data: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    max_error: float | None = None,
    effort: str | None = None,
    model: Path | None = None,
    embed: bool = True,
    portable: bool = False,
) -> None:
    """Write data to one compressed file that holds everything needed to read them again.

    Args:
        data: A file or a folder, as for `narrows train`.
        output: The file to write, ending in .nrw.
        max_error: How far a floating-point number may come back from what it was; 0, unless the model says otherwise,
            for not at all.
        effort: fast, default or max: how much is tried to make the file smaller; max takes many times as long. What the
            model says or, without one, default.
        model: A model file of `narrows train compressor`.
        embed: Whether the file holds what is needed of the model; with --no-embed it is smaller, and can be read with
            the model alone.
        portable: Leave out the codecs of imagecodecs, which whoever reads the file may not have.
    """
    if output.suffix.lower() != ENDING:
        raise FileError(f"cannot write {output}: a compressed file ends in {ENDING}")
    if model is None:
        plan = Plan.of(0.0 if max_error is None else max_error, effort or "default", portable)
        with _progress() as tell:
            before, after = compress_to(output, narrows.open_data(data), plan, tell)
        print(_became(before, after))
        return
    estimator = compressor(model)
    asked = {"max_error": max_error, "effort": effort}
    estimator.set_params(**{name: value for name, value in asked.items() if value is not None})
    given = narrows.open_data(data)
    plan = estimator.plan_for(given, embed)
    if portable:
        plan = plan.portable()
    with _progress() as tell:
        before, after = compress_to(output, given, plan, tell)
    print(_became(before, after))
    if plan.lossy is not None:
        with open_compressed(output, shared=plan.shared) as file:
            found = nearness(given, file.read(), after)
        shown = "{bits_per_pixel:.3f} bits per pixel, PSNR {psnr:.2f} dB, MS-SSIM {ms_ssim:.4f}".format(**found)
        print(shown + (", the model included" if embed else ", the model apart"))


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar with the ratio so far."""
    with tqdm(unit="row", unit_scale=True, disable=not sys.stderr.isatty()) as bar:

        def tell(rows: int, before: int, after: int) -> None:
            bar.update(rows - bar.n)
            bar.set_postfix(ratio=f"{before / max(1, after):.2f}")

        yield tell


def _became(before: int, after: int) -> str:
    return f"{before:,} bytes became {after:,}, {before / max(1, after):.2f} times less"
