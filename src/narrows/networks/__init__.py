"""Mirrored encoders and decoders, one family a file, and the linear path that may run beside any of them."""

from .conv import Conv as Conv
from .mlp import MLP as MLP

__all__ = ["MLP", "Conv"]
