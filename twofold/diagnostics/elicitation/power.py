"""What does the base say if its own likely replies are made likelier? Samples of base^alpha, whole replies.

Sampling at a temperature of 1/alpha raises each token's probability to the power alpha by itself, and so
prefers tokens that are likely now. base^alpha weighs the whole reply: it gives up a likely token that only
unlikely continuations follow. It cannot be drawn token by token; a Markov chain over replies draws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from math import ceil, exp, inf, log
from typing import Any, ClassVar, NamedTuple, final

from twofold.diagnostics.elicitation.elicitor import Elicited, Elicitor, n_generated, prompt_ids
from twofold.errors import ModelError
from twofold.randomness import rng_for
from twofold.types import FinishReason, Message, OpenModel, Response, Sampling

CHUNK = 8  # prompts whose chains go on together
_MOST_LOGITS = 2**27  # numbers that one pass may return


@final
@dataclass(frozen=True)
class Cooled(Elicitor):
    """A model that is sampled at a temperature of 1/alpha: the control of `PowerSampling`.

    It makes likely tokens likelier too, at the cost of a single reply, but one token at a time.

    Args:
        base: The model that is asked.
        alpha: The power, at least 1.
    """

    name: ClassVar[str] = "cooled"
    alpha: float = 4.0

    def __post_init__(self) -> None:
        _require_power(self.alpha)

    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """The model's own replies at the lower temperature."""
        colder = Sampling(max_tokens=sampling.max_tokens, temperature=1 / self.alpha)
        for p, g, reply in self.base.stream(prompts, colder, n=n, seed=seed, done=done):
            yield Elicited(p, g, reply, n_generated(reply))


@final
@dataclass(frozen=True)
class PowerSampling(Elicitor):
    """A model that draws whole replies with probabilities in proportion to base^alpha.

    A reply is written block by block. After each block some moves follow: a place in it is drawn, the rest
    is written anew at a temperature of 1/alpha, and the new reply is taken or not by the rule of
    Metropolis and Hastings. So the distribution after many moves is exactly base^alpha, over all replies of
    at most `max_tokens` tokens; after few it is near to sampling at the temperature 1/alpha. The sampling's
    own temperature and top_p do not enter.

    Args:
        base: The model that is asked; its weights are needed.
        alpha: The power, at least 1; 1 is the base itself.
        blocks: In how many blocks a reply of `max_tokens` is written, at least 1.
        moves: Moves after each block, at least 0; as many follow when the reply is finished.

    Source:
        Karan and Du 2025, "Reasoning with sampling", arXiv 2510.14901, algorithm 1 (alpha 4, 16 blocks, 10
        moves). Departs: a reply that has ended goes straight to the moves at the full length, which target
        what is wanted; because replies end, two of them differ in the number of places to begin at, and the
        rule has that ratio.
    """

    name: ClassVar[str] = "power_sampling"
    alpha: float = 4.0
    blocks: int = 16
    moves: int = 10

    def __post_init__(self) -> None:
        _require_power(self.alpha)
        if not isinstance(self.base, OpenModel):
            raise ModelError(
                "power sampling weighs replies by the probabilities of all tokens: "
                f"{self.base.closed}"
            )
        if self.blocks < 1 or self.moves < 0:
            raise ModelError(
                f"{self.blocks} blocks and {self.moves} moves; give at least 1 block, and 0 moves or more"
            )

    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """The last replies of the chains; the cost has all tokens, those of refused replies too.

        A chunk of which anything is missing is drawn as a whole, in the batches of the first time.
        """
        for start in range(0, len(prompts), CHUNK):
            chunk = range(start, min(start + CHUNK, len(prompts)))
            for g in range(n):
                if all((p, g) in done for p in chunk):
                    continue
                chains = self.chains([prompts[p] for p in chunk], sampling, seed=seed, sample=g)
                for p, chain in zip(chunk, chains, strict=True):
                    if (p, g) not in done:
                        yield Elicited(p, g, chain.reply, chain.n_tokens)

    def chains(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        seed: int = 0,
        sample: int = 0,
    ) -> list[Chain]:
        """A finished chain for each prompt.

        Args:
            prompts: Their chats.
            sampling: Whose `max_tokens` is the longest reply.
            seed: Base of all randomness.
            sample: Which of several chains of the same prompts this is.
        """
        model = self.base
        assert isinstance(model, OpenModel)
        ids = [prompt_ids(model, chat) for chat in prompts]
        work = _Work(model, prompts, ids, self.alpha, f"{seed}/{sample}")
        longest = sampling.max_tokens
        size = ceil(longest / self.blocks)
        now: dict[int, Chain] = {p: Chain(_Reply()) for p in range(len(prompts))}
        for limit in [*range(size, longest, size), longest]:
            growing = [p for p, chain in now.items() if chain.at.grows]
            longer = work.written(growing, {p: now[p].at.ids for p in growing}, limit, "block")
            now |= {p: now[p].grown(longer.get(p)) for p in growing}
            if limit < longest:
                self._move(work, now, growing, limit)
        self._move(work, now, list(now), longest)
        return [chain._replace(at=work.parsed(p, chain.at)) for p, chain in now.items()]

    def _move(self, work: _Work, now: dict[int, Chain], which: Sequence[int], limit: int) -> None:
        """The moves of some chains among the replies of at most `limit` tokens."""
        which = [p for p in which if now[p].at.ids]  # without those that failed
        for number in range(self.moves):
            rngs = {p: rng_for("power", work.name, limit, number, work.ids[p]) for p in which}
            cuts = {p: int(rngs[p].integers(len(now[p].at.ids))) for p in which}
            begun = {p: now[p].at.ids[: cuts[p]] for p in which}
            found = work.written(which, begun, limit, f"move {number}")
            for p in which:
                taken = p in found and rngs[p].random() < ratio(now[p].at, found[p], cuts[p])
                now[p] = now[p].moved(found.get(p), cuts[p], taken=taken)


@final
@dataclass(frozen=True)
class _Reply:
    """A reply as a chain sees it.

    Args:
        ids: Its tokens, the end token included.
        weights: For each token, log of the sum of p^alpha over the vocabulary, where it was drawn.
        grows: Whether a longer limit lets it go on.
        response: The reply; None where its last tokens were drawn beyond the limit and left out, and then
            `drawn` says from which beginning, up to which limit and with which seed.
    """

    ids: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    grows: bool = True
    response: Response | None = None
    drawn: tuple[tuple[int, ...], int, int] = ((), 0, 0)


class Chain(NamedTuple):
    """Where a chain of replies to one prompt is, and what it took to come there.

    Args:
        at: The reply.
        n_tokens: Tokens that were written, those of refused replies too; not what a batch has written
            beyond a reply's own limit.
        n_moves: Replies that were proposed.
        n_taken: Those that were taken.
    """

    at: _Reply
    n_tokens: int = 0
    n_moves: int = 0
    n_taken: int = 0

    @property
    def reply(self) -> Response:
        """The reply where the chain ended."""
        assert self.at.response is not None
        return self.at.response

    def grown(self, longer: _Reply | None) -> Chain:
        """The chain with a longer reply; None = there is no room for one."""
        if longer is None:
            return self._replace(at=replace(self.at, grows=False))
        return self._replace(at=longer, n_tokens=self.n_tokens + len(longer.ids) - len(self.at.ids))

    def moved(self, proposed: _Reply | None, cut: int, *, taken: bool) -> Chain:
        """The chain after a move that wrote all tokens from `cut` on anew."""
        n_new = len(proposed.ids) - cut if proposed else 0
        at = proposed if proposed and taken else self.at
        return Chain(at, self.n_tokens + n_new, self.n_moves + 1, self.n_taken + taken)


def ratio(old: _Reply, new: _Reply, cut: int) -> float:
    """The probability of taking a reply that is written anew from `cut` on, in [0, 1].

    With p for the base and q for the base at the temperature 1/alpha, p^alpha / q of a token is the sum of
    p^alpha over the vocabulary at its place: both replies' own tokens cancel. The place is one of all of a
    reply, so the shorter one is the likelier to be begun anew there.

    Example:
        >>> short, long = _Reply((1, 2), (0.0, -1.0)), _Reply((1, 3, 4), (0.0, -1.0, -0.5))
        >>> ratio(short, long, 1) == exp(-0.5) * 2 / 3, ratio(long, short, 1)
        (True, 1.0)
    """
    gain = sum(new.weights[cut:]) - sum(old.weights[cut:])
    return exp(min(0.0, gain + log(len(old.ids) / len(new.ids))))


@final
@dataclass(frozen=True)
class _Work:
    """One call: the prompts, their tokens, and how the model writes."""

    model: OpenModel
    prompts: Sequence[Sequence[Message]]
    ids: Sequence[Sequence[int]]
    alpha: float
    name: str  # of the call, for its randomness

    def written(
        self, which: Sequence[int], begun: Mapping[int, Sequence[int]], limit: int, what: str
    ) -> dict[int, _Reply]:
        """Replies of at most `limit` tokens with these beginnings; without those that failed.

        All are drawn up to the longest rest that one of them may have, and the others are cut off: a rest
        is drawn token by token, so its beginning does not depend on its limit.
        """
        if not which:
            return {}
        rest = limit - min(len(begun[p]) for p in which)
        seed = int(rng_for("power", self.name, limit, what).integers(2**62))
        drawn = self.model.continued(
            [self.prompts[p] for p in which],
            [begun[p] for p in which],
            self._colder(rest),
            seed=seed,
        )
        found = {which[i]: response for i, response in drawn if response.ids is not None}
        cut = {p: tuple(response.ids or ())[:limit] for p, response in found.items()}
        is_cut = {p: len(response.ids or ()) > limit for p, response in found.items()}
        weights = self._weights(cut)
        return {
            p: _Reply(
                ids,
                weights[p],
                grows=len(ids) == limit and (is_cut[p] or not self._ended(found[p])),
                response=None if is_cut[p] else found[p],
                drawn=(tuple(begun[p]), limit, seed),
            )
            for p, ids in cut.items()
        }

    def parsed(self, p: int, at: _Reply) -> _Reply:
        """The reply with its response: one that was cut off is drawn again up to its own limit."""
        if at.response is not None:
            return at
        begun, limit, seed = at.drawn
        colder = self._colder(max(1, limit - len(begun)))
        ((_, response),) = self.model.continued([self.prompts[p]], [begun], colder, seed=seed)
        return replace(at, response=response)

    def _colder(self, n_tokens: int) -> Sampling:
        return Sampling(max_tokens=n_tokens, temperature=1 / self.alpha)

    def _ended(self, response: Response) -> bool:
        """Whether the model ended the reply by itself, or inside a thought by a token without a text."""
        if response.finish_reason is FinishReason.unclosed_thinking:
            return not self.model.decode((response.ids or ())[-1:])
        return response.finish_reason is not FinishReason.truncated

    def _weights(self, replies: Mapping[int, Sequence[int]]) -> dict[int, tuple[float, ...]]:
        if not replies:
            return {}
        rows = [(self.ids[p], ids) for p, ids in replies.items()]
        found = normalisers(self.model.network, rows, self.alpha)
        return dict(zip(replies, found, strict=True))


def normalisers(
    network: Any, rows: Sequence[tuple[Sequence[int], Sequence[int]]], alpha: float
) -> list[tuple[float, ...]]:
    """For each token of each reply, log of the sum over the vocabulary of p^alpha at its place.

    Args:
        network: Called with `input_ids`, `attention_mask` and `logits_to_keep`, it returns `logits`.
        rows: The token ids of a prompt, and of the reply to it.
        alpha: The power.
    """
    import torch

    longest = max(len(prompt) + len(reply) for prompt, reply in rows)
    first = min(len(prompt) for prompt, _ in rows) - 1
    at_once = max(1, _MOST_LOGITS // ((longest - first) * network.config.vocab_size))
    found: list[tuple[float, ...]] = []
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        pads = [longest - len(prompt) - len(reply) for prompt, reply in some]
        ids = [[*row[0], *row[1], *[0] * pad] for row, pad in zip(some, pads, strict=True)]
        mask = [[1] * (longest - pad) + [0] * pad for pad in pads]
        with torch.inference_mode():
            out = network(
                input_ids=torch.tensor(ids, device=network.device),
                attention_mask=torch.tensor(mask, device=network.device),
                logits_to_keep=longest - first,
            )
            for logits, (prompt, reply) in zip(out.logits, some, strict=True):
                begin = len(prompt) - 1 - first
                own = logits[begin : begin + len(reply)].float()
                sums = (alpha * own.log_softmax(-1)).logsumexp(-1)
                found.append(tuple(sums.tolist()))
    return found


def _require_power(alpha: float) -> None:
    if not 1 <= alpha < inf:
        raise ModelError(f"alpha is {alpha}; give a power of at least 1 (1 is the base itself)")
