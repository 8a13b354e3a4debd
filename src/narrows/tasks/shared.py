"""What the writer of a compressed file and its readers both have, beside the file or in it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from narrows.coding.causal import CausalImages
from narrows.coding.learned import LearnedImages
from narrows.coding.packed_model import PackedModel
from narrows.data.arrays import Array


@dataclass(frozen=True)
class Shared:
    """What a `Compressor` learned.

    Args:
        primer: Images by which others are foretold.
        model: How images are drawn from codes, where they need not come back exactly, or how they are foretold.
    """

    primer: Array | None = None
    model: PackedModel | None = None

    @property
    def fingerprint(self) -> str:
        """What tells it from others; empty where there is nothing."""
        if self.model is not None:
            return self.model.fingerprint
        if self.primer is None:
            return ""
        known = f"{self.primer.dtype}:{self.primer.shape};".encode() + self.primer.tobytes()
        return sha256(known).hexdigest()[:32]

    @staticmethod
    def held(data: bytes) -> Shared:
        """The model that a file holds.

        Raises:
            FileError: It is none.
        """
        kind: type[PackedModel] = LearnedImages if data[:1] > b"\0" else CausalImages
        return Shared(model=kind.from_bytes(data))


NOTHING = Shared()
