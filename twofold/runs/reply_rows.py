"""Which problem does each row of a file of replies answer?

Logs of Inspect are known by their name and read in `inspect_logs`. Four formats are told apart by the keys
of the first row: MathIF's `{"output": [...]}` (matched by position), IFEval's `{"prompt", "response"}` (by
prompt), lm-evaluation-harness' `samples_*.jsonl` (by the question in its `doc`, where that is unique, else by
`doc_id`), and our own `responses.jsonl` (by problem id). Every row is paired with a problem, counted as
unmatched, or an error that names its line: where the published evaluations truncate the longer of two files
silently, a count that does not match is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import final

from twofold.errors import RunError
from twofold.models.thinking import ThinkingPolicy, read_said
from twofold.problems.conditions import CONDITIONS
from twofold.runs import inspect_logs
from twofold.runs.losses import LOST_LIMIT
from twofold.storage import tables
from twofold.storage.reading import InputFile, Row
from twofold.types import FinishReason, Item, Problem

FORMS = (
    'MathIF {"output": [text, ...]}, IFEval {"prompt", "response"}, lm-eval samples_*.jsonl '
    '{"doc", "resps"}, a log of Inspect (.eval or .json), or a twofold responses.jsonl'
)

# What the rows of a run say about themselves.
ROLES = ("model", "baseline")

# What servers call a reply that the token budget ended.
CUT = ("length", "max_tokens", "model_length")

# Keys of lm-eval's documents that hold the question.
_QUESTIONS = ("prompt", "question", "problem", "input")

# A problem (None = none of them), the text of a reply to it (None = lost), its row if it is ours.
Answer = tuple[Problem | None, str | None, Row]


@final
@dataclass(frozen=True)
class _Line:
    """One row with its place."""

    path: Path
    number: int
    row: Row

    def wrong(self, why: str, remedy: str = "mend or drop the row") -> RunError:
        return RunError(f"{self.path}, line {self.number}: {why}; {remedy}")

    def __getitem__(self, key: str) -> object:
        if key not in self.row:
            raise self.wrong(f"the key {key!r} is missing", "mend the row, or make the file again")
        return self.row[key]

    def text(self, value: object) -> str | None:
        """A reply: a text, a message, its typed parts or a conversation; None if it is absent."""
        if value is None or value == []:
            return None
        if isinstance(value, str):
            return value
        if _is_message(value) or _is_parsed(value):
            said = read_said(value, policy=ThinkingPolicy())
            return None if said.finish_reason is FinishReason.failed else said.raw
        raise self.wrong(f"a reply is {value!r:.60}, not a text")

    def texts(self, value: object) -> Iterator[str | None]:
        """One reply, or a list of them; an empty list is a reply that was lost."""
        several = isinstance(value, list) and value and not _is_parsed(value)
        for each in value if several and isinstance(value, list) else [value]:
            yield self.text(each)

    def number_of(self, key: str) -> int | None:
        """A number that counts from 0, None if it is absent."""
        value = self.row.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return value
        raise self.wrong(f"{key} is {value!r:.60}, which is no number of a document")


def _is_message(value: object) -> bool:
    """Whether an object is a message or a typed part."""
    return isinstance(value, Mapping) and not value.keys().isdisjoint(("role", "type", "content"))


def _is_parsed(value: object) -> bool:
    """Whether a list is one reply, as messages or typed parts, and not several replies."""
    return isinstance(value, list) and bool(value) and all(map(_is_message, value))


def matched(path: Path, problems: Sequence[Problem]) -> Iterator[Answer]:
    """The replies of a file with the problems that they answer.

    Raises:
        RunError: If the file is unreadable, its format unknown, a row is broken or there twice, or
            replies and problems do not match.
    """
    if inspect_logs.is_log(path):
        return inspect_logs.replies(path, problems)
    file = InputFile(path, RunError, "make the file of replies again, or mend it", nan=True)
    lines = (_Line(path, number, row) for number, row in file.lines())
    first = next(lines, None)
    if first is None:
        raise RunError(f"{path} is empty; give a file of replies ({FORMS})")
    keys, every = first.row.keys(), chain([first], lines)
    if {"role", "problem", "raw"} <= keys:
        return _ours(every, problems)
    if {"doc", "resps"} <= keys:
        return _lm_eval(every, problems)
    if {"prompt", "response"} <= keys:
        return _ifeval(every, path, problems)
    if "output" in keys or "response" in keys:
        return _mathif(every, path, problems)
    near = " (of the last it lacks role)" if {"problem", "raw"} <= keys else ""
    raise RunError(f"{path} has the keys {', '.join(keys)}; known forms are {FORMS}{near}")


def _ours(lines: Iterable[_Line], problems: Sequence[Problem]) -> Iterator[Answer]:
    known = {problem.id: problem for problem in problems}
    seen: dict[Item, int] = {}
    for line in lines:
        if "finish_reason" not in line.row and "ended" in line.row:
            raise RunError(
                f"{line.path} was written by an older twofold, whose files have other names; make the "
                "run again"
            )
        if why := tables.wrong("responses", line.row):
            raise line.wrong(why, "restore the file from a copy")
        item = Item.of(line.row)
        if item.role not in ROLES or item.condition not in CONDITIONS:
            raise line.wrong(
                f"role {item.role!r} or condition {item.condition!r} is unknown",
                f"a role is {' or '.join(ROLES)}, a condition {' or '.join(CONDITIONS)}",
            )
        if item in seen:
            raise line.wrong(f"the item of line {seen[item]} is there again", "drop one of them")
        if (problem := known.get(item.problem)) is None:
            raise line.wrong(
                f"it answers problem {item.problem}, which is not among the problems",
                "give the problems.jsonl in the same directory",
            )
        seen[item] = line.number
        yield problem, line.row["raw"], line.row


def _mathif(lines: Iterable[_Line], path: Path, problems: Sequence[Problem]) -> Iterator[Answer]:
    files = {problem.tags.get("file", "") for problem in problems}
    if len(files) > 1:
        raise RunError(
            f"{path} is matched by position, but the problems come from {len(files)} "
            "files; give a directory with one file of replies for each, named after it"
        )
    n, key = 0, "output"  # the key of the rows before tells which one a row lacks
    for n, line in enumerate(lines, 1):
        key = next((name for name in ("output", "response") if name in line.row), key)
        for text in line.texts(line[key]):
            if n <= len(problems):
                yield problems[n - 1], text, {}
    if n != len(problems):
        raise RunError(
            f"{path} has {n} replies for {len(problems)} problems, which are matched by position; give the "
            "problem file that was run (or name the file of replies after it)"
        )


def _ifeval(lines: Iterable[_Line], path: Path, problems: Sequence[Problem]) -> Iterator[Answer]:
    """Replies with their prompts, which state the rules or leave them out (`messages(stated=())`)."""
    by_prompt = _ByText(problems, [problem.messages()[0]["content"] for problem in problems])
    apart = [p for p in problems if p.constraints and not p.question_states_constraints]
    by_bare = _ByText(apart, [problem.messages(stated=())[0]["content"] for problem in apart])
    n, strangers = 0, 0
    for line in lines:
        n += 1
        prompt = line["prompt"]
        if not isinstance(prompt, str):
            raise line.wrong(f"the prompt is {prompt!r:.60}, not a text")
        problem, about = by_prompt.find(prompt, line), {}
        if problem is None and (problem := by_bare.find(prompt, line)) is not None:
            about = {"condition": "unconstrained"}
        strangers += problem is None
        cut = line.row.get("finish_reason") in CUT
        yield problem, line.text(line["response"]), about | ({"cut": True} if cut else {})
    if strangers > LOST_LIMIT * n:
        raise RunError(
            f"{path}: {strangers} prompts are none of the problems', with their rules or without "
            f"({n - strangers} are); give the problem file that was run"
        )


def _lm_eval(lines: Iterable[_Line], problems: Sequence[Problem]) -> Iterator[Answer]:
    by_question = _ByText(problems, [problem.question for problem in problems])
    seen: dict[tuple[str, int], int] = {}
    wanted: object = None
    for i, line in enumerate(lines):
        name, number = line.row.get("filter"), line.number_of("doc_id")
        wanted = name if i == 0 else wanted
        if number is not None:
            if (str(name), number) in seen:
                first = seen[str(name), number]
                raise line.wrong(f"doc {number} of line {first} is there again", "drop one of them")
            seen[str(name), number] = line.number
        problem = _of_document(line, by_question, number)
        if problem is None:
            raise line.wrong(
                f"doc {number} is none of the {len(problems)} problems",
                "give the problem file that was run",
            )
        replies = line["resps"]
        if not isinstance(replies, list):
            raise line.wrong(f"resps is {replies!r:.60}, not a list of replies")
        if name != wanted:
            continue  # each filter has a row with the same raw replies
        for reply in replies or [None]:
            for text in line.texts(reply):
                yield problem, text, {}


def _of_document(line: _Line, by_question: "_ByText", number: int | None) -> Problem | None:
    """The problem of a row of lm-eval: by its text, else by its number."""
    document = line["doc"]
    if not isinstance(document, dict):
        raise line.wrong(f"doc is {document!r:.60}, not an object", "make the file again")
    texts = (document[key] for key in _QUESTIONS if isinstance(document.get(key), str))
    text = next(texts, None)
    if text is not None:
        return by_question.find(text, line)
    problems = by_question.problems
    return problems[number] if number is not None and number < len(problems) else None


@final
class _ByText:
    """Problems by a text of theirs, and by position where several have the same."""

    def __init__(self, problems: Sequence[Problem], texts: Sequence[str]) -> None:
        self.problems = problems
        self._found: dict[str, dict[str, Problem]] = {}
        for problem, text in zip(problems, texts, strict=True):
            self._found.setdefault(text.strip(), {})[problem.id] = problem

    def find(self, text: str, line: _Line) -> Problem | None:
        """The problem with this text; an error if it cannot be told which of several."""
        found = self._found.get(text.strip(), {})
        if len(found) < 2:
            return next(iter(found.values()), None)
        number = line.number_of("doc_id")
        if number is not None and number < len(self.problems):
            there = self.problems[number]
            if there.id in found:
                return there
        key = line.row.get("key")
        named = [
            p for p in found.values() if key is not None and p.tags.get("source_id") == str(key)
        ]
        if len(named) == 1:
            return named[0]
        raise line.wrong(
            f"its text is that of {len(found)} problems, and no doc_id or key says of which",
            "give a file of replies that names the document, or score these problems on their own",
        )
