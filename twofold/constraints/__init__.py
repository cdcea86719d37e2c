"""Which rules can a program check? Every type of IFEval, MathIF and IFBench.

Each family is a file, each constraint a frozen dataclass (`twofold.types.Constraint`). `from_spec`
builds one from a name and arguments of a file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from types import ModuleType
from typing import get_args, get_type_hints

from twofold.constraints import (
    affix,
    case,
    combination,
    content,
    format,
    keywords,
    language,
    length,
    structure,
)
from twofold.constraints.registry import Registry
from twofold.errors import ProblemError, nearest
from twofold.extension import class_named
from twofold.types import Constraint, Profile
from twofold.types.problem import is_argument

_FILES = (length, keywords, language, case, format, structure, content, combination, affix)


def _ifbench() -> Iterable[ModuleType]:
    """The 87 types of IFBench, which take longer to import than all others."""
    from twofold.constraints import ifbench

    return ifbench.FAMILIES


CONSTRAINTS = Registry(_FILES, _ifbench)

# Other spellings in published data (MathIF's), and the names they stand for.
ALIASES = {"length_constraint_checkers:number_words": "length_constraints:number_words"}


def register(constraint: type[Constraint] | str) -> type[Constraint]:
    """Make a constraint from outside the package known, so that a problem file can name it.

    Args:
        constraint: The class, or `package.module:Name`. A file may then use the class's `name` or that
            reference.

    Raises:
        ProblemError: If another constraint has that name.
        ExtensionError: If the reference names no constraint.

    Example:
        >>> register("twofold.constraints.affix:NoComma").name
        'punctuation:no_comma'
    """
    cls = class_named(constraint, Constraint) if isinstance(constraint, str) else constraint
    if CONSTRAINTS.setdefault(cls.name, cls) is not cls:
        raise ProblemError(
            f"{cls.__module__}:{cls.__qualname__} is called {cls.name!r}, like another constraint; "
            "rename it"
        )
    if isinstance(constraint, str):
        ALIASES[constraint] = cls.name
    return cls


def from_spec(name: str, args: Mapping[str, object] | None, *, profile: Profile) -> Constraint:
    """Build a constraint from a registry name and its published arguments.

    Nothing is guessed: the published code draws a random value for a missing argument and drops a
    valid 0; here a missing or unknown argument is an error and 0 is a value. None counts as absent
    (the hub's copy of IFEval pads with nulls).

    Args:
        name: A registry name of IFEval, MathIF or IFBench, e.g. `"punctuation:no_comma"`.
        args: The arguments in the registry's spelling; None = none.
        profile: `"official"` reproduces the published checker, `"fixed"` follows the instruction.

    Raises:
        ProblemError: Unknown name or profile; missing, unknown or unusable argument. The message
            says what would be valid.

    Example:
        >>> from_spec("punctuation:no_comma", None, profile="fixed").check("one, two").score
        0.0
    """
    if profile not in get_args(Profile):
        raise ProblemError(f"profile {profile!r} does not exist; use 'official' or 'fixed'")
    cls = CONSTRAINTS.get(ALIASES.get(name, name))
    if cls is None:
        hint = nearest(name, [*CONSTRAINTS, *ALIASES], "docs/constraints.md lists them")
        raise ProblemError(
            f"constraint {name!r} does not exist; {hint} (one of your own is named before the command: "
            "`twofold --constraints package.module:Name COMMAND ...`)"
        )
    given = {k: v for k, v in (args or {}).items() if v is not None}
    wanted = {f.name: f.default for f in fields(cls) if is_argument(f)}  # type: ignore[arg-type]
    absent = [k for k, default in wanted.items() if k not in given and default is MISSING]
    wrong = [f"unknown argument {k}" for k in sorted(given) if k not in wanted]
    wrong += [f"missing argument {k}" for k in sorted(absent)]
    if wrong:
        takes = ", ".join(wanted) or "no argument"
        raise ProblemError(f"{name}: {'; '.join(wrong)}; it takes {takes}")
    hints = _hints(cls)
    values = {k: _as(hints[k], v, f"{name}: {k}") for k, v in given.items()}
    return cls(**values, profile=profile)  # type: ignore[call-arg]  # a dataclass below the ABC


@cache
def _hints(cls: type[Constraint]) -> Mapping[str, object]:
    """The types of a constraint's fields."""
    return get_type_hints(cls)


def _as(wanted: object, value: object, what: str) -> object:
    """`value` as the field's type (int, str, tuple of str, Literal), without conversion by guess."""
    if wanted is int and isinstance(value, float) and value.is_integer():  # JSON through pandas
        return int(value)
    if wanted == str | tuple[str, ...]:  # a list stands for its first entry
        if isinstance(value, str):
            return value
        wanted = tuple[str, ...]
    if wanted == tuple[str, ...]:
        if isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value):
            return tuple(value)
    elif wanted in (int, str):
        if isinstance(value, wanted) and not isinstance(value, bool):
            return value
    elif value in get_args(wanted):
        return value
    spelled = " or ".join(map(repr, get_args(wanted))) or wanted
    raise ProblemError(f"{what} is {value!r}; it must be {spelled}")
