"""What is an elicitor? A model made of another one, without training: asked or decoded in another way.

It is a `Model`, so whatever takes a model takes it. What it costs is part of what it says, because most
elicitors buy accuracy with tokens.
"""

import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from math import inf
from typing import Any, ClassVar, NamedTuple, final

from twofold.errors import ModelError
from twofold.models.work_share import missing_pairs
from twofold.scorers.answers.extract import Found, find_answer, numbers
from twofold.scorers.answers.spelling import key as spelled
from twofold.types import FinishReason, Message, Model, OpenModel, Response, Sampling, Share

# A text that is no part of a longer word or number
_ALONE = r"(?<!\w)(?<!\d[.,]){}(?!\w)(?![.,]\d)"


class Elicited(NamedTuple):
    """A reply, and what it took.

    Args:
        n_tokens: The tokens that were generated for it, thrown-away ones included; None = unknown.
        branches: The replies among which a measure of the model's own chose it, where there is one: a
            choice without that measure is its control.
        n_acted: At how many of the reply's tokens another model, or a vector, decided; None = nothing of
            the kind can.
    """

    prompt: int
    sample: int
    response: Response
    n_tokens: int | None
    branches: tuple[Response, ...] = ()
    n_acted: int | None = None


@dataclass(frozen=True)
class Elicitor(Model):
    """A model that answers with the weights of another one.

    Subclasses are `@final @dataclass(frozen=True)`; their fields after `base` are their settings.

    Args:
        base: The model that is asked.
    """

    base: Model
    name: ClassVar[str]  # stable: the condition in tables

    @property
    def spec(self) -> str:
        """The elicitor around the model's spec; `resolve` cannot load it, since a setting may be a text."""
        return f"{self.name}({self.base.spec})"

    def fingerprint(self) -> dict[str, object]:
        """The elicitor, its settings, and the fingerprint of the model that is asked."""
        settings: dict[str, Any] = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name != "base"
        }
        return {"kind": self.name, "settings": settings, "base": self.base.fingerprint()}

    def observed(self) -> dict[str, object]:
        """As the model that is asked."""
        return self.base.observed()

    @abstractmethod
    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """The replies with their cost; arguments as in `Model.stream`."""

    @final
    def stream(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
        share: Share = Share(),
    ) -> Iterator[tuple[int, int, Response]]:
        """The replies; see `Model.stream`."""
        mine = set(missing_pairs(len(prompts), n, done=done, share=share))
        if not mine:
            return
        others = {(p, g) for p in range(len(prompts)) for g in range(n)} - mine
        for each in self.elicited(prompts, sampling, n=n, seed=seed, done=others):
            yield each.prompt, each.sample, _with_cost(each)


def several(
    model: Model,
    prompts: Sequence[Sequence[Message]],
    sampling: Sampling,
    *,
    each: int,
    temperature: float,
    n: int,
    seed: int,
    done: AbstractSet[tuple[int, int]],
) -> Iterator[tuple[int, int, list[Response]]]:
    """For each reply that is to be given, the `each` replies it is chosen from, in order of drawing.

    Greedy replies are all the same, so they are drawn at `temperature` instead.
    """
    drawn = Sampling(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature or temperature,
        top_p=sampling.top_p if sampling.temperature else 1.0,
    )
    finished = {(p, g * each + i) for p, g in done for i in range(each)}
    begun: dict[tuple[int, int], dict[int, Response]] = {}
    for p, i, reply in model.stream(prompts, drawn, n=n * each, seed=seed, done=finished):
        at = p, i // each
        there = begun.setdefault(at, {})
        there[i] = reply
        if len(there) == each:
            del begun[at]
            yield *at, [there[i] for i in sorted(there)]


def require_drawn(name: str, each: int, temperature: float) -> None:
    """Refuse a choice among no replies, or among copies of the greedy one.

    Raises:
        ModelError: If the setting `name`, how many are drawn, is below 1, or `temperature` not above 0.
    """
    if each < 1:
        raise ModelError(f"{name} is {each}; draw at least one reply")
    if not 0 < temperature < inf:
        raise ModelError(
            f"the temperature is {temperature}; give one above 0, since greedy replies are all the same"
        )


def _with_cost(found: Elicited) -> Response:
    """The reply, which says what was spent where that is not its own tokens."""
    if found.n_tokens is None or found.n_tokens == n_generated(found.response):
        return found.response
    return replace(found.response, n_spent_tokens=found.n_tokens)


def prompt_ids(model: OpenModel, chat: Sequence[Message]) -> tuple[int, ...]:
    """The token ids of a prompt, up to where the reply begins."""
    return tuple(model.tokenizer(model.render(chat), add_special_tokens=False).input_ids)


def n_generated(response: Response) -> int | None:
    """The tokens that a reply and its thought took; None if unknown."""
    if response.n_spent_tokens is not None:
        return response.n_spent_tokens
    if response.ids is not None:
        return len(response.ids)
    counts = (response.n_thinking_tokens, response.n_reply_tokens)
    known = [each for each in counts if each is not None]
    return sum(known) if known else None


def added(counts: Sequence[int | None]) -> int | None:
    """The sum; None if a count is unknown."""
    known = [each for each in counts if each is not None]
    return sum(known) if len(known) == len(counts) else None


def answer_of(response: Response) -> str | None:
    r"""The answer of a reply in its normal spelling, by which replies are grouped; None if there is none.

    Example:
        >>> said = [Response(raw="", reply=text) for text in (r"It is \boxed{1,200}.", "Hm.")]
        >>> [answer_of(each) for each in said]
        ['1200', None]
    """
    found = _found(response)
    return None if found is None else spelled(str(found))


def _found(response: Response) -> Found | None:
    """The answer of a reply by the rules that score it; None if there is none."""
    if not response.has_reply:
        return None
    cut = response.finish_reason is FinishReason.truncated
    return find_answer(response.reply, truncated=cut)


def first_said(response: Response, text: str) -> int | None:
    r"""Where a text first says the answer of a reply, in any spelling; None if it does nowhere.

    As a part of something longer too ("5" in "15"): where it can be read, it is handed over.

    Example:
        >>> reply = Response(raw="", reply=r"With 1,200 sheep it is \boxed{1200}.")
        >>> first_said(reply, reply.reply)
        5
    """
    if (found := _found(response)) is None:
        return None
    answer = spelled(str(found))
    places = [start for start, _, number in numbers(text) if spelled(number) == answer]
    for each in {answer, *found.texts} - {""}:
        places += [at.start() for at in re.finditer(re.escape(each), text, re.IGNORECASE)]
    return min(places, default=None)


def last_said(response: Response) -> tuple[int, int] | None:
    r"""Where the raw text last says the answer of a reply, as a half-open range; None if it does nowhere.

    As a word or number of its own, if it does anywhere.

    Example:
        >>> text = r"It is \boxed{5}, for each of the 15."
        >>> last_said(Response(raw=text, reply=text))
        (13, 14)
    """
    found = _found(response)
    if found is None or not (text := found.texts[-1]):
        return None
    alone = [*re.finditer(_ALONE.format(re.escape(text)), response.raw)]
    start = alone[-1].start() if alone else response.raw.rfind(text)
    return (start, start + len(text)) if start >= 0 else None
