"""The table of obedience of the SmolLM2 adapters is what its saved replies give (`obedience.tar.xz`)."""

import re
import tarfile
from pathlib import Path

from twofold.report.study import Page
from twofold.report.study_file import ACCURACY, HACC, JOINT, OBEDIENCE
from twofold.report.wording import spread
from twofold.study import finalize, read
from twofold.types import ALL

RECIPE = Path(__file__).parents[2] / "recipes" / "10_smollm2_study"
KEYS = (ACCURACY, OBEDIENCE, HACC, JOINT)
SPLITS = {"test": "trained", "held_out": "held-out", "ood": "out of distribution"}


def test_the_readme_has_the_numbers_of_the_saved_replies(tmp_path: Path) -> None:
    with tarfile.open(RECIPE / "obedience.tar.xz") as saved:
        saved.extractall(tmp_path, filter="data")
    plan = tmp_path / "study.yaml"
    found = re.sub(r"runs/smollm2/obedience/(\w+\.jsonl)", rf"{tmp_path}/\1", plan.read_text())
    plan.write_text(found)
    finalize(read(plan), tmp_path)
    page = Page.of(tmp_path)
    outcomes = {(v.arm, v.split): v.outcome.value for v in page.study.verdicts if v.slice_by == ""}
    wanted = []
    for split, name in SPLITS.items():
        base = [page.findings[split].estimate(k[0], role="base", condition=k[1]) for k in KEYS]
        wanted.append(f"| {name} | base | {' | '.join(map(spread, base))} | |")
        for arm in ("sft", "sft_obedient"):
            changes = [page.comparison(arm, key, split, ALL) for key in KEYS]
            assert all(changes)
            told = [spread(each.difference, sign=True) for each in changes if each]
            wanted.append(f"| | {arm} | {' | '.join(told)} | {outcomes[arm, split]} |")
    text = (RECIPE / "README.md").read_text()
    assert [row for row in wanted if row not in text] == [], "\n".join(wanted)
