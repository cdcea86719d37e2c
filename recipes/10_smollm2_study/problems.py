"""Which problems does the study use? A mixture of three generated kinds, and published ones, as files.

Of every four training problems one is mathematics without constraints, one a task with a constraint and no
answer, and two are mathematics with a constraint. If GSM8K is available, its short training problems are half
of the mathematics without constraints. Every constraint binds: the plain solution, which ignores it, breaks
it. Six of seventeen constraint types are held out of demonstrations and training problems. They are close to
trained ones: *number of paragraphs* is held out, *first word of a paragraph* is trained, and so on.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import numpy as np

from twofold import problems as problem_files
from twofold.problems import synthetic
from twofold.problems.synthetic.binding import TYPES, bind
from twofold.randomness import rng_for
from twofold.types import Constraint, Problem

from . import Scale

HELD_OUT = (
    "keywords:existence",
    "detectable_format:title",
    "startend:end_checker",
    "punctuation:no_comma",
    "length_constraints:number_paragraphs",
    "change_case:capital_word_frequency",
)
"""Types absent from training; each has a similar type that is trained."""

SEEN = tuple(
    name
    for name in TYPES
    if name not in (*HELD_OUT, "combination:repeat_prompt", "length_constraints:number_words")
)
"""Trained types. Repeating the question is left out because it is long, and the number of words because short
replies meet every upper bound and no lower one."""

MOST_IN_VAIN = 1000
"""Consecutive duplicates after which no new problem is expected."""

LEVELS = (1, 2, 3, 4, 5)
"""Difficulty levels: the number of steps of a solution."""

USUAL = ("hoard", "comparison", "purchase", "workshop", "sharing")
"""Story structures used in training; `bus` occurs only in the test."""

_FORMS = (
    "Write one sentence about {}.",
    "Say in a sentence or two what is good about {}.",
    "Tell a friend in one or two sentences what to expect of {}.",
)
_TOPICS = (
    *("a market", "the sea", "an old bridge", "a bakery", "winter", "a long walk", "a garden"),
    *("a train ride", "rain", "a library", "a small town", "a football match", "the moon"),
    *("a mountain hut", "a quiet morning", "a birthday", "a busy street", "a farm", "a river"),
    *("a school trip", "music", "a good book", "a summer evening", "a new friend", "a museum"),
    *("a lighthouse", "a picnic", "a village fair", "a bicycle", "snow", "an island", "a castle"),
    *("a workshop", "a concert", "a lake", "the night sky", "a kitchen", "a holiday", "a forest"),
    *("a harbour", "a letter", "a dog", "a play", "breakfast", "a campfire", "a storm", "a zoo"),
)


def warm_up(scale: Scale) -> list[Problem]:
    """Problems of the warm-up demonstrations: all levels, trained types."""
    kinds = ("maths", "both", "both")
    return list(islice(_generated(1, "train", LEVELS, kinds, SEEN, scale), scale.warm_up))


def probe(scale: Scale, level: int) -> list[Problem]:
    """Problems of one level for measuring pass@8 of the warmed-up model."""
    return list(islice(_generated(2, "train", (level,), ("both",), SEEN, scale), scale.probed))


def train(scale: Scale, levels: Collection[int]) -> list[Problem]:
    """The training mixture of every arm."""
    kinds = ("maths", "both", "instruction", "both")
    found = list(islice(_generated(0, "train", levels, kinds, SEEN, scale), scale.train))
    grade_school = _short_gsm8k(scale.train // 8)
    for place, problem in zip(range(0, len(found), 8), grade_school, strict=False):
        found[place] = problem
    return found


def splits(scale: Scale, levels: Collection[int]) -> dict[str, list[Problem]]:
    """The audit splits, the main one first.

    `ood` has the next harder level, if there is one (absent from the arms' training, present in the
    warm-up), and `bus`, a story structure only in the test.
    """
    harder = tuple(level for level in LEVELS if level == max(levels) + 1)
    n_harder = scale.test // 4 if harder else 0
    return {
        "test": list(islice(_generated(0, "test", levels, ("both",), SEEN, scale), scale.test)),
        "held_out": list(
            islice(_generated(1, "test", levels, ("both",), HELD_OUT, scale), scale.test)
        ),
        "ood": [
            *islice(_generated(2, "test", harder, ("both",), SEEN, scale), n_harder),
            *islice(
                _generated(3, "test", levels, ("both",), SEEN, scale, families=("bus",)),
                scale.test // 4,
            ),
        ],
        **_published(scale),
    }


def followed(scale: Scale, levels: Collection[int]) -> list[Problem]:
    """Problems for evaluating checkpoints: neither in training nor in a split."""
    return list(islice(_generated(3, "train", levels, ("both",), SEEN, scale), scale.followed))


def _generated(
    seed: int,
    split: synthetic.Split,
    levels: Collection[int],
    kinds: Sequence[str],
    types: Sequence[str],
    scale: Scale,
    *,
    families: Collection[str] = USUAL,
) -> Iterator[Problem]:
    """An endless stream of problems, cycling through kinds and types, without duplicates."""
    n = n_told_before = 0
    n_of: Counter[str] = Counter()  # each kind cycles through the types separately
    seen: set[str] = set()
    for index in count():
        found = synthetic.problem(seed, index, split=split, profile="fixed")
        if int(found.tags["difficulty"]) not in levels or found.tags["family"] not in families:
            continue
        kind = kinds[n % len(kinds)]
        kind_type = "" if kind == "maths" else types[n_of[kind] % len(types)]
        rng = rng_for("smollm2 study", seed, split, index)
        if kind == "instruction":
            found = _task(rng)
        if found.question + kind_type in seen:
            n_told_before += 1
            if n_told_before > MOST_IN_VAIN:
                raise ValueError(f"there are no {n + 1} different problems; ask for fewer")
            continue
        n_told_before = 0
        seen.add(found.question + kind_type)
        constraints = () if not kind_type else (_constraint(rng, found, kind_type, scale),)
        tags = found.tags | {"kind": kind, "type": constraints[0].name if constraints else "none"}
        yield replace(found, constraints=constraints, tags=tags)
        n += 1
        n_of[kind] += 1


def _task(rng: np.random.Generator) -> Problem:
    """A task without a right answer."""
    form = _FORMS[int(rng.integers(len(_FORMS)))]
    topic = _TOPICS[int(rng.integers(len(_TOPICS)))]
    return Problem(
        question=form.format(topic), answer=None, ask="\n", tags={"source": "smollm2_study"}
    )


def _constraint(rng: np.random.Generator, problem: Problem, name: str, scale: Scale) -> Constraint:
    """Draw constraints of a type until a short reply can meet one and the plain solution breaks it."""
    n_steps = int(problem.tags.get("difficulty", "1"))
    for _ in range(100):
        (drawn,) = bind(rng, name, 1, question=problem.question, n_steps=n_steps, profile="fixed")
        # a task without an answer is tested on a solution of similar size
        sized = replace(
            problem,
            answer=problem.answer or "12",
            constraints=(drawn,),
            tags=problem.tags | {"steps": problem.tags.get("steps", "7 + 5 = 12")},
        )
        is_short = len(synthetic.obedient_reply(sized).split()) <= scale.longest
        if is_short and drawn.check(synthetic.solution(sized)).score == 0.0:
            return drawn
    raise ValueError(f"no constraint of {name} binds and can be met in {scale.longest} words")


def _published(scale: Scale) -> dict[str, list[Problem]]:
    """GSM8K's test set, MathIF's GSM8K part and IFEval, if available."""
    data = published_data()
    if data is None:
        return {}
    parts = [data / "mathif" / f"gsm8k_{n}.jsonl" for n in ("single", "double", "triple")]
    files = {
        "gsm8k": [data / "gsm8k" / "test.jsonl"],
        "mathif": parts,
        "ifeval": [data / "ifeval" / "input_data.jsonl"],
    }
    found = {}
    for name, paths in files.items():
        rows = [p for path in paths for p in problem_files.load(str(path), profile="fixed")]
        rows = list({problem.id: problem for problem in rows}.values())
        n = len(rows) if scale.published is None else min(scale.published, len(rows))
        found[name] = [rows[i * len(rows) // n] for i in range(n)]
    return found


def published_data() -> Path | None:
    """The folder of published benchmarks: `TWOFOLD_SHARED`, or `shared` beside the repository."""
    shared = Path(os.environ.get("TWOFOLD_SHARED", Path(__file__).parents[3] / "shared"))
    return shared / "data" if (shared / "data" / "gsm8k").is_dir() else None


def _short_gsm8k(n: int) -> list[Problem]:
    """Up to `n` of GSM8K's training problems of at most 30 words; none if GSM8K is absent."""
    data = published_data()
    if data is None:
        return []
    rows = problem_files.load(str(data / "gsm8k" / "train.jsonl"), profile="fixed")
    short = [row for row in rows if len(row.question.split()) <= 30][:n]
    return [replace(p, ask=synthetic.ASK, tags=p.tags | {"kind": "maths"}) for p in short]
