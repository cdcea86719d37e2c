"""Which of two replies is preferred? Pairs of the best and the worst reply by a scorer."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from twofold.methods.demonstrations import lines_about
from twofold.methods.method import TrainingError
from twofold.storage.jsonl import Row
from twofold.types import FinishReason, Problem, Response, Scorer, Verdict

KEYS = ("prompt", "chosen", "rejected", "problem")
# The keys of the rows of `pairs`.
WRITTEN = (*KEYS, "gap", "lead")


def pairs(
    problems: Sequence[Problem],
    responses_P_G: Sequence[Sequence[Response]],
    *,
    by: Scorer,
    gap: float = 0.0,
    keep: float = 1.0,
    lost: Counter[str] | None = None,
) -> list[Row]:
    """The best and the worst reply to each problem, if their scores differ enough.

    Only complete replies are paired: preferring a truncated one would teach the model to ramble.

    Args:
        problems: The problems.
        responses_P_G: Replies to each problem; unscored ones are left out.
        by: The scorer.
        gap: Smallest difference in score, in [0, 1]; ties are never paired.
        keep: Share of the pairs to keep, in (0, 1]: those with the largest lead in a single part of
            the score (a criterion), which is clearer evidence than many small leads.
        lost: Counts the reasons of the unscored replies.

    Returns:
        Rows of `prompt`, `chosen`, `rejected`, `problem`, `gap` (of the score) and `lead` (largest
        difference in one part), at most one per problem, in the order of the problems.

    Raises:
        TrainingError: If `keep` is out of range.

    Source:
        Selection by the largest gap in one item, 40 % kept: RLCF, https://arxiv.org/abs/2507.18624,
        section 3. Departs: ties are refused, and more than two samples give their best and worst.

    Example:
        >>> from twofold.scorers import Correct
        >>> problem = Problem(question="7 + 5 = ?", answer="12")
        >>> replies = [Response(raw=text, reply=text) for text in ("#### 13", "#### 12")]
        >>> (row,) = pairs([problem], [replies], by=Correct(), gap=0.5)
        >>> row["chosen"], row["rejected"], row["gap"]
        ('#### 12', '#### 13', 1.0)
    """
    if not 0 < keep <= 1:
        raise TrainingError(f"keep is {keep}; give the share of pairs to keep, above 0 up to 1")
    verdicts_P = _scored(problems, responses_P_G, by, Counter() if lost is None else lost)
    rows: list[Row] = []
    for problem, scored in zip(problems, verdicts_P, strict=True):
        if not scored:
            continue
        best, chosen = max(scored, key=lambda each: _score(each[0]))
        worst, rejected = min(scored, key=lambda each: _score(each[0]))
        difference = _score(best) - _score(worst)
        if difference > 0 and difference >= gap:
            row: Row = {"prompt": problem.messages(), "chosen": chosen, "rejected": rejected}
            row |= {"problem": problem.id, "gap": difference, "lead": lead(best, worst)}
            rows.append(row)
    n_kept = math.ceil(len(rows) * keep - 1e-9)
    order = sorted(range(len(rows)), key=lambda i: (-rows[i]["lead"], i))
    return [rows[i] for i in sorted(order[:n_kept])]


def _scored(
    problems: Sequence[Problem],
    responses_P_G: Sequence[Sequence[Response]],
    by: Scorer,
    lost: Counter[str],
) -> list[list[tuple[Verdict, str]]]:
    """Verdict and text of each complete, scored reply; all replies are scored in one call."""
    asked = [
        (i, response)
        for i, responses in enumerate(responses_P_G)
        for response in responses
        if response.finish_reason is FinishReason.answered
    ]
    verdicts = by([problems[i] for i, _ in asked], [response for _, response in asked])
    found: list[list[tuple[Verdict, str]]] = [[] for _ in problems]
    for (i, response), verdict in zip(asked, verdicts, strict=True):
        if verdict.score is None:
            lost[verdict.reason or "unscored"] += 1
        else:
            found[i].append((verdict, response.raw))
    return found


def _score(verdict: Verdict) -> float:
    return 0.0 if verdict.score is None else verdict.score


def lead(chosen: Verdict, rejected: Verdict) -> float:
    """The largest difference in a part that both verdicts score; else the difference in score."""
    ahead = [
        _score(part) - _score(rejected.parts[key])
        for key, part in chosen.parts.items()
        if key in rejected.parts and part.is_scored and rejected.parts[key].is_scored
    ]
    return max(ahead, default=_score(chosen) - _score(rejected))


def read_pairs(path: Path, problems: Sequence[Problem]) -> list[Row]:
    """The pairs of a file that `twofold pairs` wrote, for these problems."""
    return lines_about(problems, path, KEYS, remedy="make one with `twofold pairs`")
