r"""What would each measure say of a model that ignores its chain, and of one that sees nothing else?

A measure of how much a chain is used is worth what it tells apart. Both extremes are made of the model
under test, by hiding from it one half of what it read, and both are read exactly as the model itself is:
at the same steps, under the same edits, by the same code.

- `question_only` ignores its chain. It reads the question, and in the place of its chain empty sentences
  ("This takes some time."), as many tokens in every step. Where an edit changes tokens of the chain, as
  many of these tokens are replaced by those of other empty sentences at the same place. No edit can tell it
  anything, so whatever a measure finds in it is noise: of other words, of another length, of an argmax
  between two close answers. Edits of the whole chain are one and the same text to it, read once.
- `chain_only` sees only its chain. It reads the chain, and each edit of it, after a prompt without the
  question. Whatever it answers, it has from the chain.

Each twin's answer is the one that it gives itself, by greedy decoding, after the whole of what it sees;
with the answer of the model's reply, a question-only twin would mostly be asked about an answer that it
never had.

The AUROC of a measure is the probability that it is higher for a random chain of `chain_only` than for
one of `question_only`. A measure that cannot tell them apart (a coin toss, a constant, the length of the
chain) is at 0.5. What it does not show: the twins differ in more than in the use of the chain (one knows
the question), so a high value is necessary for trust in a measure and not sufficient.

Source: ours. Controls of equal size follow ICE (arXiv 2603.18579).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from twofold.diagnostics.chain.edits import NEUTRAL, Edit, Encode, Ids
from twofold.diagnostics.chain.elicit import Asker
from twofold.diagnostics.chain.trace import Chain
from twofold.types import Message, OpenModel, Problem, Sampling

QUESTION_ONLY, CHAIN_ONLY = TWINS = ("question_only", "chain_only")

NO_QUESTION = (
    "Give the result."  # the prompt of the chain-only twin, unless the problem says how to ask
)

ANSWER = Sampling(max_tokens=32)  # greedy; a longer answer leaves its twin without one


@final
@dataclass(frozen=True)
class Twin:
    """What a twin reads: a prompt, a chain and its edits."""

    name: str
    chat: Sequence[Message]
    chain: Chain  # its `raw` and `places` are those of the model's chain
    edits: tuple[Edit, ...]


def twins(
    asker: Asker,
    problem: Problem,
    chat: Sequence[Message],
    chain: Chain,
    edits: Sequence[Edit],
    rng: np.random.Generator,
) -> Iterator[Twin]:
    """Both twins of a chain, before they are asked for their answers."""
    neutral = _neutral(chain, asker.encode, rng)
    longest = max((chain.cuts[edit.at] + len(edit.ids) for edit in edits), default=0)
    sizes = chain.n_tokens, max(0, longest - len(chain.ids))
    drawn = [token for size in sizes for token in _empty(size, asker.encode, rng)]
    other = (*chain.ids[: chain.cuts[0]], *drawn)
    blinded = [_blinded(edit, chain, neutral, other) for edit in edits]
    yield Twin(QUESTION_ONLY, chat, neutral, tuple(blinded))
    bare = [Message(role="user", content=problem.ask.strip() or NO_QUESTION)]
    prompt = asker.encode(asker.model.render(bare))
    yield Twin(CHAIN_ONLY, bare, replace(chain, prompt=prompt), tuple(edits))


def with_answers(model: OpenModel, asked: Mapping[int, Twin], seed: int) -> dict[int, Twin]:
    """The twins with the answers that they give by themselves; "" where one gives none."""
    asker, keys = Asker(model), list(asked)
    begun = [asker.before(asked[key].chain, -1, None, 0) for key in keys]
    chats = [asked[key].chat for key in keys]
    heads = [asked[key].chain.ids for key in keys]
    started = [(*head, *before) for head, before in zip(heads, begun, strict=True)]
    found = dict(asked)
    for place, response in model.continued(chats, started, ANSWER, seed=seed):
        new = (response.ids or ())[len(started[place]) :]
        twin = asked[keys[place]]
        chain = replace(twin.chain, answer=boxed(model.decode(new)))
        found[keys[place]] = replace(twin, chain=chain)
    return found


def boxed(text: str) -> str:
    r"""The answer up to the brace that closes its box; "" if none does.

    Example:
        >>> boxed("\\frac{1}{2}} is it."), boxed("12"), boxed(" 7 }")
        ('\\frac{1}{2}', '', '7')
    """
    depth = 0
    for i, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return text[:i].strip()
    return ""


def _neutral(chain: Chain, encode: Encode, rng: np.random.Generator) -> Chain:
    """The chain with each step replaced by as many tokens of empty sentences."""
    head = chain.ids[: chain.cuts[0]]
    said = [token for piece in chain.pieces for token in _empty(len(piece), encode, rng)]
    return replace(chain, ids=(*head, *said))


def _empty(n: int, encode: Encode, rng: np.random.Generator) -> Ids:
    """The last `n` tokens of random empty sentences: they end where a sentence does."""
    said: list[int] = []
    while len(said) < n:
        said += encode(NEUTRAL[int(rng.integers(len(NEUTRAL)))])
    return tuple(said[len(said) - n :])


def _blinded(edit: Edit, chain: Chain, neutral: Chain, other: Ids) -> Edit:
    """The same edit of the empty sentences: what it keeps of the chain stays, the rest is from `other`."""
    start = chain.cuts[edit.at]
    old, kept, new = (ids[start:] for ids in (chain.ids, neutral.ids, other))
    head = _n_shared(old, edit.ids)
    most = min(len(old), len(edit.ids)) - head
    tail = min(most, _n_shared(old[::-1], edit.ids[::-1]))
    changed = new[head : len(edit.ids) - tail]
    return replace(edit, ids=(*kept[:head], *changed, *kept[len(kept) - tail :]))


def _n_shared(one: Ids, other: Ids) -> int:
    """How many tokens both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))
