"""What squeezes the features into a code, and charges a rate for it: one bottleneck a file."""

from .binary import Binary as Binary
from .class_code import ClassCode as ClassCode
from .fsq import FSQ as FSQ
from .gaussian import Gaussian as Gaussian
from .hyperspherical import Hyperspherical as Hyperspherical
from .labelled import Labelled as Labelled
from .ladder import Ladder as Ladder
from .plain import Plain as Plain
from .residual_quantizer import ResidualQuantizer as ResidualQuantizer
from .rounded import Rounded as Rounded
from .vector_quantizer import VectorQuantizer as VectorQuantizer

__all__ = [
    "FSQ",
    "Binary",
    "ClassCode",
    "Gaussian",
    "Hyperspherical",
    "Labelled",
    "Ladder",
    "Plain",
    "ResidualQuantizer",
    "Rounded",
    "VectorQuantizer",
]
