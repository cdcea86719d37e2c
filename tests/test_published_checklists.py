"""FollowBench and HealthBench from file to findings, by `score` and by `audit`."""

import json
import os
from pathlib import Path

import pytest

from twofold.diagnostics import diagnostics_named
from twofold.diagnostics.checklist.followbench import part
from twofold.models.scripted import ScriptedModel
from twofold.problems import load
from twofold.runs.audit import audit
from twofold.runs.score import score
from twofold.types import ALL, Sampling

SHARED = Path(os.environ["TWOFOLD_SHARED"]) / "data"
needs_files = pytest.mark.skipif(
    not (SHARED / "followbench").is_dir(),
    reason="no published files here; set TWOFOLD_SHARED to the folder that holds data/",
)


def of(result, diagnostic):
    return next(f for f in result.findings if f.diagnostic == diagnostic)


@needs_files
def test_followbench_replies_are_scored_by_the_rules_that_need_no_model(tmp_path: Path) -> None:
    problems = load(str(SHARED / "followbench"), profile="fixed")
    replies = tmp_path / "replies.jsonl"
    with replies.open("w") as file:
        for problem in problems:
            said = (
                problem.tags.get("followbench_target")
                if problem.tags["category"] == "situation"
                else "No."
            )
            row = {"prompt": problem.messages()[0]["content"], "response": said or "No."}
            file.write(json.dumps(row) + "\n")
    result = score(replies, problems, out=tmp_path / "run", judge="exact")
    measures = of(result, "checklist").measures
    found = {(m.role, m.metric, m.slice): m.estimate for m in measures}
    ruled = found["model", "mean", ALL]
    assert (ruled.n, ruled.n_unscored) == (350, 470)
    # situation: 40 ruled rows are 8 groups of five levels, and each target passes its own rule
    assert found["model", "followbench_hsr", part("situation")].value == 1.0
    assert found["model", "followbench_csl", part("situation")].value == 5.0
    assert found["model", "followbench_hsr", part("content", 1)].value == 0.0
    assert found["constant_reply", "mean", ALL].n == 350
    assert found["constant_reply", "followbench_hsr", part("content", 1)].n == 12


@needs_files
def test_a_model_is_asked_followbench_as_it_stands(tmp_path: Path) -> None:
    problems = load(str(SHARED / "followbench" / "style_constraints.json"), profile="fixed")[:10]
    model = ScriptedModel(lambda text, sample: "No.")
    result = audit(
        model,
        problems,
        out=tmp_path,
        sampling=Sampling(),
        diagnostics=diagnostics_named("joint", judge="exact"),
    )
    rows = [json.loads(line) for line in (tmp_path / "responses.jsonl").read_text().splitlines()]
    assert [row["condition"] for row in rows] == ["constrained"] * 10
    assert "10 of 10 replies are unscored" in of(result, "checklist").caveats[0]


@needs_files
def test_healthbench_is_unscored_where_nobody_judges(tmp_path: Path) -> None:
    file = SHARED / "healthbench_sample" / "healthbench_first30.jsonl"
    problems = load(str(file), profile="fixed")[:3]
    model = ScriptedModel(lambda text, sample: "See a doctor.")
    result = audit(
        model, problems, out=tmp_path, diagnostics=diagnostics_named("joint", judge="exact")
    )
    finding = of(result, "checklist")
    assert not [m for m in finding.measures if m.metric == "healthbench_score"]
    assert "3 of 3 replies are unscored" in finding.caveats[0]
