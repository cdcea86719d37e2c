"""Does an explanation state the facts that its answer needs? Exact, where they are known as sentences."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from twofold.types import FinishReason, Problem, Response, Scorer, Verdict

# The tag of a problem that holds the sentences, and what is between them.
TAG, BETWEEN = "facts", "; "

_CLAUSE_END = re.compile(r"[.!?;:,\n]+")
_OPENERS = frozenset(
    {
        *(
            "and",
            "as",
            "because",
            "but",
            "first",
            "for",
            "given",
            "hence",
            "now",
            "second",
            "since",
        ),
        *("so", "that", "then", "third", "thus"),
    }
)


@final
@dataclass(frozen=True)
class StatesFacts(Scorer):
    r"""The share of the needed facts that a reply states, and does not also deny.

    A problem lists the facts as sentences that end with what they say ("The cup of Anna is red"), in its
    tag `facts`, with "; " between them. A fact is stated by a clause of the reply that has exactly its
    words, up to case and words such as "so" and "because" before it: a sentence that mentions the fact, or
    negates it, does not state it. A reply that states it with another last word as well names
    alternatives, and states neither. The answer itself is not looked at; see `Correct`. Facts that are not
    needed cost nothing, so a reply that recites everything scores 1: compare it with the length.

    A reply that was cut off is unscored, since what it would have stated is not known. Where the facts are
    not known as sentences, ask a judge: one criterion of a checklist for each.

    Args:
        how: `"mean"`, the share of the facts; `"all"`, 1 if every one is stated, else 0.

    Source:
        Whether explanations use the knowledge that was to be learned: RLAG, https://arxiv.org/abs/2509.20162,
        section 4, which asks a model for it. Departs: exact, and per fact.

    Example:
        >>> problem = Problem(question="Which cup has the partner of Anna?", tags={
        ...     "facts": "The partner of Anna is Emil; The cup of Emil is red"})
        >>> replies = ["The partner of Anna is Emil, so the cup of Emil is red.",
        ...     "The cup of Emil is red. The cup of Emil is blue.", "It is red."]
        >>> for verdict in StatesFacts()([problem] * 3, [Response(raw=r, reply=r) for r in replies]):
        ...     print(verdict.score, verdict.reason)
        1.0 2 of 2 facts stated
        0.0 0 of 2 facts stated; missing: The partner of Anna is Emil
        0.0 0 of 2 facts stated; missing: The partner of Anna is Emil
    """

    how: Literal["mean", "all"] = "mean"

    def __post_init__(self) -> None:
        if self.how not in ("mean", "all"):
            raise ValueError(f"how is {self.how!r}; use 'mean' (the share) or 'all'")

    @property
    def name(self) -> str:
        """`states_facts` for the share, `states_facts_all` for all or nothing."""
        return "states_facts" if self.how == "mean" else "states_facts_all"

    def applies(self, problem: Problem) -> bool:
        """Whether the problem lists the facts it needs."""
        return bool(facts_of(problem))

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Look for each needed fact in each reply; a thought is no explanation, as nobody is shown it."""
        return [
            response.unscored() or self._judge(facts_of(problem), response)
            for problem, response in zip(problems, responses, strict=True)
        ]

    def _judge(self, facts: Sequence[str], response: Response) -> Verdict:
        if not facts:
            return Verdict(None, f"the problem has no facts in its tag {TAG!r}")
        if response.finish_reason is FinishReason.truncated:
            return Verdict(None, "the reply was cut off")
        clauses = _clauses(response.reply.replace("\\boxed", ""))
        missing = [fact for fact in facts if not _is_stated(tuple(_words(fact)), clauses)]
        share = 1.0 - len(missing) / len(facts)
        told = f"{len(facts) - len(missing)} of {len(facts)} facts stated"
        told += f"; missing: {missing[0]}" if missing else ""
        return Verdict(share if self.how == "mean" else float(not missing), told)


def facts_of(problem: Problem) -> list[str]:
    """The facts that a problem lists."""
    return [fact for fact in problem.tags.get(TAG, "").split(BETWEEN) if fact.strip()]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _clauses(text: str) -> set[tuple[str, ...]]:
    """The clauses of a text as words, without connecting words before them."""
    found = set()
    for clause in _CLAUSE_END.split(text):
        words = _words(clause)
        while words and words[0] in _OPENERS:
            words = words[1:]
        found.add(tuple(words))
    return found


def _is_stated(fact: tuple[str, ...], clauses: set[tuple[str, ...]]) -> bool:
    """Whether the clauses have the fact, and nothing of the same length with another last word."""
    rivals = {clause for clause in clauses if clause[:-1] == fact[:-1]}
    return rivals == {fact}
