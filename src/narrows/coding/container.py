"""The container `.nrw`: a header, chunks that are read one by one, and the means to tell damage from data.

    magic (8) · version (2 + 2) · header: size (4), checksum (4), bytes
    chunks, each: size (4) · checksum (4) · digest of what it holds (8) · bytes
    index: the offset of every chunk (8 each)
    index offset (8) · number of chunks (4) · checksum of index and these two (4) · hash of all before (16) · end (8)

Numbers are little-endian. Nothing is allocated before its size was compared with what there is. Where the index is
damaged, chunks are found by walking from one to the next.
"""

import json
import struct
import zlib
from collections.abc import Callable
from hashlib import blake2b
from itertools import pairwise
from typing import Any, BinaryIO

from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import HEADERS, squeeze, unsqueeze
from narrows.core.errors import FileError

MAGIC = b"\x8fNRW\r\n\x1a\n"
END = b"\nNRWend\x8f"
MAJOR, MINOR = 1, 3
LARGEST_HEADER = 1 << 26
LARGEST_CHUNK = 1 << 30

_START = struct.Struct("<8sHHII")
_FRAME = struct.Struct("<II8s")
_TAIL = struct.Struct("<QII16s8s")


class DamageError(FileError):
    """One chunk of a file cannot be read; the others may.

    Args:
        chunk: Its number.
        reason: What is wrong with it.
    """

    def __init__(self, chunk: int, reason: str) -> None:
        super().__init__(f"chunk {chunk} is damaged: {reason}")
        self.chunk, self.reason = chunk, reason


def digest(*content: bytes | memoryview) -> bytes:
    """Eight bytes that tell contents apart."""
    found = blake2b(digest_size=8)
    for part in content:
        found.update(part)
    return found.digest()


def _checksum(number: int, stamp: bytes, payload: bytes) -> int:
    """The checksum of a chunk, in which its number is reckoned, so that chunks cannot change places."""
    return zlib.crc32(payload, zlib.crc32(struct.pack("<Q", number) + stamp))


class ContainerWriter:
    """Writes a container from one end to the other.

    Args:
        file: Where to, from its present position on.
        header: What the chunks are, as JSON can hold it.
    """

    def __init__(self, file: BinaryIO, header: dict[str, Any]) -> None:
        self._file, self._offsets, self._at = file, list[int](), 0
        self._hash = blake2b(digest_size=16)
        plain = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        fields = Writer()
        fields.number(len(plain))
        stored = fields.rest(squeeze(plain, HEADERS))
        self._write(_START.pack(MAGIC, MAJOR, MINOR, len(stored), zlib.crc32(stored)) + stored)

    def add(self, payload: bytes, stamp: bytes) -> None:
        """Write the next chunk.

        Args:
            payload: Its bytes.
            stamp: The digest of what it holds.
        """
        self._offsets.append(self._at)
        self._write(_FRAME.pack(len(payload), _checksum(len(self._offsets) - 1, stamp, payload), stamp) + payload)

    def finish(self) -> int:
        """Write index and end, and say how many bytes there are in all."""
        index, start = struct.pack(f"<{len(self._offsets)}Q", *self._offsets), self._at
        ends = struct.pack("<QI", start, len(self._offsets))
        self._write(index + ends + struct.pack("<I", zlib.crc32(index + ends)))
        self._write(self._hash.digest() + END)
        return self._at

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._at += len(data)


class Container:
    """Reads a container.

    Args:
        file: What `ContainerWriter` wrote, from its beginning; has to be seekable.
        name: What to call it in messages.

    Raises:
        FileError: It is no container, its header is damaged, or it is of a newer version.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self.name = file, name
        self.size = file.seek(0, 2)
        start = self._read(0, _START.size, "its beginning")
        magic, major, _, size, checksum = _START.unpack(start)
        if magic != MAGIC:
            raise FileError(f"{name} is no compressed file of narrows, or its first bytes are damaged")
        if major > MAJOR:
            raise FileError(f"{name} has format {major}, newer than format {MAJOR} of this version: upgrade narrows")
        if size > min(LARGEST_HEADER, self.size):
            raise FileError(f"{name} is damaged: its header claims {size:,} bytes")
        stored = self._read(_START.size, size, "its header")
        if zlib.crc32(stored) != checksum:
            raise FileError(f"{name} is damaged: its header does not match its checksum")
        self.header = self._parsed(stored)
        self.first = _START.size + size
        self._frames: list[tuple[int, int, int, bytes]] | None = None

    def _parsed(self, stored: bytes) -> dict[str, Any]:
        try:
            fields = Reader(stored)
            size = fields.number(LARGEST_HEADER)
            found = json.loads(unsqueeze(fields.rest(), size))
        except (FileError, ValueError, RecursionError) as error:
            raise FileError(f"{self.name} is damaged: its header cannot be read ({error})") from error
        if not isinstance(found, dict):
            raise FileError(f"{self.name} is damaged: its header says nothing")
        return found

    def index(self) -> int:
        """Read the index, and say how many chunks there are.

        Raises:
            FileError: The index or the end of the file is damaged.
        """
        tail = self._read(self.size - _TAIL.size, _TAIL.size, "its end")
        start, count, checksum, _, end = _TAIL.unpack(tail)
        if end != END:
            raise FileError(f"{self.name} is cut short, or its end is damaged")
        if start < self.first or start + 8 * count + _TAIL.size != self.size:
            raise FileError(f"{self.name} is damaged: its index cannot be where it should")
        index = self._read(start, 8 * count, "its index")
        if zlib.crc32(index + tail[:12]) != checksum:
            raise FileError(f"{self.name} is damaged: its index does not match its checksum")
        offsets = [*struct.unpack(f"<{count}Q", index), start]
        if offsets[0] != self.first or any(b - a < _FRAME.size for a, b in pairwise(offsets)):
            raise FileError(f"{self.name} is damaged: its index points to where no chunk can be")
        self._frames = [
            (
                offset + _FRAME.size,
                after - offset - _FRAME.size,
                *_FRAME.unpack(self._read(offset, _FRAME.size, ""))[1:],
            )
            for offset, after in pairwise(offsets)
        ]
        return count

    def walk(self) -> int:
        """Find chunks without the index, as far as they can be followed, and say how many there are."""
        self._frames, at = [], self.first
        while at + _FRAME.size <= self.size:
            size, checksum, stamp = _FRAME.unpack(self._read(at, _FRAME.size, ""))
            number, start = len(self._frames), at + _FRAME.size
            if size > self.size - start or _checksum(number, stamp, self._read(start, size, "")) != checksum:
                break
            self._frames.append((start, size, checksum, stamp))
            at = start + size
        return len(self._frames)

    def sizes(self) -> list[int]:
        """How many bytes each chunk takes, its frame and its place in the index included."""
        assert self._frames is not None
        return [size + _FRAME.size + 8 for _, size, _, _ in self._frames]

    def chunk(self, number: int) -> tuple[bytes, bytes]:
        """The bytes of a chunk, and the digest of what it holds.

        Raises:
            DamageError: They do not match their checksum.
        """
        assert self._frames is not None
        if number >= len(self._frames):
            raise DamageError(number, "it is not there")
        start, size, checksum, stamp = self._frames[number]
        if size > LARGEST_CHUNK:
            raise DamageError(number, f"it claims {size:,} bytes")
        payload = self._read(start, size, f"chunk {number}")
        if _checksum(number, stamp, payload) != checksum:
            raise DamageError(number, "its bytes do not match their checksum")
        return payload, stamp

    def check_hash(self, progress: Callable[[int], None] = lambda _: None) -> None:
        """Compare the whole file with its hash.

        Raises:
            FileError: They differ.
        """
        found, left = blake2b(digest_size=16), self.size - 24
        self._file.seek(0)
        while left > 0:
            piece = self._file.read(min(left, 1 << 20))
            if not piece:
                break
            found.update(piece)
            left -= len(piece)
            progress(len(piece))
        if self._read(self.size - 24, 16, "its hash") != found.digest():
            raise FileError(f"{self.name} is damaged: it does not match its hash")

    def _read(self, at: int, size: int, what: str) -> bytes:
        if at < 0 or size < 0 or at + size > self.size:
            raise FileError(f"{self.name} is cut short: {what} is not there")
        self._file.seek(at)
        found = self._file.read(size)
        if len(found) != size:
            raise FileError(f"{self.name} cannot be read to its end")
        return found
