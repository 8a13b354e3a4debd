"""The build fails when a public name lacks a docstring or does not appear in the API reference.

Public are the names in `narrows.__all__`, and in the `__all__` of every folder that parts, recipes and metrics are
asked for by name from. Public methods of those classes need a docstring too, their own or an inherited one.
"""

import inspect
from importlib import import_module
from types import ModuleType

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

PACKAGES = (
    "narrows",
    "narrows.networks",
    "narrows.bottlenecks",
    "narrows.likelihoods",
    "narrows.corruptions",
    "narrows.penalties",
    "narrows.objectives",
    "narrows.recipes",
    "narrows.metrics",
)
PLAIN = (str, int, float, tuple)
"""Values such as `__version__`, which cannot carry a docstring."""


def undocumented(package: str, listed: set[str]) -> list[str]:
    """What is wrong with the public names of a package, one line each."""
    module = import_module(package)
    wrong = []
    for name in module.__all__:
        path = f"{package}.{name}"
        entry = getattr(module, name, None)
        if entry is None:
            wrong.append(f"{path} is in __all__, but cannot be imported")
            continue
        if path not in listed:
            wrong.append(f"{path} does not appear in the API reference")
        if not isinstance(entry, PLAIN) and not (entry.__doc__ or "").strip():
            wrong.append(f"{path} has no docstring")
        if inspect.isclass(entry):
            wrong += [f"{path}.{method} has no docstring" for method in silent_methods(entry)]
        if isinstance(entry, ModuleType) and path not in PACKAGES:
            wrong.append(f"{path} is a package whose names nobody checks: add it to PACKAGES")
    return wrong


def silent_methods(entry: type) -> list[str]:
    """Public methods and properties of a class that say nothing about themselves."""
    own = [name for name, value in vars(entry).items() if callable(value) or isinstance(value, property | classmethod)]
    return [name for name in own if not name.startswith("_") and not inspect.getdoc(getattr(entry, name))]


def check(_app: Sphinx, env: BuildEnvironment) -> None:
    """Compare the exports with what the pages document."""
    domain = env.domains["py"]
    listed = set(domain.data["objects"]) | set(domain.data["modules"])
    wrong = [line for package in PACKAGES for line in undocumented(package, listed)]
    if wrong:
        raise ExtensionError("public names without documentation:\n  " + "\n  ".join(wrong))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the check."""
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
