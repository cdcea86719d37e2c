"""Which replies does the page show? Replies with their verdicts, chosen and clipped.

Files are streamed, because a run may hold many long texts. The choice is deterministic: problem ids are
hashes, so their order is as good as random.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twofold.problems import io
from twofold.storage.jsonl import Row, dumps, read_lines
from twofold.types import Item, Problem

# Problems on a page.
MOST_PROBLEMS = 300

# Samples shown per problem, role and condition.
MOST_SAMPLES = 4

# Characters of the embedded JSON; the problems chosen last are dropped.
MOST_TEXT = 16_000_000

# Characters shown of the start and the end of a longer text.
HEAD, TAIL = 6000, 2000


@dataclass(frozen=True)
class Examples:
    """The replies on the page; `n_answered` of the `n_problems` of the run have a verdict."""

    problems: tuple[Row, ...]
    n_problems: int
    n_answered: int


def collect(run_dir: Path) -> Examples:
    """Choose problems of a run and collect their replies."""
    cells = strata(read_lines(run_dir / "verdicts.jsonl"))
    chosen = choose(cells, MOST_PROBLEMS)
    replies = _replies(run_dir, frozenset(chosen))
    problems = io.read(run_dir / "problems.jsonl", profile="fixed")
    found = {
        problem.id: _shown(problem, number) | {"replies": replies[problem.id]}
        for number, problem in enumerate(problems, 1)
        if problem.id in replies
    }
    rank = {problem: i for i, problem in enumerate(chosen)}
    kept: list[Row] = []
    room = MOST_TEXT
    for row in sorted(found.values(), key=lambda row: rank[row["id"]]):
        room -= len(dumps(row))
        if room < 0:
            break
        kept.append(row)
    return Examples(tuple(sorted(kept, key=lambda row: row["number"])), len(problems), len(cells))


def strata(verdicts: Iterable[Row]) -> dict[str, str]:
    """The cells of the first samples of each problem, by its id."""
    found: dict[str, list[str]] = {}
    for row in verdicts:
        if row["sample"] == 0:
            words = f"{row['role']}/{row['condition']}/{cell(row)}"
            found.setdefault(row["problem"], []).append(words)
    return {problem: " ".join(sorted(words)) for problem, words in found.items()}


def choose(cells: Mapping[str, str], most: int) -> list[str]:
    """At most `most` problem ids, one from each stratum in turn, so that rare outcomes are included."""
    seen: Counter[str] = Counter()
    turn = {}
    for problem in sorted(cells):
        turn[problem] = seen[cells[problem]]
        seen[cells[problem]] += 1
    return sorted(turn, key=lambda problem: (turn[problem], cells[problem]))[:most]


def cell(verdict: Mapping[str, Any]) -> str:
    """The cell of a reply: `right_obedient` and so on, shorter if only one side is scored."""
    words = []
    for key, passed, failed in (
        ("correct", "right", "wrong"),
        ("compliant", "obedient", "disobedient"),
    ):
        if key not in verdict:
            continue
        score = verdict[key]["score"]
        if score is None:
            return "unscored"
        words.append(passed if score == 1 else failed)
    return "_".join(words) or "unscored"


def clipped(text: str) -> str:
    """The text without the middle of a long one, with a note in its place."""
    left_out = len(text) - HEAD - TAIL
    if left_out <= 0:
        return text
    note = f"\n\n[… {left_out} characters left out here; responses.jsonl has all of them …]\n\n"
    return text[:HEAD] + note + text[-TAIL:]


def _replies(run_dir: Path, chosen: frozenset[str]) -> dict[str, list[Row]]:
    """The responses to the chosen problems with their verdicts, by problem."""
    verdicts = {Item.of(row): row for row in _kept(run_dir / "verdicts.jsonl", chosen)}
    found: dict[str, list[Row]] = {}
    for row in _kept(run_dir / "responses.jsonl", chosen):
        shown = {k: clipped(v) if isinstance(v, str) else v for k, v in row.items() if k != "ids"}
        if shown["raw"] == shown.get("reply"):
            del shown["raw"]
        verdict = verdicts.get(Item.of(row), {})
        shown |= {key: verdict[key] for key in ("correct", "compliant") if key in verdict}
        found.setdefault(row["problem"], []).append(shown | {"cell": cell(verdict)})
    return found


def _kept(path: Path, chosen: frozenset[str]) -> Iterator[Row]:
    for row in read_lines(path):
        if row["problem"] in chosen and row["sample"] < MOST_SAMPLES:
            yield row


def _shown(problem: Problem, number: int) -> Row:
    words = problem.wordings or tuple(c.instruction() for c in problem.constraints)
    return {
        "id": problem.id,
        "number": number,
        "question": clipped(problem.question),
        "answer": problem.answer,
        "constraints": [
            {"key": key, "type": constraint.name, "words": said.strip()}
            for key, constraint, said in zip(
                problem.constraint_keys, problem.constraints, words, strict=True
            )
        ],
        "tags": dict(problem.tags),
    }
