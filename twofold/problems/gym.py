"""Which problems of reasoning-gym are used, and how are they split?

reasoning-gym makes item i of seed s from `Random(s + i)`, so seeds 42 and 43 share all items but one.
Here the splits have distant seeds, and a question also belongs to one split by the hash of its
text. `ood` has sizes that the defaults never reach. Its scorers (a wrong answer gets 0.01 and more,
one drops minus signs) are not used: tasks have one number or word for an answer, for `Correct`.

Source: reasoning-gym (Stojanovski et al. 2025, arXiv 2505.24760), version 0.1.25, Apache-2.0; both
faults were measured on it. Departs: its scorers, and the tasks that need them, are left out.
"""

import hashlib
import importlib
import importlib.metadata
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Literal, cast, get_args

from twofold.errors import ProblemError, nearest
from twofold.problems.row import ASK
from twofold.types import Problem

Split = Literal["train", "test", "ood"]
SPLITS: tuple[Split, ...] = get_args(Split)

# The largest split: its seeds end where the next split's begin.
MOST = 1_000_000

# Items drawn for each problem before a task counts as exhausted.
TRIES = 40


# The tasks used, and what `ood` sets so that no default item has its size; {} = no such split.
TASKS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "aiw": {},
        "basic_arithmetic": {"min_terms": 7, "max_terms": 10},
        "chain_sum": {"min_terms": 7, "max_terms": 10},
        "circuit_logic": {"min_terms": 6, "max_terms": 8},
        "color_cube_rotation": {"min_rotations": 4, "max_rotations": 6},
        "count_bits": {"min_n": 2**31, "max_n": 2**40},
        "count_primes": {"min_n": 10_001, "max_n": 20_000},
        "course_schedule": {"min_num_courses": 11, "max_num_courses": 15},
        "decimal_chain_sum": {"min_terms": 7, "max_terms": 10},
        "dice": {"num_dice": 6},
        "family_relationships": {"min_family_size": 9, "max_family_size": 12},
        "gcd": {"min_numbers": 3, "max_numbers": 4},
        "gsm_symbolic": {},
        "isomorphic_strings": {"min_string_length": 11, "max_string_length": 16},
        "largest_island": {"min_rows": 11, "max_rows": 14, "min_cols": 11, "max_cols": 14},
        "lcm": {"min_numbers": 3, "max_numbers": 4},
        "leg_counting": {"min_animals": 11, "max_animals": 15},
        "maze": {"min_dist": 11, "max_dist": 14, "min_grid_size": 11, "max_grid_size": 14},
        "products": {"min_terms": 3, "max_terms": 3, "max_digits": 3},
        "ransom_note": {"min_note_length": 11, "max_note_length": 15, "min_magazine_length": 16},
        "rotten_oranges": {"min_n": 31, "max_n": 35},
        "self_reference": {"difficulty": 7},
        "simple_equations": {"min_terms": 5, "max_terms": 7},
        "simple_geometry": {"min_sides": 7, "max_sides": 9},
        "syllogism": {},
        "zebra_puzzles": {"num_people": 5},
    }
)

_JUDGED = re.compile(r"-?\d+(?:\.\d+)?(?:/\d+)?|[^\W\d_]+(?:-[^\W\d_]+)*")


def problems(options: str) -> list[Problem]:
    """The suite of the spec `gym:OPTIONS`; by default 200 problems of the split `test`."""
    found = re.fullmatch(rf"([^:]+)(?::([0-9]{{0,6}})(?::({'|'.join(SPLITS)}|))?)?", options)
    if found is None:
        raise ProblemError(
            f"{'gym:' + options!r} is no suite; write gym:TASK, gym:TASK:200 or gym:TASK:200:SPLIT, "
            f"with at most 999999 problems, SPLIT one of {', '.join(SPLITS)} and TASK one of "
            f"{', '.join(TASKS)}"
        )
    task, size, split = found.groups()
    return suite(task, int(size or 200), split=cast(Split, split or "test"))


def suite(task: str, n: int, *, split: Split = "test") -> list[Problem]:
    """Problems of one task of reasoning-gym; the same ones each time.

    Args:
        task: One of `TASKS`.
        n: How many, 1 to `MOST`.
        split: `train` and `test` share no question, whatever their sizes; `ood` has larger sizes.

    Raises:
        ProblemError: If the package is missing, the task is unknown, has no such split, or has fewer
            different questions.
    """
    if task not in TASKS:
        raise ProblemError(
            f"gym:{task} is not supported: only tasks whose answer is one number or word can be judged; "
            + nearest(task, TASKS)
        )
    if not 1 <= n <= MOST:
        raise ProblemError(f"gym:{task}:{n} asks for {n} problems; ask for 1 to {MOST}")
    if split == "ood" and not TASKS[task]:
        having = ", ".join(name for name, shift in TASKS.items() if shift)
        raise ProblemError(f"gym:{task} has no size to shift, so no split ood; use one of {having}")
    found = list(islice(_different(task, n, split), n))
    if len(found) < n:
        raise ProblemError(
            f"gym:{task} has {len(found)} different questions in the split {split} among {TRIES * n} "
            f"items; ask for at most {len(found)}"
        )
    return found


def in_test(question: str) -> bool:
    """Whether a question belongs to `test` and not to `train`, by the hash of its words."""
    return _digest(question)[0] % 2 == 0


def _digest(question: str) -> bytes:
    return hashlib.sha256(" ".join(question.split()).casefold().encode()).digest()


def _different(task: str, n: int, split: Split) -> Iterator[Problem]:
    """The problems of a split, each question once."""
    try:
        gym = importlib.import_module("reasoning_gym")
    except ImportError as error:
        raise ProblemError(
            f"the problems of gym: need reasoning-gym ({error}): pip install 'twofold[gym]', or use the "
            "suite `synthetic`, which needs no package"
        ) from error
    version = importlib.metadata.version("reasoning-gym")  # its `__version__` is outdated
    shift = TASKS[task] if split == "ood" else {}
    seed = SPLITS.index(split) * TRIES * MOST
    dataset = gym.create_dataset(task, seed=seed, size=TRIES * n, **shift)
    seen: set[bytes] = set()
    for i in range(TRIES * n):
        item = dataset[i]
        question, answer = item["question"].strip(), str(item["answer"]).strip()
        if split != "ood" and in_test(question) != (split == "test"):
            continue
        digest = _digest(question)
        if digest in seen or not _JUDGED.fullmatch(answer):
            continue
        seen.add(digest)
        tags = {"source": "gym", "task": task, "split": split, "version": version}
        tags["source_id"] = f"{task}/{seed + i}"
        yield Problem(question=question, answer=answer, ask=ASK, tags=tags)
