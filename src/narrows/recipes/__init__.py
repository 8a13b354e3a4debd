"""Named models: functions from a spec to an autoencoder. Each is a choice of parts, its paper and its equation.

    recipe(spec, latent_dim, **options) -> AutoencoderModule

Every recipe takes the options of `assemble` besides its own: `network`, `widths`, `activation`, `likelihood`,
`linear_path`, `rng`, and any part by name. The folder itself can be called: `narrows.recipes()` lists them.
"""

import inspect
import sys
from collections.abc import Callable
from types import ModuleType

from narrows.core.registry import Registry
from narrows.model import AutoencoderModule

from .adversarial import adversarial as adversarial
from .adversarial import factor as factor
from .adversarial import vae_gan as vae_gan
from .adversarial import wasserstein as wasserstein
from .causal import causal as causal
from .classic import convolutional as convolutional
from .classic import deep as deep
from .classic import vanilla as vanilla
from .composed import composed as composed
from .compressive import compressive as compressive
from .conditional import conditional as conditional
from .contractive import contractive as contractive
from .denoising import denoising as denoising
from .energy import deep_belief as deep_belief
from .energy import rbm as rbm
from .masked_patches import masked_patches as masked_patches
from .quantized import fsq as fsq
from .quantized import residual_vq as residual_vq
from .quantized import vq as vq
from .restoring import restoring as restoring
from .semi_supervised import semi_supervised as semi_supervised
from .sequential import sequence as sequence
from .sequential import sequence_variational as sequence_variational
from .sequential import video as video
from .sparse import sparse as sparse
from .sparse import sparse_kl as sparse_kl
from .structure import clustering as clustering
from .structure import contrastive as contrastive
from .structure import neighbour_preserving as neighbour_preserving
from .variational import beta_variational as beta_variational
from .variational import hyperspherical as hyperspherical
from .variational import importance_weighted as importance_weighted
from .variational import ladder as ladder
from .variational import vamp as vamp
from .variational import variational as variational

__all__ = [
    "adversarial",
    "beta_variational",
    "causal",
    "clustering",
    "composed",
    "compressive",
    "conditional",
    "contractive",
    "contrastive",
    "convolutional",
    "deep",
    "deep_belief",
    "denoising",
    "factor",
    "fsq",
    "hyperspherical",
    "importance_weighted",
    "ladder",
    "masked_patches",
    "neighbour_preserving",
    "rbm",
    "residual_vq",
    "restoring",
    "semi_supervised",
    "sequence",
    "sequence_variational",
    "sparse",
    "sparse_kl",
    "vae_gan",
    "vamp",
    "vanilla",
    "variational",
    "video",
    "vq",
    "wasserstein",
]

RECIPES: Registry[Callable[..., AutoencoderModule]] = Registry("recipe", sys.modules[__name__])


class _Folder(ModuleType):
    def __call__(self) -> dict[str, str]:
        """The known recipes, each with one line on what it is."""
        return {name: (inspect.getdoc(RECIPES[name]) or "").partition("\n")[0] for name in sorted(RECIPES)}


sys.modules[__name__].__class__ = _Folder
