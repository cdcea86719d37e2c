"""What does `elicitation` look like? The conditions that fired, the arms, the curves and the support.

Nothing is computed here: every number is a record of the finding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from twofold.diagnostics.elicitation.collect import AS_ASKED, FORCED_OTHERS, GREEDY, ROUTED, SAMPLED
from twofold.diagnostics.elicitation.conditions import conditions, in_words
from twofold.diagnostics.elicitation.cot_decoding import CotDecoding
from twofold.diagnostics.elicitation.forced_tokens import ForcedTokens
from twofold.diagnostics.elicitation.majority import MajorityVote
from twofold.diagnostics.elicitation.power import Cooled, PowerSampling
from twofold.diagnostics.elicitation.prompts import FewShot
from twofold.diagnostics.elicitation.rates import BEST_PROMPT, BRANCH_VOTE, CONTROLS
from twofold.report.figures import point
from twofold.report.shapes import Scale, drawing, label, line, mark, rate_axis, shortened
from twofold.report.tables import ROLES, MeasureRow, by_role
from twofold.types import Comparison, Estimate, Finding, Slice

ARMS = {
    AS_ASKED: "as asked",
    GREEDY: "greedy decoding",
    SAMPLED: "each sample alone",
    "boxed": "hint: put the answer in a box",
    "steps": "hint: think step by step",
    FewShot.name: "examples before the question",
    BEST_PROMPT: "best prompt, cross-fitted",
    MajorityVote.name: "majority vote over the samples",
    CotDecoding.name: "CoT-decoding",
    BRANCH_VOTE: "vote over the same branches",
    PowerSampling.name: "power sampling",
    Cooled.name: "low temperature",
    ForcedTokens.name: "begun as the tuned model",
    FORCED_OTHERS: "begun as another reply",
    ROUTED[0]: "tuned tokens where they differ",
    ROUTED[1]: "tuned tokens at random",
}
"""The name of every arm, short enough for a chart."""

COLUMNS = {
    "accuracy": "Accuracy",
    "compliance": "Compliance",
    "obedience": "Obedience, by problem",
    "both": "Both",
    "stated": "States an answer",
    "truncated": "Cut off",
    "n_tokens": "Tokens",
    "acted": "Of them the tuned model's",
}
RECOVERIES = {AS_ASKED: "Recovery", SAMPLED: "Recovery of the sampled gain"}
# What an arm changes: the answers and the instruction, from the reply as asked and from its control
CHANGES = {
    ("accuracy", AS_ASKED): "Accuracy − as asked",
    ("obedience", AS_ASKED): "Obedience − as asked",
    ("accuracy", "control"): "Accuracy − its control",
    ("obedience", "control"): "Obedience − its control",
}
CURVES = {
    "pass_at_k": "Right",
    "compliance_at_k": "Share of rules met, stated",
    "obedience_at_k": "Obedience",
    "both_at_k": "Right and all rules met",
}
SUPPORT = {
    "kept": "Solved by both",
    "lost": "Solved by the base alone",
    "found": "Solved by the tuned model alone",
    "found_beyond_elicitors": "The same, and by no elicitor of the base",
    "neither": "Solved by neither",
    "support_retention": "Of what the base solves, kept",
    "discovery_rate": "Of what the tuned model solves, found",
    "crossover": "Tries at which the curves cross",
    "unstated_share": "Share of the gain where the base stated no answer",
    "truncated_share": "Share of the gain where the base was cut off",
}
_SHARES = ("unstated_share", "truncated_share")


@dataclass(frozen=True)
class ArmRow:
    """One arm of one role: its metrics by name, its recovery by scale, its changes as in `CHANGES`."""

    role: str
    label: str
    estimates: Mapping[str, Estimate]
    recovery: Mapping[str, Estimate]
    changes: Mapping[tuple[str, str], Comparison]


def arms(finding: Finding) -> list[ArmRow]:
    """The tuned model's arms, then the base's, without those that have no number."""
    found = []
    for role in reversed(ROLES):
        for arm, words in ARMS.items():
            estimates = {
                metric: estimate
                for metric in COLUMNS
                if (estimate := finding.estimate(metric, role=role, condition=arm))
            }
            shares = {
                scale: estimate
                for scale in RECOVERIES
                if (
                    estimate := finding.estimate(
                        "recovery", role=role, condition=arm, slice=Slice("scale", scale)
                    )
                )
            }
            control = CONTROLS.get(arm, "")
            changes = {
                (metric, other): comparison
                for metric, other in CHANGES
                if (
                    comparison := finding.comparison(
                        metric,
                        role=role,
                        versus=control if other == "control" else other,
                        condition=arm,
                    )
                )
            }
            if estimates:
                found.append(ArmRow(role, words, estimates, shares, changes))
    return found


def said(finding: Finding) -> list[str]:
    """The conditions in words, those that fired first."""
    return list(in_words(conditions(finding)))


def ks(finding: Finding) -> list[Slice]:
    """The numbers of tries, ascending."""
    found = {each.slice for each in finding.measures if each.slice.by == "k"}
    return sorted(found, key=lambda part: int(part.value))


def curve_rows(finding: Finding) -> list[MeasureRow]:
    """Best of k by metric and k, with the paired difference and the floor."""
    rows = [
        MeasureRow(
            f"{words}, best of {part.value}",
            by_role(finding, metric, condition=SAMPLED, part=part),
            finding.comparison(metric, condition=SAMPLED, slice=part),
            by_role(finding, metric, ["guess"], condition=SAMPLED, part=part),
        )
        for metric, words in CURVES.items()
        for part in ks(finding)
    ]
    return [row for row in rows if row.estimates]


def support_rows(finding: Finding) -> dict[str, Estimate]:
    """What became of the problems, by words; empty without a pair."""
    return {
        words: estimate
        for metric, words in SUPPORT.items()
        if (
            estimate := finding.estimate(
                metric, condition=AS_ASKED if metric in _SHARES else SAMPLED
            )
        )
    }


def curve(finding: Finding, metric: str, roles: Sequence[str]) -> Markup:
    """Best of k by k, for each role and, where there is one, for the floor."""
    parts_of_k = ks(finding)
    last = max(1, len(parts_of_k) - 1)
    x, y = Scale(0.0, float(last), 56, 328), Scale(0.0, 1.0, 168, 12)
    drawn = rate_axis(y, 44, 340)
    drawn += [label("mid", (x(i), 188), part.value) for i, part in enumerate(parts_of_k)]
    words = []
    series = [(role, role) for role in ROLES if role in roles] + [("null", "guess")]
    for order, (kind, role) in enumerate(series):
        there = [
            (i, part.value, estimate)
            for i, part in enumerate(parts_of_k)
            if (estimate := finding.estimate(metric, role=role, condition=SAMPLED, slice=part))
        ]
        shift = 5.0 * (order - 1)
        for (i, _, first), (j, _, second) in pairwise(there):
            ends = (x(i) + shift, y(first.value)), (x(j) + shift, y(second.value))
            drawn.append(line(f"whisker {kind}", *ends))
        for i, _, estimate in there:
            drawn += point(kind, x(i) + shift, y, estimate)
        if there:
            words.append(f"{role}: " + ", ".join(f"{k} {e.value:.2f}" for _, k, e in there))
    return drawing("ladder", (352, 198), f"{CURVES[metric]} by tries. " + "; ".join(words), drawn)


def recovered(finding: Finding, scale: str) -> Markup:
    """What each arm of the base recovers on a scale, and beside it how its obedience differs."""
    rows = [row for row in arms(finding) if scale in row.recovery]
    if not rows:
        return Markup("")
    height = 26.0 * len(rows) + 16
    left, right = Scale(-0.5, 1.5, 250, 410), Scale(-1.0, 1.0, 440, 560)
    drawn = [line("grid", (left(at), 8), (left(at), height)) for at in (0.0, 0.5, 1.0)]
    drawn.append(line("grid", (right(0.0), 8), (right(0.0), height)))
    drawn += [label("mid", (left(at), height + 16), f"{at:g}") for at in (0.0, 0.5, 1.0)]
    drawn.append(label("mid", (right(0.0), height + 16), "obedience ±0"))
    words = []
    for i, row in enumerate(rows):
        at, share = 26.0 * i + 22, row.recovery[scale]
        drawn.append(label("end", (240, at + 4), shortened(row.label, 36)))
        drawn += _across("baseline", left, at, share)
        words.append(f"{row.label} {share.value:.2f}")
        if (change := row.changes.get(("obedience", AS_ASKED))) is not None:
            drawn += _across("null", right, at, change.difference)
            words[-1] += f", obedience {change.difference.value:+.2f}"
    return drawing("ladder", (570, height + 24), f"{RECOVERIES[scale]}. " + "; ".join(words), drawn)


def _across(kind: str, x: Scale, y: float, estimate: Estimate) -> list[Markup]:
    """A mark with its horizontal interval; what lies beyond the axis is drawn at its end."""
    shape = "ring" if kind == "baseline" else "diamond"
    return [
        line(f"whisker {kind}", (x(estimate.low), y), (x(estimate.high), y)),
        mark(shape, kind, (x(estimate.value), y), 4.5),
    ]
