"""All mechanisms on one scale: the problem of medium difficulty, paired changes, the README's table."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from recipes.archive import unpack
from twofold.models.scripted import ScriptedModel
from twofold.types import Problem, Response

one = import_module("recipes.elicitation.one_scale")
shares = import_module("recipes.elicitation.shares")
FOLDER = Path(one.__file__).parent


class Made:
    """Obedience and accuracy of an arm, a row per run."""

    def __init__(self, *rows: list[float], first: int = 0) -> None:
        self.rows = np.array(rows)
        self.tables = {first + i: None for i in range(len(rows))}

    def matrix(self, key, seeds) -> np.ndarray:
        return self.rows

    def asked(self, key, seeds) -> np.ndarray:
        return np.ones(self.rows.shape[1], dtype=bool)


def test_the_problem_of_medium_difficulty_is_right_half_of_the_time(monkeypatch) -> None:
    answers = {"never": ["1"], "half": ["1", "2"], "always": ["2"]}
    lines = {q: [rf"\boxed{{{each}}}" for each in of] for q, of in answers.items()}
    monkeypatch.setattr(one, "resolve", lambda name: ScriptedModel(lines))
    problems = [Problem(question=question, answer="2") for question in answers]
    assert one.medium(problems).question == "half"


def test_runs_with_the_same_seeds_are_paired_and_others_are_not() -> None:
    """The runs differ by 0.4 and the arm is .05 or .15 above its control: paired, the runs cancel out."""
    control = Made([0.1, 0.2, 0.0, 0.1] * 10, [0.5, 0.6, 0.4, 0.5] * 10)
    arm = Made(*(control.rows + [0.05, 0.15] * 20))
    assert one._beyond(arm, control).startswith("+0.100 [+0.")
    later = Made(*control.rows, first=7)  # runs of other seeds
    assert one._beyond(arm, later).startswith("+0.100 [−")


def test_recovery_is_the_share_of_the_mean_of_the_runs() -> None:
    """Base .2, tuned .7, arm .45 on average of two runs: half of the gain."""
    base, tuned = [0.0] * 8 + [1.0] * 2, [0.0] * 3 + [1.0] * 7
    low, high = [0.0] * 7 + [1.0] * 3, [0.0] * 4 + [1.0] * 6
    found = {
        "base": Made(base * 10),
        "full": Made(tuned * 10),
        "arm": Made(low * 10, high * 10),
        "same": Made(base * 10),
    }
    assert one._recovered("arm", found).startswith("0.500 [")
    found["full"] = found["same"]
    assert one._recovered("arm", found) == "not defined"


def test_a_reply_without_a_score_is_not_wrong() -> None:
    """Of two problems one has an answer: the reply to the other has no score, and is counted."""
    known, unknown = Problem(question="a", answer="2"), Problem(question="b")
    found = shares.right(
        [known, known, unknown], [Response(raw=r, reply=r) for r in ("2", "1", "2")]
    )
    assert (found.value, found.n, found.n_unscored) == (0.5, 1, 1)


def test_the_readme_has_the_table_of_the_kept_run(tmp_path: Path) -> None:
    unpack(one.KEPT, tmp_path)
    rows = one.table(tmp_path).splitlines()
    assert len(rows) > 20
    text = (FOLDER / "README.md").read_text()
    assert [row for row in rows if row not in text] == []


def test_the_readme_has_the_panel_of_smollm2(tmp_path: Path) -> None:
    unpack(FOLDER / "smollm2_panel.tar.xz", tmp_path / "run")
    rows = import_module("recipes.elicitation.smollm2").table(tmp_path / "run").splitlines()
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(rows) > 20
    assert [row for row in rows if row and row not in text] == []
