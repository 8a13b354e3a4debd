"""What one sample is: its kind and its shape, before any batch axis."""

from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal, get_args

from narrows.core.errors import ChoiceError, unknown

Kind = Literal["vector", "image", "sequence", "video", "table"]


@dataclass(frozen=True)
class SampleSpec:
    """The kind and shape of one sample.

    Args:
        kind: `"vector"` (values,), `"image"` (channels, height, width), `"sequence"` (channels, time),
            `"video"` (channels, time, height, width) or `"table"` (columns,).
        shape: The shape of one sample, channels first.

    >>> SampleSpec("image", (3, 32, 32)).size
    3072
    """

    kind: Kind
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise unknown("kind of sample", self.kind, get_args(Kind))
        axes = {"vector": 1, "table": 1, "sequence": 2, "image": 3, "video": 4}[self.kind]
        if len(self.shape) != axes or min(self.shape) < 1:
            raise ChoiceError(f"a sample of kind {self.kind!r} has {axes} positive sizes, got {self.shape}")

    @property
    def size(self) -> int:
        """The number of values in one sample."""
        return prod(self.shape)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SampleSpec":
        """Rebuild a spec from `to_json`."""
        return cls(data["kind"], tuple(int(n) for n in data["shape"]))
