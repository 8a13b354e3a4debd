"""Mirrored encoders and decoders, one family a file, and the linear path for those that have none of their own."""

from .conv import Conv as Conv
from .mlp import MLP as MLP

__all__ = ["MLP", "Conv"]
