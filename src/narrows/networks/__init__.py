"""Mirrored encoders and decoders, one family a file, and the linear path for those that have none of their own."""

from .blocks import Blocks as Blocks
from .causal import Causal as Causal
from .conv import Conv as Conv
from .mlp import MLP as MLP
from .patches import Patches as Patches
from .recurrent import Recurrent as Recurrent
from .restoring import Restoring as Restoring
from .sequence import Sequence as Sequence
from .volume import Volume as Volume

__all__ = ["MLP", "Blocks", "Causal", "Conv", "Patches", "Recurrent", "Restoring", "Sequence", "Volume"]
