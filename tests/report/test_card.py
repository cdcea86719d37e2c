"""A model's card: metadata that Hugging Face's own reader takes, and a table with floors beside scores."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard, ModelCardData

from twofold.cli import main
from twofold.errors import RunError
from twofold.report.card import card
from twofold.report.findings import finding_to_json
from twofold.types import Comparison, Estimate, Finding, Measure, Outcome
from twofold.types.finding import Contrast

SHARE = Estimate(value=0.5, low=0.25, high=0.75, n=8, n_unscored=1, method="wilson")
FLOOR = Estimate(value=0.125, low=0.0, high=0.5, n=8, method="wilson")
CHANGE = Comparison(
    difference=replace(SHARE, value=0.125, low=-0.25, high=0.5),
    before=replace(SHARE, value=0.375),
    after=SHARE,
    n_improved=2,
    n_regressed=1,
    p=1.0,
    test="exact",
)


def finding(outcome: Outcome | None = None) -> Finding:
    return Finding(
        diagnostic="joint",
        question="Both?",
        measures=(
            Measure(role="model", condition="constrained", metric="hacc", estimate=SHARE),
            Measure(
                role="model",
                metric="obedience",
                estimate=replace(SHARE, value=-0.125, low=-0.25, high=0.0),
            ),
            Measure(role="constant_reply", metric="hacc", estimate=FLOOR),
        ),
        contrasts=(
            Contrast(
                role="model",
                versus="baseline",
                condition="constrained",
                metric="hacc",
                comparison=CHANGE,
            ),
        )
        if outcome
        else (),
        outcome=outcome,
        caveats=("few problems",),
    )


def written(
    path: Path,
    *,
    outcome: Outcome | None = None,
    command: str = "twofold audit /home/me/new --problems hub:org/set:test",
    **lost: object,
) -> Path:
    path.mkdir()
    saved = {"findings": [finding_to_json(finding(outcome))], "lost": lost}
    (path / "findings.json").write_text(json.dumps(saved))
    names = {"model": "/home/me/new"} | ({"baseline": "org/old"} if outcome else {})
    identity = {
        "problems": {"n": 9, "sha256": "ab"},
        "sampling": {"max_tokens": 64, "temperature": 0.0},
        "n": 1,
    }
    manifest = {"form": 2, "identity": identity, "command": command, "models": names}
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path


def read(text: str) -> Any:
    """The metadata as Hugging Face's own reader gives them."""
    return ModelCard(text).data


def test_the_metadata_by_hand_and_by_the_hub_s_own_reader(tmp_path: Path) -> None:
    text = card(written(tmp_path / "run")).text()
    data = read(text)
    assert data.model_name == "new"
    met, told = sorted(data.eval_results, key=lambda each: each.metric_type)
    assert (met.metric_type, met.metric_value, met.verified) == ("hacc", 0.5, False)
    assert met.metric_name == (
        "All constraints met (HAcc) (95% interval 0.250 to 0.750, n = 8, 1 unscored)"
    )
    assert met.metric_args["low"] == 0.25 and met.metric_args["n_unscored"] == 1
    assert (met.task_type, met.dataset_type, met.dataset_split) == (
        "text-generation",
        "org/set",
        "test",
    )
    assert met.dataset_args == {"n": 9, "sha256": "ab"}
    assert told.metric_value == -0.125 and "-0.250 to 0.000" in str(told.metric_name)
    assert str(tmp_path) not in text and "/home" not in text


def test_a_data_set_with_a_configuration(tmp_path: Path) -> None:
    command = "twofold audit new --problems hub:org/set:main:test"
    (met, _) = read(card(written(tmp_path / "run", command=command)).text()).eval_results
    assert (met.dataset_type, met.dataset_config, met.dataset_split) == ("org/set", "main", "test")


def test_it_goes_through_the_hub_s_writer_and_back(tmp_path: Path) -> None:
    """`ModelCardData` gives the same index again, so a tool that edits the card loses nothing."""
    index = card(written(tmp_path / "run")).model_index()
    taken: Any = ModelCardData
    data = taken(**{"model-index": index})
    assert data.to_dict()["model-index"] == index


def test_the_table_has_floors_beside_scores_and_no_bare_number(tmp_path: Path) -> None:
    body = card(written(tmp_path / "run")).text().split("---\n", 2)[2]
    (met,) = [line for line in body.splitlines() if line.startswith("| All constraints met")]
    assert [cell.strip() for cell in met.split("|")[2:-1]] == [
        "0.500",
        "[0.250, 0.750]",
        "8",
        "1",
        "constant reply 0.125 [0.000, 0.500], n = 8, 0 unscored",
    ]
    assert "reply that ignores the rules 0.000 [0.000, 0.000], n = 8, 1 unscored" in body
    assert "- few problems" in body and "max_tokens 64, temperature 0.0; samples" in body


def test_a_pair_has_its_change_and_the_verdict_in_words(tmp_path: Path) -> None:
    text = card(written(tmp_path / "run", outcome=Outcome.none_rises), name="me/new").text()
    assert "**Neither rose, one training run**." in text
    assert "change against org/old" in text
    assert "+0.125 [−0.250, +0.500], n = 8, 1 unscored, p 1.000" in text
    assert read(text).model_name == "me/new"


def test_hostile_names_stay_text(pair_run: Path, attack: str) -> None:
    text = card(pair_run).text()
    assert "<script" not in text.split("---\n", 2)[2]
    names = yaml.safe_load(text.split("---")[1])["model-index"][0]["name"]
    assert names in f"tuned {attack}"
    named = card(pair_run, name="a\n---\nb: c").text()
    assert read(named).model_name == "a\n---\nb: c"


def test_an_arm_of_a_study(made: Callable[..., Path], tmp_path: Path) -> None:
    study = made(tmp_path / "study")
    text = card(study, arm="rose").text()
    assert "**Both rose, one training run**." in text
    (met,) = [line for line in text.splitlines() if line.startswith("| All constraints met")]
    assert "0.900" in met and "bare answer 0.230" in met and "p < 0.001" in met
    data = read(text)
    assert data.model_name == "rose"
    assert data.eval_results[0].dataset_name == "pocket:13"
    assert "change against" not in card(study, arm="base").text()


@pytest.mark.parametrize(
    ("arm", "remedy"),
    [
        (None, "is a study; name one of its arms with --arm: base, rose, paid, late"),
        ("gone", "has no arm gone; name one of its arms"),
        ("late", "is not finished; give the command of the study again"),
    ],
)
def test_an_arm_that_is_not_there_names_the_remedy(
    arm: str | None, remedy: str, made: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=remedy):
        card(made(tmp_path / "study"), arm=arm)


def test_an_audit_has_no_arm_and_a_folder_no_card(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="leave --arm out"):
        card(written(tmp_path / "run"), arm="rose")
    with pytest.raises(RunError, match="is not a run directory"):
        card(tmp_path)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["twofold", *map(str, arguments)])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_the_command_writes_a_new_file_and_leaves_an_edited_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = written(tmp_path / "run"), tmp_path / "cards" / "README.md"
    assert call(monkeypatch, "card", run) == 0
    shown = capsys.readouterr().out
    for _ in range(2):  # the same card again changes nothing
        assert call(monkeypatch, "card", run, "--out", out) == 0
        assert out.read_text() == shown
    edited = out.read_bytes() + b"My own words.\n"
    out.write_bytes(edited)
    assert call(monkeypatch, "card", run, "--out", out) == 2
    assert out.read_bytes() == edited
    assert "choose another --out" in capsys.readouterr().err


def test_a_run_that_lost_too_much_is_status_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = written(tmp_path / "run", n=3, of=9, too_many=True)
    assert call(monkeypatch, "card", run) == 3
    shown = capsys.readouterr()
    assert "do not publish" in shown.err and "3 of 9 responses were lost" in shown.out
