"""Settings on the command line: `--set key=value` as arguments of an estimator and options of its recipe."""

import ast
import inspect
import json
from collections.abc import Callable, Iterable
from typing import Any

from narrows.core.errors import ChoiceError, unknown
from narrows.recipes.catalogue import options_of


def arguments(estimator: Callable[..., Any], recipe: str, pairs: Iterable[str]) -> dict[str, Any]:
    """The arguments of an estimator that settings stand for; what belongs to the recipe goes to `recipe_options`.

    Args:
        estimator: The class whose constructor takes them.
        recipe: The recipe that takes the others; `"auto"` for any default.
        pairs: Each `key=value`, the value a Python or JSON literal, or else text.

    Raises:
        ChoiceError: No `=`, or a key that neither takes, with the nearest known one.

    >>> from narrows import Autoencoder
    >>> arguments(Autoencoder, "deep", ["batch_size=64", "widths=[32, 16]", "optimizer=sgd"])
    {'batch_size': 64, 'optimizer': 'sgd', 'recipe_options': {'widths': [32, 16]}}
    """
    asked = dict(map(_pair, pairs))
    own = inspect.signature(estimator).parameters
    recipe = asked.get("recipe", recipe)
    options = options_of("deep" if recipe == "auto" else recipe)
    for key in asked:
        if key not in own and key not in options:
            raise unknown("setting", key, {*own, *options})
    found = {key: value for key, value in asked.items() if key in own}
    passed_on = {key: value for key, value in asked.items() if key not in own}
    return found | ({"recipe_options": found.get("recipe_options", {}) | passed_on} if passed_on else {})


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ChoiceError(f"a setting is key=value, got {text!r}")
    return key, _value(value)


def _value(text: str) -> Any:
    """A Python literal, else JSON (`true`, `null`), else the text itself."""
    for parse in (ast.literal_eval, json.loads):
        try:
            return parse(text)
        except (ValueError, SyntaxError):
            continue
    return text
