"""The rules a program can check: every IFEval type, and with them every MathIF type.

Each family is a file, each constraint a frozen dataclass under the contract of
`twofold.types.Constraint`. `CONSTRAINTS` maps registry names to classes; `from_spec` is the one
way in for names and arguments that come from a file, and imports nothing: a constraint from outside
the package is there once the user has named it, see `register`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
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
)
from twofold.errors import ProblemError, nearest
from twofold.extension import class_named
from twofold.types import Constraint, Profile

CONSTRAINTS: dict[str, type[Constraint]] = {
    cls.name: cls
    for family in (length, keywords, language, case, format, content, combination, affix)
    for cls in family.FAMILY
}

ALIASES = {"length_constraint_checkers:number_words": "length_constraints:number_words"}
"""Other spellings in published data (MathIF's), and the name each stands for."""


def register(constraint: type[Constraint] | str) -> type[Constraint]:
    """Make a constraint from outside the package known, so that a problem file can name it.

    Args:
        constraint: The class, or `package.module:Name`, written by the user. A file may then call it
            by the class' `name` or by that reference.

    Returns:
        The class.

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
            f"{cls.__module__}:{cls.__qualname__} is called {cls.name!r}, as another constraint is; "
            "give it a name of its own"
        )
    if isinstance(constraint, str):
        ALIASES[constraint] = cls.name
    return cls


def from_spec(name: str, args: Mapping[str, object] | None, *, profile: Profile) -> Constraint:
    """Build a constraint from a registry name and its published arguments.

    Nothing is guessed: the published code draws a random value for a missing argument and drops a
    legal 0; here a missing or unknown argument is an error and 0 is a value. Arguments that are
    None are treated as absent (the hub's copy of IFEval pads with nulls).

    Args:
        name: A registry name of IFEval or MathIF, e.g. `"punctuation:no_comma"`.
        args: The arguments in the registry's spelling; None = none.
        profile: `"official"` repeats the published checker bit for bit, `"fixed"` does what the
            instruction says.

    Raises:
        ProblemError: Unknown name or profile; missing, unknown or unusable argument. The message
            says what would be right.

    Example:
        >>> from_spec("punctuation:no_comma", None, profile="fixed").check("one, two").score
        0.0
    """
    if profile not in get_args(Profile):
        raise ProblemError(f"profile {profile!r} does not exist; use 'official' or 'fixed'")
    cls = CONSTRAINTS.get(ALIASES.get(name, name))
    if cls is None:
        hint = nearest(name, [*CONSTRAINTS, *ALIASES])
        raise ProblemError(
            f"constraint {name!r} does not exist; {hint} (one from outside twofold has to be named first: "
            "`twofold --constraints package.module:Name ...`)"
        )
    given = {k: v for k, v in (args or {}).items() if v is not None}
    wanted = {f.name: f for f in fields(cls) if f.name != "profile"}  # type: ignore[arg-type]
    unknown = sorted(set(given) - set(wanted))
    missing = sorted(k for k, f in wanted.items() if k not in given and f.default is MISSING)
    if unknown or missing:
        raise ProblemError(
            f"{name}: "
            + "; ".join(
                part
                for part in (
                    f"unknown argument {', '.join(unknown)}" if unknown else "",
                    f"missing argument {', '.join(missing)}" if missing else "",
                    f"it takes {', '.join(wanted) or 'no argument'}",
                )
                if part
            )
        )
    hints = get_type_hints(cls)
    values = {k: _as(hints[k], v, f"{name}: {k}") for k, v in given.items()}
    return cls(**values, profile=profile)  # type: ignore[call-arg]  # a dataclass below the ABC


def _as(wanted: object, value: object, what: str) -> object:
    """`value` as the field's type: int, str, a tuple of str, or a Literal; never converted by guess."""
    if wanted is int:
        if isinstance(value, float) and value.is_integer():  # JSON written through pandas
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif wanted is str:
        if isinstance(value, str):
            return value
    elif wanted == tuple[str, ...]:
        if isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value):
            return tuple(value)
    elif value in get_args(wanted):
        return value
    spelled = " or ".join(map(repr, get_args(wanted))) if get_args(wanted) else wanted
    raise ProblemError(f"{what} is {value!r}; it must be {spelled}")
