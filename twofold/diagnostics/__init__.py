"""The diagnostics: one question a file, a slow saved collection and a pure analysis each.

`joint` is always made: it is what an audit measures. The others are asked for by name, one from
outside the package by `package.module:Name`.
"""

from __future__ import annotations

from twofold.diagnostics.chain.faithfulness import Faithfulness
from twofold.diagnostics.chain.information_gain import InformationGain
from twofold.diagnostics.checklist.collect import Checklists
from twofold.diagnostics.diagnostic import TABLES, Analysis, Diagnostic, ScoredResponse, Subject
from twofold.diagnostics.generalisation.ood import Ood
from twofold.diagnostics.generalisation.variants import Variants
from twofold.diagnostics.instruction.ablation import Ablation
from twofold.diagnostics.instruction.distance import Distance
from twofold.diagnostics.joint.analysis import Joint
from twofold.diagnostics.joint.profiles import Profiles
from twofold.errors import RunError
from twofold.extension import instance_named, is_reference
from twofold.judges.spec import Programs
from twofold.types import Model

__all__ = [
    "ANALYSES",
    "ASKED",
    "DIAGNOSTICS",
    "Analysis",
    "Diagnostic",
    "Programs",
    "ScoredResponse",
    "Subject",
    "every",
    "named",
]


def every(
    *,
    n_checked: int = 0,
    checklists: Checklists | None = None,
    paraphraser: Model | None = None,
) -> tuple[Diagnostic, ...]:
    """Every diagnostic besides `joint`, in the order of the page.

    Args:
        n_checked: How many chains are scored a second time, the plain way.
        checklists: Who judges checklists; None = what rules decide.
        paraphraser: Who puts chains in other words, besides rules; None = nobody.
    """
    return (
        checklists or Checklists(),
        InformationGain(n_checked, paraphraser),
        Faithfulness(n_checked, paraphraser),
        Distance(),
        Ablation(),
        Ood(),
        Variants(),
    )


ASKED = every()
"""The same, as they analyse what is saved."""

ANALYSES: tuple[Analysis, ...] = (Joint(), Profiles(), *ASKED)
"""Everything that can be made of a run's tables, in the order of the page."""

DIAGNOSTICS = ("joint", *(each.name for each in ASKED))
"""The names that `twofold audit --diagnostics` knows."""


def named(
    names: str,
    *,
    n_checked: int = 0,
    judge: str | None = None,
    programs: Programs | None = None,
    paraphraser: Model | None = None,
) -> tuple[Diagnostic, ...]:
    """The diagnostics that a list of names with commas means; `all` = every one there is.

    Args:
        names: Names of `DIAGNOSTICS`, or `package.module:Name`.
        n_checked: How many chains are scored a second time, the plain way.
        judge: Who judges checklists, see `twofold.judges.spec.named`; where one is named, `checklist` is
            asked for. None = it is not part of `all` (few problems have one), and by its name means what
            rules decide.
        programs: What the judge makes of criteria that have a program; see `Blend`.
        paraphraser: Who puts chains in other words, besides rules; None = nobody.

    Raises:
        RunError: If there is no such diagnostic.
        ExtensionError: If a reference names no diagnostic.

    Example:
        >>> [each.name for each in named("joint,faithfulness")]
        ['faithfulness']
    """
    wanted = {name.strip() for name in names.split(",")}
    outside = sorted(filter(is_reference, wanted))
    if unknown := sorted(wanted - {"all", *DIAGNOSTICS, *outside}):
        raise RunError(
            f"there is no diagnostic {', '.join(unknown)}; there is {', '.join(DIAGNOSTICS)}, all, or "
            "one of yours as package.module:Name"
        )
    if judge is not None:
        wanted.add(Checklists.name)
    listed = Checklists() if judge is None else Checklists.by(judge, programs)
    there = every(n_checked=n_checked, checklists=listed, paraphraser=paraphraser)
    whole = {each.name for each in there} - {Checklists.name} if "all" in wanted else set()
    chosen = (each for each in there if each.name in wanted | whole)
    return (*chosen, *map(_from_outside, outside))


def _from_outside(reference: str) -> Diagnostic:
    found = instance_named(reference, Diagnostic)
    taken = {*TABLES, *DIAGNOSTICS, *(each.table for each in ASKED)}
    if {found.name, found.table} & taken:
        raise RunError(
            f"{reference} is called {found.name!r} and writes {found.table}.jsonl, which a part of "
            "twofold does already; give it a name of its own"
        )
    return found
