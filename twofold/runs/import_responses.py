"""Which problem does each reply answer that was sampled elsewhere?

Four formats are told apart by the keys of the first line: MathIF's `{"output": [...]}` (matched by
position), IFEval's `{"prompt", "response"}` (by prompt), lm-evaluation-harness' `samples_*.jsonl` (by the
question in its `doc`, else by `doc_id`), and our own `responses.jsonl` (by problem id). Where the published
evaluations truncate the longer of two files silently, a count that does not match is an error here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import final

from twofold.errors import RunError
from twofold.models.thinking import (
    ThinkingPolicy,
    closes_first,
    detect_in,
    official_split,
    read_said,
    split,
)
from twofold.storage.jsonl import Row, read_lines
from twofold.types import FinishReason, Item, Problem, Profile, Response

FORMS = (
    'MathIF {"output": [text, ...]}, IFEval {"prompt", "response"}, lm-eval samples_*.jsonl '
    '{"doc", "resps"}, or a twofold responses.jsonl'
)


@final
@dataclass(frozen=True)
class ImportedResponses:
    """The replies of a JSONL file, or of a directory with one file per problem file.

    Args:
        path: The file or directory.
        problems: The problems that they answer.
        thinking: Marks of thoughts that the user named; the known ones count besides.

    Raises:
        RunError: If the format is unknown, or replies and problems do not match.
    """

    path: Path
    problems: Sequence[Problem]
    thinking: ThinkingPolicy = field(default_factory=ThinkingPolicy)

    def texts(self) -> Iterator[tuple[Item, str | None, Row]]:
        """Every reply as `(item, raw text or None if lost, its row)`; repeated answers are samples."""
        seen: dict[tuple[str, str], int] = {}
        for path, problems, condition in self._files():
            for problem, text, row in _matched(path, problems):
                if "raw" in row:
                    yield Item.of(row), text, row
                    continue
                asked = condition if problem.is_bound else "unconstrained"
                at = (asked, problem.id)
                sample = seen[at] = seen.get(at, -1) + 1
                yield Item("model", asked, problem.id, sample), text, row

    def answers(self, profile: Profile) -> Iterator[tuple[Item, Response]]:
        """Every reply as a response.

        `official` splits the text as MathIF does, unclosed thinking included. Under `fixed`, unclosed
        thinking is no reply; where most replies close a thought that they did not open, the template
        opened it, and a text without tags is a truncated thought.
        """
        prefilled = profile == "fixed" and self._is_prefilled()
        for item, raw, row in self.texts():
            failed = row.get("finish_reason") == FinishReason.failed
            if "raw" in row and (profile == "fixed" or failed):
                yield item, self._again(Response.from_json(row))
            elif raw is None:
                lost = "the file holds no text here"
                yield (
                    item,
                    Response(raw="", reply="", finish_reason=FinishReason.failed, error=lost),
                )
            elif profile == "official":
                yield item, Response(raw=raw, reply=official_split(raw))
            else:
                policy = replace(detect_in(raw, self.thinking), prefilled=prefilled)
                yield item, split(raw, policy=policy, hit_limit=False)

    def _again(self, response: Response) -> Response:
        """A saved response, split again if marks were named since."""
        if self.thinking == ThinkingPolicy() or not response.raw:
            return response
        cut = response.finish_reason in (FinishReason.truncated, FinishReason.unclosed_thinking)
        read = split(response.raw, policy=self.thinking, hit_limit=cut)
        return response if read.reply == response.reply else read

    def _is_prefilled(self) -> bool:
        """Whether most replies close a thought that they did not open."""
        closes = [
            raw is not None and closes_first(raw, self.thinking) for _, raw, _ in self.texts()
        ]
        return 2 * sum(closes) > len(closes)

    def unanswered(self) -> list[Problem]:
        """The problems of the matched files without a reply."""
        asked = {p.id: p for _, problems, _ in self._files() for p in problems}
        for item, _, _ in self.texts():
            asked.pop(item.problem, None)
        return list(asked.values())

    def _files(self) -> Iterator[tuple[Path, Sequence[Problem], str]]:
        """Each file of replies with its problems and its condition.

        A path with `noconstraint`, as MathIF's scripts name them, holds unconstrained replies.
        """
        if not self.path.exists():
            raise RunError(f"{self.path} does not exist; give a file of replies ({FORMS})")
        by_file: dict[str, list[Problem]] = {}
        for problem in self.problems:
            by_file.setdefault(problem.tags.get("file", ""), []).append(problem)
        stems = {Path(name).stem: found for name, found in by_file.items() if name}
        taken: dict[tuple[str, str], Path] = {}
        paths = self._paths()
        for path in paths:
            name = str(path.relative_to(self.path.parent))
            condition = "unconstrained" if "noconstraint" in name else "constrained"
            named = [stem for stem in stems if stem in name]
            if len(stems) > 1 and named:
                stem = max(named, key=len)
                if (stem, condition) in taken:
                    raise RunError(
                        f"{path} and {taken[stem, condition]} both answer {stem}; keep one of them"
                    )
                taken[stem, condition] = path
                yield path, stems[stem], condition
            elif len(paths) == 1:
                yield path, self.problems, condition
            else:
                raise RunError(
                    f"{path} names none of the problem files ({', '.join(sorted(stems)) or 'none'}); "
                    "name each file of replies after the problems it answers, or score one at a time"
                )

    def _paths(self) -> list[Path]:
        if (self.path / "manifest.json").exists():  # a run directory of ours
            return [self.path / "responses.jsonl"]
        paths = sorted(self.path.rglob("*.jsonl")) if self.path.is_dir() else [self.path]
        if not paths:
            raise RunError(f"{self.path} holds no .jsonl file; give a file of replies ({FORMS})")
        return paths


# Each reply's problem, its text (None = lost), and its row if it is one of ours.
Answers = Iterator[tuple[Problem, str | None, Row]]


def _matched(path: Path, problems: Sequence[Problem]) -> Answers:
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


def _ours(path: Path, rows: Iterable[Row], problems: Sequence[Problem]) -> Answers:
    known = {problem.id: problem for problem in problems}
    for row in rows:
        if "finish_reason" not in row:
            raise RunError(
                f"{path} was written by an older twofold, whose files have other names; make the run again"
            )
        if row["problem"] not in known:
            raise RunError(
                f"{path} answers problem {row['problem']}, which is not among the problems; give the "
                "problems.jsonl in the same directory"
            )
        yield known[row["problem"]], row["raw"], row


def _mathif(path: Path, rows: Iterable[Row], problems: Sequence[Problem]) -> Answers:
    files = {problem.tags.get("file", "") for problem in problems}
    if len(files) > 1:
        raise RunError(
            f"{path} is matched by position, but the problems come from {len(files)} "
            "files; give a directory with one file of replies for each, named after it"
        )
    n = 0
    for n, row in enumerate(rows, 1):
        if n > len(problems):
            continue
        outputs = row.get("output", row.get("response"))
        for text in _replies(outputs):
            yield problems[n - 1], _text(path, text), {}
    if n != len(problems):
        raise RunError(
            f"{path} has {n} replies for {len(problems)} problems, which are matched by position; give the "
            "problem file that was run (or name the file of replies after it)"
        )


def _ifeval(path: Path, rows: Iterable[Row], problems: Sequence[Problem]) -> Answers:
    by_prompt = {problem.messages()[0]["content"].strip(): problem for problem in problems}
    seen: set[str] = set()
    strangers = 0
    for row in rows:
        problem = by_prompt.get(str(row["prompt"]).strip())
        if problem is None:
            strangers += 1
            continue
        seen.add(problem.id)
        yield problem, _text(path, row["response"]), {}
    if strangers > 0.05 * (strangers + len(seen)):
        raise RunError(
            f"{path}: {strangers} prompts are none of the problems' ({len(seen)} are); give the problem "
            "file that was run"
        )


def _lm_eval(path: Path, rows: Iterable[Row], problems: Sequence[Problem]) -> Answers:
    by_question = {problem.question.strip(): problem for problem in problems}
    wanted: object = None
    for number, row in enumerate(rows):
        wanted = row.get("filter") if number == 0 else wanted
        if row.get("filter") != wanted:
            continue  # each filter has a row with the same raw replies
        problem = _of_document(row, by_question, problems)
        if problem is None:
            raise RunError(
                f"{path}: doc {row.get('doc_id')} is none of the {len(problems)} problems; give the "
                "problem file that was run"
            )
        for reply in row["resps"]:
            for text in _replies(reply):
                yield problem, _text(path, text), {}


def _of_document(
    row: Row, by_question: Mapping[str, Problem], problems: Sequence[Problem]
) -> Problem | None:
    """The problem of a row of lm-eval: by its text, else by its number."""
    document = row["doc"]
    for key in ("prompt", "question", "problem", "input"):
        text = document.get(key)
        if isinstance(text, str):
            return by_question.get(text.strip())
    number = row.get("doc_id")
    return problems[number] if isinstance(number, int) and number < len(problems) else None


def _text(path: Path, value: object) -> str | None:
    """The text of a reply: a string, a message, its typed parts or a conversation; None if lost."""
    if value is None or isinstance(value, str):
        return value
    if value == []:
        return None
    if isinstance(value, Mapping) or (isinstance(value, list) and _is_parsed(value)):
        said = read_said(value, policy=ThinkingPolicy())
        return None if said.finish_reason is FinishReason.failed else said.raw
    raise RunError(f"{path}: a reply is {value!r}, not a text; drop or fix the row")


def _replies(value: object) -> Sequence[object]:
    """The replies in a value, which is one or a list of them."""
    if isinstance(value, list) and value and not _is_parsed(value):
        return value
    return [value]


def _is_parsed(value: list[object]) -> bool:
    """Whether a list is one reply, as messages or typed parts, and not several replies."""
    return bool(value) and all(
        isinstance(each, Mapping) and ("role" in each or "type" in each) for each in value
    )
