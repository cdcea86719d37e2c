"""Has this been judged before? ResponseScores kept by the content of their question, in one file of lines.

A model judge is the slowest part of a training run, and the same replies come back: in a resumed run,
another seed, an audit of what was trained. A verdict is filed under the SHA-256 of everything that
decides it (the judge and its model, the prompts, the problem, the criterion, the reply), so what is
found is never stale and processes may share the file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import final

from twofold.errors import ScoringError
from twofold.jsonl import dumps, named_disk_errors
from twofold.judges.judge import Asked, Judge
from twofold.models.cache import content_key
from twofold.types import Model, Response, Verdict

CHUNK = 256
"""Questions after which what is known so far is kept, so that a kill costs minutes and not a night."""

FORM = 1
"""Part of every key: a change of how judges read replies makes all of them new."""


@final
@dataclass(frozen=True)
class CachedJudge(Judge):
    """Asks another judge only what it has not told before.

    Only scores are kept. What is unscored is asked again, for nothing in a verdict tells a server that
    was down from a judge that will never know; a failure that is kept would be one for ever. For the
    same reason, put the cache around the model judge inside a `Blend` and not around the blend.

    The file is only ever added to, whole lines at a time. A line that a killed process left half
    written is passed over, and its question is asked again.

    Args:
        judge: Who is asked.
        path: The file; made with its folder when there is something to keep. Deleting it costs only
            time.

    Example:
        >>> import tempfile
        >>> from twofold.judges.exact import ExactJudge
        >>> CachedJudge(ExactJudge(), Path(tempfile.mkdtemp()) / "verdicts.jsonl").name
        'exact'
    """

    judge: Judge
    path: Path = field(
        repr=False
    )  # no part of what is said: a run is bound to its judge, not to a folder

    @property
    def name(self) -> str:
        """The inner judge's name: a verdict that is remembered is the same verdict."""
        return self.judge.name

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Look up what is known, ask the rest (equal questions once), and keep each chunk as it is told.

        Raises:
            ScoringError: If the inner judge cannot work, or holds what no key can be made of.
            RunError: If the file cannot be written; what was kept before is intact.
        """
        if not asked:
            return []
        known = self._shelf.read()
        keys = [content_key(self._identity, _question(each)) for each in asked]
        new = {key: each for key, each in zip(keys, asked, strict=True) if key not in known}
        found: dict[str, Verdict] = {}
        for chunk in _chunks(new):
            told = dict(zip(chunk, self.judge(list(chunk.values())), strict=True))
            self._shelf.add({key: v for key, v in told.items() if v.score is not None})
            found |= told
        return [known[key] if key in known else found[key] for key in keys]

    def __getstate__(self) -> dict[str, object]:
        """The fields alone: what was read is in the file."""
        return {"judge": self.judge, "path": self.path}

    @cached_property
    def _shelf(self) -> _Shelf:
        return _Shelf(self.path)

    @cached_property
    def _identity(self) -> object:
        return [FORM, _prompts_sha256(), identity(self.judge)]


def _chunks(new: Mapping[str, Asked]) -> Iterator[dict[str, Asked]]:
    """The questions in chunks of `CHUNK` or a few more: those on one reply in a row stay together."""
    chunk: dict[str, Asked] = {}
    last: Response | None = None
    for key, each in new.items():
        if len(chunk) >= CHUNK and each.response is not last:
            yield chunk
            chunk = {}
        chunk[key], last = each, each.response
    if chunk:
        yield chunk


@final
class _Shelf:
    """The file and what has been read of it: lines that others add are read when they are there.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Verdict] = {}
        self._n_read = 0  # bytes

    def read(self) -> Mapping[str, Verdict]:
        """All verdicts in the file by key."""
        with named_disk_errors(self._path):
            try:
                new = self._tail()
            except FileNotFoundError:
                self._known, self._n_read, new = {}, 0, b""
        whole = new[: new.rfind(b"\n") + 1]
        self._n_read += len(whole)
        for line in whole.split(b"\n"):
            self._known.update(_entry(line))
        return self._known

    def _tail(self) -> bytes:
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._n_read:  # another file, or one that was cut short
                self._known, self._n_read = {}, 0
            file.seek(self._n_read)
            return file.read()

    def add(self, entries: Mapping[str, Verdict]) -> None:
        """Write entries behind the others, in one write. Half a line that is there is closed first."""
        if not entries:
            return
        rows = ({"key": key} | verdict.to_json() for key, verdict in entries.items())
        block = "".join(dumps(row) + "\n" for row in rows).encode("utf-8", "backslashreplace")
        with named_disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab+", buffering=0) as file:
                if file.seek(0, os.SEEK_END):
                    file.seek(-1, os.SEEK_END)
                    block = block if file.read(1) == b"\n" else b"\n" + block
                while block:  # a full disk takes a part, and then says why
                    block = block[file.write(block) :]


def _entry(line: bytes) -> dict[str, Verdict]:
    """The verdict in a line, under its key; nothing if the line is no whole entry."""
    try:
        row = json.loads(line)
        return {str(row["key"]): _verdict(row)} if line else {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _verdict(row: Mapping[str, object]) -> Verdict:
    score, parts = row["score"], row.get("parts", {})
    if not isinstance(parts, Mapping):
        raise TypeError("parts are no object")
    return Verdict(
        None if score is None else float(str(score)),
        str(row.get("reason", "")),
        {str(name): _verdict(part) for name, part in parts.items()},
    )


def _question(asked: Asked) -> object:
    """All of a question that may decide its verdict.

    A constraint's profile is no part of a problem's id; of a response only the reply is judged.
    """
    problem = asked.problem
    return [
        problem.id,
        [constraint.profile for constraint in problem.constraints],
        asdict(asked.criterion),
        asked.response.reply,
        asked.response.finish_reason.value,
    ]


def identity(value: object) -> object:
    """What decides a judge's verdicts, as JSON values: its class and fields, models by fingerprint.

    Args:
        value: A judge, or what is in a field of one.

    Raises:
        ScoringError: If a field holds something that has no stable content.

    Example:
        >>> from twofold.judges.exact import ExactJudge
        >>> identity(ExactJudge())
        {'is': 'twofold.judges.exact.ExactJudge', 'profile': 'fixed'}
    """
    if isinstance(value, Model):
        return value.fingerprint()
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        held = {each.name: identity(getattr(value, each.name)) for each in fields(value)}
        return {"is": f"{kind.__module__}.{kind.__qualname__}"} | held
    if isinstance(value, (list, tuple)):
        return [identity(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): identity(each) for key, each in value.items()}
    raise ScoringError(
        f"a judge that holds a {type(value).__name__} cannot be cached: nothing tells whether two of "
        "them are the same; make it a dataclass of plain values, or leave the cache out"
    )


def _prompts_sha256() -> str:
    """The SHA-256 of all that judges are asked with: another wording, another verdict."""
    folder = files("twofold.judges").joinpath("prompts")
    texts = sorted(
        (each.name, each.read_text(encoding="utf-8"))
        for each in folder.iterdir()
        if each.name.startswith("judge_")
    )
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()
