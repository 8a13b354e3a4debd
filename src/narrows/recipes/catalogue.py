"""The one way to build a recipe by name."""

import inspect
from collections.abc import Mapping
from typing import Any

from torch import Generator

from narrows.core.errors import unknown
from narrows.core.spec import SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes import RECIPES
from narrows.recipes.assemble import Asked, assemble


def options_of(recipe: str) -> list[str]:
    """The names of the options that a recipe takes, its own first.

    Raises:
        ChoiceError: An unknown recipe, with the nearest known one.

    >>> options_of("sparse")[:3]
    ['weight', 'bottleneck', 'network']
    """
    own = inspect.signature(RECIPES[recipe]).parameters
    shared = inspect.signature(assemble).parameters
    return [name for name in {**own, **shared} if name not in ("spec", "latent_dim", "options", "parts", "rng")]


def build(
    recipe: str,
    spec: SampleSpec,
    latent_dim: int,
    *,
    likelihood: Asked,
    options: Mapping[str, Any],
    rng: Generator | None = None,
) -> AutoencoderModule:
    """Build a recipe by name.

    Raises:
        ChoiceError: An unknown recipe or option, with the nearest known one.
    """
    known = options_of(recipe)
    for option in options:
        if option not in known:
            raise unknown(f"option of recipe {recipe!r}", option, known)
    return RECIPES[recipe](spec, latent_dim, **{"likelihood": likelihood, "rng": rng} | dict(options))
