"""What did a reply obey that broke its own rule? It becomes a demonstration of that.

A right reply that breaks its rule is lost to rejection sampling. Often it meets a rule of another
problem by chance; with that rule stated in place of its own it is right and obedient. Only rules that
the model seldom meets untold are worth it: "use no commas" before a reply that has none anyway would
teach that instructions need not be read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

from twofold.constraints.opposite import Opposite
from twofold.scorers import Compliant, Correct
from twofold.stats import proportion
from twofold.storage.jsonl import Row
from twofold.types import Constraint, FinishReason, Problem, Response, Scorer

# Of the other replies to a problem, the share that may meet a rule before it counts as its habit.
_USUAL = 0.5


def relabelled(
    problems: Sequence[Problem],
    responses_P_G: Sequence[Sequence[Response]],
    *,
    by: Scorer,
    at_least: float,
    most: float,
) -> list[Row]:
    """Right replies that break a rule of their own, as demonstrations of a rule that they meet.

    The candidates are the rules of `problems`, with their arguments and words, so no type is shown
    that these problems do not have. A reply gets the one of those it meets that is met untold least
    often, among equals the type that was given least often so far; none that most other replies to
    its problem meet too, since there it is the question that brings it about.

    Args:
        problems: The training problems.
        responses_P_G: The model's replies to each of them.
        by: The scorer that accepts a demonstration, asked about the problem with the other rule.
        at_least: The lowest score that it accepts.
        most: The highest rate at which a rule may be met untold. The upper end of the rate's interval
            counts, so a rule has to be shown to be rare: 0 of 35 replies show 10 %.

    Returns:
        Rows as those of `kept`, and `relabelled`, the type that is stated instead; `problem` is the
        one whose reply it is. Problems whose question states its rules give none.

    Source:
        Failed replies relabelled with the constraints that they do meet: HiR,
        https://arxiv.org/abs/2512.23457; instructions relabelled in hindsight:
        https://arxiv.org/abs/2302.05206. Departs: other problems' rules are candidates too, frequent
        ones are not, and a wrong reply is never relabelled.
    """
    said = _rules(problems)
    rates = untold_rates(problems, responses_P_G, list(said))
    rare = [rule for rule, rate in rates.items() if rate <= most]
    used: Counter[str] = Counter()
    found: dict[tuple[str, str], tuple[Problem, str, Response]] = {}
    for each in _disobedient(problems, responses_P_G) if rare else ():
        met = [rule for rule in rare if each.shows(rule)]
        if met:
            rule = min(met, key=lambda c: (rates[c], used[c.name]))
            used[rule.name] += 1
            new = replace(each.problem, constraints=(rule,), wordings=(said[rule],))
            found.setdefault((new.id, each.response.raw), (new, each.problem.id, each.response))
    verdicts = by([new for new, *_ in found.values()], [reply for *_, reply in found.values()])
    return [
        {
            "prompt": new.messages(),
            "completion": response.raw,
            "problem": origin,
            "score": verdict.score,
            "relabelled": new.constraints[0].name,
        }
        for (new, origin, response), verdict in zip(found.values(), verdicts, strict=True)
        if verdict.score is not None and verdict.score >= at_least
    ]


def untold_rates(
    problems: Sequence[Problem],
    responses_P_G: Sequence[Sequence[Response]],
    rules: Sequence[Constraint],
) -> dict[Constraint, float]:
    """How often, at most, each rule is met by replies that were not told of its type or the opposite.

    The upper end of a 95 % interval over one reply a problem, the first complete one. Rules without
    any such reply that can be judged are left out.
    """
    firsts = []
    for problem, responses in zip(problems, responses_P_G, strict=True):
        if complete := _complete(responses):
            firsts.append((set(map(_type, problem.constraints)), complete[0].reply))
    rates = {}
    for rule in rules:
        checks = [rule.check(reply) for told, reply in firsts if rule.name not in told]
        scores = [check.score for check in checks if check.score is not None]
        if scores:
            rates[rule] = proportion(sum(s == 1.0 for s in scores), len(scores)).high
    return rates


@final
@dataclass(frozen=True)
class _Disobedient:
    """A right reply that breaks a rule of its problem, and the other replies to that problem."""

    problem: Problem
    response: Response
    others: Sequence[str]

    def shows(self, rule: Constraint) -> bool:
        """Whether the reply meets `rule` and most of the others do not."""
        if rule.check(self.response.reply).score != 1.0:
            return False
        n_met = sum(rule.check(other).score == 1.0 for other in self.others)
        return n_met <= _USUAL * len(self.others)


def _disobedient(
    problems: Sequence[Problem], responses_P_G: Sequence[Sequence[Response]]
) -> list[_Disobedient]:
    """The complete replies that are right and break a rule; an unscored one does neither."""
    found = []
    for problem, responses in zip(problems, responses_P_G, strict=True):
        complete = _complete(responses)
        if not problem.constraints or problem.question_states_constraints:
            continue
        asked = [problem] * len(complete)
        right, obedient = Correct()(asked, complete), Compliant("all")(asked, complete)
        for response, is_right, obeys in zip(complete, right, obedient, strict=True):
            if is_right.score == 1.0 and obeys.score == 0.0:
                others = {r.reply: None for r in complete if r.reply != response.reply}
                found.append(_Disobedient(problem, response, list(others)))
    return found


def _type(rule: Constraint) -> str:
    return rule.of.name if isinstance(rule, Opposite) else rule.name


def _complete(responses: Sequence[Response]) -> list[Response]:
    return [r for r in responses if r.finish_reason is FinishReason.answered]


def _rules(problems: Sequence[Problem]) -> Mapping[Constraint, str]:
    """The rules stated apart from their question, each in the words of its first problem.

    The opposites of contrast pairs are left out; most replies obey them untold.
    """
    said: dict[Constraint, str] = {}
    for problem in problems:
        if not problem.question_states_constraints:
            words = problem.wordings or [c.instruction() for c in problem.constraints]
            for constraint, sentence in zip(problem.constraints, words, strict=True):
                if not isinstance(constraint, Opposite):
                    said.setdefault(constraint, sentence)
    return said
