"""A diagnostic: rows that are saved one by one, and a finding that is made of them."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.diagnostics import Diagnostic, Subject
from twofold.stats import mean
from twofold.storage.jsonl import Row
from twofold.types import Finding, Measure, Problem


@final
@dataclass(frozen=True)
class Parroting(Diagnostic):
    """How much of a reply stands in the question already."""

    name: ClassVar[str] = "parroting"
    question: ClassVar[str] = "Does the model repeat the question?"
    needs_weights: ClassVar[bool] = False

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        questions = {problem.id: problem.question for problem in subject.problems}
        for answer in subject.answers:
            key = f"{answer.item.problem}/{answer.item.condition}/{answer.item.sample}"
            words = set(answer.response.reply.split())
            if key not in done and words:
                share = len(words & set(questions[answer.item.problem].split())) / len(words)
                yield {"role": subject.role, "key": key, "share": share}

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        shares = [row["share"] for row in rows if row["role"] == "model"]
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=(Measure(role="model", metric="share", estimate=mean(shares)),)
            if shares
            else (),
        )
