"""Which problems are asked when each stands beside its twin, and which rows belong together?"""

import logging
from collections.abc import Sequence

from twofold.methods.method import Problems, TrainingError
from twofold.problems.contrast import TWIN_OF, with_twins
from twofold.storage.jsonl import Row
from twofold.types import Problem, Share

_log = logging.getLogger(__name__)


def contrasted(problems: Problems) -> list[Problem]:
    """The problems, each followed by its twin; the log says how many have one."""
    found = with_twins(problems)
    if problems and len(found) == len(problems):
        raise TrainingError(
            f"contrast: none of the {len(problems)} problems has a rule that can be turned into its "
            "opposite (stated apart from the question, no checklist); leave contrast out"
        )
    if Share.here().rank == 0:
        told = len(found) - len(problems), len(problems)
        _log.warning("contrast: %d of %d problems stand beside their opposite", *told)
    return found


def paired(rows: Sequence[Row], problems: Problems) -> list[Row]:
    """The rows of `contrasted` problems, with the id of the first of each pair as `pair`."""
    firsts = {problem.tags.get(TWIN_OF) for problem in problems}
    pairs = {p.id: p.tags.get(TWIN_OF, p.id if p.id in firsts else None) for p in problems}
    return [row | {"pair": pairs[row["problem"]]} for row in rows]
