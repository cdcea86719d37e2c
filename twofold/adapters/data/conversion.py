"""What is written for a trainer? The problems, and the reward by a name that a file can hold."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import final

from twofold.adapters.problems import problem_text
from twofold.adapters.reward import reward_function
from twofold.storage.jsonl import dumps
from twofold.types import Problem


@final
@dataclass(frozen=True)
class Conversion:
    """Problems to which a reward applies, and the reward.

    Args:
        problems: The problems.
        reward: A name, `package.module:Name`, or a mapping with a judge.
        folder: Where the files will be, as an absolute path: some formats must say it.
    """

    problems: tuple[Problem, ...]
    reward: str | Mapping[str, object]
    folder: str

    @property
    def literal(self) -> str:
        """The reward as Python writes it."""
        return repr(self.reward) if isinstance(self.reward, str) else pformat(dict(self.reward))

    @property
    def name(self) -> str:
        """The reward's name as an identifier: `product_correct_compliant`."""
        return re.sub(r"\W+", "_", reward_function(self.reward).name).strip("_")

    def module(self, text: str) -> bytes:
        """A Python file: `text` with REWARD, NAME and FOLDER filled in, and what the problems need.

        A constraint from outside the package is registered by the file, since data import nothing.
        """
        outside = sorted(
            {
                f"{type(c).__module__}:{type(c).__qualname__}"
                for problem in self.problems
                for c in problem.constraints
                if not type(c).__module__.startswith("twofold.")
            }
        )
        needed = "".join(f"register({each!r})\n" for each in outside)
        if needed:
            needed = f"from twofold.constraints import register\n\n{needed}"
        filled = {"REGISTER\n": needed, "REWARD": self.literal, "NAME": self.name}
        filled["FOLDER"] = self.folder
        return re.sub("|".join(filled), lambda found: filled[found[0]], text).encode()


def jsonl(rows: Iterable[Mapping[str, object]]) -> bytes:
    """Rows as JSON lines."""
    return "".join(dumps(row) + "\n" for row in rows).encode("utf-8", "backslashreplace")


def source(problem: Problem) -> str:
    """Where a problem comes from, as trainers log by it."""
    return problem.tags.get("source", "twofold")


def ability(problem: Problem) -> str:
    """What a problem asks for."""
    return "instruction_following" if problem.answer is None else "math"


def own_rows(problems: Iterable[Problem]) -> Iterable[Mapping[str, object]]:
    """Prompt, problem and id of each: the columns of the formats that fix none."""
    for problem in problems:
        yield {"prompt": problem.messages(), "problem": problem_text(problem), "id": problem.id}
