"""How is obeying demonstrated without a habit? By right replies edited by rule, each beside its twin.

The edited reply answers the prompt with its constraints, and the unedited one, the twin, the same problem
without them. So only reading what is asked pays: whoever always writes a title is wrong in one of the two.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import final

from twofold.constraints.apply import apply_all, can_apply
from twofold.storage.jsonl import Row
from twofold.types import FinishReason, Problem, Response, Scorer


@final
@dataclass(frozen=True)
class Pairs:
    """The pairs of rows, and what is missing.

    Args:
        rows: An edited reply and its twin, in turn; see `pairs`.
        left_out: How many replies gave no pair, by reason.
        unedited: How often that was a rule of each type which no edit meets.
    """

    rows: list[Row] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    unedited: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        n_problems = len({row["problem"] for row in self.rows})
        said = f"{len(self.rows) // 2} pairs of {n_problems} problems"
        if self.left_out:
            said += "; left out: " + ", ".join(
                f"{n} {why}" for why, n in self.left_out.most_common()
            )
        if self.unedited:
            types = ", ".join(f"{name} {n}" for name, n in self.unedited.most_common())
            said += f" (rules that no edit met: {types})"
        return said


def is_editable(problem: Problem) -> bool:
    """Whether a reply to the problem could make a pair: each constraint can be applied, and left out."""
    separate = bool(problem.constraints) and not problem.question_states_constraints
    return separate and all(map(can_apply, problem.constraints))


def bare(problem: Problem) -> Problem:
    """The problem without its constraints, so that its prompt does not state them."""
    return replace(problem, constraints=(), wordings=None)


def pairs(
    problems: Sequence[Problem],
    responses_P_G: Sequence[Sequence[Response]],
    *,
    by: Scorer,
    at_least: float,
) -> Pairs:
    r"""Each right, complete reply, edited to obey its problem's constraints, and as it is.

    A reply that obeys untold makes no pair: there reading the prompt could not be told from a habit.

    Args:
        problems: The problems.
        responses_P_G: Replies to each problem, asked without its constraints.
        by: Which replies are right: those that it scores `at_least`, before and after the edit.
        at_least: See `by`, in [0, 1].

    Returns:
        Rows of `prompt`, `completion` and `problem`, and `edited`: True with the constraints in the
        prompt, then False without them.

    Example:
        >>> from twofold.constraints import from_spec
        >>> from twofold.scorers import Correct
        >>> quoted = from_spec("startend:quotation", None, profile="fixed")
        >>> problem = Problem(question="2 + 2?", answer="4", constraints=(quoted,))
        >>> reply = Response(raw=r"\boxed{4}", reply=r"\boxed{4}")
        >>> found = pairs([problem], [[reply]], by=Correct(), at_least=1.0)
        >>> [row["completion"] for row in found.rows]
        ['"\\boxed{4}"', '\\boxed{4}']
    """
    found = Pairs()
    candidates: list[tuple[Problem, Response, Response]] = []
    for problem, response in _right(problems, responses_P_G, by, at_least, found):
        edited = _edited(problem, response, found)
        if edited is not None:
            candidates.append((problem, response, edited))
    verdicts = by(
        [problem for problem, _, _ in candidates], [edited for _, _, edited in candidates]
    )
    for (problem, response, edited), verdict in zip(candidates, verdicts, strict=True):
        if verdict.score is None or verdict.score < at_least:
            found.left_out["replies that are no longer right when edited"] += 1
            continue
        told = {"prompt": problem.messages(), "completion": edited.raw, "problem": problem.id}
        untold = {"prompt": problem.messages(stated=()), "completion": response.raw}
        found.rows.append(told | {"edited": True})
        found.rows.append(untold | {"problem": problem.id, "edited": False})
    return found


def _right(
    problems: Sequence[Problem],
    responses_P_G: Sequence[Sequence[Response]],
    by: Scorer,
    at_least: float,
    found: Pairs,
) -> list[tuple[Problem, Response]]:
    """The right, complete replies to problems whose constraints can be applied, without duplicates."""
    left_out = found.left_out
    asked: dict[tuple[str, str], tuple[Problem, Response]] = {}
    for problem, responses in zip(problems, responses_P_G, strict=True):
        if not problem.constraints:
            left_out["problems without a constraint"] += 1
        elif problem.question_states_constraints:
            left_out["problems whose question states the constraints"] += 1
        elif not all(map(can_apply, problem.constraints)):
            left_out["problems with a rule that no edit is known for"] += 1
            found.unedited.update(c.name for c in problem.constraints if not can_apply(c))
        elif not responses:
            left_out["problems without a reply"] += 1
        else:
            for response in responses:
                asked.setdefault((problem.id, response.raw), (problem, response))
    right = []
    verdicts = by([problem for problem, _ in asked.values()], [r for _, r in asked.values()])
    for (problem, response), verdict in zip(asked.values(), verdicts, strict=True):
        if response.finish_reason is not FinishReason.answered:
            left_out["replies that did not end"] += 1
        elif verdict.score is None:
            left_out["replies that could not be scored"] += 1
        elif verdict.score < at_least:
            left_out["replies that are not right"] += 1
        else:
            right.append((problem, response))
    return right


def _edited(problem: Problem, response: Response, found: Pairs) -> Response | None:
    """The response with its reply edited and its thought as it is; None, counted, if there is none."""
    broken = [rule for rule in problem.constraints if rule.check(response.reply).score != 1.0]
    if not broken:
        found.left_out["replies that obey untold"] += 1
        return None
    reply = apply_all(problem.constraints, response.reply)
    if reply is None:
        found.left_out["replies that no edit makes obey"] += 1
        found.unedited.update(rule.name for rule in broken if rule.apply(response.reply) is None)
        return None
    head, there, tail = response.raw.rpartition(response.reply)
    if not there:
        found.left_out["replies that are not in the raw text"] += 1
        return None
    return replace(response, raw=head + reply + tail, reply=reply, ids=None)
