"""What the encoder is not shown, while the likelihood stays that of the clean input."""

from .blind_spots import BlindSpots as BlindSpots
from .blind_spots import Paired as Paired
from .blur import Blur as Blur
from .clean import Clean as Clean
from .compose import Compose as Compose
from .downscale import Downscale as Downscale
from .dropouts import DroppedFrames as DroppedFrames
from .dropouts import DroppedSensors as DroppedSensors
from .dropouts import PatternMasking as PatternMasking
from .gaussian_noise import GaussianNoise as GaussianNoise
from .jitter import Jitter as Jitter
from .jpeg import Jpeg as Jpeg
from .masking import Masking as Masking
from .patch_masking import PatchMasking as PatchMasking
from .poisson_noise import PoissonNoise as PoissonNoise
from .recorrupted import Recorrupted as Recorrupted
from .regions import BlockMask as BlockMask
from .regions import FreeFormMask as FreeFormMask
from .salt_and_pepper import SaltAndPepper as SaltAndPepper
from .sensor_noise import SensorNoise as SensorNoise

__all__ = [
    "BlindSpots",
    "BlockMask",
    "Blur",
    "Clean",
    "Compose",
    "Downscale",
    "DroppedFrames",
    "DroppedSensors",
    "FreeFormMask",
    "GaussianNoise",
    "Jitter",
    "Jpeg",
    "Masking",
    "Paired",
    "PatchMasking",
    "PatternMasking",
    "PoissonNoise",
    "Recorrupted",
    "SaltAndPepper",
    "SensorNoise",
]
