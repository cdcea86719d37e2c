"""Every diagnostic under one contract, on the pocket model: saved row by row, resumable, pure after."""

import json
from dataclasses import replace

import pytest

from twofold.cli import main
from twofold.diagnostics import ASKED, DIAGNOSTICS, diagnostics_named
from twofold.diagnostics.instruction.ablation import Ablation
from twofold.diagnostics.instruction.distance import Distance
from twofold.judges.writing import written_by_rules
from twofold.models import resolve
from twofold.models.scripted import ScriptedModel
from twofold.problems import pocket
from twofold.runs.audit import audit
from twofold.storage.jsonl import read_lines
from twofold.types import Problem, Sampling

pytestmark = pytest.mark.slow
PROBLEMS = [replace(p, checklist=written_by_rules(p)) for p in pocket.suite(12)]
SAMPLING = Sampling(max_tokens=96)


EVERY = "all,elicitation"


def run(out, names=EVERY, model=None, baseline=None):
    return audit(
        model or resolve("pocket"),
        PROBLEMS,
        out=out,
        baseline=baseline,
        sampling=SAMPLING,
        diagnostics=diagnostics_named(
            names, n_checked=2, judge="exact" if names == EVERY else None
        ),
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "run"
    return out, run(out)


def tables(out):
    return {each.table: (out / f"{each.table}.jsonl").read_text() for each in ASKED}


def test_all_means_every_one_but_elicitation(whole):
    """It samples more than all the others together; a study that asks for `all` must not pay for it."""
    _, result = whole
    assert [f.diagnostic for f in result.findings] == list(DIAGNOSTICS)
    named = [each.name for each in diagnostics_named("all", judge="exact")]
    assert ["joint", *named] == [name for name in DIAGNOSTICS if name != "elicitation"]


@pytest.mark.parametrize("diagnostic", ASKED, ids=lambda each: each.name)
def test_the_contract(whole, diagnostic):
    out, _ = whole
    rows = list(read_lines(out / f"{diagnostic.table}.jsonl"))
    assert diagnostic.question.endswith("?") and diagnostic.name in DIAGNOSTICS
    keys = [(row["role"], row["key"]) for row in rows]
    assert keys and len(set(keys)) == len(keys)
    assert "NaN" not in json.dumps(rows)
    finding = diagnostic.analyse(rows, PROBLEMS, seed=1)
    assert finding == diagnostic.analyse(rows, PROBLEMS, seed=1)
    estimates = [each.estimate for each in finding.measures]
    assert estimates and all(e.low <= e.value <= e.high for e in estimates)


SCORES = {"correct", "compliance", "accuracy", "target", "parsed", "solved", "feasible", "best"}
SCORES |= {"gap", "copies", "instruction", "control", "distance"}
CHECKED = [each for each in ASKED if each.name != "checklist"]  # it has its own tests


def unscored(row):
    """The same row of a reply that could not be judged or read."""
    row = {key: None if key in SCORES else value for key, value in row.items()}
    if "met" in row:
        row["met"] = [None] * len(row["met"])
    if "scores" in row:
        readers = ("scores", "chain_only", "question_only", "external_reader")
        row = {k: v for k, v in row.items() if k not in readers}
        row["reason"] = "the trace is truncated"
    row.pop("kept", None)
    if "replies" in row:
        lost = {
            "correct": None,
            "stated": None,
            "answer": None,
            "n_tokens": None,
            "ended": "failed",
        }
        replies = row["replies"]
        row["replies"] = [each | lost | {"met": [None] * len(each["met"])} for each in replies]
        row["more"], row["branches"], row["n_tokens"] = [], [], None
    return row


@pytest.mark.parametrize("diagnostic", CHECKED, ids=lambda each: each.name)
def test_rows_that_are_all_unscored_leave_no_number_and_a_caveat(whole, diagnostic):
    out, _ = whole
    rows = [unscored(row) for row in read_lines(out / f"{diagnostic.table}.jsonl")]
    found = diagnostic.analyse(rows, PROBLEMS)
    measured = [m for m in found.measures if m.role == "model" and m.metric != "trace"]
    assert not measured and not found.contrasts and found.caveats


@pytest.mark.parametrize("diagnostic", CHECKED, ids=lambda each: each.name)
def test_no_rows_leave_no_number(diagnostic):
    found = diagnostic.analyse([], PROBLEMS)
    assert (found.diagnostic, found.outcome) == (diagnostic.name, None)
    assert not (found.measures or found.contrasts or found.counts)


@pytest.mark.parametrize("diagnostic", CHECKED, ids=lambda each: each.name)
@pytest.mark.parametrize("which", ["one", "baseline", "half", "model", "both"])
def test_rows_of_any_part_are_analysed(whole, diagnostic, which):
    out, _ = whole
    rows = list(read_lines(out / f"{diagnostic.table}.jsonl"))
    against = [row | {"role": "baseline"} for row in rows]
    chosen = {
        "one": rows[:1],
        "baseline": against,
        "half": [unscored(row) if i % 2 else row for i, row in enumerate(rows)],
        "model": [*rows, *(unscored(row) for row in against)],
        "both": [*rows, *against],
    }[which]
    found = diagnostic.analyse(chosen, PROBLEMS)
    assert found.measures or which == "one"  # one row may be of a part that needs its pair
    for measure in found.measures:
        assert measure.estimate.low <= measure.estimate.value <= measure.estimate.high
    for comparison in (each.comparison for each in found.contrasts):
        assert 0 <= comparison.p <= 1
        assert comparison.p_adjusted is None or comparison.p <= comparison.p_adjusted <= 1
    if which == "both":
        changes = [each.comparison for each in found.contrasts if each.versus == "baseline"]
        assert changes and all(c.difference.value == 0 for c in changes)


@pytest.mark.parametrize("diagnostic", [Distance(), Ablation()])
def test_problems_without_constraints_leave_a_sentence_and_not_a_void(diagnostic):
    found = diagnostic.analyse([], [Problem(question="2 + 3?", answer="5")])
    assert not found.measures and "No problem states a constraint" in found.caveats[0]


def test_killed_anywhere_the_same_command_ends_with_the_same_tables(whole, tmp_path):
    first, _ = whole
    out = tmp_path / "run"
    run(out)
    wanted = tables(first)
    for name, text in wanted.items():
        lines = text.splitlines(keepends=True)
        kept = "".join(lines[: len(lines) // 2]) + lines[len(lines) // 2][:40]  # half a line
        (out / f"{name}.jsonl").write_text(kept)
    run(out)
    assert tables(out) == wanted


def test_more_can_be_asked_of_a_finished_run(tmp_path):
    out = tmp_path / "run"
    assert [f.diagnostic for f in run(out, "joint").findings] == ["joint"]
    assert "faithfulness" in [f.diagnostic for f in run(out, "faithfulness").findings]


def test_a_model_against_its_base_is_compared_by_problem(tmp_path):
    result = run(tmp_path / "run", "faithfulness", baseline=resolve("pocket"))
    finding = next(f for f in result.findings if f.diagnostic == "faithfulness")
    change = finding.comparison("reliance")
    assert change.difference.value == 0.0 and change.p == 1.0  # the same model twice


def test_a_model_without_weights_is_left_out_by_name(tmp_path):
    model = ScriptedModel(lambda prompt, sample: "We add. It is \\boxed{4}.")
    result = run(tmp_path / "run", "faithfulness", model=model)
    finding = next(f for f in result.findings if f.diagnostic == "faithfulness")
    assert not finding.measures and "behind a server" in finding.caveats[0]


def test_an_unknown_name_is_told(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["twofold", "audit", "pocket", "--diagnostics", "soul"])
    with pytest.raises(SystemExit):
        main()
    assert "there is no diagnostic soul" in capsys.readouterr().err
