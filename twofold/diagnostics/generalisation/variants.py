"""Does accuracy survive changes that should not matter? Word problems, changed one way at a time.

Each problem and each of its variants is asked; the drop is paired by problem.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import ClassVar, final

from twofold.diagnostics.diagnostic import Diagnostic, Subject
from twofold.diagnostics.row_table import RowTable, holm_corrected
from twofold.problems.variants import KINDS, variants
from twofold.scorers import Correct
from twofold.storage.jsonl import Row
from twofold.types import Contrast, Finding, Problem

VARIANTS = ("original", *KINDS)


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
        for answer in subject.first_answers(problems):
            of = answer.item.problem
            key = f"original/{of}"
            if answer.item.condition == "unconstrained" and key not in done:
                yield {
                    "role": subject.role,
                    "key": key,
                    "variant": "original",
                    "of": of,
                    "correct": answer.correct,
                    "guess": int(problems[of].answer == usual),
                }
        asked = {
            f"{kind}/{of}": (kind, of, made)
            for of, problem in problems.items()
            for kind, made in variants(problem, seed=subject.seed)
        }
        chats = {key: made.messages() for key, (_, _, made) in asked.items()}
        for key, response in subject.ask(chats, done):
            kind, of, made = asked[key]
            (verdict,) = Correct()([made], [response])
            yield subject.row(
                key,
                response,
                variant=kind,
                of=of,
                problem=made.id,
                correct=verdict.score,
                why=verdict.reason,
                guess=int(made.answer == usual),
            )

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Accuracy by variant, and its drop from the original.

        Returns:
            Measures `accuracy`, condition = variant (`original` too); the floor `constant_reply`, the
            most common answer given to all problems. Contrasts: variant versus `original`, and
            `accuracy_drop` (how much that changed, model versus baseline).
        """
        table = RowTable(list(rows), "variant", "of", seed)
        roles = table.roles()
        columns = [(role, role, "correct") for role in roles]
        columns += [("constant_reply", role, "guess") for role in roles[:1]]
        drops = [holm_corrected(_drops(table, role)) for role in roles]
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=[
                measure
                for name, role, field in columns
                for variant in VARIANTS
                for measure in table.measure(
                    name, variant, "accuracy", table.column(role, variant, field)
                )
            ],
            contrasts=[*chain.from_iterable(drops), *holm_corrected(_changes(table))],
            caveats=tuple(_caveats(table, len(problems))),
        )


def _commonest(asked: Sequence[Problem]) -> str | None:
    """The most common answer; the first in sorted order on ties."""
    counts = Counter(p.answer for p in asked if p.answer is not None)
    return min(counts, key=lambda answer: (-counts[answer], answer), default=None)


def _drops(table: RowTable, role: str) -> Iterator[Contrast]:
    """Each variant minus the original."""
    for kind in KINDS:
        yield from table.within(role, "original", kind, "accuracy", "correct")


def _changes(table: RowTable) -> Iterator[Contrast]:
    """The difference of the drops, model minus baseline."""
    for kind in KINDS:
        drop = partial(table.minus, first=kind, second="original", field="correct", asked=kind)
        yield from table.changed(kind, "accuracy_drop", drop)


def _caveats(table: RowTable, n_problems: int) -> Iterator[str]:
    made = {kind: len({r["of"] for r in table.rows if r["variant"] == kind}) for kind in KINDS}
    few = [f"{kind} of {n}" for kind, n in made.items() if n < n_problems]
    if few and table.rows:
        yield (
            f"Not all of the {n_problems} problems have every variant ({', '.join(few)}): new numbers, "
            "steps and structures need a generator, the others a name or a sentence to replace."
        )
    for role in table.roles():
        yield from table.unscored(role, "correct", VARIANTS)
