"""Files of a folder that cannot be read: one warning, by name."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

NAMED = 20
"""How many files a warning names."""


def report_faults(folder: Path, what: str, count: int, faults: Collection[Path]) -> None:
    """Warn of files that are left out, by name."""
    if not faults:
        return
    names = [str(path.relative_to(folder)) for path in sorted(faults)]
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    warnings.warn(
        f"{len(faults):,} of {count:,} {what} in {folder} cannot be read and are left out (strict=True refuses them): "
        f"{', '.join(names[:NAMED])}{more}",
        stacklevel=3,
    )
