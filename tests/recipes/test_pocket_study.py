"""The tables of the pocket study are what its saved replies give (`study.tar.xz`, all but the weights)."""

import tarfile
from pathlib import Path

import pytest

from twofold.report.study import Page
from twofold.report.study_file import ACCURACY, CONSTRAINED_ACCURACY, HACC, JOINT, OBEDIENCE
from twofold.report.wording import spread
from twofold.study import finalize, read
from twofold.types import ALL, Slice

RECIPE = Path(__file__).parents[2] / "recipes" / "00_pocket_study"
PARTS = {
    "test": ("test", ALL),
    "trained types": ("test", Slice("constraint_types", "seen")),
    "held-out types": ("test", Slice("constraint_types", "held_out")),
    "competing types": ("test", Slice("competes", "competing")),
    "neutral types": ("test", Slice("competes", "neutral")),
    "out of distribution": ("ood", ALL),
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("study")
    with tarfile.open(RECIPE / "study.tar.xz") as saved:
        saved.extractall(folder, filter="data")
    finalize(read(folder / "study.yaml"), folder)
    return Page.of(folder)


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def test_the_readme_has_the_numbers_of_the_saved_replies(page: Page) -> None:
    outcomes = {(v.arm, v.split, v.slice_by, v.slice): v.outcome.value for v in page.study.verdicts}
    wanted = []
    for arm in page.study.arms:
        keys = (ACCURACY, CONSTRAINED_ACCURACY, OBEDIENCE, HACC, JOINT)
        verdict = outcomes.get((arm, "test", *ALL), "")
        wanted.append(row(arm, *(spread(page.estimate(arm, key)) for key in keys), verdict))
    for arm in ("answer_only", "joint"):
        for name, (split, part) in PARTS.items():
            found = [
                page.comparison(arm, key, split, part) for key in (ACCURACY, OBEDIENCE, HACC, JOINT)
            ]
            assert all(found)
            cells = [spread(each.difference, sign=True) for each in found if each]
            label = arm if name == "test" else ""
            wanted.append(row(label, name, *cells, outcomes[arm, split, *part]))
    text = (RECIPE / "README.md").read_text()
    assert [each for each in wanted if each not in text] == []
    assert [seeds for arm in page.study.arms.values() for seeds in arm.seeds] == [*range(5)] * 4
