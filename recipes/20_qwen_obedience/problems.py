"""Which problems are asked? GSM8K with drawn rules, and published prompts, as files.

The warm-up and the arms have the same training questions with other rules; one in four of the arms' is bare.
The test questions are the same for trained, near and far types, so their untold replies are sampled once.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from twofold import problems as problem_files
from twofold.errors import ProblemError
from twofold.problems.drawn import bound
from twofold.types import Problem

from . import Scale
from .rules import TRAINED, TYPES

MOST = 2
"""Rules of a problem at most."""

REMEDY = (
    "set TWOFOLD_SHARED to a folder with `data/gsm8k/train.jsonl` and `test.jsonl` (of "
    "openai/grade-school-math), and if you like `data/mathif`, `data/ifeval` and `data/ifbench`"
)


def files(scale: Scale) -> dict[str, list[Problem]]:
    """The problems of every file by its name: `shown`, `train`, and the splits of the audits.

    Splits whose published file is absent are left out.

    Raises:
        ProblemError: If GSM8K is absent, or has too few problems.
    """
    data = _data()
    short = [p for p in _read(data / "gsm8k" / "train.jsonl") if _is_short(p, scale)]
    if len(short) < scale.train:
        raise ProblemError(
            f"{len(short)} questions have at most {scale.words} words, and {scale.train} are needed; "
            "allow longer ones in the scale"
        )
    chosen = spaced(short, scale.train)
    asked = spaced(_read(data / "gsm8k" / "test.jsonl"), scale.test)
    told = bound(chosen, TRAINED, seed=2, most=MOST)
    return {
        "shown": bound(chosen, TRAINED, seed=1, most=MOST),
        "train": [pair[n % 4 != 3] for n, pair in enumerate(zip(chosen, told, strict=True))],
        **{how: bound(asked, types, seed=3, most=MOST) for how, types in TYPES.items()},
        **_published(data, scale),
    }


def spaced(rows: Sequence[Problem], n: int | None) -> list[Problem]:
    """`n` of the rows, evenly spaced; all of them if there are no more, or `n` is None.

    Example:
        >>> [p.question for p in spaced([Problem(question=q) for q in "abcdef"], 3)]
        ['a', 'c', 'e']
    """
    n = len(rows) if n is None else min(n, len(rows))
    return [rows[i * len(rows) // n] for i in range(n)]


def _is_short(problem: Problem, scale: Scale) -> bool:
    return scale.words is None or len(problem.question.split()) <= scale.words


def _data() -> Path:
    """The folder of published data; see `10_smollm2_study.problems.published_data`."""
    found: Any = import_module("recipes.10_smollm2_study.problems").published_data()
    if found is None:
        raise ProblemError(f"GSM8K is not there; {REMEDY}")
    return Path(found)


def _read(file: Path) -> list[Problem]:
    return problem_files.load(str(file), profile="fixed")


def _published(data: Path, scale: Scale) -> dict[str, list[Problem]]:
    """MathIF's GSM8K part, IFEval and IFBench, as far as they are there."""
    parts = [data / "mathif" / f"gsm8k_{n}.jsonl" for n in ("single", "double", "triple")]
    wanted = {
        "mathif": (parts, scale.mathif),
        "ifeval": ([data / "ifeval" / "input_data.jsonl"], scale.published),
        "ifbench": ([data / "ifbench" / "IFBench_test.jsonl"], scale.published),
    }
    found = {}
    for name, (paths, n) in wanted.items():
        rows = [p for path in paths if path.is_file() for p in _read(path)]
        rows = list({problem.id: problem for problem in rows}.values())
        if rows:
            found[name] = spaced(rows, n)
    return found
