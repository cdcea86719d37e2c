"""Does accuracy survive a change that it should survive? Word problems, changed one way at a time.

Every problem is asked plainly, and so is each of its variants; the drop is paired by problem. A
distractor that turns up in the wrong answers shows what the model did with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.diagnostics.diagnostic import Diagnostic, Subject
from twofold.diagnostics.lost import unscored_in_words
from twofold.diagnostics.row_table import Column, RowTable, compared, filed, holm_corrected
from twofold.problems.variants import KINDS, variants
from twofold.scorers import Correct
from twofold.stats import change
from twofold.storage.jsonl import Row
from twofold.types import Contrast, Finding, FinishReason, Measure, Problem


@final
@dataclass(frozen=True)
class Variants(Diagnostic):
    """Accuracy on problems and on their variants."""

    name: ClassVar[str] = "variants"
    question: ClassVar[str] = (
        "Does accuracy survive new names, new numbers, a distractor, a longer way?"
    )
    needs_weights: ClassVar[bool] = False

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Ask every variant; see `Diagnostic.collect`."""
        problems = {p.id: p for p in subject.problems if p.answer is not None}
        usual = _commonest(subject.problems)
        for answer in subject.answers:
            item = answer.item
            key = f"original/{item.problem}"
            at_hand = (
                item.condition == "unconstrained" and item.sample == 0 and item.problem in problems
            )
            if at_hand and key not in done:
                yield {
                    "role": subject.role,
                    "key": key,
                    "variant": "original",
                    "of": item.problem,
                    "correct": answer.correct,
                    "guess": int(problems[item.problem].answer == usual),
                }
        asked = [
            (kind, problem.id, made)
            for problem in problems.values()
            for kind, made in variants(problem, seed=subject.seed)
        ]
        keys = [f"{kind}/{of}" for kind, of, _ in asked]
        finished = {(i, 0) for i, key in enumerate(keys) if key in done}
        prompts = [made.messages() for _, _, made in asked]
        stream = subject.model.stream(prompts, subject.sampling, seed=subject.seed, done=finished)
        for i, _, response in stream:
            kind, of, made = asked[i]
            (verdict,) = Correct()([made], [response])
            row: Row = {
                "role": subject.role,
                "key": keys[i],
                "variant": kind,
                "of": of,
                "problem": made.id,
                "correct": verdict.score,
                "why": verdict.reason,
                "guess": int(made.answer == usual),
            }
            yield row | ({"retry": True} if response.finish_reason is FinishReason.failed else {})

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Accuracy by variant, and its drop from the original.

        Returns:
            Measures `accuracy`, condition = variant (`original` too); the floor `constant_reply`, the
            commonest answer of the problems given to all. Contrasts: variant versus `original`, and
            `accuracy_drop` (how much that moved, model versus baseline).
        """
        work = _Work(RowTable(list(rows), "of", seed))
        measures = [each for role in work.table.roles() for each in work.rates(role)]
        contrasts = [each for role in work.table.roles() for each in work.drops(role)]
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=[*measures, *work.floors()],
            contrasts=[*contrasts, *work.changes()],
            caveats=tuple(work.caveats(len(problems))),
        )


def _commonest(asked: Sequence[Problem]) -> str | None:
    """The commonest answer of all that was asked; of equals the first in order."""
    counts = Counter(p.answer for p in asked if p.answer is not None)
    return min(counts, key=lambda answer: (-counts[answer], answer), default=None)


@final
@dataclass(frozen=True)
class _Work:
    """One analysis of the variants."""

    table: RowTable

    def rates(self, role: str) -> Iterator[Measure]:
        for variant in ("original", *KINDS):
            found = self.table.column("correct", role, variant=variant)
            rate = self.table.mean(found, len(self.table.asked(role, variant=variant)))
            yield from filed(role, "accuracy", rate, condition=variant)

    def floors(self) -> Iterator[Measure]:
        role = next(iter(self.table.roles()), "")
        for variant in ("original", *KINDS):
            found = self.table.column("guess", role, variant=variant)
            rate = self.table.mean(found, len(found))
            yield from filed("constant_reply", "accuracy", rate, condition=variant)

    def drops(self, role: str) -> list[Contrast]:
        """Each variant minus the original; Holm over the variants."""
        original = self.table.column("correct", role, variant="original")
        found: list[Contrast] = []
        for kind in KINDS:
            other = self.table.column("correct", role, variant=kind)
            asked = self.table.asked(role, variant="original") & self.table.asked(
                role, variant=kind
            )
            drop = self.table.paired(original, other, len(asked))
            found += compared(role, "original", "accuracy", drop, condition=kind)
        return holm_corrected(found)

    def changes(self) -> list[Contrast]:
        """The difference of the drops, model minus baseline; Holm over the variants."""
        if not self.table.is_pair:
            return []
        found: list[Contrast] = []
        for kind in KINDS:
            old, new = (self._drop(role, kind) for role in ("baseline", "model"))
            asked = self.table.asked("baseline", variant=kind) | self.table.asked(
                "model", variant=kind
            )
            moved = self.table.paired(old, new, len(asked), change)
            found += compared("model", "baseline", "accuracy_drop", moved, condition=kind)
        return holm_corrected(found)

    def _drop(self, role: str, kind: str) -> Column:
        original, other = (
            self.table.column("correct", role, variant=v) for v in ("original", kind)
        )
        return {p: other[p] - original[p] for p in other if p in original}

    def caveats(self, n_problems: int) -> Iterator[str]:
        made = {
            kind: len({r["of"] for r in self.table.rows if r["variant"] == kind}) for kind in KINDS
        }
        few = [f"{kind} of {n}" for kind, n in made.items() if n < n_problems]
        if few and self.table.rows:
            yield (
                f"Not every one of the {n_problems} problems has every variant ({', '.join(few)}): new "
                "numbers, steps and structures need a generator, the others a name or a sentence to go by."
            )
        for role in self.table.roles():
            rows = {
                variant: len(self.table.asked(role, variant=variant))
                for variant in ("original", *KINDS)
            }
            yield from unscored_in_words(
                role, rows, [v for v in rows if self.table.column("correct", role, variant=v)]
            )
