"""What of a study is sent to a hub, and what stands on the card of an arm? Beside the studies made here."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from twofold.errors import RunError
from twofold.models import pocket
from twofold.publishing import contents


def test_a_study_is_sent_without_its_models(made: Callable[..., Path], tmp_path: Path) -> None:
    study = made(tmp_path / "study", failed={})
    (study / "report.html").write_text("<p>page</p>")
    (study / "arms").mkdir()
    sent = contents(study)
    assert set(sent.files) == {"manifest.json", "study.json", "report.html"}
    assert (sent.kind, sent.left_out, sent.is_lossy) == ("dataset", ("arms/",), False)
    assert "did both rise?" in sent.readme()


def test_a_study_with_failed_cells_is_known(made: Callable[..., Path], tmp_path: Path) -> None:
    study = made(tmp_path / "study", failed={"joint/seed-0": "no memory"})
    assert contents(study).is_lossy


def test_an_unfinished_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("base: pocket\n")
    with pytest.raises(RunError, match="is not finished; give the command of the study again"):
        contents(tmp_path)


def test_the_card_of_an_arm(made: Callable[..., Path], tmp_path: Path) -> None:
    study = made(tmp_path / "study")
    sent = contents(pocket.FOLDER, card=study, arm="rose", name="me/rose")
    assert sent.block is not None and sent.block.model_index[0]["name"] == "me/rose"
    assert "**Both rose, one training run**." in sent.readme()
    assert json.dumps(sent.block.model_index)
