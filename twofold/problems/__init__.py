"""What is asked? Problems from files, from the hub, or made by the package itself.

`load` takes all of them by one text, and knows a published format by the keys of its first row:
nobody has to say which it is. `read` and `write` are for our own form (see `io`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, cast

from twofold.errors import ProblemError, nearest
from twofold.extension import function_named, is_reference
from twofold.problems import followbench, gym, hub, io, mathif
from twofold.problems.followbench import FollowBenchRow
from twofold.problems.gsm8k import Gsm8kRow
from twofold.problems.healthbench import HealthBenchRow
from twofold.problems.ifeval import IfevalRow
from twofold.problems.io import OwnRow, read, write
from twofold.problems.math500 import Math500Row
from twofold.problems.mathif import MathIfRow
from twofold.problems.row import Origin, Row, problem_of
from twofold.types import Problem, Profile

__all__ = ["FORMATS", "load", "read", "write"]

FORMATS: tuple[type[Row], ...] = (
    MathIfRow,
    IfevalRow,
    FollowBenchRow,
    HealthBenchRow,
    Math500Row,
    Gsm8kRow,
    OwnRow,
)
"""The formats a file can have, the most particular first: the first one that fits is taken."""

SUITE_SIZE = 200
"""Problems of a suite when its spec names no number."""

_SUITES = {
    "synthetic": ("train", "test"),
    "pocket": ("train", "test", "ood"),
    "choice": ("train", "test"),
}
"""The suites that the package makes, and their splits."""


def load(spec: str | Path, *, profile: Profile, limit: int | None = None) -> list[Problem]:
    r"""The problems that `spec` names.

    Args:
        spec: One of

            - a file with one JSON object a line: MathIF, IFEval, HealthBench, MATH-500, GSM8K, or our
              own form; or a JSON array of FollowBench's, `CATEGORY_constraints.json`;
            - a directory: MathIF's, FollowBench's, or one with a single such file;
            - `synthetic`, `synthetic:N` or `synthetic:N:SPLIT`, N problems made by the package,
              200 if none is named, of the split `test` (or `train`); a file of that name is
              `./synthetic`;
            - `pocket`, in the same way, with the split `ood` besides: the pocket model's world;
            - `choice`, in the same way: a small constrained optimisation without constraints on form;
            - `gym:TASK`, in the same way: a task of reasoning-gym, see `problems.gym`;
            - `hub:org/name`, `hub:org/name:SPLIT` or `hub:org/name:CONFIG:SPLIT`;
            - `package.module:function`, a function of yours: called with `profile=...`, it gives `Problem`s.
        profile: How the constraints judge.
        limit: Only the first so many, at least 1; None = all. A suite is made whole first, so that
            its first problems do not depend on the limit.

    Returns:
        At least one problem, in the order of the source.

    Raises:
        ProblemError: If there is no such thing, its format is unknown, or a row is unusable; the
            message says where and what to do.
        ExtensionError: If there is no such function.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "train.jsonl"
        >>> _ = path.write_text('{"question": "Three and four?", "answer": "3+4=7\\n#### 7"}')
        >>> (problem,) = load(str(path), profile="fixed")
        >>> problem.answer, problem.tags["source"], problem.tags["split"]
        ('7', 'gsm8k', 'train')
    """
    if limit is not None and limit < 1:
        raise ProblemError(f"a limit of {limit} leaves no problem; use 1 or more, or leave it out")
    spec = str(spec)
    name, _, options = spec.partition(":")
    source: Iterable[Problem]
    if name in _SUITES:
        source = _suite(name, options, profile)
    elif name == "gym":
        source = gym.problems(options)
    elif name == "hub":
        source = _problems(hub.rows(options), profile)
    elif is_reference(spec) and not Path(spec).exists():
        source = _from_function(spec, profile)
    else:
        source = chain.from_iterable(_problems(_rows(p), profile) for p in _files(Path(spec)))
    problems = list(islice(source, limit))
    if not problems:
        raise ProblemError(f"{spec} holds no problem; put one JSON object a line into it")
    return problems


def _suite(name: str, options: str, profile: Profile) -> list[Problem]:
    """A suite of the package, with the size and split that `options` (`N:SPLIT`) name."""
    size, _, split = options.partition(":")
    if (size and not (size.isdecimal() and int(size) > 0)) or split not in ("", *_SUITES[name]):
        raise ProblemError(
            f"{name + ':' + options!r} is no suite; write {name}, {name}:200 or {name}:200:SPLIT, "
            f"with SPLIT one of {', '.join(_SUITES[name])}"
        )
    from twofold.problems import pocket, synthetic
    from twofold.problems.optimisation import choice

    n, part = int(size or SUITE_SIZE), split or "test"
    if name == "pocket":
        return pocket.suite(n, split=cast(pocket.Split, part), profile=profile)
    if name == "choice":
        return choice.suite(n, split=cast(choice.Split, part))
    return synthetic.suite(n, split=cast(synthetic.Split, part), profile=profile)


def _from_function(spec: str, profile: Profile) -> Iterator[Problem]:
    """What a function of the user's gives, each looked at."""
    for problem in function_named(spec)(profile=profile):
        if not isinstance(problem, Problem):
            raise ProblemError(f"{spec} gives {problem!r:.60}; let it give twofold.types.Problem")
        yield problem


def _rows(path: Path) -> Iterator[tuple[Origin, dict[str, Any]]]:
    """The rows of one file; FollowBench's are known by their names."""
    if path.name.endswith(f"{followbench.SUFFIX}.json"):
        return followbench.rows(path)
    return io.rows(path)


def _problems(rows: Iterable[tuple[Origin, dict[str, Any]]], profile: Profile) -> Iterator[Problem]:
    """The problems of one file, all in the format of its first row."""
    kind: type[Row] | None = None
    for origin, row in rows:
        kind = kind or _format(row, origin)
        yield problem_of(kind, row, profile=profile, origin=origin)


def _format(row: dict[str, Any], origin: Origin) -> type[Row]:
    """The format that a file's first row has."""
    for kind in FORMATS:
        if kind.fits(row):
            return kind
    near = {key: nearest(key, OwnRow.required(), "") for key in row}
    hints = [f" ({key}: {hint})" for key, hint in near.items() if hint]
    known = "; ".join(f"{kind.title}: {', '.join(kind.required())}" for kind in FORMATS)
    raise ProblemError(
        f"{origin.where}: the keys {', '.join(row) or '(none)'} fit no known format{''.join(hints)}. "
        f"Rename them to those of one of these. {known}"
    )


def _files(path: Path) -> list[Path]:
    """The files that a path stands for: itself, or those of a directory."""
    if path.is_file():
        return [path]
    if not path.exists():
        beside = path.parent if path.parent.is_dir() else Path()
        names = [*_SUITES, *(entry.name for entry in beside.iterdir())]
        otherwise = f"name a file, a directory, or one of {', '.join(_SUITES)}"
        raise ProblemError(f"{path} does not exist; {nearest(path.name, names, otherwise)}")
    if published := mathif.files(path) or followbench.files(path):
        return published
    found = sorted(path.glob("*.jsonl"))
    if not found:
        raise ProblemError(f"the directory {path} holds no .jsonl file; name the file itself")
    if len(found) > 1:
        names = [entry.name for entry in found]
        raise ProblemError(
            f"the directory {path} holds {', '.join(names)}; name one, e.g. {found[0]}"
        )
    return found
