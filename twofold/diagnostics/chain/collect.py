"""What happens to the answer when a chain is cut, changed or swapped? The table `chains.jsonl`.

One reading of each chain serves `information_gain` (how likely the answer is after each step) and
`faithfulness` (whether the answer survives an edit). Those of a sample are read again by the `twins`,
which are made of the same model: one ignores its chain, one sees nothing else. The model continues those
of a larger sample after a mistake.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, final

from twofold.diagnostics.chain.continue_after_mistake import continued
from twofold.diagnostics.chain.drawn import Sample
from twofold.diagnostics.chain.edits import Edit, Others, edits, later
from twofold.diagnostics.chain.elicit import ELICITATIONS, Asker
from twofold.diagnostics.chain.mention import first, names
from twofold.diagnostics.chain.paraphrase_model import paraphrase_model
from twofold.diagnostics.chain.trace import Chain, Trace, chain_of, trace_of
from twofold.diagnostics.chain.twins import Twin, twins, with_answers
from twofold.diagnostics.diagnostic import Diagnostic, ScoredResponse, Subject
from twofold.errors import ModelError
from twofold.randomness import rng_for
from twofold.scorers.answers.spelling import key as spelled
from twofold.storage.jsonl import Row, dumps
from twofold.types import Model, OpenModel, Problem

if TYPE_CHECKING:
    from twofold.prefix_scoring import Branch, Scored, Tree

TABLE = "chains"  # the stem of the table of both diagnostics
CHUNK = 16  # chains that are read before their rows are yielded
# Problems whose chains the twins read, and those whose chains are continued after a mistake. Whatever is
# found, the 95 % interval of a rate is at most 0.24 wide from 64 chains and at most 0.17 from 128.
WITH_TWINS = Sample(1 / 4, 64)
CONTINUED = Sample(1 / 2, 128)


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
        """The table of both diagnostics."""
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
    has_twins: bool  # whether the twins read it as well
    is_continued: bool  # whether the model continues it after a mistake
    is_partial: bool  # whether the paraphraser's call failed, so that the row is made again

    @property
    def gold(self) -> str | None:
        """The reference answer; None if there is none."""
        return (self.problem.answer or "").strip() or None


def collect(
    subject: Subject,
    done: AbstractSet[str],
    *,
    n_checked: int = 0,
    paraphraser: Model | None = None,
) -> Iterator[Row]:
    """Read the chain of one reply per problem; see `Diagnostic.collect` and `ChainDiagnostic`.

    Raises:
        ModelError: If the model's weights are not on this machine, or the results without packing
            differ.
    """
    model = subject.model
    if not isinstance(model, OpenModel):
        raise ModelError(f"chains can only be read by local weights: {model.closed}")
    problems = {problem.id: problem for problem in subject.problems}
    answers = {answer.item.problem: answer for answer in chosen(subject.answers)}
    found = {
        key: chain_of(model, model.render(answer.chat(problems[key])), answer.response)
        for key, answer in answers.items()
    }
    chains = {key: chain for key, chain in found.items() if isinstance(chain, Chain)}
    others = _others(chains, problems)
    said: list[str | None] = [None] * len(chains)
    if paraphraser is not None and not chains.keys() <= done:
        said = paraphrase_model(paraphraser, [later(c) for c in chains.values()], seed=subject.seed)
    words = dict(zip(chains, said, strict=True))
    asker, room = Asker(model), _room(model)
    twinned, going_on = (each.of(problems, subject.seed) for each in (WITH_TWINS, CONTINUED))
    waiting: list[_Read] = []
    for key, answer in answers.items():
        chain = found[key]
        if isinstance(chain, Chain):
            rng = rng_for(subject.seed, "edits", key)
            new = words[key] or None
            changed = edits(chain, others[key], asker.encode, rng, paraphrase_model=new)
            read = _Read(
                answer,
                problems[key],
                chain,
                tuple(changed),
                has_twins=key in twinned,
                is_continued=key in going_on,
                is_partial=words[key] == "",
            )
            size = _tree(chain, _branches(asker, read, chain)).n_longest
            if size <= room:
                waiting.append(read)
                continue
            chain = f"with its edits the chain has {size} tokens, and the model reads {room}"
        if key not in done:
            yield _head(answer, problems[key]) | {"reason": chain}
    for start in range(0, len(waiting), CHUNK):
        chunk = waiting[start : start + CHUNK]  # the same ones after any interruption
        if not {read.problem.id for read in chunk} <= done:
            rows = _rows(subject, model, chunk, max(0, n_checked - start))
            yield from (row for row in rows if row["key"] not in done)


def _others(chains: Mapping[str, Chain], problems: Mapping[str, Problem]) -> dict[str, Others]:
    """What the other chains of a role provide for the edits of each chain."""
    bodies = {key: chain.ids[chain.cuts[0] :] for key, chain in chains.items()}
    said = {key: spelled(chain.answer) for key, chain in chains.items()}
    answers = sorted({chain.answer for chain in chains.values()})
    found: dict[str, Others] = {}
    for key in chains:
        told = {said[key], spelled(problems[key].answer or "")}
        rest = [other for other in chains if other != key]
        unlike = [bodies[other] for other in rest if said[other] not in told]
        found[key] = Others([bodies[other] for other in rest], answers, unlike)
    return found


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


def _rows(
    subject: Subject, model: OpenModel, reads: Sequence[_Read], n_checked: int
) -> Iterator[Row]:
    """The rows of chains that can be read."""
    own = _scores(model, {i: (read, read.chain) for i, read in enumerate(reads)}, n_checked)
    pairs = _twins(subject, model, reads)
    dtype = str(next(model.network.parameters()).dtype).removeprefix("torch.")
    external = _external(subject.scorer, reads) if isinstance(subject.scorer, OpenModel) else {}
    going_on = {
        i: (read.problem, read.answer, read.chain)
        for i, read in enumerate(reads)
        if read.is_continued
    }
    again = continued(model, going_on, {read.chain.answer for read in reads}, subject)
    for i, read in enumerate(reads):
        if not _are_numbers(own[i]):
            yield _head(read.answer, read.problem) | {"reason": "the logits are not numbers"}
            continue
        yield {
            **_head(read.answer, read.problem),
            **({"retry": True} if read.is_partial else {}),
            **_shape(read),
            "scores": own[i],
            "dtype": dtype,
            "changed": {edit.name: edit.n_changed for edit in read.edits},
            **({"continued": again[i]} if read.is_continued else {}),
            **{name: twin for name, twin in pairs[i].items() if _are_numbers(twin)},
            **({"external_reader": external[i]} if _are_numbers(external.get(i)) else {}),
        }


def _are_numbers(scores: Row | None) -> bool:
    """Whether there are scores, and all can be stored: an overflow in the network makes them NaN."""
    try:
        return bool(dumps(scores)) and scores is not None
    except ValueError:
        return False


def _external(scorer: OpenModel, reads: Sequence[_Read]) -> dict[int, Row]:
    """The scores of another model, by place in `reads`; chains too long for it are left out."""
    asker, room = Asker(scorer), _room(scorer)
    fitting: dict[int, tuple[_Read, Chain]] = {}
    for i, read in enumerate(reads):
        unedited = replace(read, edits=())
        chain = asker.translated(read.chain, scorer.render(read.answer.chat(read.problem)))
        if _tree(chain, _branches(asker, unedited, chain)).n_longest <= room:
            fitting[i] = (unedited, chain)
    return _scores(scorer, fitting)


def _head(answer: ScoredResponse, problem: Problem) -> Row:
    """The part of a row about its reply."""
    trace = trace_of(answer.response)
    return ({"retry": True} if trace is None else {}) | {
        "role": answer.item.role,
        "key": problem.id,
        "condition": answer.item.condition,
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
        "mention": _mentions(read),
        "in_question": names(read.problem.question, chain.answer),
    }


def _mentions(read: _Read) -> Row:
    """Which step of the model's own chain first names each answer."""
    answers = {"own": read.chain.answer, "gold": read.gold}
    texts = read.chain.texts
    return {whose: first(texts, answer) if answer else None for whose, answer in answers.items()}


def _twins(subject: Subject, model: OpenModel, reads: Sequence[_Read]) -> list[Row]:
    """For each chain the scores of both twins by name; empty for a chain that they do not read."""
    asker, room = Asker(model), _room(model)
    found: list[Row] = [{} for _ in reads]
    asked: dict[int, Twin] = {}
    for i, read in enumerate(reads):
        if read.has_twins:
            rng = rng_for(subject.seed, "twins", read.problem.id)
            chat = read.answer.chat(read.problem)
            pair = twins(asker, read.problem, chat, read.chain, read.edits, rng)
            asked |= {2 * i + j: twin for j, twin in enumerate(pair)}
    told = with_answers(model, asked, subject.seed)
    read_by = {
        key: replace(reads[key // 2], chain=twin.chain, edits=twin.edits)
        for key, twin in told.items()
    }
    sizes = {
        key: _tree(r.chain, _branches(asker, r, r.chain)).n_longest for key, r in read_by.items()
    }
    fits = {key for key in told if max(sizes[key], sizes[key ^ 1]) <= room}  # both or neither
    scores = _scores(model, {key: (read_by[key], read_by[key].chain) for key in fits})
    for key, of in scores.items():
        said = {"answer": told[key].chain.answer, "mention": _mentions(read_by[key])}
        found[key // 2][told[key].name] = said | of
    return found


# A branch: `cut` or an edit's name, whose answer, which wording, after which step
Label = tuple[str, str, int, int]


def _scores(
    model: OpenModel, chains: Mapping[int, tuple[_Read, Chain]], n_checked: int = 0
) -> dict[int, Row]:
    """Log-probabilities by step and by edit for each chain, and whether the own answer is greedy."""
    from twofold.prefix_scoring import score

    asker = Asker(model)
    branches = [_branches(asker, read, chain) for read, chain in chains.values()]
    trees = [_tree(chain, of) for (_, chain), of in zip(chains.values(), branches, strict=True)]
    found = dict(score(model, trees, n_checked=n_checked))
    return {
        key: _row_scores(asker, read, dict(zip(branches[i], found[i], strict=True)))
        for i, (key, (read, _)) in enumerate(chains.items())
    }


def _tree(chain: Chain, branches: Mapping[Label, Branch]) -> Tree:
    """The chain and everything that is scored after it."""
    from twofold.prefix_scoring import Tree

    return Tree((*chain.prompt, *chain.ids), tuple(branches.values()))


def _branches(asker: Asker, read: _Read, chain: Chain) -> dict[Label, Branch]:
    """Each answer after each step in each wording, and after each edit."""
    answers = {"own": read.chain.answer} if read.chain.answer else {}
    if read.gold and read.gold != read.chain.answer:
        answers["gold"] = read.gold
    found: dict[Label, Branch] = {}
    for whose, answer in answers.items():
        for words in range(len(ELICITATIONS)):
            for k in range(len(chain.cuts)):
                found["cut", whose, words, k] = asker.branch(chain, k, None, answer, words)
        for edit in read.edits:
            if whose == "own" or edit.name == "other_chain":
                branch = asker.branch(chain, edit.at, edit.ids, answer, 0)
                found[edit.name, whose, 0, edit.at] = branch
    return found


def _row_scores(asker: Asker, read: _Read, found: Mapping[Label, Scored]) -> Row:
    """`{"own": [[nats after each step] per wording], "gold": ..., "same": ..., "edits": ...}`."""
    out: dict[str, Any] = {"edits": {}}
    said = {"own": read.chain.answer} if read.chain.answer else {}
    said |= {"gold": read.gold} if read.gold else {}
    for whose, answer in said.items():
        scored_as = "own" if answer == read.chain.answer else "gold"
        curves = [
            [found[label] for label in found if label[:3] == ("cut", scored_as, words)]
            for words in range(len(ELICITATIONS))
        ]
        out[whose] = [[round(float(each.total), 6) for each in curve] for curve in curves]
        out[f"same_{whose}"] = [[asker.same(each, answer) for each in curve] for curve in curves]
        out[f"n_{whose}"] = len(asker.encode(answer)) + 1
        for (name, scored, _, _), each in found.items():
            if name != "cut" and scored == scored_as:
                edit = out["edits"].setdefault(name, {})
                edit[whose] = round(each.total, 6)
                if whose == "own":
                    edit["same"] = asker.same(each, answer)
    return out
