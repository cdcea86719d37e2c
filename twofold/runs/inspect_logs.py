"""What did a run of Inspect reply? Its `.eval` and JSON logs, read without Inspect.

Only what was asked and said is taken, and scored anew: `input`, `messages` and why the output stopped.
An `.eval` file is a zip of samples, see `storage.archive`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

from pydantic import TypeAdapter

from twofold.errors import RunError
from twofold.models.thinking import ThinkingPolicy, read_said
from twofold.storage import archive
from twofold.storage.reading import InputFile, Row
from twofold.types import FinishReason, Item, Problem, Response

REMEDY = "make the log again, or name another"
SUFFIX = ".eval"

_HEAD = re.compile(r'\s*\{\s*"(?:version|status|eval)"')
_SAMPLE = re.compile(r"samples/[^/]+\.json")
_LOG: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])

# A sample of a log, with its place for messages.
Sample = tuple[str, Row]


def is_log(path: Path) -> bool:
    """Whether a file is a log of Inspect: an `.eval` file, or JSON that begins as its logs do."""
    if path.suffix == SUFFIX:
        return True
    if path.suffix != ".json":
        return False
    with InputFile(path, RunError, REMEDY).opened() as file:
        head = file.read(4096).decode("utf-8", "replace")
    return bool(_HEAD.match(head)) and '"eval"' in head


def replies(path: Path, problems: Sequence[Problem]) -> Iterator[tuple[Problem | None, str, Row]]:
    """The last reply of every sample with the problem that it answers, None if it is none of them.

    An epoch is a sample of ours. A problem's condition is `constrained` where the conversation states all
    its constraints.

    Raises:
        RunError: If the log is broken or too large, a sample is there twice, or zstd is needed and not
            installed.
    """
    known = _Known(problems)
    seen: dict[Item, str] = {}
    for place, sample in samples(path):
        asked = _texts(sample.get("input"))
        problem = known.find(asked, sample.get("id"))
        if problem is None:
            yield None, "", {}
            continue
        item = Item("model", _condition(problem, asked, sample), problem.id, _epoch(sample, place))
        if item in seen:
            raise RunError(
                f"{place} answers what {seen[item]} answers, in the same epoch; score one task at a time"
            )
        seen[item] = place
        response = _response(sample)
        yield problem, response.raw, item.to_json() | response.to_json()


def samples(path: Path) -> Iterator[Sample]:
    """The samples of a log, each with its place."""
    file = InputFile(path, RunError, REMEDY, nan=True)
    if path.suffix == SUFFIX:
        is_empty = True
        for name, row in archive.objects(file, _SAMPLE):
            is_empty = False
            yield f"{path}, {name}", row
        if is_empty:
            raise file.broken("", "it holds no sample")
        return
    rows = file.json(_LOG).get("samples") or []
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise file.broken("", "its samples are no list of objects")
    yield from ((f"{path}, sample {i}", each) for i, each in enumerate(rows, 1))


@final
@dataclass(frozen=True)
class _Known:
    """The problems by what may be asked of them, and by their ids."""

    problems: Sequence[Problem]

    def find(self, asked: Sequence[str], number: object) -> Problem | None:
        """The problem of a sample: by the last text that was asked, else by the sample's id."""
        for text in reversed(asked):
            if (found := self._by_text.get(text.strip())) is not None:
                return found
        return self._by_id.get(str(number))

    @cached_property
    def _by_text(self) -> dict[str, Problem]:
        """Only texts that one problem alone has."""
        found: dict[str, set[int]] = {}
        for i, problem in enumerate(self.problems):
            texts = {problem.messages()[0]["content"], problem.question}
            if not problem.question_states_constraints:
                texts.add(problem.messages(stated=())[0]["content"])
            for text in texts:
                found.setdefault(text.strip(), set()).add(i)
        return {
            text: self.problems[next(iter(of))]
            for text, of in found.items()
            if len({self.problems[i].id for i in of}) == 1
        }

    @cached_property
    def _by_id(self) -> dict[str, Problem]:
        by_source = {
            each.tags["source_id"]: each for each in self.problems if "source_id" in each.tags
        }
        return by_source | {problem.id: problem for problem in self.problems}


def _texts(said: object) -> list[str]:
    """The texts of an input or a conversation, as they were asked."""
    if isinstance(said, str):
        return [said]
    if not isinstance(said, list):
        return []
    turns = [turn for turn in said if isinstance(turn, dict)]
    return [
        read_said({"content": turn.get("content")}, policy=ThinkingPolicy()).raw
        for turn in turns
        if turn.get("role") in ("user", "system")
    ]


def _condition(problem: Problem, asked: Sequence[str], sample: Mapping[str, Any]) -> str:
    """Whether the model was told the constraints."""
    if not problem.is_bound:
        return "unconstrained"
    if problem.question_states_constraints:
        return "constrained"
    stated = problem.wordings or [each.instruction() for each in problem.constraints]
    shown = "\n".join((*asked, *_texts(sample.get("messages"))))
    return "constrained" if all(each.strip() in shown for each in stated) else "unconstrained"


def _epoch(sample: Mapping[str, Any], place: str) -> int:
    found = sample.get("epoch", 1)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise RunError(f"{place}: the epoch is {found!r:.40}, which counts from 1; {REMEDY}")
    return found - 1


def _response(sample: Mapping[str, Any]) -> Response:
    """The reply: the last turn of the assistant, and whether the budget ended it."""
    output = sample.get("output")
    choices = output.get("choices") if isinstance(output, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    choice = first if isinstance(first, dict) else {}
    stop = choice.get("stop_reason")
    turns = sample.get("messages")
    turns = turns if isinstance(turns, list) else []
    own = [each for each in turns if isinstance(each, dict) and each.get("role") == "assistant"]
    said = own[-1] if own else choice.get("message")
    if said is None:
        why = sample.get("error")
        told = why.get("message") if isinstance(why, dict) else why
        error = f"the sample has no reply{f' ({told!s:.200})' if told else ''}"
        return Response(raw="", reply="", finish_reason=FinishReason.failed, error=error)
    return read_said(
        said, policy=ThinkingPolicy(), hit_limit=stop in ("max_tokens", "model_length")
    )
