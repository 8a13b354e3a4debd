"""`narrows info FILE|DATA`."""

from narrows.cli.describe import describe
from narrows.cli.show import show_pairs


def info(path: str, /) -> None:
    """Say what a model, a compressed file or a data file is, and what narrows would choose for it.

    Args:
        path: A model file (.safetensors), a compressed file (.nrw), or a data file or folder.
    """
    show_pairs(describe(path))
