"""Which of two replies is to be preferred? Pairs of the best and the worst by a scorer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from twofold.methods.method import TrainingError
from twofold.storage.jsonl import Row, read_lines
from twofold.types import FinishReason, Problem, Response, Scorer, Verdict

KEYS = ("prompt", "chosen", "rejected", "problem")


def pairs(
    problems: Sequence[Problem],
    responses_P_G: Sequence[Sequence[Response]],
    *,
    by: Scorer,
    gap: float = 0.0,
    keep: float = 1.0,
    lost: Counter[str] | None = None,
) -> list[Row]:
    """The best and the worst reply to each problem, where they differ enough.

    Only replies that the model ended itself are paired: preferring a cut one teaches to ramble.

    Args:
        problems: What was asked.
        responses_P_G: The replies to each.
        by: What they are scored by; unscored ones are left out.
        gap: The smallest difference in score, in [0, 1]; replies of one score are never paired.
        keep: Share of the pairs that is kept, in (0, 1]: those whose chosen reply is ahead the most in a
            single part of the score (a criterion). That tells more than a lead that is made of many
            small ones.
        lost: Takes the reasons of the unscored replies, each counted.

    Returns:
        Rows of `prompt`, `chosen`, `rejected`, `problem`, `gap` (of the score) and `lead` (the largest
        difference in a single part), at most one a problem, in the order of the problems.

    Raises:
        TrainingError: If a share is out of its range.

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
    rows: list[Row] = []
    scored_P = _scored(problems, responses_P_G, by, Counter() if lost is None else lost)
    for problem, scored in zip(problems, scored_P, strict=True):
        if not scored:
            continue
        (best, chosen), (worst, rejected) = (
            max(scored, key=lambda each: _score(each[0])),
            min(scored, key=lambda each: _score(each[0])),
        )
        ahead = _score(best) - _score(worst)
        if ahead > 0 and ahead >= gap:
            rows.append(
                {
                    "prompt": problem.messages(),
                    "chosen": chosen,
                    "rejected": rejected,
                    "problem": problem.id,
                    "gap": ahead,
                    "lead": lead(best, worst),
                }
            )
    n_kept = math.ceil(len(rows) * keep - 1e-9)
    order = sorted(range(len(rows)), key=lambda i: (-rows[i]["lead"], i))
    return [rows[i] for i in sorted(order[:n_kept])]


def _scored(
    problems: Sequence[Problem],
    responses_P_G: Sequence[Sequence[Response]],
    by: Scorer,
    lost: Counter[str],
) -> Iterator[list[tuple[Verdict, str]]]:
    """The scored replies of each problem that the model ended; the scorer is asked once for all."""
    asked = [
        (i, response)
        for i, responses in enumerate(responses_P_G)
        for response in responses
        if response.finish_reason is FinishReason.answered
    ]
    verdicts = by([problems[i] for i, _ in asked], [response for _, response in asked])
    found: dict[int, list[tuple[Verdict, str]]] = {}
    for (i, response), verdict in zip(asked, verdicts, strict=True):
        if verdict.score is None:
            lost[verdict.reason or "unscored"] += 1
        else:
            found.setdefault(i, []).append((verdict, response.raw))
    return (found.get(i, []) for i in range(len(problems)))


def _score(verdict: Verdict) -> float:
    return 0.0 if verdict.score is None else verdict.score


def lead(chosen: Verdict, rejected: Verdict) -> float:
    """The most by which one verdict is ahead of another in a single part, or at all if it has none.

    Example:
        >>> both = {"a": Verdict(1.0), "b": Verdict(0.5)}
        >>> lead(Verdict(0.75, parts=both), Verdict(0.5, parts={"a": Verdict(0.2), "b": Verdict(0.9)}))
        0.8
    """
    ahead = [
        _score(part) - _score(rejected.parts[key])
        for key, part in chosen.parts.items()
        if key in rejected.parts and part.is_scored and rejected.parts[key].is_scored
    ]
    return max(ahead, default=_score(chosen) - _score(rejected))


def read_pairs(path: Path, problems: Sequence[Problem]) -> list[Row]:
    """The pairs of a file that are about `problems`.

    Args:
        path: JSON lines with `prompt`, `chosen`, `rejected` and `problem`, as `twofold pairs` writes them.
        problems: What is trained on.

    Raises:
        TrainingError: If there is no such file, or a line lacks a key.
    """
    if not path.is_file():
        raise TrainingError(f"there is no file {path}; make one with `twofold pairs`")
    wanted = {problem.id for problem in problems}
    rows = []
    for number, line in enumerate(read_lines(path), 1):
        if missing := [key for key in KEYS if key not in line]:
            raise TrainingError(
                f"{path}, line {number} lacks {', '.join(missing)}; a pair has {', '.join(KEYS)}"
            )
        if line["problem"] in wanted:
            rows.append(line)
    return rows
