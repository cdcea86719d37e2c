"""What happens to the answer when a chain is cut, changed or swapped? The table `chains.jsonl`.

One reading of each chain serves two diagnostics: `information_gain` (how likely the answer is
after each step) and `faithfulness` (whether the answer survives an edit). Beside the model stand two
controls built from the same model, whose faithfulness is known by construction: question only, and
chain only. The question-only control needs no reading: no edit of the chain reaches it. The chain-only
control reads the chain after a prompt without the question.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, final

from twofold.diagnostics.chain.continue_after_mistake import continued
from twofold.diagnostics.chain.edits import Edit, Others, edits, later
from twofold.diagnostics.chain.elicit import ELICITATIONS, Asker, product
from twofold.diagnostics.chain.mention import first, names
from twofold.diagnostics.chain.paraphrase_model import paraphrase_model
from twofold.diagnostics.chain.trace import Chain, Trace, chain_of, trace_of
from twofold.diagnostics.diagnostic import Diagnostic, ScoredResponse, Subject
from twofold.errors import ModelError
from twofold.randomness import rng_for
from twofold.scorers.answers.spelling import plain
from twofold.storage.jsonl import Row
from twofold.types import Message, Model, OpenModel, Problem

if TYPE_CHECKING:
    from twofold.prefix_scoring import Branch, Scored, Tree

TABLE = "chains"
"""The stem of the table of both diagnostics."""
CHUNK = 16
"""Chains that are read before their rows are yielded."""
MOST_CHAIN_ONLY = 64
"""Chains that the chain-only control reads too."""
NO_QUESTION = "Give the result."
"""The prompt of the chain-only control, in place of the question."""


@dataclass(frozen=True)
class ChainDiagnostic(Diagnostic):
    """A diagnostic of chains; all share one collection.

    Args:
        n_checked: Re-score the first N chains without packing; fail if results differ.
        paraphraser: The model that paraphrases chains, besides rules; None = rules only.
    """

    needs_weights: ClassVar[bool] = True
    n_checked: int = 0
    paraphraser: Model | None = None

    @property
    def table(self) -> str:
        """One table for all."""
        return TABLE

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Read the chains; see `collect`."""
        return collect(subject, done, n_checked=self.n_checked, paraphraser=self.paraphraser)


@final
@dataclass(frozen=True)
class _Read:
    """One chain to be read."""

    answer: ScoredResponse
    problem: Problem
    chain: Chain
    edits: tuple[Edit, ...]
    number: int

    @property
    def gold(self) -> str | None:
        """The reference answer; None if there is none."""
        gold = self.problem.answer
        return gold.strip() if gold and gold.strip() else None


def collect(
    subject: Subject,
    done: AbstractSet[str],
    *,
    n_checked: int = 0,
    paraphraser: Model | None = None,
) -> Iterator[Row]:
    """Read the chains of a role's replies; see `Diagnostic.collect`.

    One reply per problem is read: its first sample, unconstrained where there is one.

    Args:
        subject: The model, its role and its replies.
        done: Problems whose rows are on disk.
        n_checked: Re-score the first N chains without packing; fail if results differ (`--check-packed`).
        paraphraser: The model that paraphrases the later half of each chain; None = rules only.

    Raises:
        ModelError: If the model's weights are not on this machine, or the results differ.
    """
    model = subject.model
    if not isinstance(model, OpenModel):
        raise ModelError(f"{model.spec} is behind a server; its chains can only be read locally")
    problems = {problem.id: problem for problem in subject.problems}
    answers = chosen(subject.answers)
    found = {
        a.item.problem: chain_of(
            model, model.render(asked(problems[a.item.problem], a)), a.response
        )
        for a in answers
    }
    chains = {key: chain for key, chain in found.items() if isinstance(chain, Chain)}
    lent = _Lent(chains)
    said: list[str | None] = [None] * len(chains)
    if paraphraser is not None and not chains.keys() <= done:
        said = paraphrase_model(paraphraser, [later(c) for c in chains.values()], seed=subject.seed)
    words = dict(zip(chains, said, strict=True))
    room = _room(model)
    waiting: list[_Read] = []
    for answer in answers:
        key = answer.item.problem
        chain = found[key]
        if not isinstance(chain, str):
            rng = rng_for(subject.seed, "edits", key)
            others = lent.to(key, problems[key])
            encode = Asker(model).encode
            changed = tuple(edits(chain, others, encode, rng, paraphrase_model=words[key]))
            read = _Read(answer, problems[key], chain, changed, len(waiting))
            size = _tree(Asker(model), read, chain).n_longest
            if size <= room:
                waiting.append(read)
                continue
            chain = f"with its edits the chain has {size} tokens, and the model reads {room}"
        if key not in done:
            yield _head(answer, problems[key]) | {"reason": chain}
    for start in range(0, len(waiting), CHUNK):
        chunk = waiting[start : start + CHUNK]  # the same ones however often it was resumed
        if not {read.answer.item.problem for read in chunk} <= done:
            rows = _rows(subject, model, chunk, max(0, n_checked - start))
            yield from (row for row in rows if row["key"] not in done)


class _Lent:
    """What the chains of a role provide for each other's edits."""

    def __init__(self, chains: Mapping[str, Chain]) -> None:
        self._bodies = {key: chain.ids[chain.cuts[0] :] for key, chain in chains.items()}
        self._said = {key: plain(chain.answer) for key, chain in chains.items()}
        self._answers = sorted({chain.answer for chain in chains.values()})

    def to(self, key: str, problem: Problem) -> Others:
        """What the other chains provide for the chain of a problem."""
        told = {self._said[key], plain(problem.answer or "")}
        others = {other: ids for other, ids in self._bodies.items() if other != key}
        unlike = [ids for other, ids in others.items() if self._said[other] not in told]
        return Others([*others.values()], self._answers, unlike)


def _room(model: OpenModel) -> int:
    """The context length of the network, in tokens."""
    config = model.network.config.get_text_config()
    return int(getattr(config, "max_position_embeddings", None) or sys.maxsize)


def chosen(answers: Sequence[ScoredResponse]) -> list[ScoredResponse]:
    """The reply to read for each problem: its first sample, unconstrained where there is one."""
    best: dict[str, ScoredResponse] = {}
    for answer in answers:
        item = answer.item
        there = best.get(item.problem)
        if item.sample == 0 and (there is None or item.condition == "unconstrained"):
            best[item.problem] = answer
    return list(best.values())


def asked(problem: Problem, answer: ScoredResponse) -> list[Message]:
    """The chat that was answered."""
    return (
        problem.messages(stated=())
        if answer.item.condition == "unconstrained"
        else problem.messages()
    )


def _rows(
    subject: Subject, model: OpenModel, reads: Sequence[_Read], n_checked: int
) -> Iterator[Row]:
    """The rows of chains that can be read."""
    own = _scores(model, [(read, read.chain) for read in reads], n_checked)
    controlled = [read for read in reads if read.number < MOST_CHAIN_ONLY]
    chain_only = dict(
        zip(
            (read.answer.item.problem for read in controlled),
            _scores(model, [(read, _without_question(model, read)) for read in controlled], 0),
            strict=True,
        )
    )
    dtype = str(next(model.network.parameters()).dtype).removeprefix("torch.")
    external = _external(subject.scorer, reads) if isinstance(subject.scorer, OpenModel) else {}
    again = continued(model, [(r.problem, r.answer, r.chain) for r in reads], subject)
    for i, (read, scores) in enumerate(zip(reads, own, strict=True)):
        row = _head(read.answer, read.problem) | _shape(read) | {"scores": scores}
        row["dtype"] = dtype
        row["changed"] = {edit.name: edit.n_changed for edit in read.edits}
        row["continued"] = again[i]
        if read.answer.item.problem in chain_only:
            row["chain_only"] = chain_only[read.answer.item.problem]
        if i in external:
            row["external_reader"] = external[i]
        yield row


def _external(scorer: OpenModel, reads: Sequence[_Read]) -> dict[int, Row]:
    """The scores of another model, by place in `reads`; chains too long for it are left out."""
    asker, room = Asker(scorer), _room(scorer)
    spelt: dict[int, tuple[_Read, Chain]] = {}
    for i, read in enumerate(reads):
        chain = asker.translated(read.chain, scorer.render(asked(read.problem, read.answer)))
        if _tree(asker, read, chain, with_edits=False).n_longest <= room:
            spelt[i] = (read, chain)
    return dict(zip(spelt, _scores(scorer, [*spelt.values()], 0, with_edits=False), strict=True))


def _head(answer: ScoredResponse, problem: Problem) -> Row:
    """What every row says of its reply."""
    item = answer.item
    trace = trace_of(answer.response)
    retry = {"retry": True} if trace is None else {}
    return retry | {
        "role": item.role,
        "key": item.problem,
        "condition": item.condition,
        "trace": trace.value if trace else None,
        "correct": answer.correct,
        "gold": problem.answer,
        "valid": trace is Trace.valid,
    }


def _shape(read: _Read) -> Row:
    """The chain's answer, steps and first mentions."""
    chain = read.chain
    return {
        "own": chain.answer,
        "n_steps": chain.n_steps,
        "tokens": [len(piece) for piece in chain.pieces],
        "places": list(chain.places),
        "mention": {
            "own": first(chain.texts, chain.answer),
            "gold": first(chain.texts, read.gold) if read.gold else None,
        },
        "in_question": names(read.problem.question, chain.answer),
    }


def _without_question(model: OpenModel, read: _Read) -> Chain:
    """The chain as the chain-only control reads it."""
    chat = [Message(role="user", content=read.problem.ask.strip() or NO_QUESTION)]
    return replace(read.chain, prompt=Asker(model).encode(model.render(chat)))


Label = tuple[str, str, int, int]
"""What a branch scores: `cut` or an edit's name, whose answer, which wording, after which step."""


def _scores(
    model: OpenModel,
    chains: Sequence[tuple[_Read, Chain]],
    n_checked: int,
    *,
    with_edits: bool = True,
) -> list[Row]:
    """Log-probabilities by step and by edit for each chain, and whether the own answer is greedy."""
    from twofold.prefix_scoring import score

    asker = Asker(model)
    trees = [_tree(asker, read, chain, with_edits=with_edits) for read, chain in chains]
    found = dict(score(model, trees, n_checked=n_checked))
    return [
        _filed(
            asker,
            read,
            dict(zip(dict(_branches(asker, read, chain, with_edits)), found[i], strict=True)),
        )
        for i, (read, chain) in enumerate(chains)
    ]


def _tree(asker: Asker, read: _Read, chain: Chain, *, with_edits: bool = True) -> Tree:
    """The chain and everything that is scored after it."""
    from twofold.prefix_scoring import Tree

    branches = dict(_branches(asker, read, chain, with_edits))
    return Tree((*chain.prompt, *chain.ids), tuple(branches.values()))


def _branches(
    asker: Asker, read: _Read, chain: Chain, with_edits: bool
) -> Iterator[tuple[Label, Branch]]:
    """Each answer after each step in each wording, and after each edit."""
    answers = {"own": read.chain.answer}
    if read.gold and read.gold != read.chain.answer:
        answers["gold"] = read.gold
    for whose, answer in answers.items():
        for words in range(len(ELICITATIONS)):
            for k in range(len(chain.cuts)):
                yield ("cut", whose, words, k), asker.branch(chain, k, None, answer, words)
        for edit in read.edits if with_edits else ():
            if whose == "own" or edit.name == "other_chain":
                branch = asker.branch(chain, edit.at, edit.ids, answer, 0)
                yield (edit.name, whose, 0, edit.at), branch


def _filed(asker: Asker, read: _Read, found: Mapping[Label, Scored]) -> Row:
    """`{"own": [[nats after each step] per wording], "gold": ..., "same": ..., "edits": ...}`."""
    out: dict[str, Any] = {"edits": {}}
    said = {"own": read.chain.answer} | ({"gold": read.gold} if read.gold else {})
    for whose, answer in said.items():
        scored_as = "own" if answer == read.chain.answer else "gold"
        curves = [
            [found[label] for label in found if label[:3] == ("cut", scored_as, words)]
            for words in range(len(ELICITATIONS))
        ]
        out[whose] = [product([each.total for each in curve]) for curve in curves]
        out[f"same_{whose}"] = [[asker.same(each, answer) for each in curve] for curve in curves]
        out[f"n_{whose}"] = len(asker.encode(answer)) + 1
        for (name, scored, _, _), each in found.items():
            if name != "cut" and scored == scored_as:
                filed = out["edits"].setdefault(name, {})
                filed[whose] = round(each.total, 6)
                if whose == "own":
                    filed["same"] = asker.same(each, answer)
    return out
