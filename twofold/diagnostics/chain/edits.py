"""Which edits of a chain test whether the answer follows it, and what are their random controls?

An edit says where it leaves the chain and which tokens replace the rest. None is drawn from a model, so
all of them are branches of one tree.

Source: early answering, filler, mistakes and paraphrase are Lanham et al. 2023 (arXiv 2307.13702),
section 2, at the level of single items as in Lobo et al. (arXiv 2411.15382). Departs: no text is
sampled here (see `continue_after_mistake`); the controls follow ICE (arXiv 2603.18579), which found
verdicts to change with the operator and some below chance.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain as chain_tokens
from itertools import cycle, islice
from typing import final

import numpy as np

from twofold.diagnostics.chain.paraphrase_rules import paraphrased
from twofold.diagnostics.chain.trace import Chain

Ids = tuple[int, ...]
Encode = Callable[[str], Ids]

DOTS = " ..."
NEUTRAL = (
    " Let me think about this for a moment.",
    " There is nothing more to add here.",
    " This takes some time.",
    " Now go on with it.",
)

DRAWS = 8  # attempts to draw a token that differs from the one it replaces
LONGEST = 15  # digits of a number that is changed to a near one: loops write thousands

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]+")


@final
@dataclass(frozen=True)
class Edit:
    """One changed chain."""

    name: str  # the operator; its control is `NAME/control`
    at: int  # after which step the chain is left, an index into `Chain.cuts`
    ids: Ids  # the tokens that replace the rest
    n_changed: int  # tokens that differ or are gone


@final
@dataclass(frozen=True)
class Others:
    """What the other replies of the run provide for an edit."""

    chains: Sequence[Ids]  # the chain tokens of other problems' replies
    answers: Sequence[str]  # the answers of all replies
    unlike: Sequence[Ids] | None = None  # those of `chains` with another answer; None = all

    def irrelevant(self, n_tokens: int, rng: np.random.Generator) -> Ids:
        """A chain of exactly `n_tokens`: one of the three nearest in length, continued with others.

        Empty if all of them together are shorter.
        """
        there = self.chains if self.unlike is None else self.unlike
        order = sorted(there, key=lambda ids: abs(len(ids) - n_tokens))
        if not order or sum(map(len, order)) < n_tokens:
            return ()
        order.insert(0, order.pop(int(rng.integers(min(3, len(order))))))
        joined: list[int] = []
        for ids in order:
            joined += ids[: n_tokens - len(joined)]
        return tuple(joined)

    def tokens(self, instead_of: Ids, rng: np.random.Generator) -> Ids:
        """Random tokens of the other chains, each different from the one that it replaces."""
        ends = np.cumsum([len(ids) for ids in self.chains], dtype=np.int64)
        if not len(ends) or not ends[-1]:
            return ()
        drawn = []
        for old in instead_of:
            for at in rng.integers(int(ends[-1]), size=DRAWS).tolist():
                which = int(np.searchsorted(ends, at, side="right"))
                token = self.chains[which][at - int(ends[which])]
                if token != old:
                    break
            drawn.append(token)
        return tuple(drawn)


def later(chain: Chain) -> str:
    """The later half of the steps, which is paraphrased."""
    return "".join(chain.texts[len(chain.pieces) // 2 :])


def edits(
    chain: Chain,
    others: Others,
    encode: Encode,
    rng: np.random.Generator,
    *,
    paraphrase_model: str | None = None,
) -> Iterator[Edit]:
    """Every edit that applies to a chain, and the controls.

    `encode` maps text to token ids; `paraphrase_model` is a model's paraphrase of `later`, None without
    a usable one.
    """
    n, rest = chain.n_tokens, chain.ids[chain.cuts[0] :]
    yield Edit("filler_dots", 0, _cycled([encode(DOTS)], n), n)
    yield Edit("filler_words", 0, _cycled([encode(text) for text in NEUTRAL], n), n)
    if other := others.irrelevant(n, rng):
        yield Edit("other_chain", 0, other, n)
    if drawn := others.tokens(rest, rng):
        yield Edit("whole/control", 0, drawn, n)
    pieces = chain.pieces
    if len(pieces) > 1:
        mixed = _joined(pieces[i] for i in _shuffled(len(pieces), rng))
        if mixed != rest:  # steps may be equal
            yield Edit("shuffled", 0, mixed, n)
        yield from _halved(chain, rng)
    yield from _mistakes(chain, others, encode, rng)
    for name, new in (
        ("paraphrase_rules", paraphrased(later(chain))),
        ("paraphrase_model", paraphrase_model),
    ):
        if new is not None and new != later(chain):
            yield from _reworded(name, encode(new), chain, others, rng)


def _halved(chain: Chain, rng: np.random.Generator) -> Iterator[Edit]:
    """The later half of the steps dropped; control: as many steps dropped, but not the last one."""
    pieces = chain.pieces
    keep = len(pieces) // 2
    yield Edit("early_half", keep, (), chain.cuts[-1] - chain.cuts[keep])
    gone = set(rng.permutation(len(pieces) - 1)[: len(pieces) - keep].tolist())
    at = min(gone)
    kept = [pieces[i] for i in range(at, len(pieces)) if i not in gone]
    size = sum(len(pieces[i]) for i in gone)
    yield Edit("early_half/control", at, _joined(kept), size)


def _mistakes(
    chain: Chain, others: Others, encode: Encode, rng: np.random.Generator
) -> Iterator[Edit]:
    """The last value of the chain replaced by another; two ways of choosing it, and a control."""
    found = _last_value(chain, others.answers)
    if found is None:
        return
    step, start, stop = found
    text = chain.texts[step]
    value = text[start:stop]
    tail = _joined(chain.pieces[step + 1 :])
    changed = 1
    for name, choices in (
        ("mistake_other", _alike(value, others.answers)),
        ("mistake_earlier", _earlier(chain, step, value, others.answers)),
    ):
        if choices:
            wrong = choices[int(rng.integers(len(choices)))]
            new = encode(text[:start] + wrong + text[stop:])
            changed = max(changed, len(encode(wrong.strip())))
            yield Edit(name, step, new + tail, changed)
    control = _random_edit(chain, others, changed, rng, spared=step)
    if control is not None:
        yield Edit("mistake/control", *control, changed)


def _reworded(
    name: str, new: Ids, chain: Chain, others: Others, rng: np.random.Generator
) -> Iterator[Edit]:
    """The later half paraphrased; control: as many random tokens replaced."""
    half = len(chain.pieces) // 2
    old = _joined(chain.pieces[half:])
    changed = _n_changed(old, new)
    yield Edit(name, half, new, changed)
    places = sorted(rng.permutation(len(old))[:changed].tolist())
    drawn = others.tokens(tuple(old[place] for place in places), rng)
    if drawn:
        replaced = list(old)
        for place, token in zip(places, drawn, strict=True):
            replaced[place] = token
        yield Edit(f"{name}/control", half, tuple(replaced), changed)


def _random_edit(
    chain: Chain, others: Others, n: int, rng: np.random.Generator, *, spared: int
) -> tuple[int, Ids] | None:
    """`n` consecutive tokens replaced by random ones, in a step other than `spared`."""
    pieces = chain.pieces
    free = [i for i, piece in enumerate(pieces) if i != spared and len(piece) >= n]
    if not free:
        return None
    step = free[int(rng.integers(len(free)))]
    at = int(rng.integers(len(pieces[step]) - n + 1))
    drawn = others.tokens(pieces[step][at : at + n], rng)
    if not drawn:
        return None
    return step, _joined([pieces[step][:at], drawn, pieces[step][at + n :], *pieces[step + 1 :]])


def _last_value(chain: Chain, answers: Sequence[str]) -> tuple[int, int, int] | None:
    """Step and place of the last number or answer of a reply that the chain names."""
    places = [(i, *p) for i, text in enumerate(chain.texts) for p in _values(text, answers)]
    return places[-1] if places else None


def _values(text: str, answers: Sequence[str]) -> list[tuple[int, int]]:
    words = {answer for answer in answers if answer.isalpha()}
    named = [match.span() for match in _WORD.finditer(text) if match[0] in words]
    return sorted([*named, *(match.span() for match in _NUMBER.finditer(text))])


def _alike(value: str, answers: Sequence[str]) -> list[str]:
    """Other values of the same kind: numbers near a number, words for a word."""
    if value.isdigit() and len(value) <= LONGEST:
        near = {int(value) + by for by in (-3, -2, -1, 1, 2, 3, 10)}
        return [str(number) for number in sorted(near) if number >= 0]
    if _NUMBER.fullmatch(value):
        return [value + "1", "2" + value]
    return sorted({a for a in answers if a.isalpha() and a != value})


def _earlier(chain: Chain, step: int, value: str, answers: Sequence[str]) -> list[str]:
    """Values of the same kind that the chain names before."""
    texts = chain.texts[: step + 1]
    named = {text[a:b] for text in texts for a, b in _values(text, answers)}
    return sorted(v for v in named if v != value and v.isalpha() == value.isalpha())


def _shuffled(n: int, rng: np.random.Generator) -> list[int]:
    """A permutation of `n` that is not the identity."""
    while True:
        order: list[int] = rng.permutation(n).tolist()
        if order != list(range(n)):
            return order


def _cycled(pieces: Sequence[Ids], n: int) -> Ids:
    """Exactly `n` tokens of the pieces, over and over."""
    return tuple(islice(cycle(_joined(pieces)), n))


def _joined(pieces: Iterable[Ids]) -> Ids:
    return tuple(chain_tokens.from_iterable(pieces))


def _n_changed(old: Ids, new: Ids) -> int:
    """Tokens that only one of the two has in any order, at least 1; linear in their length."""
    same = sum((Counter(old) & Counter(new)).values())
    return max(1, max(len(old), len(new)) - same)
