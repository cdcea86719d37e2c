"""Replies that were made elsewhere: which problem does each answer?

Four forms are read, told apart by the keys of the first line: MathIF's `{"output": [...]}` (by
position), IFEval's `{"prompt", "response"}` (by the prompt's text), lm-evaluation-harness'
`samples_*.jsonl` (by the question in its `doc`, else by `doc_id`), and our own `responses.jsonl`
(by the problem's id). Where the published evaluations cut the longer of two files in silence, a
count that does not match is an error here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, final

from twofold.errors import RunError
from twofold.jsonl import Row, read_lines
from twofold.models.thinking import ThinkingPolicy, official_split, split
from twofold.store import Item
from twofold.types import Ended, Problem, Profile, Response

FORMS = (
    'MathIF {"output": [text, ...]}, IFEval {"prompt", "response"}, lm-eval samples_*.jsonl '
    '{"doc", "resps"}, or a twofold responses.jsonl'
)
TAGS = ThinkingPolicy()


@final
@dataclass(frozen=True)
class Transcript:
    """The replies of one file or directory, each beside the problem it answers.

    Args:
        path: A JSONL file, or a directory of them (one for each problem file).
        problems: What they answer, in the order of the problem files.

    Raises:
        RunError: If the form is not known, or replies and problems do not fit together. Every
            message says what would.
    """

    path: Path
    problems: Sequence[Problem]

    def texts(self) -> Iterator[tuple[Item, str, Row]]:
        """Every reply as `(item, raw text, its row)`, in the order of the files."""
        for path, problems in self._files():
            yield from _matched(path, problems)

    def answers(self, profile: Profile) -> Iterator[tuple[Item, Response]]:
        """Every reply as a response.

        Under `official` the text is split as MathIF does, unclosed thoughts included. Under `fixed`
        an unclosed thought is no reply; where some replies of the transcript close a thought that
        they never opened, the template opened it, and a text without any tag is such a thought cut
        short.
        """
        prefilled = profile == "fixed" and any(_closes_only(raw) for _, raw, _ in self.texts())
        policy = ThinkingPolicy(prefilled=prefilled)
        for item, raw, row in self.texts():
            if "raw" in row and row.get("ended") == Ended.failed:
                yield item, Response.from_json(row)
            elif profile == "official":
                yield item, Response(raw=raw, reply=official_split(raw))
            elif "raw" in row:
                yield item, Response.from_json(row)
            else:
                yield item, split(raw, policy=policy, hit_limit=False)

    def unanswered(self) -> list[Problem]:
        """The problems of the matched files that no reply answers."""
        asked = {p.id: p for _, problems in self._files() for p in problems}
        for item, _, _ in self.texts():
            asked.pop(item.problem, None)
        return list(asked.values())

    def _files(self) -> Iterator[tuple[Path, Sequence[Problem]]]:
        """Each file of replies with the problems it can answer."""
        if not self.path.exists():
            raise RunError(f"{self.path} does not exist; give a file of replies ({FORMS})")
        by_file: dict[str, list[Problem]] = {}
        for problem in self.problems:
            by_file.setdefault(problem.tags.get("file", ""), []).append(problem)
        stems = {Path(name).stem: found for name, found in by_file.items() if name}
        paths = sorted(self.path.rglob("*.jsonl")) if self.path.is_dir() else [self.path]
        if not paths:
            raise RunError(f"{self.path} holds no .jsonl file; give a file of replies ({FORMS})")
        for path in paths:
            named = [stem for stem in stems if stem in str(path.relative_to(self.path.parent))]
            if len(stems) > 1 and named:
                yield path, stems[max(named, key=len)]
            elif len(paths) == 1:
                yield path, self.problems
            else:
                raise RunError(
                    f"{path} names none of the problem files ({', '.join(sorted(stems)) or 'none'}); "
                    "name each file of replies after the problems it answers, or score one at a time"
                )


def _matched(path: Path, problems: Sequence[Problem]) -> Iterator[tuple[Item, str, Row]]:
    lines = read_lines(path)
    first = next(lines, None)
    if first is None:
        raise RunError(f"{path} is empty; give a file of replies ({FORMS})")
    rows = chain([first], lines)
    if {"role", "problem", "raw"} <= first.keys():
        return _ours(path, rows, problems)
    if {"doc", "resps"} <= first.keys():
        return _lm_eval(path, rows, problems)
    if {"prompt", "response"} <= first.keys():
        return _ifeval(path, rows, problems)
    if "output" in first or "response" in first:
        return _mathif(path, rows, problems)
    raise RunError(f"{path} has the keys {', '.join(first)}; known forms are {FORMS}")


def _ours(
    path: Path, rows: Iterable[Row], problems: Sequence[Problem]
) -> Iterator[tuple[Item, str, Row]]:
    known = {problem.id for problem in problems}
    for row in rows:
        if row["problem"] not in known:
            raise RunError(
                f"{path} answers problem {row['problem']}, which is not among the problems; give the "
                "problems.jsonl that stands beside it"
            )
        yield Item.of(row), row["raw"], row


def _mathif(
    path: Path, rows: Iterable[Row], problems: Sequence[Problem]
) -> Iterator[tuple[Item, str, Row]]:
    n = 0
    for n, row in enumerate(rows, 1):
        if n > len(problems):
            continue
        outputs = row.get("output", row.get("response"))
        texts = [outputs] if isinstance(outputs, str) else outputs
        yield from _samples(path, n, texts, problems[n - 1])
    if n != len(problems):
        raise RunError(
            f"{path} has {n} replies for {len(problems)} problems, and they belong together by position; "
            "give the problem file that was run (or name the file of replies after it)"
        )


def _ifeval(
    path: Path, rows: Iterable[Row], problems: Sequence[Problem]
) -> Iterator[tuple[Item, str, Row]]:
    by_prompt = {problem.messages()[0]["content"].strip(): problem for problem in problems}
    seen: dict[str, int] = {}
    strangers = 0
    for row in rows:
        problem = by_prompt.get(str(row["prompt"]).strip())
        if problem is None:
            strangers += 1
            continue
        sample = seen[problem.id] = seen.get(problem.id, -1) + 1
        yield _item(problem, sample), _text(path, row["response"]), {}
    if strangers > 0.05 * (strangers + len(seen)):
        raise RunError(
            f"{path}: {strangers} prompts are none of the problems' ({len(seen)} are); give the problem "
            "file that was run"
        )


def _lm_eval(
    path: Path, rows: Iterable[Row], problems: Sequence[Problem]
) -> Iterator[tuple[Item, str, Row]]:
    by_question = {problem.question.strip(): problem for problem in problems}
    wanted: object = None
    for number, row in enumerate(rows):
        if number == 0:
            wanted = row.get("filter")
        if row.get("filter") != wanted:
            continue  # a row a filter, all with the same raw replies
        problem = _of_document(row, by_question, problems)
        if problem is None:
            raise RunError(
                f"{path}: doc {row.get('doc_id')} is none of the {len(problems)} problems; give the "
                "problem file that was run"
            )
        texts = row["resps"]
        flat = [t for r in texts for t in (r if isinstance(r, list) else [r])]
        yield from _samples(path, int(row.get("doc_id", 0)), flat, problem)


def _of_document(
    row: Row, by_question: Mapping[str, Problem], problems: Sequence[Problem]
) -> Problem | None:
    """The problem that a row of lm-eval is about: by its text, else by its number."""
    document = row["doc"]
    for key in ("prompt", "question", "problem", "input"):
        text = document.get(key)
        if isinstance(text, str):
            return by_question.get(text.strip())
    number = row.get("doc_id")
    return problems[number] if isinstance(number, int) and number < len(problems) else None


def _samples(
    path: Path, number: int, texts: Any, problem: Problem
) -> Iterator[tuple[Item, str, Row]]:
    if not isinstance(texts, list) or not texts:
        raise RunError(f"{path}, row {number}: the replies are {texts!r}, not a list of texts")
    for sample, text in enumerate(texts):
        yield _item(problem, sample), _text(path, text), {}


def _item(problem: Problem, sample: int) -> Item:
    return Item("model", "stated" if problem.constraints else "plain", problem.id, sample)


def _text(path: Path, value: object) -> str:
    if isinstance(value, str):
        return value
    raise RunError(f"{path}: a reply is {value!r}, not a text; drop the row or mend it")


def _closes_only(raw: str) -> bool:
    close = raw.find(TAGS.close_tag)
    return close >= 0 and TAGS.open_tag not in raw[:close]
