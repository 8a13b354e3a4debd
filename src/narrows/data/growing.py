"""Arrays that grow sample by sample: in memory as long as they are small, then in a temporary file."""

import tempfile
from math import prod
from typing import IO, Any

import numpy as np

from narrows.core.errors import FileError
from narrows.data.arrays import Array

IN_MEMORY = 1 << 30
"""How many bytes stay in memory."""


class Spool:
    """Samples of one shape, appended one by one, and an array of all of them in the end.

    A temporary file lies where `tempfile` puts it (the environment variable TMPDIR), and goes when the array goes.

    Args:
        shape: The shape of one sample.
        dtype: Its type.
        most: How many bytes stay in memory.

    >>> spool = Spool((2,), np.dtype("uint8"))
    >>> spool.append(np.array([1, 2], np.uint8))
    >>> spool.array()
    array([[1, 2]], dtype=uint8)
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], most: int = IN_MEMORY) -> None:
        self.shape, self.dtype, self.most = shape, dtype, most
        self._size = prod(shape) * dtype.itemsize
        self._count = 0
        self._memory = bytearray()
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return self._count

    def append(self, sample: Array) -> None:
        """Add one sample.

        Raises:
            FileError: The disk of the temporary file is full.
        """
        assert sample.shape == self.shape, f"{sample.shape} in a spool of {self.shape}"
        values = np.ascontiguousarray(sample, self.dtype).data.cast("B")
        try:
            if self._file is None and self._size * (self._count + 1) > self.most:
                self._file = tempfile.TemporaryFile(prefix="narrows-")  # noqa: SIM115 closed by `array`
                self._file.write(self._memory)
                self._memory = bytearray()
            if self._file is None:
                self._memory += values
            else:
                self._file.write(values)
        except OSError as error:
            raise FileError(
                f"no room for {self._size * (self._count + 1):,} bytes in {tempfile.gettempdir()} "
                f"({error.strerror or error}): pass a smaller size=, or set TMPDIR to a larger disk"
            ) from error
        self._count += 1

    def cut(self, count: int) -> None:
        """Forget all samples but the first ones."""
        del self._memory[count * self._size :]
        if self._file is not None:
            self._file.seek(count * self._size)
            self._file.truncate()
        self._count = count

    def array(self) -> Array:
        """All samples, (n, *shape); nothing can be appended afterwards."""
        shape = (self._count, *self.shape)
        if self._file is None:
            return np.frombuffer(self._memory, self.dtype).reshape(shape)
        with self._file:  # the map holds on to what was written
            self._file.flush()
            return np.memmap(self._file, self.dtype, mode="r+", shape=shape)
