"""What does `package.module:Name` name? The one way to load code from outside the package.

Importing a module runs it. So only names that the user wrote (on the command line, in a plan or in
a settings file) are imported. Problem files, run directories and model folders are data: a name in
them is accepted only if the user has named it already.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from twofold.errors import TwofoldError

T = TypeVar("T")

_TRUSTED = ContextVar("trusted", default=True)
_NAMED: set[str] = set()  # what the user has named in this process

_REFERENCE = re.compile(r"\w+(\.\w+)*:[A-Za-z_]\w*")


class ExtensionError(TwofoldError):
    """A `package.module:Name` does not name what was asked for."""


def is_reference(name: str) -> bool:
    """Whether a name has the form `package.module:Name`.

    Example:
        >>> is_reference("my.rules:Rhymes"), is_reference("soft_gate"), is_reference("pocket:200")
        (True, False, False)
    """
    return _REFERENCE.fullmatch(name) is not None


@contextmanager
def nothing_imported() -> Iterator[None]:
    """While untrusted data is read: a reference that the user has not named is an error."""
    token = _TRUSTED.set(False)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def class_named(reference: str, kind: type[T]) -> type[T]:
    """The class that a reference names.

    Raises:
        ExtensionError: If the module cannot be imported, has no such name, or the name is something
            else.

    Example:
        >>> from twofold.types import Scorer
        >>> class_named("twofold.scorers:Correct", Scorer).__name__
        'Correct'
    """
    found = _object(reference)
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ExtensionError(
            f"{reference} is no subclass of {kind.__module__}.{kind.__qualname__}; derive it from that"
        )
    return found


def instance_named(reference: str, kind: type[T]) -> T:
    """The object that a reference names; a class is instantiated without arguments.

    Raises:
        ExtensionError: As `class_named`; or if the class needs arguments.
    """
    found = _object(reference)
    if isinstance(found, kind):
        return found
    made = class_named(reference, kind)
    try:
        return made()
    except TypeError as error:
        raise ExtensionError(
            f"{reference} cannot be made without arguments ({error}); give its fields defaults, or "
            f"write `NAME = {made.__name__}(...)` in its module and name that"
        ) from error


def function_named(reference: str) -> Callable[..., Any]:
    """The function that a reference names.

    Raises:
        ExtensionError: If there is none.
    """
    found = _object(reference)
    if not callable(found):
        raise ExtensionError(f"{reference} is no function; name one that returns problems")
    return found


def _object(reference: str) -> object:
    """The attribute of the module; the working directory is searched after all other paths."""
    if not _TRUSTED.get() and reference not in _NAMED:
        raise ExtensionError(
            f"{reference} stands in a run directory, and nothing is imported because a file there names "
            "it; name it yourself on the command line, or in a plan that you give to `twofold study`"
        )
    module, _, name = reference.partition(":")
    here = str(Path.cwd())
    if not {"", here} & set(sys.path):  # `python -m` adds it, the console script does not
        sys.path.append(here)
    try:
        imported = import_module(module)
    except ImportError as error:
        raise ExtensionError(
            f"{reference}: the module {module} cannot be imported ({error}); install it, or run the "
            "command in the folder that contains it"
        ) from error
    try:
        found: object = getattr(imported, name)
    except AttributeError as error:
        raise ExtensionError(f"{reference}: {error}; check the name after the colon") from error
    _NAMED.add(reference)
    return found
