"""Elicitation on the page and in words: every number of the finding, beside the obedience it costs."""

import re
from pathlib import Path

import pytest

from twofold import problems as problem_files
from twofold.diagnostics.elicitation import collect, rates
from twofold.diagnostics.elicitation.analysis import Elicitation
from twofold.report import elicitation
from twofold.report.findings import finding_from_json, finding_to_json
from twofold.report.markdown import summary
from twofold.types import Finding, Problem

PROBLEMS = [Problem(question=f"What is {i} + 2?", answer=str(i + 2)) for i in range(20)]


def tried(right, met, answer, n_tokens=10):
    return {
        "correct": float(right),
        "met": [float(met)],
        "stated": 1,
        "answer": answer,
        "n_tokens": n_tokens,
        "ended": "answered",
    }


def row(role, arm, condition, i, tries):
    return {
        "role": role,
        "key": f"{arm}/{condition}/{i}",
        "arm": arm,
        "condition": condition,
        "problem": PROBLEMS[i].id,
        "temperature": 1.0 if arm == "sampled" else 0.0,
        "replies": tries,
    }


def rows():
    """The base is right in 2 of 4 samples and obeys; the hint makes it right, and it stops obeying."""
    told = {"constrained": 1, "unconstrained": 0}
    for i in range(20):
        for condition, met in told.items():
            good, bad = tried(1, met, "right"), tried(0, met, f"wrong {i}")
            yield row("model", "as_asked", condition, i, [good])
            yield row("model", "sampled", condition, i, [good] * 4)
            yield row("baseline", "as_asked", condition, i, [good if i % 2 else bad])
            other = tried(0, met, "other")
            yield row("baseline", "sampled", condition, i, [good, bad, good, other])
            yield row("baseline", "boxed", condition, i, [tried(1, 0, "right", 25)])
            cot = row("baseline", "cot_decoding", condition, i, [good])
            yield cot | {"branches": [bad, good, bad | {"answer": "other"}, bad], "n_tokens": 40}


@pytest.fixture(scope="module")
def finding():
    return Elicitation().analyse(rows(), PROBLEMS)


def test_an_arm_shows_its_gain_and_what_it_costs(finding):
    arms = {(each.role, each.label): each for each in elicitation.arms(finding)}
    assert [role for role, _ in arms][:2] == ["model", "model"]
    boxed = arms["baseline", "hint: put the answer in a box"]
    assert boxed.estimates["accuracy"].value == 1.0 and boxed.estimates["obedience"].value == 0.0
    assert boxed.estimates["n_tokens"].value == 25.0
    assert boxed.recovery["as_asked"].value == 1.0 and "sampled" not in boxed.recovery
    assert boxed.changes["accuracy", "as_asked"].difference.value == 0.5
    assert boxed.changes["obedience", "as_asked"].difference.value == -1.0
    majority = arms["baseline", "majority vote over the samples"]
    assert majority.estimates["n_tokens"].value == 40.0
    assert arms["baseline", "each sample alone"].estimates["n_tokens"].value == 10.0
    assert majority.recovery["sampled"].value == 1.0
    # its control is each sample alone: right in one of two, and as obedient
    assert majority.changes["accuracy", "control"].difference.value == 0.5
    assert majority.changes["obedience", "control"].difference.value == 0.0
    assert ("accuracy", "control") not in boxed.changes
    assert not arms["model", "as asked"].recovery


def test_cot_decoding_stands_beside_the_vote_over_its_branches(finding):
    """Its confidence picks the right branch; a vote picks the wrong one, which two branches share."""
    arms = {each.label: each for each in elicitation.arms(finding)}
    control = arms["vote over the same branches"]
    assert arms["CoT-decoding"].recovery["sampled"].value == 1.0
    assert control.estimates["accuracy"].value == 0.0
    assert control.estimates["n_tokens"].value == 40.0
    assert control.recovery["sampled"].value == -1.0  # (0 - .5) / (1 - .5), not cut off
    change = arms["CoT-decoding"].changes["accuracy", "control"]
    assert change.difference.value == 1.0 and change.p_adjusted is not None
    best = finding.estimate("any_branch_right", role="baseline", condition="cot_decoding")
    assert best.value == 1.0


def test_recovery_is_drawn_beside_obedience(finding):
    drawn = str(elicitation.recovered(finding, "as_asked"))
    assert "hint: put the answer in a box 1.00, obedience -1.00" in drawn
    assert "majority vote over the samples 1.00, obedience +0.00" in drawn
    # 0 at 290, 1 at 370 (from -.5 at 250 to 1.5 at 410); the control at -1 is drawn at the end
    assert 'cx="370.0"' in drawn and 'cx="250.0"' in drawn
    other = str(elicitation.recovered(finding, "sampled"))
    assert "in a box" not in other and "majority" in other
    assert elicitation.recovered(Finding(diagnostic="elicitation", question="?"), "sampled") == ""


def test_the_curves_have_differences_and_a_floor(finding):
    found = {each.label: each for each in elicitation.curve_rows(finding)}
    two = found["Right, best of 2"]
    assert two.estimates["baseline"].value == pytest.approx(5 / 6)
    assert two.comparison.difference.value == pytest.approx(1 / 6)
    assert two.floors["guess"].value == 0.0
    drawn = str(elicitation.curve(finding, "pass_at_k", ["baseline", "model"]))
    assert "baseline: 1 0.50, 2 0.83, 4 1.00" in drawn and drawn.count("<circle") == 6


def test_what_fired_is_said_with_its_numbers_also_after_reading(finding):
    said = elicitation.said(finding)
    assert said[0].startswith("Fired: format artefact (") and "1.00 [" in said[0]
    assert said == elicitation.said(finding_from_json(finding_to_json(finding)))
    assert tuple(said) == finding.caveats[: len(said)]


def test_the_summary_has_arms_curves_and_support(finding):
    text = summary([finding])
    for words in ("hint: put the answer in a box", "Right, best of 4", "Solved by both", "Fired: "):
        assert words in text
    assert "NaN" not in text and "nan" not in text


def test_one_model_alone_has_no_support_and_no_fired_condition():
    alone = Elicitation().analyse([r for r in rows() if r["role"] == "model"], PROBLEMS)
    assert elicitation.said(alone) == [] and not elicitation.support_rows(alone)
    assert elicitation.arms(alone) and "name its base" in " ".join(alone.caveats)
    assert "best of 4" in summary([alone])


def test_nothing_is_shown_of_nothing():
    empty = Finding(diagnostic="elicitation", question="?")
    assert not (elicitation.arms(empty) or elicitation.curve_rows(empty) or elicitation.said(empty))
    assert summary([empty])


def test_the_page_has_the_section(finding, tmp_path):
    from twofold.models.scripted import ScriptedModel
    from twofold.runs.audit import audit

    model = ScriptedModel(lambda prompt, sample: "It is \\boxed{4}.")
    audit(
        model,
        PROBLEMS[:4],
        out=tmp_path / "run",
        baseline=model,
        diagnostics=(Elicitation(n_samples=2),),
    )
    page = (tmp_path / "run" / "report.html").read_text()
    assert 'id="elicitation"' in page and 'href="#elicitation"' in page
    assert "majority vote over the samples" in page
    assert len(problem_files.read(tmp_path / "run" / "problems.jsonl", profile="fixed")) == 4


def test_every_arm_has_a_name_that_fits_a_chart() -> None:
    assert set(elicitation.ARMS) == {*rates.ARMS, collect.SAMPLED}
    assert len({*elicitation.ARMS.values()}) == len(elicitation.ARMS)
    assert max(map(len, elicitation.ARMS.values())) <= 30


def test_the_manual_names_the_arms_as_the_page_does() -> None:
    text = (Path(__file__).parents[2] / "docs" / "diagnostics_elicitation.md").read_text("utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    named = {
        name: words.strip()
        for _, arms, on_page, *_ in rows
        for name, words in zip(re.findall(r"`(\w+)`", arms), on_page.split(";"), strict=False)
        if name in elicitation.ARMS
    }
    assert named == elicitation.ARMS
