"""Settings on the command line: `--set key=value` as arguments of an estimator and options of its recipe."""

import ast
import inspect
import json
import re
from collections.abc import Iterable
from types import UnionType
from typing import Any, get_args, get_origin

from narrows.core.errors import ChoiceError, unknown
from narrows.data.options import KINDS, names
from narrows.recipes.catalogue import options_of


def arguments(estimator: type, recipe: str, pairs: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of an estimator and the options of `open_data` that settings stand for.

    What belongs to the recipe goes to `recipe_options`.

    Args:
        estimator: The class whose constructor takes them.
        recipe: The recipe that takes the others; `"auto"` for any default.
        pairs: Each `key=value`, the value a Python or JSON literal, or else text.

    Raises:
        ChoiceError: No `=`, a key that neither takes, with the nearest known one, or a value of a wrong type.

    >>> from narrows import Autoencoder
    >>> arguments(Autoencoder, "deep", ["batch_size=64", "widths=[32, 16]", "window=128"])
    ({'batch_size': 64, 'recipe_options': {'widths': [32, 16]}}, {'window': 128})
    """
    asked = dict(map(_pair, pairs))
    signature = inspect.signature(estimator, eval_str=True)
    own = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    recipe = asked.get("recipe", recipe)
    options = options_of("deep" if recipe == "auto" else recipe)
    opening = {name for kind in KINDS.values() for name in names(kind)} - {"labels"}
    for key, value in asked.items():
        if key not in {*own, *options, *opening}:
            raise unknown("setting", key, {*own, *options, *opening})
        _check(key, value, own.get(key, options.get(key, Any)))
    found = {key: value for key, value in asked.items() if key in own}
    passed_on = {key: value for key, value in asked.items() if key not in own and key in options}
    found |= {"recipe_options": found.get("recipe_options", {}) | passed_on} if passed_on else {}
    return found, {key: value for key, value in asked.items() if key not in {*own, *options}}


def _pair(text: str) -> tuple[str, Any]:
    """A key and its value: a Python literal, else JSON (`true`, `null`), else the text itself.

    >>> _pair("widths=[64, 32]"), _pair("linear_path=false"), _pair("optimizer=sgd")
    (('widths', [64, 32]), ('linear_path', False), ('optimizer', 'sgd'))
    """
    key, equals, written = text.partition("=")
    if not equals:
        raise ChoiceError(f"a setting is key=value, got {text!r}")
    return key, literal(written)


def literal(text: str) -> Any:
    """A Python literal, else JSON, else the text itself.

    >>> literal("7"), literal("seven")
    (7, 'seven')
    """
    for parse in (ast.literal_eval, json.loads):
        try:
            return parse(text)
        except (ValueError, SyntaxError):
            continue
    return text


def _check(key: str, value: Any, hint: Any) -> None:
    """Refuse a value of a type that the key does not take."""
    kinds = [get_origin(kind) or kind for kind in (get_args(hint) if isinstance(hint, UnionType) else [hint])]
    whole = isinstance(value, int) and float in kinds
    if Any not in kinds and not whole and not isinstance(value, tuple(kinds)):
        wanted = re.sub(r"\b(\w+\.)+", "", inspect.formatannotation(hint))  # without the names of modules
        raise ChoiceError(f"the setting {key} takes {wanted}, got {value!r}")
