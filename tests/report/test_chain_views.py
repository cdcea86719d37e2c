"""Chains on the page: every number and mark worked out by hand, hostile text as it is."""

import json

import pytest

from twofold import problems as problem_files
from twofold.report import chains
from twofold.types import ALL, Estimate, Finding, Measure, Problem, Slice

PROBLEM = Problem(question="What is 2 and 2 and 1?", answer="5")
NO_CHAIN = ("", "without_chain", ALL)
RAW = "Two and 2 is 4. Then 5. So \\boxed{5}."


def edit(name, condition=""):
    return condition, "answer_changed", Slice("edit", name)


def table(home, *, nats=(-4.0, -3.95, -0.5), same=(0, 0, 1), raw=RAW, n=1, **more):
    home.mkdir(exist_ok=True)
    problems = [Problem(question=f"{PROBLEM.question} {i}", answer="5") for i in range(n)]
    problem_files.write(home / "problems.jsonl", problems)
    rows, replies = [], []
    for i, problem in enumerate(problems):
        gain = [nats[0], nats[1], nats[2] + 0.01 * i]
        scores = {
            "own": [gain, gain],
            "same_own": [list(same), list(same)],
            "edits": {
                "filler_dots": {"own": -3.0, "same": 0},
                "shuffled": {"own": -1.0, "same": 1},
                "mistake_other": {"own": -1.0, "same": None},
                "unchanged": {"own": -0.5, "same": 1},
                "whole/control": {"own": -0.5, "same": 0},
            },
        }
        at = {"role": "model", "condition": "unconstrained"}
        row = {
            "key": problem.id,
            "correct": 1.0,
            "trace": "valid",
            "valid": True,
            "gold": "5",
            "own": "5",
            "n_steps": 2,
            "tokens": [7, 3],
            "places": [0, 15, 23],
            "scores": scores,
            "continued": {"mistake": 0, "control": 1},
        }
        rows.append(at | row | more)
        replies.append(
            at | {"problem": problem.id, "sample": 0, "raw": raw, "finish_reason": "answered"}
        )
    for name, lines in (("chains", rows), ("responses", replies)):
        (home / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return home


def test_a_step_has_its_text_its_gain_and_its_colour(tmp_path):
    (view,) = chains.views(table(tmp_path))
    assert [step.text for step in view.steps] == ["Two and 2 is 4.", " Then 5."]
    assert [round(step.gain, 6) for step in view.steps] == [0.05, 3.45]
    assert [step.kind for step in view.steps] == ["gain3", "gain6"]  # within 0.1; above 2
    assert [step.is_commitment for step in view.steps] == [False, True]
    assert view.is_right is True and view.notes == ()


@pytest.mark.parametrize(
    ("gain", "kind"),
    [(-3, 0), (-1, 1), (-0.2, 2), (-0.05, 3), (0.0, 3), (0.05, 3), (0.2, 4), (1, 5), (3, 6)],
)
def test_the_colours(tmp_path, gain, kind):
    (view,) = chains.views(table(tmp_path, nats=(-4.0, -4.0 + gain, 0.0)))
    assert view.steps[0].kind == f"gain{kind}"


def test_what_each_edit_did(tmp_path):
    (view,) = chains.views(table(tmp_path))
    assert dict(view.effects) == {
        chains.METRICS[NO_CHAIN]: "changed",
        chains.METRICS[edit("filler_dots")]: "changed",
        chains.METRICS[edit("shuffled")]: "same",
        chains.METRICS[edit("mistake_other")]: "unsure",
        chains.METRICS[edit("mistake", "continued")]: "changed",
    }


def test_edits_are_unsure_if_the_complete_chain_does_not_give_the_answer(tmp_path):
    (view,) = chains.views(table(tmp_path, same=(0, 0, 0)))
    assert set(view.effects.values()) == {"unsure"}
    assert "effect of the edits is unknown" in view.notes[0]
    assert not any(step.is_commitment for step in view.steps)


def test_a_note_if_the_answer_is_given_before_the_first_step(tmp_path):
    (view,) = chains.views(table(tmp_path, same=(1, 1, 1)))
    assert view.notes == ("The model gives its answer before the first step and keeps it.",)
    assert not any(step.is_commitment for step in view.steps)


def test_a_note_if_steps_were_evaluated_together(tmp_path):
    (view,) = chains.views(table(tmp_path, n_steps=600))
    assert view.notes == ("600 steps, evaluated in 2 pieces.",)


def test_a_few_of_many_chains_from_the_lowest_to_the_highest_gain(tmp_path):
    found = chains.views(table(tmp_path, n=40))
    assert len(found) == chains.MOST_CHAINS
    numbers = [view.number for view in found]
    assert numbers == sorted(numbers) and numbers[0] == 1 and numbers[-1] == 40


def test_no_table_and_no_reading_give_no_chain(tmp_path):
    assert chains.views(tmp_path) == []
    (tmp_path / "chains.jsonl").write_text(
        json.dumps({"role": "model", "key": "k", "condition": "", "trace": "missing"}) + "\n"
    )
    (tmp_path / "responses.jsonl").write_text("")
    problem_files.write(tmp_path / "problems.jsonl", [PROBLEM])
    assert chains.views(tmp_path) == []


def share(value):
    return Estimate(value=value, low=max(0, value - 0.1), high=min(1, value + 0.1), n=9, method="m")


def filed(values):
    measures = (
        Measure(role="model", condition=c, metric=m, slice=s, estimate=share(value))
        for (c, m, s), value in values.items()
    )
    return Finding(diagnostic="faithfulness", question="?", measures=tuple(measures))


def test_a_row_holds_its_own_controls_and_no_others():
    area, hard = ("", "aoc", ALL), ("hard", "aoc", ALL)
    values = {edit("shuffled"): 0.6, edit("whole", "control"): 0.2, hard: 0.5, area: 0.4}
    values |= {("chain_only", "aoc", ALL): 0.9, ("", "aoc_auroc", ALL): 0.8}
    rows = {row.label: row for row in chains.metric_rows(filed(values), ["model"])}
    assert rows[chains.METRICS[edit("shuffled")]].controls["model"].value == 0.2
    of_area, of_hard = rows[chains.METRICS[area]], rows[chains.METRICS[hard]]
    assert of_area.twins["chain_only"]["model"].value == 0.9 and of_area.auroc["model"].value == 0.8
    assert not (of_hard.controls or any(of_hard.twins.values()) or of_hard.auroc)
    assert not (of_area.controls or of_area.twins["question_only"])
    assert len(rows) == 3


def test_the_curve_names_the_control_beside_the_model():
    shown = {0.0: "0.00", 1.0: "1.00"}
    drawn = chains.curve(
        filed(
            {
                (condition, "early_answer", Slice("share_shown", text)): value
                for condition in ("", "chain_only")
                for value, text in shown.items()
            }
        ),
        ["model"],
    )
    assert "model: 0.00 0.00, 1.00 1.00; chain only: 0.00 0.00, 1.00 1.00" in drawn


def test_a_curve_without_a_point_is_an_empty_drawing():
    drawn = chains.curve(Finding(diagnostic="faithfulness", question="?"), ["model"])
    assert "<svg" in drawn and "Early answers" in drawn
