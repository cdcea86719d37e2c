"""Which tokens of a greedy reply would the other model not have chosen? One forced pass a model.

Both greedy replies of a problem are read by both models in the same batches: the tuned model's by its
base, and, as the mirror, the base's by the tuned model. The base compared with itself goes the same way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, final

from twofold.diagnostics.diagnostic import Subject
from twofold.diagnostics.elicitation.elicitor import prompt_ids
from twofold.diagnostics.elicitation.vocabulary import can_read, why_not_together
from twofold.problems import conditions
from twofold.storage.jsonl import Row
from twofold.types import FinishReason, Message, OpenModel, Response, Sampling

if TYPE_CHECKING:
    import torch

NAME = "token_shift"
LEFT_OUT = f"{NAME}/left_out"  # the key of the row that says why nothing is measured
CHUNK = 16  # problems whose rows are made together, the same ones after any interruption
MOST_BYTES = 2**28  # of one model's logits in one pass, unless a single reply needs more

# The texts of a row, each with its author and its reader
TEXTS = {"model": ("model", "baseline"), "baseline": ("baseline", "model")}
NULL = "null"  # the base's replies, read by the base


class _Text(NamedTuple):
    """One reply to be read: whose, the prompt of each model before it, and its tokens."""

    key: str
    whose: str
    prompts: Mapping[str, Sequence[int]]
    ids: Sequence[int]


@final
@dataclass(frozen=True)
class TokenShift:
    """The rows of a pair; made under the role `model`, where the baseline's model is the scorer.

    Args:
        subject: The tuned model, with its base as `scorer`.
    """

    subject: Subject

    def rows(self, done: AbstractSet[str]) -> Iterator[Row]:
        """One row for each problem, unconstrained where it was asked so, else with its rules.

        Where the two models cannot be compared there is one row that says why.
        """
        base = self.subject.scorer
        if self.subject.role != "model" or base is None or LEFT_OUT in done:
            return
        if why := why_not_together(self.subject.model, base):
            yield self._row(LEFT_OUT, left_out=why)
            return
        assert isinstance(self.subject.model, OpenModel) and isinstance(base, OpenModel)
        models = {"model": self.subject.model, "baseline": base}
        asked = self._asked()
        keys = list(asked)
        chunks = [keys[at : at + CHUNK] for at in range(0, len(keys), CHUNK)]
        wanted = [chunk for chunk in chunks if not set(chunk) <= done]
        if not wanted:
            return
        replies = {
            role: self._replies(model, asked, {key for chunk in wanted for key in chunk})
            for role, model in models.items()
        }
        for chunk in wanted:
            texts = [
                _text(models, key, asked[key][2], role, replies[role][key])
                for key in chunk
                for role in models
            ]
            found = dict(_read(models, [each for each in texts if isinstance(each, _Text)]))
            lost = {key for key in chunk for role in models if _failed(replies[role][key])}
            for key in (key for key in chunk if key not in done):
                problem, condition, _ = asked[key]
                own = {name: row for (k, name), row in found.items() if k == key}
                yield self._row(
                    key,
                    problem=problem,
                    condition=condition,
                    texts=own,
                    **({"retry": True} if key in lost else {}),
                )

    def _row(self, key: str, **fields: Any) -> Row:
        return {"role": self.subject.role, "key": key, **fields}

    def _asked(self) -> dict[str, tuple[str, str, list[Message]]]:
        """The problem, the condition and the chat that is read for each key."""
        found: dict[str, tuple[str, str, list[Message]]] = {}
        for condition, problem, chat in conditions.asked(self.subject.problems):
            key = f"{NAME}/{problem.id}"
            if key not in found or condition == "unconstrained":
                found[key] = problem.id, condition, chat
        return found

    def _replies(
        self,
        model: OpenModel,
        asked: Mapping[str, tuple[str, str, list[Message]]],
        wanted: AbstractSet[str],
    ) -> dict[str, Response]:
        """The greedy replies; those of an audit that decodes greedily are in the cache."""
        keys = list(asked)
        own = self.subject.sampling
        greedy = own if own.temperature == 0 else Sampling(max_tokens=own.max_tokens)
        finished = {(i, 0) for i, key in enumerate(keys) if key not in wanted}
        chats = [chat for *_, chat in asked.values()]
        stream = model.stream(chats, greedy, seed=self.subject.seed, done=finished)
        return {keys[i]: reply for i, _, reply in stream}


def _failed(reply: Response) -> bool:
    return reply.finish_reason is FinishReason.failed


def _text(
    models: Mapping[str, OpenModel], key: str, chat: Sequence[Message], role: str, reply: Response
) -> _Text | None:
    """What is read of a reply; None if there is nothing, or a model has no room or no embedding for it."""
    if not reply.ids:
        return None
    prompts = {name: prompt_ids(each, chat) for name, each in models.items()}
    fits = all(
        len(prompts[name]) + len(reply.ids) <= _room(each) and can_read(each, reply.ids)
        for name, each in models.items()
    )
    return _Text(key, role, prompts, reply.ids) if fits else None


def _room(model: OpenModel) -> float:
    """The context length of the network, in tokens."""
    config = model.network.config.get_text_config()
    return int(getattr(config, "max_position_embeddings", None) or 0) or math.inf


def _read(
    models: Mapping[str, OpenModel], texts: Sequence[_Text]
) -> Iterator[tuple[tuple[str, str], Row]]:
    """The numbers of each text by key and name, in batches that bound the memory of the logits."""
    import torch

    from twofold.diagnostics.elicitation.token_shift.divergence import shift

    widths = {
        role: int(each.network.get_output_embeddings().weight.shape[0])
        for role, each in models.items()
    }
    for batch in _batches(texts, widths.values()):
        with torch.inference_mode():
            logits = {role: _logits(each, role, batch) for role, each in models.items()}
            for i, text in enumerate(batch):
                # a head may have rows for no token, so that its width is a round number
                at = {role: of[i][:, : min(widths.values())] for role, of in logits.items()}
                pairs = {text.whose: TEXTS[text.whose]}
                if text.whose == "baseline":
                    pairs[NULL] = ("baseline", "baseline")
                for name, (author, reader) in pairs.items():
                    ids = torch.tensor(text.ids, device=at[author].device)
                    read = shift(at[author], at[reader].to(at[author].device), ids)
                    if all(math.isfinite(value) for column in read for value in column):
                        yield (text.key, name), _kept(read._asdict())


def _kept(numbers: Mapping[str, Sequence[float]]) -> Row:
    """The numbers of a text with six digits, as they are saved."""
    return {
        name: [each if name == "rank" else float(f"{each:.6g}") for each in column]
        for name, column in numbers.items()
    }


def _batches(texts: Sequence[_Text], widths: Any) -> Iterator[list[_Text]]:
    """The texts in order, as many at once as the memory for logits allows, at least one."""
    batch: list[_Text] = []
    for text in texts:
        longest = max(_reach(each) for each in [*batch, text])
        if batch and (len(batch) + 1) * longest * max(widths) * 4 > MOST_BYTES:
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch


def _reach(text: _Text) -> int:
    """How many tokens of a row may have logits: those of the longer prompt and of the reply."""
    return max(map(len, text.prompts.values())) + len(text.ids)


def _logits(model: OpenModel, role: str, batch: Sequence[_Text]) -> list[torch.Tensor]:
    """The logits at each token of each text, from one pass over rows padded on the right."""
    import torch

    network: Any = model.network
    rows = [[*text.prompts[role], *text.ids] for text in batch]
    longest, first = max(map(len, rows)), min(len(text.prompts[role]) for text in batch) - 1
    place = network.device
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=place)
    mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows], device=place)
    keep = torch.arange(first, longest - 1, device=place)
    logits = network(input_ids=ids, attention_mask=mask, logits_to_keep=keep).logits
    starts = [len(text.prompts[role]) - 1 - first for text in batch]
    return [
        row[start : start + len(text.ids)]
        for row, start, text in zip(logits, starts, batch, strict=True)
    ]
