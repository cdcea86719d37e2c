"""What does the panel say of a planted pair, and what must be asked beside it?

The panel asks the test problems alone. A model that knows their answers by heart looks like one with a new
capability, so each pair is also asked fresh problems of the same kind: `fresh_gain`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twofold.diagnostics.elicitation.analysis import Elicitation
from twofold.models import resolve
from twofold.runs.audit import audit
from twofold.scorers import Correct
from twofold.stats import mean, paired
from twofold.storage.jsonl import dumps, replaced
from twofold.types import Estimate, Finding, Model, OpenModel, Problem, Sampling, Slice

from .pairs import PAIRS, base, questions, tuned

# What each pair is planted as: the conditions that must fire, and those that must not.
MUST: dict[str, str] = {
    "silenced_style": "sharpening",
    "silenced_format": "format_artefact",
    "new_operation": "new_capability_within_budget",
    "memorised": "memorised",
}
MEMORISED = "memorised"  # not of the panel: see `judged`

N_SAMPLES, MOVES = 8, 2
BUDGET = Sampling(max_tokens=56)
ARMS = ("boxed", "steps", "few_shot", "best_prompt", "majority", "cot_decoding", "branch_vote")
LATER = ("power_sampling", "cooled", "forced_tokens", "forced_other_tokens")


def measure(pair: str, seed: int, out: Path) -> dict[str, Any]:
    """Train and audit a pair; a pair that was measured before is read."""
    file = out / f"{pair}-{seed}" / "measured.json"
    if not file.exists():
        models = {"model": tuned(pair, seed, out), "baseline": base(PAIRS[pair][0], out)}
        loaded = {role: resolve(str(folder)) for role, folder in models.items()}
        result = audit(
            loaded["model"],
            [each.problem for each in questions(pair, seed)],
            out=file.parent / "audit",
            baseline=loaded["baseline"],
            sampling=BUDGET,
            seed=seed,
            diagnostics=(Elicitation(n_samples=N_SAMPLES, moves=MOVES),),
        )
        assert result is not None
        found = {f.diagnostic: f for f in result.findings}["elicitation"]
        fresh = [each.problem for each in questions(pair, seed, "fresh")]
        told = {"pair": pair, "seed": seed, **numbers(found), **gain_on(fresh, loaded)}
        told["begun"] = begun(loaded["baseline"], [each.problem for each in questions(pair, seed)])
        with replaced(file) as lines:
            lines.write(dumps(told))
    return dict(json.loads(file.read_text()))


def numbers(found: Finding) -> dict[str, Any]:
    """The numbers that the table is made of, each as `said` does."""
    told: dict[str, Any] = {
        "fired": sorted(
            c.metric.removeprefix("fired:") for c in found.counts if c.n and ":" in c.metric
        )
    }
    for role in ("baseline", "model"):
        for metric in ("accuracy", "obedience", "n_tokens"):
            told[f"{role} {metric}"] = said(found.estimate(metric, role=role, condition="as_asked"))
        told[f"{role} sampled"] = said(found.estimate("accuracy", role=role, condition="sampled"))
        for k in (1, N_SAMPLES):
            at = Slice("k", str(k))
            one = found.estimate("pass_at_k", role=role, condition="sampled", slice=at)
            told[f"{role} pass@{k}"] = said(one)
    for metric in ("found", "found_beyond_elicitors", "crossover"):
        told[metric] = said(found.estimate(metric, role="model", condition="sampled"))
    told["unstated_share"] = said(found.estimate("unstated_share", condition="as_asked"))
    for arm in (*ARMS, *LATER):
        for metric in ("accuracy", "obedience", "n_tokens"):
            told[f"{arm} {metric}"] = said(found.estimate(metric, role="baseline", condition=arm))
        scale = Slice("scale", "as_asked")
        share = found.estimate("recovery", role="baseline", condition=arm, slice=scale)
        told[f"{arm} recovery"] = said(share)
    return told


def gain_on(fresh: Sequence[Problem], models: dict[str, Model]) -> dict[str, Any]:
    """The accuracy on fresh problems without their rules, and the gain with its p value."""
    scores = {role: right(model, fresh) for role, model in models.items()}
    both = [p for p in range(len(fresh)) if None not in (scores["model"][p], scores["baseline"][p])]
    before, after = ([scores[role][p] for p in both] for role in ("baseline", "model"))
    gain = paired(before, after, n_unscored=len(fresh) - len(both))
    return {
        "fresh_gain": said(gain.difference),
        "fresh_p": gain.p,
        "fresh": sum(after) / len(after),
    }


def begun(model: Model, problems: Sequence[Problem]) -> dict[str, Any] | None:
    """The base's accuracy where its reply begins with `First`, as working does: is a silenced skill there?"""
    assert isinstance(model, OpenModel)
    first = model.tokenizer("First", add_special_tokens=False).input_ids
    chats = [problem.messages(stated=()) for problem in problems]
    rest = Sampling(max_tokens=BUDGET.max_tokens - len(first))
    replies = dict(model.continued(chats, [first] * len(chats), rest))
    verdicts = Correct(last_number=True)(problems, [replies[i] for i in range(len(chats))])
    scored = [verdict.score for verdict in verdicts if verdict.score is not None]
    return said(mean(scored, n_unscored=len(verdicts) - len(scored))) if scored else None


def right(model: Model, problems: Sequence[Problem]) -> list[float | None]:
    """The score of each greedy reply."""
    replies = [row[0] for row in model.sample([p.messages(stated=()) for p in problems], BUDGET)]
    return [verdict.score for verdict in Correct(last_number=True)(problems, replies)]


def said(each: Estimate | None) -> dict[str, Any] | None:
    """Value, interval, n and lost; None if it is not defined."""
    if each is None:
        return None
    return {
        "value": each.value, "low": each.low, "high": each.high, "n": each.n, "lost": each.n_unscored,
    }  # fmt: skip


def judged(told: dict[str, Any]) -> list[str]:
    """The conditions that fired, with the check on fresh problems.

    A gain on the asked problems that the interval of the fresh ones does not show is `memorised`, and is no
    new capability.
    """
    gain = told["fresh_gain"]
    fired = list(told["fired"])
    if fired and gain["low"] <= 0:
        return [*(each for each in fired if each != MUST["new_operation"]), MEMORISED]
    return fired
