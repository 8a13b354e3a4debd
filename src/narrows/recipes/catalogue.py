"""The one way to build a recipe by name."""

from collections.abc import Mapping
from typing import Any, get_type_hints

from torch import Generator

from narrows.core.errors import ChoiceError, InputError, unknown
from narrows.core.spec import Kind, SampleSpec
from narrows.model import AutoencoderModule
from narrows.recipes import RECIPES
from narrows.recipes.assemble import Asked, assemble

DEFAULT_RECIPES: dict[Kind, str] = {
    "image": "convolutional",
    "sequence": "sequence",
    "table": "denoising",
    "video": "video",
}
"""The recipe for a kind of sample; `"deep"` for the others."""
DENSE_RECIPES = (
    "causal",
    "contractive",
    "contrastive",
    "denoising",
    "masked_patches",
    "neighbour_preserving",
    "restoring",
    "vae_gan",
    "vamp",
)
"""Recipes of which some part needs dense samples."""
ENERGIES = ("deep_belief", "rbm")
"""Recipes that learn energies, which are of whole and dense samples."""
RECIPE_KINDS: dict[str, Kind] = {"sequence": "sequence", "sequence_variational": "sequence", "video": "video"}
"""What a recipe takes a sample for, where the data alone could say something else."""


CONDITIONED = ("conditional", "semi_supervised")
"""Recipes that take a label, or another condition, for each sample."""
CLASSIFYING = ("semi_supervised",)
"""Those of them that guess a label that is missing, so that labels are classes."""


def kind_of(recipe: str) -> Kind | None:
    """What a recipe takes a sample for, where that is not for the data to say."""
    return RECIPE_KINDS.get(recipe)


def takes_sparse(recipe: str) -> bool:
    """Whether a recipe is made of parts that sparse rows can have."""
    return recipe not in (*DENSE_RECIPES, *ENERGIES, *RECIPE_KINDS)


def takes_gaps(recipe: str) -> bool:
    """Whether a recipe is made of parts that samples with missing values can have."""
    return recipe not in ENERGIES


def check_takes(recipe: str, sparse: bool, gaps: bool) -> None:
    """Refuse sparse samples, or samples with missing values, that a recipe is not made for.

    Raises:
        InputError: The samples are of no use to the recipe.
    """
    if sparse and not takes_sparse(recipe):
        raise InputError(f"X is sparse, and the recipe {recipe!r} needs dense samples: give it X.toarray()")
    if gaps and not takes_gaps(recipe):
        raise InputError(f"X contains NaN, and the recipe {recipe!r} needs samples that are all there: fill the gaps")


def takes_conditions(recipe: str) -> bool:
    """Whether a recipe is told a label, or another condition, for each sample."""
    return recipe in CONDITIONED


def classifies(recipe: str) -> bool:
    """Whether a recipe learns classes from the labels of some samples, and guesses those of the others."""
    return recipe in CLASSIFYING


def options_of(recipe: str) -> dict[str, Any]:
    """The options that a recipe takes, by name, with their types; its own come first.

    Raises:
        ChoiceError: An unknown recipe, with the nearest known one.

    >>> options_of("sparse")["weight"]
    <class 'float'>
    """
    hints = get_type_hints(RECIPES[recipe]) | get_type_hints(assemble)
    own_affairs = ("spec", "latent_dim", "options", "parts", "rng", "return")
    return {name: hint for name, hint in hints.items() if name not in own_affairs}


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
    try:
        return RECIPES[recipe](spec, latent_dim, **{"likelihood": likelihood, "rng": rng} | dict(options))
    except TypeError as error:
        clash = [option for option in options if f"multiple values for keyword argument {option!r}" in str(error)]
        if not clash:
            raise
        raise ChoiceError(f"the recipe {recipe!r} sets {clash[0]} itself: choose it with recipe 'composed'") from error
