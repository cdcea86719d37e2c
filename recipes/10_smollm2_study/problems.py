"""What is the model asked? Generated problems of three kinds, mixed, and the published ones, as files.

Of four training problems in turn one is mathematics without constraints, one is a task with a constraint
and no answer, and two are mathematics with a constraint; what a batch has of each is chance. Where GSM8K is
at hand half of the bare mathematics are its short training problems. Every constraint binds: the plain
solution, which heeds none, breaks it. Six of seventeen types of constraints are held out: no demonstration
and no training problem has them. They are near: of *number of paragraphs* the sibling *first word of a
paragraph* is seen, and so on.
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
"""Types that nothing is trained on; each has a sibling that is."""

SEEN = tuple(
    name
    for name in TYPES
    if name not in (*HELD_OUT, "combination:repeat_prompt", "length_constraints:number_words")
)
"""Types that are trained on. Repeating the question is left out for its length, and the number of words since
short replies meet any upper bound that is drawn and no lower one."""

MOST_IN_VAIN = 1000
"""Problems that were there before, one after the other, after which no new one is hoped for."""

LEVELS = (1, 2, 3, 4, 5)
"""Steps of a solution."""

USUAL = ("hoard", "comparison", "purchase", "workshop", "sharing")
"""Structures of stories that are told in training; the `bus` is told in the test alone."""

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
    """Problems of the demonstrations, of all levels and of types that are trained on."""
    kinds = ("maths", "both", "both")
    return list(islice(_generated(1, "train", LEVELS, kinds, SEEN, scale), scale.warm_up))


def probe(scale: Scale, level: int) -> list[Problem]:
    """Problems of one level, on which pass@8 of the warmed-up model is measured."""
    return list(islice(_generated(2, "train", (level,), ("both",), SEEN, scale), scale.probed))


def train(scale: Scale, levels: Collection[int]) -> list[Problem]:
    """The mixture that every arm is trained on."""
    kinds = ("maths", "both", "instruction", "both")
    found = list(islice(_generated(0, "train", levels, kinds, SEEN, scale), scale.train))
    grade_school = _short_gsm8k(scale.train // 8)
    for place, problem in zip(range(0, len(found), 8), grade_school, strict=False):
        found[place] = problem
    return found


def splits(scale: Scale, levels: Collection[int]) -> dict[str, list[Problem]]:
    """What every arm is audited on, the headline first.

    Args:
        scale: How much.
        levels: Those that are trained on. Out of distribution is the next harder one, if there is one
            (no arm is trained on it, but the warm-up tells all levels), and the `bus`, a structure of
            stories that is told in the test alone.
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
    """What checkpoints on the way are asked: neither trained on nor in a split."""
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
    """Problems without end, the kinds and the types in turn, each question once."""
    n = n_told_before = 0
    n_of: Counter[str] = Counter()  # each kind goes through the types by itself
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
    """A task that has no right answer."""
    form = _FORMS[int(rng.integers(len(_FORMS)))]
    topic = _TOPICS[int(rng.integers(len(_TOPICS)))]
    return Problem(
        question=form.format(topic), answer=None, ask="\n", tags={"source": "smollm2_study"}
    )


def _constraint(rng: np.random.Generator, problem: Problem, name: str, scale: Scale) -> Constraint:
    """A constraint of a type that a short reply can meet and the plain solution breaks: drawn until so."""
    n_steps = int(problem.tags.get("difficulty", "1"))
    for _ in range(100):
        (drawn,) = bind(rng, name, 1, question=problem.question, n_steps=n_steps, profile="fixed")
        # a task without an answer is judged by the same constraint on a solution of its size
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
    """GSM8K's test, MathIF's GSM8K part and IFEval, where they are at hand."""
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
    """GSM8K's training problems of up to 30 words, as far as `n` of them; none where it is not at hand."""
    data = published_data()
    if data is None:
        return []
    rows = problem_files.load(str(data / "gsm8k" / "train.jsonl"), profile="fixed")
    short = [row for row in rows if len(row.question.split()) <= 30][:n]
    return [replace(p, ask=synthetic.ASK, tags=p.tags | {"kind": "maths"}) for p in short]
