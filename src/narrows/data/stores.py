"""Arrays in stores: HDF5 (extra `hdf5`) and Zarr (extra `zarr`), as `file.h5:name` and `folder.zarr:name`; memory maps.

What is small is read as a whole, or gathered from the map. What is not is a stream, since single rows are slow to come
by in a store, and in a map that memory cannot hold.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from narrows.core.errors import FileError, InputError, unknown
from narrows.data.arrays import Array
from narrows.data.readers import SlicedReader, rows_of
from narrows.data.spool import RawFile
from narrows.data.streams import LARGE, StreamSamples


def large(array: Array) -> bool:
    """Whether an array is a memory map of more than half of the memory."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 1 << 34
    return isinstance(array, np.memmap) and array.nbytes > pages // 2


def as_stream(data: Any) -> Any:
    """Data as they are, but for a memory map that is large, which becomes a stream."""
    return read_map(data) if isinstance(data, np.ndarray) and large(data) else data


def read_map(array: Array) -> StreamSamples:
    """A memory map as a stream; one that begins where its file says is read, not mapped, so that it takes no memory."""
    assert isinstance(array, np.memmap)
    path = Path(str(array.filename))
    whole = not isinstance(array.base, np.ndarray) and array.flags.c_contiguous
    rows = RawFile(path, array.dtype, array.shape, array.offset) if whole else array
    return StreamSamples(SlicedReader(rows, array.dtype, identity(path, array.dtype, array.shape), path=path))


def read_hdf5(path: Path, name: str = "") -> Array | StreamSamples:
    """A data set of numbers in an HDF5 file.

    Args:
        path: The file.
        name: The data set; may be left out where there is one.

    Raises:
        FileError: The file is damaged or no HDF5 file.
        InputError: No numbers there; h5py is not installed.
        ChoiceError: No data set of that name.
    """
    try:
        import h5py  # optional
    except ImportError as error:
        raise InputError(f"reading {path} needs h5py: pip install 'narrows[hdf5]'") from error
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise FileError(f"{path} is no HDF5 file, or it is damaged or cut short ({error})") from error
    found: dict[str, Any] = {}
    file.visititems(lambda key, item: found.update({key: item}) if isinstance(item, h5py.Dataset) else None)
    return _opened(path, found, name, lambda data: data.chunks[0] if data.chunks else 1)


def read_zarr(path: Path, name: str = "") -> Array | StreamSamples:
    """An array of numbers in a Zarr folder.

    Args:
        path: The folder: an array, or a group of arrays.
        name: The array; may be left out where there is one.

    Raises:
        FileError: The folder is damaged or no Zarr folder.
        InputError: No numbers there; zarr is not installed.
        ChoiceError: No array of that name.
    """
    try:
        import zarr  # optional
    except ImportError as error:
        raise InputError(f"reading {path} needs zarr: pip install 'narrows[zarr]'") from error
    try:
        opened = zarr.open(path, mode="r")
        found = {"": opened} if isinstance(opened, zarr.Array) else dict(opened.members(max_depth=None))
    except (OSError, ValueError, KeyError) as error:
        raise FileError(f"{path} is no Zarr folder, or it is damaged ({error})") from error
    arrays = {key: item for key, item in found.items() if isinstance(item, zarr.Array)}
    return _opened(path, arrays, name, lambda data: (getattr(data, "shards", None) or data.chunks)[0])


def _opened(path: Path, found: dict[str, Any], name: str, together: Callable[[Any], int]) -> Array | StreamSamples:
    """The array of that name, or the only one."""
    if name and name not in found:
        raise unknown(f"array in {path}", name, found)
    if not found:
        raise InputError(f"{path} holds no arrays")
    if not name and len(found) > 1:
        first = next(iter(found))
        raise InputError(f"{path} holds {len(found)} arrays, so say which, as in {path}:{first} ({', '.join(found)})")
    data = found[name] if name else next(iter(found.values()))
    dtype = np.dtype(data.dtype)
    if dtype.kind not in "biuf" or len(data.shape) < 2 or 0 in data.shape:
        raise InputError(f"{path} holds no samples in {name or 'its array'}: {dtype} of shape {tuple(data.shape)}")
    if int(np.prod(data.shape)) * dtype.itemsize <= LARGE:
        return rows_of(data, 0, data.shape[0], path)
    about = identity(path, dtype, data.shape, name)
    return StreamSamples(SlicedReader(data, dtype, about, together(data), path=path))


def identity(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], name: str = "") -> str:
    """A hash of a file's name, size and time, and of what is read from it."""
    about = path.stat()
    return sha256(f"{path.name}:{name}:{dtype}:{shape}:{about.st_size}:{about.st_mtime_ns}".encode()).hexdigest()
