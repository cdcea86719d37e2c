"""Has this been judged before? A cache of verdicts, by the content of their questions.

A model judge is the slowest part of a training run, and the same replies come back in a resumed
run, another seed, or an audit. The key is the SHA-256 of everything that decides a verdict (judge,
model, prompts, problem, criterion, reply), so an entry is never stale and processes may share the
cache.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

from twofold.errors import ScoringError
from twofold.judges.judge import Asked, Judge
from twofold.judges.prompt_template import prompts
from twofold.models.cache import Cache, content_key
from twofold.types import Model, Response, Verdict

CHUNK = 256  # questions after which verdicts are saved, so that a kill does not cost a night
FORM = (
    2  # part of every key; increase it when judges parse replies differently or keep more of them
)


@final
@dataclass(frozen=True)
class CachedJudge(Judge):
    """Asks another judge only what is not in the cache.

    Only scores are saved. Unscored questions are asked again, since a verdict does not show whether
    a server was down or the judge will never know. So put the cache around the model judge inside a
    `Blend`, not around the blend.

    Args:
        judge: Who is asked.
        folder: Of the cache, see `twofold.models.cache`; it may be deleted at any time.
    """

    judge: Judge
    folder: Path = field(repr=False)  # the identity of a run includes its judge, not this folder

    @property
    def name(self) -> str:
        """The inner judge's name."""
        return self.judge.name

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Look up the known verdicts, ask for the others (equal questions once), save each chunk.

        Raises:
            ScoringError: If the inner judge cannot work, or a field of it has no stable content.
        """
        if not asked:
            return []
        keys = [content_key(self._identity, _question(each)) for each in asked]
        known = {k: _verdict(json.loads(text)) for k, text in self._cache.get(set(keys)).items()}
        new = {key: each for key, each in zip(keys, asked, strict=True) if key not in known}
        for chunk in _chunks(new):
            told = dict(zip(chunk, self.judge(list(chunk.values())), strict=True))
            self._cache.put({k: json.dumps(v.to_json()) for k, v in told.items() if v.is_scored})
            known |= told
        return [known[key] for key in keys]

    def __getstate__(self) -> dict[str, object]:
        """Only the fields: another process opens the cache itself."""
        return {"judge": self.judge, "folder": self.folder}

    @cached_property
    def _cache(self) -> Cache:
        return Cache(self.folder)

    @cached_property
    def _identity(self) -> object:
        texts = [
            (f"{name}.txt", text) for name, text in prompts().items() if name.startswith("judge_")
        ]
        return [FORM, hashlib.sha256(json.dumps(texts).encode()).hexdigest(), identity(self.judge)]


def _chunks(new: Mapping[str, Asked]) -> Iterator[dict[str, Asked]]:
    """Chunks of `CHUNK` questions or a few more: those about the same reply stay together."""
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
    """The inverse of `Verdict.to_json`."""
    parts = {name: _verdict(part) for name, part in row.get("parts", {}).items()}
    return Verdict(row["score"], row.get("reason", ""), parts, note=row.get("note", ""))


def _question(asked: Asked) -> object:
    """All of a question that may decide its verdict (`Problem.id` omits profiles)."""
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

    Raises:
        ScoringError: If a field holds something that has no stable content.
    """
    if isinstance(value, Model):
        return value.fingerprint()
    if isinstance(value, CachedJudge):  # a cache changes no verdict, wherever it lies
        return identity(value.judge)
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
        f"a judge with a {type(value).__name__} in a field cannot be cached, since two of them cannot "
        "be compared; make it a dataclass of plain values, or leave the cache out"
    )
