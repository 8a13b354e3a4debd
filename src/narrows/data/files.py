"""Data files: what a path holds, as something that `fit` takes.

.npy .npz .npz:key .csv .parquet    sparse .npz and .mtx    idx (.ubyte, .gz)    images, videos, and folders of either
folders of .parquet    .h5:data set    .zarr:array    .nc:variable
"""

import gzip
import zlib
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from narrows.core.errors import FileError, InputError, unknown
from narrows.data.arrays import Array
from narrows.data.csr import SPARSE_KEYS, read_mtx, read_sparse_npz
from narrows.data.images import IMAGES, ImageOptions, read_image, read_images
from narrows.data.netcdf import read_netcdf
from narrows.data.options import chosen, refuse
from narrows.data.parquet import ParquetFiles, ParquetNumbers, parquet_files
from narrows.data.series import RecordingOptions, windows
from narrows.data.stores import read_hdf5, read_zarr
from narrows.data.streams import LARGE, StreamSamples
from narrows.data.table_streams import TableStream
from narrows.data.tables import read_csv, read_parquet
from narrows.data.video import VIDEOS, VideoOptions, read_videos

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_RATIO = 1032
"""How much longer than itself a gzip file's content can be, at most."""


def open_data(source: Any, **options: Any) -> Any:
    """The data in a file or folder, as something that `fit` takes; anything that is no path is returned as it is.

    `.npy` is a memory map, `.npz:key` one array of several, a table with column names a data frame where pandas is
    installed, `.mtx` and what scipy's `save_npz` wrote a sparse matrix; everything else is an array. What takes more
    than a gigabyte is mapped from a temporary file, or is a stream, which `fit` and the other methods read piece by
    piece, as a folder of Parquet files is.

    Args:
        source: A path, or data. The files of a folder are read in the order of their paths, those of its folders as
            well; a folder that holds images gives them, otherwise its videos.
        **options: Of images `size`, `fit`, `mode`, `strict`, `labels` and `workers`, see `ImageOptions`; of videos
            `frames`, `stride`, `size`, `fit`, `mode` and `strict`, see `VideoOptions`; of a recording `window` and
            `stride`, which cut it into samples, see `narrows.data.series.windows`.

    Returns:
        The data; with `labels=True`, images and their labels.

    Raises:
        FileError: Nothing is there, the kind is unknown, or the file is damaged.
        InputError: The file holds something else than numbers, or nothing.
        ChoiceError: An option that this kind of data does not have, or a value that it cannot have.

    >>> open_data([[1.0, 2.0]])
    [[1.0, 2.0]]
    """
    if "window" in options:
        wanted = chosen(RecordingOptions, options, "a recording")
        return windows(open_data(source), wanted.window, wanted.stride)
    if not isinstance(source, str | Path):
        refuse(options, "data in memory")
        return source
    path, key = _parted(source)
    if not path.exists():
        raise FileError(f"there is no file or folder {path}")
    ending = path.suffix.lower()
    if ending in IMAGES:
        return read_image(path, chosen(ImageOptions, options, "an image"))
    if ending in VIDEOS:
        return read_videos(path, [path], chosen(VideoOptions, options, "a video"))
    if path.is_dir() and ending not in KEYED:
        return _folder(path, options)
    reader = _reader(path)
    refuse(options, str(path))
    return KEYED[ending](path, key) if ending in KEYED else reader(path)


def is_data(name: str | Path) -> bool:
    """Whether the name of a file is one that `open_data` knows, or of a folder.

    >>> is_data("x.npz:train"), is_data("train-images-idx3-ubyte"), is_data("m.safetensors")
    (True, True, False)
    """
    path, _ = _parted(name)
    return path.is_dir() or path.suffix.lower() in ENDINGS or path.name.lower().endswith("ubyte")


def _parted(name: str | Path) -> tuple[Path, str]:
    """A path and what is meant in it.

    >>> _parted("x.npz:train")[1], _parted("x.npy")[1]
    ('train', '')
    """
    for ending in KEYED:
        path, colon, key = str(name).rpartition(f"{ending}:")
        if colon:
            return Path(path + ending), key
    return Path(name), ""


def _parquet(path: Path) -> Any:
    """A table, or a stream where it is large."""
    try:
        files = ParquetFiles([path], path.parent)
    except InputError:  # which the table has its own sentence for
        return read_parquet(path)
    return _stream(files) if files.bytes > LARGE else read_parquet(path)


def _stream(files: ParquetFiles) -> StreamSamples | TableStream:
    """A Parquet data set as rows of numbers, or as a table where it holds anything else."""
    return StreamSamples(ParquetNumbers(files)) if files.numeric else TableStream(files)


def _folder(folder: Path, options: Mapping[str, Any]) -> Any:
    """The Parquet files in a folder and its folders as one data set, or else its images, or else its videos."""
    tables = parquet_files(folder)
    if tables:
        refuse(options, "a folder of Parquet files")
        return _stream(ParquetFiles(tables, folder))
    paths = _seen(folder)
    images = [path for path in paths if path.suffix.lower() in IMAGES]
    videos = [path for path in paths if path.suffix.lower() in VIDEOS]
    if not paths:
        known = ", ".join((".parquet", *IMAGES, *VIDEOS))
        raise InputError(f"the folder {folder} holds nothing that narrows can open as one data set ({known})")
    if videos and (not images or {"frames", "stride"} & options.keys()):
        return read_videos(folder, videos, chosen(VideoOptions, options, "a folder of videos"))
    return read_images(folder, images, chosen(ImageOptions, options, "a folder of images"))


def image_files(source: str | Path) -> list[Path]:
    """The image files that a path stands for, in order: itself, or those in a folder; none where it is other data."""
    path = Path(source)
    if path.suffix.lower() in IMAGES and path.is_file():
        return [path]
    if not path.is_dir() or path.suffix.lower() in KEYED or parquet_files(path):
        return []
    return [found for found in _seen(path) if found.suffix.lower() in IMAGES]


def _seen(folder: Path) -> list[Path]:
    """The images and videos in a folder and its folders, hidden ones left out."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (*IMAGES, *VIDEOS) and path.is_file())
    return [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _reader(path: Path) -> Callable[[Path], Any]:
    """What reads a file, by its name."""
    if not is_data(path):
        raise FileError(f"cannot open {path} as data: its name ends in none of {', '.join(ENDINGS)}")
    return READERS.get(path.suffix.lower(), _idx)  # train-images-idx3-ubyte has no ending of its own


def _npy(path: Path) -> Array:
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except (ValueError, OSError, EOFError) as error:
        raise FileError(f"{path} is no .npy file of numbers, or it is damaged or cut short ({error})") from error


def _npz(path: Path, key: str) -> Any:
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as arrays:
            known = list(arrays)
            if set(known) >= SPARSE_KEYS and not key:
                return read_sparse_npz(path)
            if len(known) == 1 and not key:
                key = known[0]
            found: Array | None = arrays[key] if key in known else None
    except (BadZipFile, zlib.error, ValueError, OSError, EOFError) as error:
        raise FileError(f"{path} is no .npz file of numbers, or it is damaged or cut short ({error})") from error
    if found is not None:
        return found
    if key:
        raise unknown(f"array in {path}", key, known)
    if not known:
        raise InputError(f"{path} holds no arrays")
    raise InputError(f"{path} holds {len(known)} arrays, so say which, as in {path}:{known[0]} ({', '.join(known)})")


def _idx(path: Path) -> Array:
    """The format of MNIST: two zeros, a type, a number of axes, their sizes and the values, all big-endian."""
    packed = path.suffix.lower() == ".gz"
    most = path.stat().st_size * (GZIP_RATIO if packed else 1)
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            zeros, kind, axes = file.read(2), *(file.read(2).ljust(2, b"\0"))
            if zeros != b"\0\0" or kind not in IDX_TYPES:
                raise FileError(f"{path} is no idx file: it does not begin as one")
            shape = tuple(int(n) for n in np.frombuffer(file.read(4 * axes).ljust(4 * axes, b"\0"), ">u4"))
            dtype = np.dtype(IDX_TYPES[kind])
            size = prod(shape) * dtype.itemsize
            content = file.read(size + 1) if size <= most else b""
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path} is no idx file, or it is damaged or cut short ({error})") from error
    if len(content) != size:
        raise FileError(f"{path} is damaged: its header says {' x '.join(map(str, shape))} values of {dtype.name}")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))


READERS: dict[str, Callable[[Path], Any]] = {
    ".npy": _npy,
    ".csv": read_csv,
    ".parquet": _parquet,
    ".mtx": read_mtx,
    ".ubyte": _idx,
    ".gz": _idx,
}
"""What reads a file that has no options, by the ending of its name."""
KEYED: dict[str, Callable[[Path, str], Any]] = {
    ".npz": _npz,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".nc": read_netcdf,
    ".zarr": read_zarr,
}
"""What reads one of several arrays in a file or folder, named behind a colon."""
ENDINGS = (*READERS, *KEYED, *IMAGES, *VIDEOS)
"""The endings of all files that `open_data` reads."""
