"""Generic codecs: bytes to fewer bytes. Each has a number that files keep; none gives back more than was announced."""

import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import brotli
import zstandard

from narrows.core.errors import FileError


@dataclass(frozen=True)
class Codec:
    """One generic codec.

    Args:
        name: What people call it.
        shrink: Bytes to fewer bytes.
        grow: The bytes back, never more than a given number of them.
    """

    name: str
    shrink: Callable[[bytes], bytes]
    grow: Callable[[bytes, int], bytes]


LARGEST_WINDOW = 1 << 27
"""More than this a decoder never sets aside for the history of a stream."""
SMALLEST_HISTORY, LARGEST_HISTORY = 12, 24


WORDS = (
    b'"model":"","embedded":true,"library":"arrow","library":"polars","library":"pandas","schema":"/////","count":1'
    b'{"kind":"table",\'<i2<i4<i8<u2<u4|b1|i1>f8<U1|S1<c16<M8[ns]{"kind":"array","dtype":"|u1","shape":[],"layout":"flat",'
    b'"rows":,"bound":"0x0.0p+0"}"shape":[10000,28,28],"layout":"columns","rows":2048,"bound":"0x0.0p+0"}'
    b'{"kind":"array","dtype":"<f8","dtype":"<f4","shape":[100,100],"layout":"whole","rows":1000,"bound":"0x1.0p-10"}'
)
"""What headers say is like this, which both sides know before the first byte."""


def _stored(data: bytes, size: int) -> bytes:
    return data[: size + 1]


def _zstd(level: int) -> Callable[[bytes], bytes]:
    return lambda data: zstandard.ZstdCompressor(level=level, write_content_size=False).compress(data)


def _from_zstd(data: bytes, size: int) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).stream_reader(data)
    return reader.read(size + 1)


XZ = 3
"""The number of xz among the codecs."""
FINER = (
    {"nice_len": 32},
    {"lc": 3, "lp": 0, "pb": 0},
    {"lc": 0, "lp": 0, "pb": 4, "nice_len": 32},
    {"lc": 0, "lp": 2, "pb": 2},
    {"lc": 0, "lp": 3, "pb": 3},
)
"""Settings of xz that suit records of some lengths better than text; whoever reads need not know them."""
FINELY = 1 << 22
"""So many bytes are worth the time."""


def _filters(history: int, **settings: int) -> list[dict[str, int]]:
    return [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << history, **settings}]


def _xz(data: bytes, **settings: int) -> bytes:
    """One byte for the logarithm of the history that is needed, which costs memory and time; then the stream."""
    history = min(max(len(data).bit_length(), SMALLEST_HISTORY), LARGEST_HISTORY)
    return bytes([history]) + lzma.compress(data, lzma.FORMAT_RAW, filters=_filters(history, **settings))


def _from_xz(data: bytes, size: int) -> bytes:
    if not data or not SMALLEST_HISTORY <= data[0] <= LARGEST_HISTORY:
        raise FileError("the xz stream needs a history that it cannot have")
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_filters(data[0]))
    return decompressor.decompress(data[1:], max_length=size + 1)


def _told(data: bytes) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, WORDS)
    return coder.compress(data) + coder.flush()


def _from_told(data: bytes, size: int) -> bytes:
    return zlib.decompressobj(-15, WORDS).decompress(data, size + 1)


def _brotli(data: bytes) -> bytes:
    return brotli.compress(data, quality=11, lgwin=24)


def _from_brotli(data: bytes, size: int) -> bytes:
    decompressor, found = brotli.Decompressor(), bytearray()
    given = data
    while len(found) <= size:
        piece = decompressor.process(given, output_buffer_limit=size + 1 - len(found))
        found += piece
        given = b""
        if decompressor.is_finished() or not piece:
            break
    return bytes(found)


CODECS = (
    Codec("stored", lambda data: data, _stored),
    Codec("zstd", _zstd(3), _from_zstd),
    Codec("zstd-19", _zstd(19), _from_zstd),
    Codec("xz", _xz, _from_xz),
    Codec("brotli", _brotli, _from_brotli),
    Codec("deflate", _told, _from_told),
)
"""The codecs, by the number that files keep."""
QUICK, SMALL, HEADERS = (0, 1), (0, 2, 3, 4), (0, 2, 3, 4, 5)
"""Those worth a try where time counts, where size does, and for what headers say."""


def squeeze(data: bytes, tried: tuple[int, ...] = SMALL) -> bytes:
    """Bytes by whichever codec makes them smallest: one byte for the codec, then what it made.

    Args:
        data: Any bytes.
        tried: Numbers of codecs; stored as they are is always one of them.

    >>> unsqueeze(squeeze(bytes(1000)), 1000) == bytes(1000), len(squeeze(bytes(1000))) < 30
    (True, True)
    """
    made = [bytes([number]) + CODECS[number].shrink(data) for number in {0, *tried}]
    return min(made, key=lambda one: (len(one), one[0]))


def finer(made: bytes, data: bytes) -> bytes:
    """What `squeeze` made of bytes or, where that was xz, the least of what other settings make."""
    if made[0] != XZ or len(data) > FINELY:
        return made
    return min([made, *(bytes([XZ]) + _xz(data, **settings) for settings in FINER)], key=len)


def unsqueeze(data: bytes, size: int) -> bytes:
    """The bytes that `squeeze` was given.

    Args:
        data: What it made.
        size: How many bytes there were; no more are ever made.

    Raises:
        FileError: An unknown codec, a damaged stream, or another number of bytes.
    """
    if not data or data[0] >= len(CODECS):
        raise FileError("the stream names a codec that this version does not know")
    codec = CODECS[data[0]]
    try:
        found = codec.grow(data[1:], size)
    except (zstandard.ZstdError, lzma.LZMAError, brotli.error, zlib.error, EOFError, MemoryError) as error:
        raise FileError(f"the {codec.name} stream cannot be read ({error})") from error
    if len(found) != size:
        raise FileError(f"the {codec.name} stream holds another number of bytes than {size}")
    return found
