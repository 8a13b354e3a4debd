"""Small fields in a row of bytes, read with bounds: numbers of variable length, and pieces of known length."""

from narrows.core.errors import FileError


class Writer:
    """Fields to bytes."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def number(self, value: int) -> None:
        """A whole number from 0 on, seven bits to a byte, the lowest first; the eighth says that more follow."""
        assert value >= 0
        while value >= 0x80:
            self._bytes.append(value & 0x7F | 0x80)
            value >>= 7
        self._bytes.append(value)

    def signed(self, value: int) -> None:
        """A whole number of either sign: 0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
        self.number(value * 2 if value >= 0 else -value * 2 - 1)

    def piece(self, data: bytes) -> None:
        """Bytes, after their number."""
        self.number(len(data))
        self._bytes += data

    def rest(self, data: bytes) -> bytes:
        """Bytes to the end; everything that was written."""
        return bytes(self._bytes) + data


class Reader:
    """Fields from bytes.

    Raises:
        FileError: From every method, where the bytes end early or a number is out of its bounds.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, most: int = 1 << 64) -> int:
        """A whole number, no larger than so much."""
        value, shift = 0, 0
        while True:
            if self._at >= len(self._data) or shift > 70:
                raise FileError("a field is cut short")
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if value > most:
            raise FileError(f"a field holds {value}, more than the {most} that there could be")
        return value

    def signed(self) -> int:
        """A whole number of either sign."""
        value = self.number(1 << 65)
        return -(value + 1) // 2 if value & 1 else value // 2

    def piece(self) -> bytes:
        """Bytes, after their number."""
        size = self.number(len(self._data))
        if self._at + size > len(self._data):
            raise FileError("a piece is cut short")
        self._at += size
        return self._data[self._at - size : self._at]

    def rest(self) -> bytes:
        """All bytes that are left."""
        found, self._at = self._data[self._at :], len(self._data)
        return found
