"""What one sample is: its kind, its shape and what its values are, before any batch axis."""

from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal, get_args

from narrows.core.errors import ChoiceError, unknown

Kind = Literal["vector", "image", "sequence", "video", "table"]
Values = Literal["real", "unit", "count", "level", "mixed"]
ColumnKind = Literal["normal", "laplace", "bernoulli", "categorical", "negative_binomial", "given"]


@dataclass(frozen=True)
class Column:
    """One column of a table, as a model sees it.

    Args:
        name: What it is called.
        kind: The likelihood of its values, or `"given"`: shown to the encoder, never decoded.
        levels: How many levels a categorical column has; its values are 0 to levels - 1, where 0 is an unknown level.
    """

    name: str
    kind: ColumnKind
    levels: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(ColumnKind):
            raise unknown("kind of column", self.kind, get_args(ColumnKind))
        if (self.levels > 0) != (self.kind == "categorical"):
            raise ChoiceError(f"column {self.name!r} of kind {self.kind!r} cannot have {self.levels} levels")


@dataclass(frozen=True)
class SampleSpec:
    """The kind and shape of one sample.

    Args:
        kind: `"vector"` (values,), `"image"` (channels, height, width), `"sequence"` (channels, time),
            `"video"` (channels, time, height, width) or `"table"` (columns,).
        shape: The shape of one sample, channels first.
        values: `"real"` numbers, centred and scaled; `"unit"`, within [0, 1]; `"count"`, whole and not negative;
            `"level"`, whole and less than `levels`; or `"mixed"`, as the columns of a table say.
        gaps: Whether values may be missing, so that an encoder takes the mask as further input.
        columns: What each column of a table is.
        levels: How many different values there are, of `"level"`.
        sparse: Whether most values are zero, so that batches are CSR tensors and zero has to stay zero.
        context: How many numbers a label or another condition comes as, where each sample has one.

    >>> SampleSpec("image", (3, 32, 32)).size
    3072
    """

    kind: Kind
    shape: tuple[int, ...]
    values: Values = "real"
    gaps: bool = False
    columns: tuple[Column, ...] = ()
    levels: int = 0
    sparse: bool = False
    context: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise unknown("kind of sample", self.kind, get_args(Kind))
        if self.values not in get_args(Values):
            raise unknown("kind of values", self.values, get_args(Values))
        axes = {"vector": 1, "table": 1, "sequence": 2, "image": 3, "video": 4}[self.kind]
        if len(self.shape) != axes or min(self.shape) < 1:
            raise ChoiceError(f"a sample of kind {self.kind!r} has {axes} positive sizes, got {self.shape}")
        if len(self.columns) != (self.shape[0] if self.kind == "table" else 0):
            raise ChoiceError(f"a {self.kind} of {self.shape[0]} cannot have {len(self.columns)} columns")

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
        return cls(
            data["kind"],
            tuple(int(n) for n in data["shape"]),
            data["values"],
            bool(data["gaps"]),
            tuple(Column(**column) for column in data["columns"]),
            int(data["levels"]),
            bool(data.get("sparse", False)),  # not known to files of the first format
            int(data.get("context", 0)),  # nor this
        )
