"""The rows of elicitation as numbers by problem: rates of each arm, and two arms made of other rows.

`majority` is the vote over the samples, at no further cost. `best_prompt` is cross-fitted: the prompt of
each half of the problems is the one that does best on the other half, so that picking the highest of
several numbers is not counted as a gain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, final

import numpy as np

from twofold.diagnostics.elicitation.collect import (
    AS_ASKED,
    FORCED_OTHERS,
    GREEDY,
    ROUTED,
    SAMPLED,
    WITH_TUNED,
)
from twofold.diagnostics.elicitation.cot_decoding import CotDecoding
from twofold.diagnostics.elicitation.forced_tokens import ForcedTokens
from twofold.diagnostics.elicitation.majority import MajorityVote, elected
from twofold.diagnostics.elicitation.power import Cooled, PowerSampling
from twofold.diagnostics.elicitation.prompts import HINTS, FewShot
from twofold.diagnostics.joint.obedience import Effects
from twofold.diagnostics.row_table import Column
from twofold.stats import best_at_k
from twofold.storage.jsonl import Row
from twofold.types import FinishReason

BEST_PROMPT = "best_prompt"
# The prompts among which the best one is chosen.
PROMPTS = (AS_ASKED, *HINTS, FewShot.name)
# The vote over the branches of CoT-decoding: the control of its confidence.
BRANCH_VOTE = "branch_vote"
DECODING = (
    *(MajorityVote.name, CotDecoding.name, BRANCH_VOTE),
    *(PowerSampling.name, Cooled.name, ForcedTokens.name, FORCED_OTHERS),
)
# Every arm of the base, in the order of the page.
ARMS = (AS_ASKED, GREEDY, *HINTS, FewShot.name, BEST_PROMPT, *DECODING, *ROUTED)

# What an arm is compared with besides the reply as asked: the same tries, without its own choice.
CONTROLS = {
    MajorityVote.name: SAMPLED,
    CotDecoding.name: BRANCH_VOTE,
    PowerSampling.name: Cooled.name,
    ForcedTokens.name: FORCED_OTHERS,
    ROUTED[0]: ROUTED[1],
}

TOLD, UNTOLD = "constrained", "unconstrained"
ANSWERS = ("accuracy", "both", "stated")  # the metrics that are about an answer

Rows = Mapping[str, Row]  # by problem
Scores = Mapping[str, Sequence[float]]  # the scored tries of each problem


@final
@dataclass(frozen=True)
class Rates:
    """The rates of every role and arm, by problem.

    Args:
        saved: The rows.
        answered: The problems with a reference answer; the others are not asked for an answer, which is
            not the same as unscored. None = all.
    """

    saved: Sequence[Row]
    answered: AbstractSet[str] | None = None

    @cached_property
    def _by_arm(self) -> dict[tuple[str, str, str], dict[str, Row]]:
        found: dict[tuple[str, str, str], dict[str, Row]] = {}
        for row in self.saved:
            # collected with the tuned model's rows, but the base writes
            role = "baseline" if row["arm"] in WITH_TUNED else row["role"]
            at = role, row["arm"], row["condition"]
            found.setdefault(at, {})[row["problem"]] = row
        for role, arm, condition in [*found]:
            rows = found[role, arm, condition]
            if arm == SAMPLED:
                voted = {p: _voted(row, row["replies"]) for p, row in rows.items()}
                found[role, MajorityVote.name, condition] = voted
            elif arm == CotDecoding.name:
                voted = {p: _voted(r, r["branches"]) for p, r in rows.items() if "branches" in r}
                found[role, BRANCH_VOTE, condition] = voted
        return found

    def rows(self, role: str, arm: str, condition: str) -> Rows:
        """The rows of an arm by problem; empty if it was not asked."""
        if arm == BEST_PROMPT:
            return {
                problem: row
                for problem in self._every(role, condition)
                if (chosen := self.chosen(role).get(half(problem)))
                and (row := self._by_arm.get((role, chosen, condition), {}).get(problem))
            }
        return self._by_arm.get((role, arm, condition), {})

    def _every(self, role: str, condition: str) -> Iterator[str]:
        """The problems that any prompt was asked for, each once."""
        yield from dict.fromkeys(
            problem
            for prompt in PROMPTS
            for problem in self._by_arm.get((role, prompt, condition), {})
        )

    def chosen(self, role: str) -> dict[int, str]:
        """The prompt used for each half of the problems: the best on the other half."""
        return self._chosen.get(role, {})

    @cached_property
    def _chosen(self) -> dict[str, dict[int, str]]:
        return {role: self._best_prompts(role) for role in {row["role"] for row in self.saved}}

    def _best_prompts(self, role: str) -> dict[int, str]:
        found = {}
        tried = [arm for arm in PROMPTS if self._by_arm.get((role, arm, UNTOLD))]
        for side in (0, 1) if len(tried) > 1 else ():
            means = {}
            for arm in tried:
                column = self.column(role, arm, "accuracy")
                others = [problem for problem in column.asked if half(problem) != side]
                scored = [column.values[problem] for problem in others if problem in column.values]
                if scored:  # to choose by, a reply that cannot be scored is no success
                    means[arm] = sum(scored) / len(others)
            if means:
                found[side] = max(means, key=lambda arm: means[arm])  # of equal ones, the plainer
        return found

    def arms(self, role: str) -> list[str]:
        """The arms of a role with rows."""
        return [arm for arm in ARMS if self.rows(role, arm, UNTOLD) or self.rows(role, arm, TOLD)]

    def is_greedy(self) -> bool:
        """Whether the audit's own replies are greedy."""
        own = [row["temperature"] for row in self.saved if row["arm"] == AS_ASKED]
        return bool(own) and max(own) == 0

    def column(self, role: str, arm: str, metric: str) -> Column:
        """A metric by problem; several tries of a problem are averaged.

        `accuracy`, `habit`, `stated`, `truncated`, `n_tokens` and `acted` are of replies without the rules,
        `compliance` and `both` of replies with them.
        """
        scores = self.scores(role, arm, metric)
        return Column.of({p: _mean(tries) if tries else None for p, tries in scores.items()})

    def scores(self, role: str, arm: str, metric: str) -> Scores:
        """The scored tries of each problem for which the metric means something."""
        key = role, arm, metric
        if key not in self._known:
            self._known[key] = self._scores(*key)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[str, str, str], Scores]:
        """The scores that were asked for before: every k reads the same ones again."""
        return {}

    def _scores(self, role: str, arm: str, metric: str) -> Scores:
        condition = TOLD if metric in ("compliance", "both") else UNTOLD
        found: dict[str, list[float]] = {}
        for problem, row in self.rows(role, arm, condition).items():
            if metric in ANSWERS and self.answered is not None and problem not in self.answered:
                continue
            if metric == "n_tokens":
                own = [each["n_tokens"] for each in row["replies"]]
                counts = [row["n_tokens"]] if "n_tokens" in row else own
                found[problem] = [float(count) for count in counts if count is not None]
            elif metric == "acted":
                (own,) = row["replies"]
                if own["n_tokens"] and "n_acted" in row:
                    found[problem] = [row["n_acted"] / own["n_tokens"]]
            elif metric not in ("compliance", "habit", "both") or row["replies"][0]["met"]:
                tries = (_score(each, metric) for each in row["replies"])
                found[problem] = [score for score in tries if score is not None]
        return found

    def best(self, role: str, metric: str, k: int) -> Column:
        """The expected best of k samples by problem; unscored where fewer than k are scored."""
        scores = self.scores(role, SAMPLED, metric)
        return Column.of(
            {p: _best(tuple(sorted(t)), k) if len(t) >= k else None for p, t in scores.items()}
        )

    def obedience(self, role: str, arm: str, k: int = 0) -> Effects:
        """Rules met when stated and when not, a unit for each problem.

        With `k`, the best of k samples on both sides; else the mean of the arm's tries.
        """
        told, untold = (
            self.best(role, each, k) if k else self.column(role, arm, each)
            for each in ("compliance", "habit")
        )
        asked = sorted(told.asked & untold.asked)
        means = (np.array([side.values.get(p, np.nan) for p in asked]) for side in (told, untold))
        places = np.array([self._places[p] for p in asked], dtype=np.int64)
        return Effects(places, np.full(len(asked), -1), *means)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {p: i for i, p in enumerate(sorted({row["problem"] for row in self.saved}))}

    def elicited(self, role: str) -> set[str]:
        """The problems that any arm of the role solves, controls and branches of CoT-decoding too."""
        return {
            problem
            for arm in (*PROMPTS, GREEDY, *DECODING)
            for problem, row in self.rows(role, arm, UNTOLD).items()
            if any(each["correct"] == 1 for each in (*row["replies"], *row.get("branches", ())))
        }

    def any_branch(self, role: str) -> Column:
        """Whether any branch of CoT-decoding is right: what the best choice among them would reach."""
        tries = {
            problem: [each["correct"] for each in row["branches"] if each["correct"] is not None]
            for problem, row in self.rows(role, CotDecoding.name, UNTOLD).items()
            if "branches" in row
        }
        return Column.of({p: float(max(t)) if t else None for p, t in tries.items()})

    def more(self, role: str) -> Scores:
        """The scores of the further samples of problems that none of the first solved."""
        return {
            problem: [
                each["correct"] for each in row.get("more", ()) if each["correct"] is not None
            ]
            for problem, row in self.rows(role, SAMPLED, UNTOLD).items()
        }

    def ks(self) -> list[int]:
        """The numbers of tries: powers of two, and all of them."""
        sizes = [len(row["replies"]) for row in self.saved if row["arm"] == SAMPLED]
        most = max(sizes, default=0)
        return sorted({most, *(2**i for i in range(most.bit_length()) if 2**i <= most)} - {0})


@lru_cache(maxsize=65536)
def _best(tries: tuple[float, ...], k: int) -> float:
    return best_at_k(tries, k)


def half(problem: str) -> int:
    """The half of the problems that one belongs to, from its id."""
    return int(problem, 16) % 2


def _voted(row: Row, replies: Sequence[Row]) -> Row:
    """The row with the reply that these elect, at the cost of all of them."""
    there = [each for each in replies if each["ended"] != FinishReason.failed.value] or replies
    chosen = there[elected([each["answer"] for each in there])]
    return row | {"replies": [chosen], "n_tokens": _tokens(replies)}


def _tokens(replies: Sequence[Row]) -> int | None:
    counts = [each["n_tokens"] for each in replies]
    return None if None in counts else sum(counts)


def _score(reply: Mapping[str, Any], metric: str) -> float | None:
    """One reply's score; None if it is unscored."""
    if metric == "accuracy":
        return _number(reply["correct"])
    if metric == "stated":
        return _number(reply["stated"])
    if metric == "truncated":
        return None if _has_failed(reply) else float(reply["ended"] == FinishReason.truncated.value)
    rules: list[float | None] = reply["met"]
    met = [rule for rule in rules if rule is not None]
    if len(met) < len(rules):
        return None
    if metric == "both":
        return None if reply["correct"] is None else float(reply["correct"] * min(met))
    return sum(met) / len(met)


def _has_failed(reply: Mapping[str, Any]) -> bool:
    return bool(reply["ended"] == FinishReason.failed.value)


def _number(score: float | None) -> float | None:
    return None if score is None else float(score)


def _mean(tries: Sequence[float]) -> float:
    return sum(tries) / len(tries)
