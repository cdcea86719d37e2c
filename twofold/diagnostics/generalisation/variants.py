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
from twofold.errors import StatsError
from twofold.jsonl import Row
from twofold.problems.variants import KINDS, variants
from twofold.scorers import Correct
from twofold.stats import change, corrected, mean, paired
from twofold.types import Comparison, Estimate, Finding, FinishReason, Problem


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
            Estimates `ROLE/VARIANT/accuracy` (`original` too) and the floor `floor/VARIANT/constant`:
            the commonest answer of the problems given to all. Comparisons `ROLE/VARIANT` (variant minus
            original, on the problems that have both) and `change/VARIANT` (how much that moved, model
            minus baseline).
        """
        work = _Analysis(list(rows), seed)
        estimates: dict[str, Estimate] = {}
        comparisons: dict[str, Comparison] = {}
        for role in work.roles():
            estimates |= {f"{role}/{key}": e for key, e in work.rates(role)}
            comparisons |= {f"{role}/{key}": c for key, c in work.drops(role).items()}
        estimates |= dict(work.floors())
        return Finding(
            diagnostic=self.name,
            question=self.question,
            estimates=estimates,
            comparisons=comparisons | work.changes(),
            caveats=tuple(work.caveats(len(problems))),
        )


def _commonest(asked: Sequence[Problem]) -> str | None:
    """The commonest answer of all that was asked; of equals the first in order."""
    counts = Counter(p.answer for p in asked if p.answer is not None)
    return min(counts, key=lambda answer: (-counts[answer], answer), default=None)


Column = dict[str, float]


@final
@dataclass(frozen=True)
class _Analysis:
    rows: Sequence[Row]
    seed: int

    def roles(self) -> list[str]:
        return sorted({row["role"] for row in self.rows}, reverse=True)

    def column(self, role: str, variant: str, measure: str = "correct") -> Column:
        """A measure by original problem; what is unscored is left out."""
        return {
            row["of"]: float(row[measure])
            for row in self.rows
            if row["role"] == role and row["variant"] == variant and row[measure] is not None
        }

    def rates(self, role: str) -> Iterator[tuple[str, Estimate]]:
        for variant in ("original", *KINDS):
            found = self.column(role, variant)
            lost = len(self._asked(role, variant)) - len(found)
            if found:
                yield f"{variant}/accuracy", mean([*found.values()], n_unscored=lost)

    def floors(self) -> Iterator[tuple[str, Estimate]]:
        role = next(iter(self.roles()), "")
        for variant in ("original", *KINDS):
            found = self.column(role, variant, "guess")
            if found:
                yield f"floor/{variant}/constant", mean([*found.values()])

    def drops(self, role: str) -> dict[str, Comparison]:
        """Each variant minus the original; Holm over the variants."""
        original = self.column(role, "original")
        found: dict[str, Comparison] = {}
        for kind in KINDS:
            other = self.column(role, kind)
            shared = sorted(original.keys() & other.keys())
            asked = self._asked(role, "original") & self._asked(role, kind)
            try:
                found[kind] = paired(
                    [original[p] for p in shared],
                    [other[p] for p in shared],
                    n_unscored=len(asked) - len(shared),
                    seed=self.seed,
                )
            except StatsError:
                continue
        return corrected(found)

    def changes(self) -> dict[str, Comparison]:
        """The difference of the drops, model minus baseline; Holm over the variants."""
        if set(self.roles()) != {"model", "baseline"}:
            return {}
        found: dict[str, Comparison] = {}
        for kind in KINDS:
            old, new = (self._drop(role, kind) for role in ("baseline", "model"))
            shared = sorted(old.keys() & new.keys())
            asked = self._asked("baseline", kind) | self._asked("model", kind)
            try:
                found[f"change/{kind}"] = change(
                    [old[p] for p in shared],
                    [new[p] for p in shared],
                    n_unscored=len(asked) - len(shared),
                    seed=self.seed,
                )
            except StatsError:
                continue
        return corrected(found)

    def _asked(self, role: str, variant: str) -> set[str]:
        """The problems that were asked in a variant, scored or not."""
        return {r["of"] for r in self.rows if r["role"] == role and r["variant"] == variant}

    def _drop(self, role: str, kind: str) -> Column:
        original, other = self.column(role, "original"), self.column(role, kind)
        return {p: other[p] - original[p] for p in other if p in original}

    def caveats(self, n_problems: int) -> Iterator[str]:
        made = {kind: len({r["of"] for r in self.rows if r["variant"] == kind}) for kind in KINDS}
        few = [f"{kind} of {n}" for kind, n in made.items() if n < n_problems]
        if few and self.rows:
            yield (
                f"Not every one of the {n_problems} problems has every variant ({', '.join(few)}): new "
                "numbers, steps and structures need a generator, the others a name or a sentence to go by."
            )
        for role in self.roles():
            rows = {variant: len(self._asked(role, variant)) for variant in ("original", *KINDS)}
            yield from unscored_in_words(role, rows, [v for v in rows if self.column(role, v)])
