"""`python -m recipes.the_answer.versus STUDY A B`: arm A minus arm B in every column, both trained anew."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from twofold.problems import load
from twofold.report.study_file import OBEDIENCE
from twofold.report.wording import spread
from twofold.study.scores import SIGNED, difference

from .arms import OOD as OOD_PROBLEMS
from .table import COLUMNS, OOD, TEST, mask, scores_of, types

if __name__ == "__main__":
    study, arm, other = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    problems = {TEST: types.test(), OOD: load(OOD_PROBLEMS, profile="fixed")}
    for title, split, key, group in COLUMNS:
        pair = [scores_of(problems[split], study, name, split) for name in (other, arm)]
        asked = mask(pair[0].problems, group)
        before, after = (np.where(asked, each.matrix(key, [*each.tables]), np.nan) for each in pair)
        limits = SIGNED if key == OBEDIENCE else None
        change = difference(before, after, asked, limits=limits, base_is_trained=True)
        if change is not None:
            print(f"{title}: {spread(change.difference, sign=True)}, p {change.p:.3f}")
