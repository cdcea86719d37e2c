"""Has this been judged before? ResponseScores in the cache, by the content of their question.

A model judge is the slowest part of a training run, and the same replies come back: in a resumed run,
another seed, an audit of what was trained. A verdict is filed under the SHA-256 of everything that
decides it (the judge and its model, the prompts, the problem, the criterion, the reply), so what is
found is never stale and processes may share the cache.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, final

from twofold.errors import ScoringError
from twofold.judges.judge import Asked, Judge
from twofold.models.cache import Cache, content_key
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

    Args:
        judge: Who is asked.
        folder: Of the cache; see `twofold.models.cache`. Deleting it costs only time.

    Example:
        >>> import tempfile
        >>> from twofold.judges.exact import ExactJudge
        >>> CachedJudge(ExactJudge(), Path(tempfile.mkdtemp())).name
        'exact'
    """

    judge: Judge
    folder: Path = field(repr=False)  # a run is bound to its judge, not to a folder

    @property
    def name(self) -> str:
        """The inner judge's name: a verdict that is remembered is the same verdict."""
        return self.judge.name

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Look up what is known, ask the rest (equal questions once), and keep each chunk as it is told.

        Raises:
            ScoringError: If the inner judge cannot work, or holds what no key can be made of.
        """
        if not asked:
            return []
        keys = [content_key(self._identity, _question(each)) for each in asked]
        known = {k: _verdict(json.loads(text)) for k, text in self._cache.get(set(keys)).items()}
        new = {key: each for key, each in zip(keys, asked, strict=True) if key not in known}
        found: dict[str, Verdict] = {}
        for chunk in _chunks(new):
            told = dict(zip(chunk, self.judge(list(chunk.values())), strict=True))
            self._cache.put(
                {key: json.dumps(v.to_json()) for key, v in told.items() if v.score is not None}
            )
            found |= told
        return [known[key] if key in known else found[key] for key in keys]

    def __getstate__(self) -> dict[str, object]:
        """The fields alone: another process opens the cache itself."""
        return {"judge": self.judge, "folder": self.folder}

    @cached_property
    def _cache(self) -> Cache:
        return Cache(self.folder)

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


def _verdict(row: Mapping[str, Any]) -> Verdict:
    """The verdict that `Verdict.to_json` wrote."""
    parts = {name: _verdict(part) for name, part in row.get("parts", {}).items()}
    return Verdict(row["score"], row.get("reason", ""), parts)


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
