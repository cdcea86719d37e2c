"""Which reply is preferred to which? What the model says with the passages, and without them.

Nothing here is learned: the model that is trained is asked as it stands, and asked again in each cycle.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final

import numpy as np

from twofold.methods.demonstrations import written_reply
from twofold.methods.method import TrainingError
from twofold.models import resolve
from twofold.storage.jsonl import Row
from twofold.types import FinishReason, OpenModel, Problem, Response, Sampling, Scorer

# Which reply is preferred: the model's own with the passages, or the reference.
Winner = Literal["augmented", "reference"]


def informed(problem: Problem, passages: Sequence[str]) -> Problem:
    r"""The same problem with passages before its question; constraints and options stay.

    Example:
        >>> informed(Problem(question="Which cup?"), ["The cup is red."]).question
        'The cup is red.\n\nWhich cup?'
    """
    return replace(problem, question="\n".join([*passages, "", problem.question]))


@final
@dataclass(frozen=True, kw_only=True)
class Asked:
    """How the replies are drawn and chosen; the fields of `Rlag` of these names."""

    reward: Scorer
    at_least: float
    verified: bool
    winner: Winner
    num_generations: int
    sampling: Sampling
    seed: int


@final
@dataclass
class Pairs:
    """The pairs of replies, and how many problems gave none and why."""

    rows: list[Row] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        n_same = sum(row["same"] for row in self.rows)
        told = f"{len(self.rows)} problems give a pair, {n_same} of them with nothing to prefer"
        return told + "".join(f"; {n}: {why}" for why, n in self.lost.most_common())

    def add(
        self, problem: Problem, passages: Sequence[str], chosen: str, rejected: str, *, same: bool
    ) -> None:
        """One row: what the loss needs of a problem, as text."""
        self.rows.append(
            {
                "problem": problem.id,
                "prompt": problem.messages(),
                "informed": informed(problem, passages).messages(),
                "passages": list(passages),
                "chosen": chosen,
                "rejected": rejected,
                "same": same,
            }
        )


def sampled(
    spec: str, problems: Sequence[Problem], passages_P: Sequence[Sequence[str]], asked: Asked
) -> Pairs:
    """Ask the model `spec` each problem with its passages and without, and pair what it says.

    Multiple choice is scored, not sampled: a reply is the option of the highest log-probability a
    token. Otherwise replies are drawn; with `verified`, the first right one with passages is preferred
    to the first wrong one without, and there is nothing to prefer where all of those are right.

    Raises:
        TrainingError: If a prompt with its passages does not fit into the model's context.
    """
    model = resolve(spec)
    if not isinstance(model, OpenModel):
        raise TrainingError(f"rlag trains local weights: {model.closed}")
    require_room(model, problems, passages_P, asked.sampling.max_tokens)
    found = Pairs()
    chosen_of: dict[int, tuple[str, str]] = {}
    listed = [i for i, problem in enumerate(problems) if problem.options]
    best = likeliest(
        model,
        [each for i in listed for each in (problems[i], informed(problems[i], passages_P[i]))],
    )
    for place, i in enumerate(listed):
        chosen_of[i] = best[2 * place + 1], best[2 * place]
    free = [i for i, problem in enumerate(problems) if not problem.options]
    drawn = _drawn(spec, [(problems[i], passages_P[i]) for i in free], asked)
    drawn_of = dict(zip(free, drawn, strict=True))
    for i, (problem, passages) in enumerate(zip(problems, passages_P, strict=True)):
        if i in chosen_of:
            pair_of_options(found, problem, passages, *chosen_of[i], asked)
        else:
            pair_of_replies(found, problem, passages, *drawn_of[i], asked)
    return found


def likeliest(model: OpenModel, problems: Sequence[Problem]) -> list[str]:
    """For each problem the option with the highest mean log-probability a token, end token included."""
    from twofold.prefix_scoring import Branch, Tree, score

    trees = []
    for problem in problems:
        trunk = _ids(model, model.render(problem.messages()))
        ends = [(*_ids(model, text), model.tokenizer.eos_token_id) for text in problem.options]
        trees.append(Tree(trunk, tuple(Branch(len(trunk), ids) for ids in ends)))
    found = {i: [float(np.mean(each.logprobs)) for each in row] for i, row in score(model, trees)}
    return [p.options[int(np.argmax(found[i]))] for i, p in enumerate(problems)]


def require_room(
    model: OpenModel,
    problems: Sequence[Problem],
    passages_P: Sequence[Sequence[str]],
    max_tokens: int,
) -> None:
    """Refuse passages with which a prompt and its reply, or alone, are longer than the context.

    Raises:
        TrainingError: Names the longest one.
    """
    limit = getattr(model.network.config.get_text_config(), "max_position_embeddings", None)
    longest, which = 0, ""
    for problem, passages in zip(problems, passages_P, strict=True):
        prompt = len(_ids(model, model.render(informed(problem, passages).messages())))
        replies = [len(_ids(model, text)) + 1 for text in problem.options] or [max_tokens]
        alone = max((len(_ids(model, text)) + 2 for text in passages), default=0)
        n = max(prompt + max(replies), alone)
        if n > longest:
            longest, which = n, problem.id
    if limit is not None and longest > limit:
        raise TrainingError(
            f"problem {which} needs {longest} tokens with its passages and its reply, and the model's "
            f"context has {limit}; lower n_passages or max_completion_length, or split the corpus into "
            "shorter passages"
        )


def _ids(model: OpenModel, text: str) -> tuple[int, ...]:
    return tuple(model.tokenizer(text, add_special_tokens=False).input_ids)


def _drawn(
    spec: str, asked_P: Sequence[tuple[Problem, Sequence[str]]], asked: Asked
) -> list[tuple[list[Response], list[Response]]]:
    """Replies with the passages and without them."""
    if not asked_P:
        return []
    from twofold.methods.draw import draw

    plain = [problem for problem, _ in asked_P]
    told = [informed(problem, passages) for problem, passages in asked_P]
    n, seed = asked.num_generations, asked.seed
    replies = draw(spec, [*told, *plain], asked.sampling, n=n, seed=seed)
    return list(zip(replies[: len(told)], replies[len(told) :], strict=True))


def pair_of_options(
    found: Pairs,
    problem: Problem,
    passages: Sequence[str],
    with_help: str,
    without: str,
    asked: Asked,
) -> None:
    """The pair of a multiple-choice problem, if the preferred option is right."""
    if asked.verified or asked.winner == "reference":
        right = _right(problem, [written_reply(option) for option in problem.options], asked)
        accepted = [
            option for option, is_right in zip(problem.options, right, strict=True) if is_right
        ]
        if not accepted:
            found.lost["no option is right by the reward"] += 1
            return
        if asked.winner == "reference":
            with_help = accepted[0]
        elif with_help not in accepted:
            found.lost["the option taken with the passages is wrong"] += 1
            return
    found.add(problem, passages, with_help, without, same=with_help == without)


def pair_of_replies(
    found: Pairs,
    problem: Problem,
    passages: Sequence[str],
    with_help: Sequence[Response],
    without: Sequence[Response],
    asked: Asked,
) -> None:
    """The pair of a problem without options, if a reply with the passages is right."""
    helped, naive = _complete(with_help), _complete(without)
    if not naive:
        found.lost["no reply without the passages is complete"] += 1
        return
    wrong = naive
    if asked.verified:
        right = _right(problem, [*helped, *naive], asked)
        with_verdict = list(zip(naive, right[len(helped) :], strict=True))
        helped = [r for r, ok in zip(helped, right, strict=False) if ok]
        naive = [r for r, ok in with_verdict if ok is not None]
        wrong = [r for r, ok in with_verdict if ok is False]
        if not naive:
            found.lost["no reply without the passages could be judged"] += 1
            return
    if asked.winner == "reference":
        helped = [written_reply(problem.solution)] if problem.solution else []
    if not helped:
        is_own = asked.winner == "augmented"
        found.lost["no reply with the passages is right" if is_own else "it has no solution"] += 1
        return
    chosen, rejected = helped[0].raw, (wrong or naive)[0].raw
    found.add(problem, passages, chosen, rejected, same=not wrong or chosen == rejected)


def _complete(replies: Sequence[Response]) -> list[Response]:
    return [reply for reply in replies if reply.finish_reason is FinishReason.answered]


def _right(problem: Problem, replies: Sequence[Response], asked: Asked) -> list[bool | None]:
    """Which replies the reward accepts; None where it cannot tell, which is neither right nor wrong."""
    verdicts = asked.reward([problem] * len(replies), replies) if replies else []
    return [None if v.score is None else v.score >= asked.at_least for v in verdicts]


def old_replies(
    spec: str, problems: Sequence[Problem], sampling: Sampling, *, seed: int
) -> list[Mapping[str, Any]]:
    """A complete reply of the model `spec` to each problem it gives one to: `prompt` and `completion`."""
    from twofold.methods.draw import draw

    replies = draw(spec, problems, sampling, n=1, seed=seed)
    return [
        {"prompt": problem.messages(), "completion": reply.raw}
        for problem, (reply,) in zip(problems, replies, strict=True)
        if reply.finish_reason is FinishReason.answered
    ]
