"""How do the published checkers differ from what the instructions say?

Both profiles judge the same replies; the table has a row for each constraint of each reply. A
difference here is a property of the checker, not of the model, and changes published numbers as much.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from twofold.diagnostics.diagnostic import Analysis
from twofold.diagnostics.joint.table import scored_mean, scored_paired
from twofold.diagnostics.row_table import compared, filed, holm_corrected
from twofold.storage.jsonl import Row
from twofold.types import ALL, Contrast, Finding, Measure, Problem, Slice

ANSWER = "answer"  # The type of the rows about answers, which have no constraint

PROFILES = ("official", "fixed")


def rows(
    official: Iterable[Mapping[str, Any]], fixed: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The rows of `profiles.jsonl` from two aligned runs of verdict rows."""
    for both in zip(official, fixed, strict=True):
        problem = both[0]["problem"]
        if all("correct" in row for row in both):
            scores = [row["correct"]["score"] for row in both]
            yield {"problem": problem, "type": ANSWER, **dict(zip(PROFILES, scores, strict=True))}
        parts = [row.get("compliant", {}).get("parts", {}) for row in both]
        for key in parts[1]:
            if key in parts[0]:
                scores = [each[key]["score"] for each in parts]
                name = key.partition("#")[0]
                yield {"problem": problem, "type": name, **dict(zip(PROFILES, scores, strict=True))}


_JUDGED = (
    "{} verdicts of the published checkers are on what `fixed` leaves unscored, such as a thought that did "
    "not end, which they judge as the reply. The differences leave these out."
)


@final
@dataclass(frozen=True)
class Profiles(Analysis):
    """The published checkers beside the fixed ones, by constraint type."""

    name: ClassVar[str] = "profiles"
    question: ClassVar[str] = (
        "Over all replies, what do the published checkers say that the instructions' words do not?"
    )

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Rates under both profiles, and `fixed` versus `official` on replies that both can judge.

        The metric is `accuracy` for the grader of answers and `met`, sliced by type, for constraints.
        """
        numbers: dict[str, int] = {}
        columns: dict[str, tuple[array[int], array[float]]] = defaultdict(
            lambda: (array("q"), array("d"))
        )
        for row in rows:
            of, scores = columns[row["type"]]
            of.append(numbers.setdefault(row["problem"], len(numbers)))
            scores.extend(float("nan") if row[p] is None else row[p] for p in PROFILES)
        measures: list[Measure] = []
        n_more = 0
        contrasts: list[Contrast] = []
        for name, (of, scores) in sorted(columns.items()):
            metric, part = ("accuracy", ALL) if name == ANSWER else ("met", Slice("type", name))
            problem, (official, fixed) = np.array(of), np.array(scores).reshape(-1, 2).T
            n_more += int((np.isnan(fixed) & ~np.isnan(official)).sum())
            for profile, values in zip(PROFILES, (official, fixed), strict=True):
                estimate = scored_mean(values, problem)
                measures += filed("model", metric, estimate, condition=profile, slice=part)
            found = scored_paired(official, fixed, problem, seed=seed)
            contrasts += compared("model", "official", metric, found, condition="fixed", slice=part)
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=measures,
            contrasts=holm_corrected(contrasts),
            caveats=(_JUDGED.format(n_more),) if n_more else (),
        )
