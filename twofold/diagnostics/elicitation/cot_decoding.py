"""What does the base say if it begins otherwise? Several first tokens, and the answer it is surest of.

Greedy decoding commits at the first token. The likeliest other beginnings often lead into a chain, and
the tokens of an answer that a chain led to are surer: their first choice is far ahead of the second.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, final

from twofold.diagnostics.elicitation.elicitor import (
    Elicited,
    Elicitor,
    added,
    answer_of,
    last_said,
    n_generated,
    prompt_ids,
)
from twofold.errors import ModelError
from twofold.types import Message, OpenModel, Response, Sampling

if TYPE_CHECKING:
    import torch

CHUNK = 8  # prompts whose branches are decoded together
_SPARE = 16  # further candidates, in place of first tokens that say nothing


class Branch(NamedTuple):
    """One continuation: the reply, its answer, and how sure the model was of the answer's tokens."""

    response: Response
    answer: str | None
    confidence: float


@final
@dataclass(frozen=True)
class CotDecoding(Elicitor):
    """A model that continues from its k likeliest first tokens and gives the answer it is surest of.

    The reply does not depend on seed, sample or temperature.

    Args:
        base: The model that is asked; its weights are needed.
        k: How many first tokens. Tokens of the chat format, which end a reply at once, are not among them.
        how: `sum` adds the confidences of all branches with the same answer; `max` takes the surest branch.

    Source:
        Wang and Zhou 2024, "Chain-of-thought reasoning without prompting", arXiv 2402.10200, equation 1:
        the probability of the first choice minus that of the second, averaged over the tokens of the
        answer alone. Departs: the answer is found by the rules that score it, at the last place where it
        is written; one forced pass over the finished branches gives all probabilities, so temperature and
        noise of the decoding never enter. A branch without an answer has the confidence 0.
    """

    name: ClassVar[str] = "cot_decoding"
    k: int = 10
    how: Literal["sum", "max"] = "sum"

    def __post_init__(self) -> None:
        if not isinstance(self.base, OpenModel):
            raise ModelError(f"CoT-decoding reads the probabilities of tokens: {self.base.closed}")
        if self.k < 1:
            raise ModelError(f"k is {self.k}; give at least one first token")

    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """The chosen branches; the cost is that of all.

        A chunk of which anything is missing is decoded as a whole, in the batches of the first time.
        """
        wanted = {p: [g for g in range(n) if (p, g) not in done] for p in range(len(prompts))}
        for start in range(0, len(prompts), CHUNK):
            chunk = range(start, min(start + CHUNK, len(prompts)))
            if not any(wanted[p] for p in chunk):
                continue
            found = self.branches([prompts[p] for p in chunk], sampling, seed=seed)
            for p, of in zip(chunk, found, strict=True):
                chosen = of[preferred(of, self.how)].response
                cost = added([n_generated(each.response) for each in of])
                all_ = tuple(each.response for each in of)
                yield from (Elicited(p, g, chosen, cost, all_) for g in wanted[p])

    def branches(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, *, seed: int = 0
    ) -> list[list[Branch]]:
        """All branches of each prompt, the likeliest first token first.

        Raises:
            ModelError: If `sampling` has no room for a second token.
        """
        if sampling.max_tokens < 2:
            raise ModelError(
                f"a branch is a first token and what follows, and max_tokens is {sampling.max_tokens}; "
                "give at least 2"
            )
        model = self.base
        assert isinstance(model, OpenModel)
        begun = [_first_tokens(model, prompt_ids(model, chat), self.k) for chat in prompts]
        asked = [(i, token) for i, tokens in enumerate(begun) for token in tokens]
        greedy = Sampling(max_tokens=sampling.max_tokens - 1)
        replies = dict(
            model.continued(
                [prompts[i] for i, _ in asked], [[token] for _, token in asked], greedy, seed=seed
            )
        )
        by_prompt: list[list[Response]] = [[] for _ in prompts]
        for at, (i, _) in enumerate(asked):
            by_prompt[i].append(replies[at])
        return [
            _judged(model, prompt_ids(model, chat), of)
            for chat, of in zip(prompts, by_prompt, strict=True)
        ]


def preferred(branches: Sequence[Branch], how: Literal["sum", "max"]) -> int:
    """The place of the branch that is given; the first one if no branch has an answer.

    Example:
        >>> say = lambda answer, sure: Branch(Response(raw="", reply=""), answer, sure)
        >>> said = [say("7", 0.9), say("12", 0.6), say(None, 0.0), say("12", 0.7)]
        >>> preferred(said, "max"), preferred(said, "sum")
        (0, 3)
    """
    total: dict[str, float] = {}
    for each in branches:
        if each.answer is not None:
            rest = total.get(each.answer, 0.0)
            total[each.answer] = (
                rest + each.confidence if how == "sum" else max(rest, each.confidence)
            )
    if not total:
        return 0
    best = max(total, key=lambda answer: total[answer])  # of equal ones, the first said
    own = [i for i, each in enumerate(branches) if each.answer == best]
    return max(own, key=lambda i: branches[i].confidence)


def _first_tokens(model: OpenModel, prompt: Sequence[int], k: int) -> list[int]:
    """The k likeliest first tokens that say something."""
    import torch

    with torch.inference_mode():
        ids = torch.tensor([prompt], device=model.network.device)
        logits = model.network(input_ids=ids, logits_to_keep=1).logits[0, -1]
    likeliest = logits.topk(min(k + _SPARE, len(logits))).indices.tolist()
    return [token for token in likeliest if model.decode([token])][:k]


def _judged(model: OpenModel, prompt: Sequence[int], replies: Sequence[Response]) -> list[Branch]:
    """The branches of a prompt with their confidence, from one forced pass over all of them."""
    spans = [_answer_span(model, reply) for reply in replies]
    sure = confidences(model.network, prompt, [reply.ids or () for reply in replies], spans)
    return [
        Branch(reply, answer_of(reply), each) for reply, each in zip(replies, sure, strict=True)
    ]


def _answer_span(model: OpenModel, reply: Response) -> tuple[int, int]:
    """Which of a reply's tokens write its answer, as a half-open range; empty if none do."""
    ids = reply.ids
    said = last_said(reply)
    if ids is None or said is None:
        return 0, 0
    start, stop = said
    places = range(len(ids) + 1)

    def n_characters(j: int) -> int:
        return len(model.decode(ids[:j]))

    first = bisect_right(places, start, key=n_characters) - 1
    last = bisect_left(places, stop, key=n_characters)
    return first, min(last, len(ids))


def confidences(
    network: object,
    prompt: Sequence[int],
    replies: Sequence[Sequence[int]],
    spans: Sequence[tuple[int, int]],
) -> list[float]:
    """For each reply, how far the first choice is ahead of the second, on average over its span.

    Args:
        network: Called with `input_ids`, `attention_mask` and `logits_to_keep`, it returns `logits`.
        prompt: The token ids before every reply.
        replies: The token ids of each reply.
        spans: The half-open range of each reply's tokens that is averaged over; an empty one gives 0.
    """
    import torch

    read = [i for i, (start, stop) in enumerate(spans) if start < stop]
    sure = [0.0] * len(replies)
    if not read:
        return sure
    at = len(prompt) - 1  # the logits here are those of a reply's first token
    stops = [spans[i][1] for i in read]
    rows = [[*prompt, *replies[i][:stop]] for i, stop in zip(read, stops, strict=True)]
    longest = max(map(len, rows))
    place = network.device  # type: ignore[attr-defined]
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=place)
    mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows], device=place)
    first = at + min(spans[i][0] for i in read)
    with torch.inference_mode():
        keep = torch.arange(first, at + max(stops), device=place)
        out = network(input_ids=ids, attention_mask=mask, logits_to_keep=keep)  # type: ignore[operator]
        ahead = _ahead(out.logits)
    for row, i in zip(ahead, read, strict=True):
        start, stop = (at + each - first for each in spans[i])
        sure[i] = float(row[start:stop].mean())
    return sure


def _ahead(logits: torch.Tensor) -> torch.Tensor:
    """The probability of the likeliest token minus that of the next, at each place."""
    best = logits.float().softmax(-1).topk(2, dim=-1).values
    return best[..., 0] - best[..., 1]
