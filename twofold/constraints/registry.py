"""Which class has a constraint's name? Modules that few runs need load with the first name of theirs."""

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from inspect import isabstract
from types import ModuleType
from typing import final

from twofold.types import Constraint


@final
class Registry(MutableMapping[str, type[Constraint]]):
    """The constraint classes of some modules by name, in the order of the modules.

    Args:
        files: Modules that are there.
        more: Imports the others. It is called once, when a name is asked for that `files` do not have,
            or all names are. So no list of names can differ from what the modules define.
    """

    def __init__(
        self, files: Iterable[ModuleType], more: Callable[[], Iterable[ModuleType]]
    ) -> None:
        self._classes = _classes(files)
        self._more: Callable[[], Iterable[ModuleType]] | None = more

    def __getitem__(self, name: str) -> type[Constraint]:
        return self._classes[name] if name in self._classes else self._all()[name]

    def __setitem__(self, name: str, constraint: type[Constraint]) -> None:
        self._all()[name] = constraint

    def __delitem__(self, name: str) -> None:
        del self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, type[Constraint]]:
        """The classes of all modules."""
        if self._more is not None:
            self._classes.update(_classes(self._more()))
            self._more = None
        return self._classes


def _classes(files: Iterable[ModuleType]) -> dict[str, type[Constraint]]:
    """The constraints that modules define."""
    return {
        cls.name: cls
        for file in files
        for cls in vars(file).values()
        if isinstance(cls, type) and issubclass(cls, Constraint) and not isabstract(cls)
    }
