"""The diagnostics: one question a file, each with a slow saved collection and a pure analysis.

Every audit makes `joint`. The others are selected by name, your own by `package.module:Name`.
"""

from __future__ import annotations

from twofold.diagnostics.chain.faithfulness import Faithfulness
from twofold.diagnostics.chain.information_gain import InformationGain
from twofold.diagnostics.checklist.collect import Checklists
from twofold.diagnostics.diagnostic import TABLES, Analysis, Diagnostic, ScoredResponse, Subject
from twofold.diagnostics.elicitation.analysis import Elicitation
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


def _every(checklists: Checklists, n_checked: int, paraphraser: Model | None) -> list[Diagnostic]:
    """Every diagnostic besides `joint`, in the order of the page."""
    return [
        checklists,
        InformationGain(n_checked, paraphraser),
        Faithfulness(n_checked, paraphraser),
        Distance(),
        Ablation(),
        Ood(),
        Variants(),
        Elicitation(),
    ]


# Every diagnostic besides `joint`, for analysing saved rows.
ASKED = tuple(_every(Checklists(), 0, None))

# Every analysis of a run's tables, in the order of the page.
ANALYSES: tuple[Analysis, ...] = (Joint(), Profiles(), *ASKED)

# The names that `twofold audit --diagnostics` takes.
DIAGNOSTICS = ("joint", *(each.name for each in ASKED))


def diagnostics_named(
    names: str,
    *,
    n_checked: int = 0,
    judge: str | None = None,
    programs: Programs | None = None,
    paraphraser: Model | None = None,
) -> tuple[Diagnostic, ...]:
    """The diagnostics of a comma-separated list of names.

    `all` = every one but `elicitation`, which samples more than all the others together and explains a
    gain, so that it needs a baseline; it is asked for by its name.

    Args:
        names: Names of `DIAGNOSTICS`, or `package.module:Name`.
        n_checked: How many chains are scored a second time, without packing.
        judge: The judge of checklists, see `twofold.judges.spec`; naming one selects `checklist`.
            None = `all` leaves `checklist` out, and by its name rules judge.
        programs: What the judge does with criteria that have a program; see `Blend`.
        paraphraser: The model that paraphrases chains, besides rules; None = rules only.

    Raises:
        RunError: If there is no such diagnostic.
        ExtensionError: If a reference names no diagnostic.

    Example:
        >>> [each.name for each in diagnostics_named("joint,faithfulness")]
        ['faithfulness']
    """
    wanted = {name.strip() for name in names.split(",")}
    outside = sorted(filter(is_reference, wanted))
    if unknown := sorted(wanted - {"all", *DIAGNOSTICS, *outside}):
        raise RunError(
            f"there is no diagnostic {', '.join(unknown)}; choose from {', '.join(DIAGNOSTICS)}, all, or "
            "your own as package.module:Name"
        )
    if "all" in wanted:
        wanted |= {*DIAGNOSTICS} - {Checklists.name, Elicitation.name}
    if judge is not None:
        wanted.add(Checklists.name)
    checklists = Checklists() if judge is None else Checklists.by(judge, programs)
    every = _every(checklists, n_checked, paraphraser)
    chosen = [each for each in every if each.name in wanted]
    return (*chosen, *map(_from_outside, outside))


def _from_outside(reference: str) -> Diagnostic:
    found = instance_named(reference, Diagnostic)
    taken = {*TABLES, *DIAGNOSTICS, *(each.table for each in ASKED)}
    if {found.name, found.table} & taken:
        raise RunError(
            f"{reference} is called {found.name!r} and writes {found.table}.jsonl, which twofold uses "
            "itself; give it another name"
        )
    return found
