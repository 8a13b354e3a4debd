"""Writing results: arrays and frames to files, under a temporary name first, so that no half file is ever left."""

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from scipy import sparse

from narrows.core.errors import FileError, InputError, unknown
from narrows.data.arrays import Array
from narrows.data.av_video import pyav
from narrows.data.csr import is_sparse
from narrows.data.frames import as_table, is_frame
from narrows.data.images import write_image
from narrows.data.tables import write_table, write_tables
from narrows.data.tensor_file import replacing
from narrows.data.video import write_video

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES = (".csv", ".parquet")
ARRAYS = (".npy", ".npz", *TABLES)
PICTURES = (".png", ".tif", ".tiff")
FILMS = (".gif", ".mp4")
STREAMED = (".npy", *TABLES)
"""The endings of files that `write_blocks` writes."""
WRITTEN = (*ARRAYS, *PICTURES, *FILMS)
"""The endings of files that `write_data` writes; without one it writes a folder of images."""


def check_file(path: str | Path) -> None:
    """Refuse a path at which no file could be written, before any work is done.

    Args:
        path: Where the output will go.

    Raises:
        FileError: The folder to write into does not exist or is not writable, or the path is a folder itself.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileError(f"cannot write {target}: the folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise FileError(f"cannot write {target}: the folder {target.parent} is not writable")
    if target.is_dir():
        raise FileError(f"cannot write {target}: it is a folder")


def check_model_file(path: str | Path) -> None:
    """Refuse a path at which no model should be written, before any work is done.

    Args:
        path: Where the model will go.

    Raises:
        FileError: As in `check_file`, or the path is named like data, which it might overwrite.
    """
    if Path(path).suffix.lower() not in ("", ".safetensors"):
        raise FileError(f"cannot write the model {path}: a model file ends in .safetensors")
    check_file(path)


def check_output(path: str | Path, endings: Sequence[str] = ("", *WRITTEN)) -> None:
    """Refuse a path that `write_data` could not write to, before any work is done.

    Args:
        path: Where the output will go.
        endings: Those that make sense, `""` for a folder.

    Raises:
        FileError: As in `check_file`; or a folder is to be written where something is already; or a package is missing.
        ChoiceError: An ending that is not among the known ones.
    """
    target = Path(path)
    if target.suffix.lower() not in endings:
        raise unknown(f"ending of {target}:", target.suffix, filter(None, endings))
    if target.suffix or not target.is_dir():
        check_file(target)
    if target.suffix.lower() == ".mp4":
        pyav(target)
    if not target.suffix and target.exists() and (target.is_file() or any(target.iterdir())):
        raise FileError(f"cannot write the folder {target}: something is there already")


def write_data(path: str | Path, data: Any, columns: Sequence[str] | None = None) -> None:
    """Write an array or a data frame in the format that the path names.

    Args:
        path: `.npy`, `.npz`, `.csv`, `.parquet`; `.png` or `.tif` for one image, no ending for a folder of images;
            `.gif` or `.mp4` for the clips of a video, one after another.
        data: Values, sparse rows for `.npz` alone; for images (n, height, width), (n, height, width, channels) or (n,
            channels, height, width) of uint8, uint16 or bool; for video (n, time, height, width, channels) uint8.
        columns: Names of the columns; a frame brings its own.

    Raises:
        FileError: The path cannot be written to.
        InputError: The data do not fit the format.
    """
    check_output(path)
    target = Path(path)
    if is_sparse(data):
        _write_sparse(target, data)
        return
    array = np.asarray(data)
    named = getattr(data, "columns", columns)
    names = None if named is None else list(map(str, named))
    suffix = target.suffix.lower()
    if suffix in TABLES:
        if array.ndim != 2:
            raise InputError(
                f"{target} would hold a table, but the data have shape {array.shape}: write .npy or images"
            )
        numbered = list(map(str, range(array.shape[1])))
        table = as_table(data) if is_frame(data) else pa.table(list(array.T), names or numbered)
        with replacing(target) as temporary:
            write_table(temporary, table, named=names is not None)
    elif suffix in (".npy", ".npz"):
        if array.dtype.hasobject:
            raise InputError(f"{target} holds numbers alone, and a table with others goes to .csv or .parquet")
        with replacing(target) as temporary, temporary.open("wb") as file:
            np.save(file, array) if suffix == ".npy" else np.savez(file, data=array)
    elif suffix in FILMS:
        if array.ndim != 5 or array.dtype != np.uint8:
            raise _unfit(target, "video of uint8", array)
        with replacing(target) as temporary:
            write_video(temporary, array)
    else:
        _write_images(target, _channels_last(target, array))


def _write_sparse(target: Path, rows: Any) -> None:
    if target.suffix.lower() != ".npz":
        raise InputError(f"{target} would hold sparse rows: write .npz, as scipy's load_npz reads it")
    with replacing(target) as temporary, temporary.open("wb") as file:
        sparse.save_npz(file, rows)


def write_blocks(
    path: str | Path, blocks: Iterable[Array | pa.Table], rows: int, columns: Sequence[str] | None = None
) -> None:
    """Write blocks of rows one after another, so that no more than a few are in memory.

    Args:
        path: `.npy`, `.csv` or `.parquet`.
        blocks: Rows of one shape and type, (n, ...) each; or tables of the same columns.
        rows: How many there are in all.
        columns: Names of the columns; a CSV file has a header if there are any.

    Raises:
        FileError: The path cannot be written to.
        ChoiceError: Another ending.
        InputError: The data do not fit the format.
    """
    check_output(path, STREAMED)
    target, given = Path(path), iter(blocks)
    first = next(given)
    written = chain([first], given)
    suffix = target.suffix.lower()
    tables = isinstance(first, pa.Table)
    if suffix not in TABLES and tables:
        raise InputError(f"{target} would hold one array, but the rows are a table: write .csv or .parquet")
    if suffix in TABLES and not tables and first.ndim != 2:
        raise InputError(f"{target} would hold a table, but the rows have shape {first.shape[1:]}: write .npy")
    with replacing(target) as temporary:
        if suffix in TABLES:
            write_tables(temporary, written, columns)
        else:
            with temporary.open("wb") as file:
                header = {"descr": first.dtype.str, "fortran_order": False, "shape": (rows, *first.shape[1:])}
                np.lib.format.write_array_header_1_0(file, header)
                for block in written:
                    file.write(np.ascontiguousarray(block).data)


def _write_images(target: Path, images: Array) -> None:
    if not target.suffix:
        with replacing_folder(target) as folder:
            for index, image in enumerate(images):
                write_image(folder / f"{index:06d}.png", image)
        return
    if len(images) != 1:
        raise InputError(f"{target} would hold one image, but there are {len(images)}: name a folder, without ending")
    with replacing(target) as temporary:
        write_image(temporary, images[0])


def _channels_last(target: Path, array: Array) -> Array:
    if array.ndim not in (3, 4) or array.dtype not in (np.uint8, np.uint16, np.bool_):
        raise _unfit(target, "images of uint8 or uint16", array)
    if array.ndim == 4 and array.shape[-1] > 4 >= array.shape[1]:
        array = array.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(array)


def _unfit(target: Path, what: str, array: Array) -> InputError:
    return InputError(f"{target} would hold {what}, but the data are {array.dtype} of shape {array.shape}: write .npy")


@contextmanager
def replacing_folder(target: Path) -> "Iterator[Path]":
    """A temporary folder beside `target`, renamed to it when the block succeeds and removed when it fails."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        temporary.mkdir()
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise FileError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
