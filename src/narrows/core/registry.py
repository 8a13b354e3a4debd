"""Names: what a folder exports is what can be asked for by name, and nothing needs registering twice.

A class `GaussianNoise` goes by `gaussian_noise`; a function `deep` by `deep`. Parts and recipes from outside narrows
join with `register`, and only then will a model file that names them be loaded.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Generic, TypeVar

from narrows.core.errors import ChoiceError, unknown

T = TypeVar("T", bound=Callable[..., Any])


def snake_case(name: str) -> str:
    """The name by which a class is asked for.

    >>> snake_case("KLSparsity"), snake_case("GaussianNoise"), snake_case("L1"), snake_case("MLP")
    ('kl_sparsity', 'gaussian_noise', 'l1', 'mlp')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Registry(Mapping[str, T], Generic[T]):
    """The public classes or functions of one folder, by name.

    Args:
        kind: What one entry is called in an error message.
        folder: The package whose `__all__` is the list.
    """

    def __init__(self, kind: str, folder: ModuleType) -> None:
        self.kind = kind
        exports = (getattr(folder, name) for name in folder.__all__)
        self._entries: dict[str, T] = {snake_case(entry.__name__): entry for entry in exports}

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise unknown(self.kind, name, self._entries)
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def register(self, entry: T) -> T:
        """Add a part or recipe of your own; usable as a decorator."""
        self._entries[snake_case(entry.__name__)] = entry
        return entry

    def build(self, asked: str | Mapping[str, Any], **defaults: Any) -> Any:
        """Make an entry from its name, or from `{"name": ..., option: value}`.

        Defaults are passed where the entry takes them and the caller has not said otherwise.
        """
        options = {"name": asked} if isinstance(asked, str) else dict(asked)
        if "name" not in options:
            raise ChoiceError(f"a {self.kind} is a name or a dictionary with a 'name', got {asked!r}")
        entry = self[options.pop("name")]
        accepted = inspect.signature(entry).parameters
        for option in options:
            if option not in accepted:
                raise unknown(f"option of {self.kind} {snake_case(entry.__name__)!r}", option, accepted)
        try:
            return entry(**{k: v for k, v in defaults.items() if k in accepted} | options)
        except TypeError as error:
            name = snake_case(entry.__name__)
            raise ChoiceError(f"the {self.kind} {name!r} cannot be made with {options}: {error}") from error
