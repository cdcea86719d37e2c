"""Runs side by side: values by hand, changes that are paired by problem, and why there are none."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from twofold import audit
from twofold.cli import main
from twofold.constraints import from_spec
from twofold.diagnostics.joint.analysis import Joint
from twofold.errors import RunError
from twofold.models.scripted import ScriptedModel
from twofold.report.compare import compare
from twofold.report.run_scores import COLUMNS
from twofold.runs.finalize import finalize
from twofold.runs.score import score
from twofold.types import Estimate, Measure, Problem, Sampling

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")


def problems(n: int) -> list[Problem]:
    return [
        Problem(question=f"What is {i} + 0?", answer=str(i), constraints=(NO_COMMA,))
        for i in range(n)
    ]


def run(
    out: Path, *, right: int, obeys: int, n: int = 20, sampling: Sampling | None = None
) -> Path:
    """An audit: right on the first `right` problems; when told, obedient on the first `obeys`."""

    def reply(prompt: str, sample: int) -> str:
        index = int(prompt.split("What is ")[1].split(" ")[0])
        answer = index if index < right else index + 1000
        told = "comma" in prompt
        return rf"It is{'' if told and index < obeys else ','} \boxed{{{answer}}}."

    audit(ScriptedModel(reply), problems(n), out=out, sampling=sampling or Sampling(max_tokens=64))
    return out


def value(measures: Sequence[Measure], role: str, metric: str) -> Estimate:
    (found,) = [m.estimate for m in measures if (m.role, m.metric) == (role, metric)]
    return found


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    home = tmp_path_factory.mktemp("runs")
    return [
        run(home / "old", right=5, obeys=10),
        run(home / "new", right=15, obeys=10),
        run(home / "newer", right=5, obeys=13),
    ]


def test_values_and_changes_by_hand(three: list[Path]) -> None:
    found = compare(three)
    assert list(found.models) == ["old", "new", "newer"] and not found.unpaired
    assert [value(found.measures, name, "accuracy").value for name in found.models] == [
        0.25,
        0.75,
        0.25,
    ]
    assert [value(found.measures, name, "hacc").value for name in found.models] == [0.5, 0.5, 0.65]
    # nobody obeys untold, so obedience is compliance
    assert [value(found.measures, name, "obedience").value for name in found.models] == [
        0.5,
        0.5,
        0.65,
    ]
    assert [value(found.measures, name, "joint").value for name in found.models] == [
        0.25,
        0.5,
        0.25,
    ]
    by = {(c.role, c.metric): c.comparison for c in found.contrasts}
    right = by["new", "accuracy"]
    assert (right.difference.value, right.n_improved, right.n_regressed) == (0.5, 10, 0)
    assert right.p == pytest.approx(2 / 2**10)  # exact McNemar: ten of ten one way
    assert right.p_adjusted == pytest.approx(2 * 2 / 2**10)  # the smaller of two p
    assert by["newer", "accuracy"].p_adjusted == 1
    assert by["newer", "hacc"].difference.value == pytest.approx(0.15)
    assert by["newer", "hacc"].p == pytest.approx(0.25)  # three of three one way: 2 / 2 ** 3
    assert by["newer", "hacc"].p_adjusted == pytest.approx(0.5)


def test_a_change_is_that_of_an_audit_with_the_first_as_baseline(
    three: list[Path], tmp_path: Path
) -> None:
    """The same rows under two roles give the same comparison, but for Holm's correction."""
    rows = []
    for path, role in ((three[0], "baseline"), (three[1], "model")):
        saved = map(json.loads, (path / "joint.jsonl").read_text().splitlines())
        rows += [{**row, "role": role} for row in saved if row["role"] == "model"]
    pair = Joint().analyse(rows, problems(20))
    changes = compare(three[:2]).contrasts
    assert len(changes) == 4
    for each in changes:
        whole = pair.comparison(each.metric, condition=each.condition)
        assert whole is not None
        assert replace(each.comparison, p_adjusted=None) == whole


def with_tokens(run_dir: Path, out: Path, n: int) -> Path:
    """The run with a number of tokens for each reply, a tenth of it unknown."""
    out.mkdir()
    for file in run_dir.iterdir():
        (out / file.name).write_bytes(file.read_bytes())
    rows = [json.loads(line) for line in (out / "joint.jsonl").read_text().splitlines()]
    told = [row for row in rows if (row["role"], row["condition"]) == ("model", "constrained")]
    for row in told[2:]:
        row["n_reply_tokens"] = n
    (out / "joint.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return out


def test_tokens_by_hand(three: list[Path], tmp_path: Path) -> None:
    """Each of 18 counted replies is 2 tokens longer: 18 of 18 signs one way."""
    found = compare(
        [with_tokens(three[0], tmp_path / "a", 10), with_tokens(three[1], tmp_path / "b", 12)]
    )
    tokens = value(found.measures, "b", "tokens")
    assert (tokens.value, tokens.n, tokens.n_unscored) == (12, 18, 2)
    (change,) = [c.comparison for c in found.contrasts if c.metric == "tokens"]
    assert (change.difference.value, change.difference.n, change.difference.n_unscored) == (
        2,
        18,
        2,
    )
    assert change.before.value == 10
    assert change.p == pytest.approx(1 / 2001)  # none of 2,000 drawn flips is as large
    assert any("may not be one unit" in note for note in found.notes)


def test_other_problems_are_not_paired(three: list[Path], tmp_path: Path) -> None:
    found = compare([three[0], run(tmp_path / "short", right=5, obeys=9, n=9)])
    assert not found.contrasts
    assert found.unpaired == {
        "short": "other problems: 9 constrained, against 20, and 9 in both; ask both the same"
    }
    assert value(found.measures, "short", "hacc").value == 1  # its own value stands
    assert "- short: no paired change, other problems" in found.markdown()


def test_other_sampling_is_not_paired(three: list[Path], tmp_path: Path) -> None:
    warm = run(
        tmp_path / "warm", right=5, obeys=9, sampling=Sampling(max_tokens=64, temperature=0.5)
    )
    found = compare([three[0], warm, three[1]])
    assert found.unpaired == {"warm": "other sampling: temperature is 0.5, against 0.0"}
    assert {each.role for each in found.contrasts} == {"new"}
    (right,) = [c.comparison for c in found.contrasts if c.metric == "accuracy"]
    assert right.p_adjusted == right.p  # a family of one


def test_other_conditions_are_not_paired(three: list[Path], tmp_path: Path) -> None:
    replies = tmp_path / "replies.jsonl"
    rows = [{"prompt": p.messages()[-1]["content"], "response": "It is 7."} for p in problems(20)]
    replies.write_text("".join(json.dumps(row) + "\n" for row in rows))
    score(replies, problems(20), out=tmp_path / "scored")
    found = compare([three[0], tmp_path / "scored"])
    why = "asked in other conditions: constrained, against constrained and unconstrained"
    assert found.unpaired == {"scored": why}
    assert any("accuracy is with the constraints stated" in note for note in found.notes)
    assert any("not measured: obedience" in note for note in found.notes)
    score(replies, problems(20), out=tmp_path / "other", profile="official")
    found = compare([tmp_path / "scored", tmp_path / "other"])
    assert found.unpaired == {"other": "other checkers: official, against fixed"}


def test_two_scored_files_are_paired_and_what_is_not_known_is_said(tmp_path: Path) -> None:
    for name, reply in (("a", "It, is 7."), ("b", "It is 7.")):
        rows = [{"prompt": p.messages()[-1]["content"], "response": reply} for p in problems(20)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        score(tmp_path / f"{name}.jsonl", problems(20), out=tmp_path / name)
    found = compare([tmp_path / "a", tmp_path / "b"])
    (met,) = [c.comparison for c in found.contrasts if c.metric == "hacc"]
    assert met.difference.value == 1
    assert met.p == pytest.approx(2 / 2**20)
    assert any("is not recorded" in note for note in found.notes)


def test_an_unscored_reply_is_counted_and_no_zero(three: list[Path], tmp_path: Path) -> None:
    lost = tmp_path / "lost"
    lost.mkdir()
    for file in three[1].iterdir():
        (lost / file.name).write_bytes(file.read_bytes())
    for name in ("joint.jsonl", "verdicts.jsonl"):
        rows = [json.loads(line) for line in (lost / name).read_text().splitlines()]
        for row in rows:
            if (row["role"], row["condition"]) == ("model", "unconstrained"):
                row |= {"correct": None if name == "joint.jsonl" else {"score": None}}
                break
        (lost / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    finalize(lost)
    found = compare([three[0], lost])
    accuracy = value(found.measures, "lost", "accuracy")
    assert (accuracy.n, accuracy.n_unscored) == (19, 1)
    (change,) = [c.comparison.difference for c in found.contrasts if c.metric == "accuracy"]
    assert (change.n, change.n_unscored) == (19, 1)


def test_markdown_has_no_bare_number_and_says_what_is_not_covered(three: list[Path]) -> None:
    text = compare(three).markdown()
    (old,) = [line for line in text.splitlines() if line.startswith("| old ")]
    cells = [cell.strip() for cell in old.split("|")[3:-1]]
    assert len(cells) == len(COLUMNS)
    assert all("[" in cell and "n = 20, 0 unscored" in cell for cell in cells[:-1])
    assert cells[-1] == "–" and "- old: not measured: tokens." in text
    assert "not the noise of training" in text


def test_floors_stand_below_the_runs(three: list[Path], tmp_path: Path) -> None:
    """Answers are 0 to 19: a constant is right once; no floor writes a comma.

    The bare answer is right by definition, which is no score.
    """
    found = compare(three)
    trivial = found.floors["old"]
    assert found.floors == dict.fromkeys(["old", "new", "newer"], trivial)
    values = {(each.role, each.metric): each.estimate.value for each in trivial}
    assert values == {
        ("constant reply", "accuracy"): 0.05,
        ("constant reply", "hacc"): 1.0,
        ("bare answer", "hacc"): 1.0,
        ("reply that ignores the rules", "obedience"): 0.0,
        ("constant reply", "joint"): 0.05,
        ("bare answer", "joint"): 1.0,
    }
    text = " ".join(found.markdown().split())
    assert text.count("| floor | constant reply |") == 1 and "floor of" not in text
    fewer = compare([three[0], run(tmp_path / "fewer", right=5, obeys=10, n=10)])
    assert "| floor of fewer | constant reply | 0.100" in " ".join(fewer.markdown().split())
    assert {*fewer.to_json()["floors"]} == {"old", "fewer"}


@pytest.mark.parametrize(
    ("names", "remedy"),
    [
        (["old"], "two or more"),
        (["old", "old"], "each directory once"),
        (["old", "nothing"], "is not a run directory"),
    ],
)
def test_what_cannot_be_compared_names_the_remedy(
    names: list[str], remedy: str, three: list[Path]
) -> None:
    with pytest.raises(RunError, match=remedy):
        compare([three[0].parent / name for name in names])


def test_a_row_about_another_problem_is_told(three: list[Path], tmp_path: Path) -> None:
    spoilt = with_tokens(three[0], tmp_path / "spoilt", 3)
    text = (spoilt / "joint.jsonl").read_text()
    (spoilt / "joint.jsonl").write_text(text.replace(problems(1)[0].id, "0" * 16))
    with pytest.raises(RunError, match=r"problems.jsonl lacks. .* restore both"):
        compare([three[1], spoilt])


@pytest.mark.parametrize("value", [None, [], 7, "x"])
def test_a_manifest_that_says_nothing_useful_is_no_error(
    value: object, three: list[Path], tmp_path: Path
) -> None:
    """What is not known is not compared, and is said."""
    odd = with_tokens(three[1], tmp_path / "odd", 3)
    manifest = json.loads((odd / "manifest.json").read_text())
    manifest["identity"] |= {"models": value, "sampling": value, "profiles": value}
    (odd / "manifest.json").write_text(json.dumps(manifest))
    found = compare([three[0], odd])
    assert len(found.contrasts) == 4 and any("is not recorded" in note for note in found.notes)


def test_a_study_is_sent_to_its_audits(three: list[Path], made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RunError, match=r"is a study, .* give one of its audits"):
        compare([three[0], made(tmp_path / "study")])


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    found = compare([run(tmp_path / side / "test", right=5, obeys=9, n=9) for side in ("a", "b")])
    assert list(found.models) == ["a/test", "b/test"]


def test_the_command(
    three: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["twofold", "compare", *map(str, three), "--format", "json"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    found = json.loads(capsys.readouterr().out)
    assert [*found["models"]] == ["old", "new", "newer"]
    assert {row["role"] for row in found["contrasts"]} == {"new", "newer"}
    assert all(
        {"value", "low", "high", "n", "n_unscored"} <= row.keys() for row in found["measures"]
    )


def test_a_run_that_lost_too_much_is_status_3(
    three: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lossy = tmp_path / "lossy"
    lossy.mkdir()
    for file in three[1].iterdir():
        (lossy / file.name).write_bytes(file.read_bytes())
    saved = json.loads((lossy / "findings.json").read_text())
    saved["lost"] |= {"n": 9, "of": 40, "too_many": True}
    (lossy / "findings.json").write_text(json.dumps(saved))
    monkeypatch.setattr("sys.argv", ["twofold", "compare", str(three[0]), str(lossy)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 3
    shown = capsys.readouterr()
    assert "9 of 40 responses were lost" in shown.out and "lossy lost more than" in shown.err
