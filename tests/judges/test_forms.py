"""Checklists in the forms of others: what comes back, what is lost, and which way a sign points."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.constraints import from_spec
from twofold.errors import ProblemError
from twofold.judges.forms import FORMS, read_form, to_rows, write_form
from twofold.judges.forms.rar import Rar
from twofold.types import Problem
from twofold.types.checklist import Checklist, Criterion

SHARED = Path(os.environ["TWOFOLD_SHARED"])
HEALTHBENCH = SHARED / "data" / "healthbench_sample" / "healthbench_first30.jsonl"


def asked(*criteria, **more):
    return Problem(question="Which river?", checklist=Checklist(criteria=criteria), **more)


def read_one(row, form, **more):
    """The criteria of one row, and what was dropped."""
    read = read_form([row], form, **more)
    (problem,) = read.problems
    return (problem.checklist.criteria if problem.checklist else ()), read.dropped


def rlcf(requirements):
    return {"instruction": "Which river?", "requirements": requirements}


def rar(description, weight, **more):
    return {
        "question": "Which?",
        "rubric": [{"title": "", "description": description, "weight": weight, **more}],
    }


def health(*rubrics):
    return {"prompt": [{"role": "user", "content": "Which?"}], "rubrics": list(rubrics)}


def auto(*rubric):
    return {"prompt": "Which?", "rubric": list(rubric)}


# --- There and back -----------------------------------------------------------------------------

texts = st.from_regex(
    r"Does the reply [a-z]{1,8}( [a-z]{1,8}){0,3}( \([0-9]{1,3}\))?\?", fullmatch=True
)
weights = st.integers(1, 100).map(float) | st.floats(0.5, 100).map(lambda w: round(w, 2))
titles = st.just("") | st.from_regex(r"[a-z]{1,6}", fullmatch=True)
tags = st.lists(st.sampled_from(["axis:accuracy", "level:example"]), unique=True).map(tuple)


def lists(**fields):
    made = st.builds(Criterion, text=texts, pitfall=st.booleans(), **fields)
    return st.lists(made, min_size=1, max_size=6).map(tuple)


def back(criteria, form):
    read = read_form(json.loads(json.dumps(to_rows([asked(*criteria)], form))), form)
    assert read.dropped == () and read.problems[0].question == "Which river?"
    return read.problems[0].checklist.criteria


@given(lists(weight=weights))
def test_rlcf_holds_text_weight_and_polarity(criteria):
    assert back(criteria, "rlcf") == criteria


@given(lists(weight=weights, tags=tags))
def test_healthbench_holds_tags_too(criteria):
    assert back(criteria, "healthbench") == criteria


@given(lists(weight=weights, title=titles))
def test_autorubric_holds_titles_too(criteria):
    assert back(criteria, "autorubric") == criteria


@given(
    lists(
        weight=st.sampled_from([20.0, 40.0, 60.0, 80.0, 100.0]),
        title=st.from_regex(r"[a-z]{1,6}", fullmatch=True),
        category=st.sampled_from(["essential", "important", "optional"]),
    )
)
def test_rar_holds_categories_and_fifths(criteria):
    held = [
        Criterion(
            text=c.text,
            weight=c.weight,
            pitfall=c.pitfall,
            title=c.title,
            category="" if c.pitfall else c.category,
        )
        for c in criteria
    ]
    assert list(back(criteria, "rar")) == held


def test_what_rar_fills_in_and_rounds():
    plain = Criterion(text="Does the reply name a river?", weight=49)
    (item,) = to_rows([asked(plain)], "rar")[0]["rubric"]
    assert item == {
        "title": "Does the reply name",
        "description": "Optional Criteria: Does the reply name a river?",
        "weight": 2,
    }
    assert [to_rows([asked(Criterion(text="Is it so?", weight=w))], "rar")[0]["rubric"][0]["weight"]
            for w in (0.1, 29, 31, 60, 100)] == [1, 1, 2, 3, 5]  # fmt: skip


def test_the_whole_request_is_the_question_of_a_row():
    comma = from_spec("punctuation:no_comma", None, profile="fixed")
    problem = asked(Criterion(text="Is it so?"), constraints=(comma,), answer="Nile", ask="\n")
    (row,) = to_rows([problem], "rar")
    assert row["question"] == "Which river?\nWrite your entire answer without commas."
    assert row["reference_answer"] == "Nile"
    assert read_form([row], "rar").problems[0].answer == "Nile"


@pytest.mark.parametrize("form", FORMS)
def test_through_a_file(form, tmp_path):
    problem = asked(Criterion(text="Does it rhyme – twice?", weight=80, pitfall=True))
    write_form(tmp_path / "rows.jsonl", [problem, problem], form)
    read = read_form(tmp_path / "rows.jsonl", form)
    assert [p.checklist.criteria[0].pitfall for p in read.problems] == [True, True]
    assert [p.tags["source_id"] for p in read.problems] == [f"{form}#0", f"{form}#1"]
    rows = (tmp_path / "rows.jsonl").read_text().splitlines()
    (tmp_path / "array.json").write_text(f" [{','.join(rows)}]")
    assert read_form(tmp_path / "array.json", form) == read


def test_a_problem_without_a_checklist_is_not_written(tmp_path):
    with pytest.raises(ProblemError, match="has no checklist; write one first"):
        write_form(tmp_path / "rows.jsonl", [Problem(question="Why?")], "rlcf")
    assert not (tmp_path / "rows.jsonl").exists()


# --- RLCF ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "requirements",
    [
        "1) Is it A? (100)\n2) Is it B? (25)",
        "1) Is it A? (importance: 100/100)\n2) Is it B? (importance: 25/100)",
        "- Is it A? (weight: 100)\r\n\r\n- Is it B? (25.0)\n",
        "Is it A?(100)\nIs it B? (25/100)",
        ["Is it A? (100)", "2. Is it B? (25)"],
        [["Is it A?", 100], ["Is it B?", 25]],
        [["Is it A?", 100.0], "Is it B? (25)"],
    ],
)
def test_spellings_of_rlcf(requirements):
    criteria, dropped = read_one(rlcf(requirements), "rlcf")
    assert [(c.text, c.weight) for c in criteria] == [("Is it A?", 100.0), ("Is it B?", 25.0)]
    assert dropped == ()


def test_a_zero_weight_costs_its_criterion_and_not_the_row():
    criteria, dropped = read_one(
        rlcf("1) Is it A? (100)\n2) Is it B? (0)\n3) Is it C? (50)"), "rlcf"
    )
    assert [c.text for c in criteria] == ["Is it A?", "Is it C?"]
    assert dropped == (
        "row 1: requirements 2: the weight 0 is not above 0 up to 100: '2) Is it B? (0)'",
    )


def test_a_row_that_loses_all_its_criteria_keeps_its_question():
    read = read_form([rlcf("Is it A? (0)\nIs it B? (-5)\nIs it C? (101)\nIs it D?")], "rlcf")
    assert read.problems[0].question == "Which river?" and read.problems[0].checklist is None
    assert len(read.dropped) == 4 and "no weight in brackets" in read.dropped[3]


def test_a_point_of_several_lines_is_one():
    text = "1) Does it do both of these:\n1) be short?\n2) be kind. (importance: 100/100)\n2) Is it A? (50)"
    criteria, dropped = read_one(rlcf(text), "rlcf")
    assert [c.weight for c in criteria] == [100.0, 50.0] and dropped == ()
    assert criteria[0].text == "Does it do both of these:\n1) be short?\n2) be kind."


def test_the_first_numbers_of_a_text_are_not_its_weight():
    criteria, _ = read_one(rlcf("1) Is the year (1999) named? (75)"), "rlcf")
    assert (criteria[0].text, criteria[0].weight) == ("Is the year (1999) named?", 75.0)


def test_a_pitfall_is_written_so_that_yes_is_good():
    row = to_rows([asked(Criterion(text="Does it swear?", weight=10, pitfall=True))], "rlcf")[0]
    assert row["requirements"] == "1) Is the answer to the following no? Does it swear? (10)"


# --- RaR: which way a sign points ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "denied", "text", "pitfall"),
    [
        ("Recommends aspirin.", "drop", "Recommends aspirin.", True),
        ("Fails to mention the dose.", "drop", "Does the reply mention the dose?", False),
        ("Omits the dose.", "drop", "Omits the dose.", True),
        ("Avoids recommending aspirin.", "drop", "Avoids recommending aspirin.", False),
        ("Must not recommend aspirin.", "drop", "Must not recommend aspirin.", False),
        ("Does not mention the dose.", "omission", "Does the reply mention the dose?", False),
        ("Does not suggest delay.", "virtue", "Does the reply suggest delay?", True),
        ("Doesn't suggest delay", "virtue", "Does the reply suggest delay?", True),
        ("Never names the dose.", "omission", "Never names the dose.", True),
        ("Never suggests delay.", "virtue", "Never suggests delay.", False),
        ("Does not wait but acts.", "omission", "Does not wait but acts.", True),
        ("Does not wait but acts.", "virtue", "Does not wait but acts.", False),
    ],
)
def test_the_polarity_of_a_pitfall_is_read_from_its_sentence(sentence, denied, text, pitfall):
    (criterion,), dropped = read_one(rar(f"Pitfall Criteria: {sentence}", -2), "rar", denied=denied)
    assert (criterion.text, criterion.pitfall, criterion.weight) == (text, pitfall, 40.0)
    assert dropped == ()


def does_well(criterion, *, says_yes):
    """Whether a reply does well of which a judge says that it does what the text says."""
    return says_yes != criterion.pitfall


def test_the_sign_bug_in_both_directions():
    row = rar("Pitfall Criteria: Does not mention the dose.", -1)
    (missing,), _ = read_one(row, "rar", denied="omission")
    (left_out,), _ = read_one(row, "rar", denied="virtue")
    assert missing.text == left_out.text == "Does the reply mention the dose?"
    assert does_well(missing, says_yes=True) and not does_well(missing, says_yes=False)
    assert does_well(left_out, says_yes=False) and not does_well(left_out, says_yes=True)


def test_a_pitfall_that_may_mean_both_is_dropped_and_counted_until_somebody_says():
    criteria, dropped = read_one(rar("Pitfall Criteria: Does not mention it.", -1), "rar")
    assert criteria == () and len(dropped) == 1 and "say which by `denied`" in dropped[0]


def test_a_pitfall_goes_out_as_the_mistake_with_a_negative_weight():
    swears = Criterion(text="Does the reply swear?", weight=40, pitfall=True)
    (item,) = to_rows([asked(swears)], "rar")[0]["rubric"]
    assert item["description"] == "Pitfall Criteria: Does the reply swear?" and item["weight"] == -2


@pytest.mark.parametrize(
    ("description", "weight", "pitfall", "category"),
    [
        ("Essential Criteria: Names a river.", 5, False, "essential"),
        ("important criterion: Names a river.", 3.5, False, "important"),
        ("Optional Criteria: Names a river.", 1, False, "optional"),
        ("Pitfall Criteria: Names a lake.", 1, True, ""),  # the category decides, not the sign
        ("Names a lake.", -1, True, ""),
        ("Names a river.", 4, False, ""),
    ],
)
def test_categories_of_rar(description, weight, pitfall, category):
    ((criterion,), _) = read_one(rar(description, weight), "rar")
    assert (criterion.pitfall, criterion.category) == (pitfall, category)
    assert criterion.weight == abs(weight) * 20


@pytest.mark.parametrize(
    ("description", "weight", "reason"),
    [
        ("Essential Criteria: Names a river.", -5, "negative; its polarity is unclear"),
        ("Esssential Criteria: Names a river.", 5, "no category 'Esssential'"),
        ("Essential Criteria: ", 5, "nothing after"),
        ("Essential Criteria: Names a river.", 0, "the weight 0 is not"),
        ("Essential Criteria: Names a river.", 6, "the weight 6 is not"),
    ],
)
def test_what_rar_criteria_are_dropped(description, weight, reason):
    criteria, dropped = read_one(rar(description, weight), "rar")
    assert criteria == () and reason in dropped[0]


def test_another_reading_of_denials_is_refused():
    with pytest.raises(ProblemError, match="use one of: drop, omission, virtue"):
        Rar("failure")
    with pytest.raises(ProblemError, match="applies only to rar"):
        read_form([], "rlcf", denied="virtue")


# --- Signed points ------------------------------------------------------------------------------


def test_points_below_zero_are_lost_by_doing_it():
    item = {"criterion": "Does not advise rest.", "points": -7, "tags": ["axis:accuracy"]}
    ((criterion,), _) = read_one(health(item), "healthbench")
    assert criterion == Criterion(
        text="Does not advise rest.", weight=7, pitfall=True, tags=("axis:accuracy",)
    )
    assert not does_well(criterion, says_yes=True)
    assert to_rows([asked(criterion)], "healthbench")[0]["rubrics"] == [item]


def test_no_points_cannot_be_a_weight():
    items = [{"criterion": "Is kind", "points": p, "tags": []} for p in (0, 5, 1000)]
    criteria, dropped = read_one(health(*items), "healthbench")
    assert [c.weight for c in criteria] == [5.0] and len(dropped) == 2


def test_large_weights_of_autorubric_are_scaled_and_a_missing_one_is_ten():
    rows = [
        {"weight": 200, "requirement": "Names a river"},
        {"weight": -50.0, "requirement": "Names a lake", "name": "lake"},
        {"requirement": "Rhymes"},
    ]
    criteria, _ = read_one(auto(*rows), "autorubric")
    assert [(c.weight, c.pitfall, c.title) for c in criteria] == [
        (100.0, False, ""),
        (25.0, True, "lake"),
        (5.0, False, ""),
    ]
    assert [c.weight for c in read_one(auto(*rows[1:]), "autorubric")[0]] == [50.0, 10.0]


def test_levels_are_no_criterion():
    levels = {"requirement": "How kind?", "options": [{"label": "very", "value": 1}]}
    criteria, dropped = read_one(auto(levels, {"requirement": "Rhymes"}), "autorubric")
    assert len(criteria) == 1 and "several levels" in dropped[0]


def test_a_conversation_of_several_turns_is_written_out():
    turns = [("user", "Hi"), ("assistant", "Hello"), ("user", "Which?")]
    row = health({"criterion": "Is kind", "points": 1, "tags": []})
    row["prompt"] = [{"role": r, "content": c} for r, c in turns]
    question = read_form([row], "healthbench").problems[0].question
    assert question.endswith("[User]\nHi\n\n[Assistant]\nHello\n\n[User]\nWhich?")


@pytest.mark.skipif(not HEALTHBENCH.exists(), reason="the HealthBench sample is not here")
def test_the_published_rows_are_read_whole():
    read = read_form(HEALTHBENCH, "healthbench")
    rows = [json.loads(line) for line in HEALTHBENCH.read_text().splitlines()]
    assert read.dropped == () and len(read.problems) == len(rows) == 30
    written = to_rows(read.problems, "healthbench")
    assert [row["rubrics"] for row in written] == [row["rubrics"] for row in rows]


# --- Errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "form", "message"),
    [
        ({"requirements": "Is it? (5)"}, "rlcf", "row 1 has no 'instruction' or 'prompt'; add it"),
        ({"instruction": "Why?"}, "rlcf", "has no 'requirements'; add it .it has: instruction."),
        (rlcf(5), "rlcf", "requirements is 5; write lines"),
        (rlcf([5]), "rlcf", "requirements 1 is 5; write a text"),
        (rlcf([["Is it?", "5"]]), "rlcf", "the weight is '5'; write a number"),
        (rlcf([["Is it?", True]]), "rlcf", "the weight is True; write a number"),
        ({**rlcf("Is it? (5)"), "instruction": " "}, "rlcf", "instruction is ' '; write a text"),
        ({"question": "Why?", "rubric": {}}, "rar", "rubric is {}; write a list"),
        (rar("Names it", "5"), "rar", "rubric 1, weight is '5'; write a number"),
        (rar("Names it", float("nan")), "rar", "weight is nan; write a number"),
        (rar("Names it", float("inf")), "rar", "weight is inf; write a number"),
        (rar(None, 5), "rar", "description is None; write a text"),
        (rar("Names it", 5, points=3), "rar", "the key 'points' is unknown; known: title"),
        (rar("Names it", 5, title=3), "rar", "title is 3; write a text"),
        ({"question": "Why?", "rubric": [{"weight": 5}]}, "rar", "has no 'description'; add it"),
        ({"question": "Why?", "rubric": ["a"]}, "rar", "rubric 1 is 'a'; write an object"),
        (
            {**rar("Names it", 5), "reference_answer": 7},
            "rar",
            "reference_answer is 7; write a text",
        ),
        (health({"criterion": "Is kind", "points": "5"}), "healthbench", "points is '5'"),
        (health({"criterion": "Is kind", "points": 5, "tags": "a"}), "healthbench", "tags is 'a'"),
        ({"prompt": "Why?", "rubrics": []}, "healthbench", "write a list of turns"),
        (
            {"prompt": [], "rubrics": []},
            "healthbench",
            "prompt does not end with a turn of the user",
        ),
        ({"prompt": [{"role": "x"}], "rubrics": []}, "healthbench", "row 1: prompt"),
        (auto({"weight": 5}), "autorubric", "requirement is None; write a text"),
        (auto({"weight": "5", "requirement": "a"}), "autorubric", "weight is '5'; write a number"),
        (auto({"weights": 5, "requirement": "a"}), "autorubric", "the key 'weights' is unknown"),
        (auto("a"), "autorubric", "rubric 1 is 'a'; write an object"),
        ({"weight": 5, "requirement": "a"}, "autorubric", "row 1 has no 'rubric'"),
    ],
)
def test_a_row_that_has_not_the_form_is_an_error_with_its_remedy(row, form, message):
    with pytest.raises(ProblemError, match=message):
        read_form([row], form)


def test_a_form_that_is_not_there():
    with pytest.raises(ProblemError, match="did you mean 'healthbench'"):
        read_form([], "heathbench")
    with pytest.raises(ProblemError, match="known: rlcf, rar"):
        to_rows([], "xml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1: this is not JSON"),
        ("[1]", "row 1 is 1; write each row"),
        ("[", "write an array of rows"),
        ("7", "not an object"),
    ],
)
def test_a_file_that_is_no_list_of_rows(content, message, tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(content)
    with pytest.raises(ProblemError, match=message):
        read_form(path, "rlcf")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ProblemError, match="cannot read"):
        read_form(tmp_path / "none.jsonl", "rlcf")
