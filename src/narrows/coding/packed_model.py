"""Models of images as bytes: what files hold of them, and by what they are told apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from hashlib import sha256
from typing import Self

from narrows.coding.fields import Reader
from narrows.core.errors import FileError


class PackedModel(ABC):
    """What was learned of images, where whoever decodes them has it too."""

    @cached_property
    def fingerprint(self) -> str:
        """What tells a model from others."""
        return sha256(self.packed).hexdigest()[:32]

    @cached_property
    def packed(self) -> bytes:
        """What `from_bytes` reads; packing takes a second."""
        return self._pack()

    @abstractmethod
    def _pack(self) -> bytes: ...

    @classmethod
    @abstractmethod
    def _unpack(cls, fields: Reader) -> Self:
        """What `_pack` packed."""

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """A model as it was packed.

        Raises:
            FileError: It is none, or one whose results could differ between machines.
        """
        try:
            found = cls._unpack(Reader(data))
        except (ValueError, IndexError, TypeError, OverflowError, MemoryError) as error:
            if isinstance(error, FileError):
                raise
            raise FileError(f"the model for images does not hold what it should ({error})") from error
        vars(found)["packed"] = data  # as it was, so that its fingerprint is that of these bytes
        return found
