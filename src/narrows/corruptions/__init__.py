"""What the encoder is not shown, while the likelihood stays that of the clean input: one corruption a file."""

from .clean import Clean as Clean
from .gaussian_noise import GaussianNoise as GaussianNoise
from .masking import Masking as Masking
from .salt_and_pepper import SaltAndPepper as SaltAndPepper

__all__ = ["Clean", "GaussianNoise", "Masking", "SaltAndPepper"]
