"""Replies made elsewhere find their problems, or say why they do not."""

import gzip
import json

import pytest

from twofold.constraints import from_spec
from twofold.errors import RunError
from twofold.runs.finalize import finalize
from twofold.runs.import_responses import ImportedResponses
from twofold.runs.score import score
from twofold.types import FinishReason, Problem, Slice

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")


def problem(i: int, file: str = "") -> Problem:
    tags = {"file": file} if file else {}
    return Problem(question=f"What is {i} + 0?", answer=str(i), constraints=(NO_COMMA,), tags=tags)


def lines(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path, problems, profile="fixed"):
    return [
        (problems.index(next(p for p in problems if p.id == item.problem)), item.sample, r.reply)
        for item, r in ImportedResponses(path, problems).answers(profile)
    ]


THREE = [problem(i) for i in range(3)]


def test_mathif_goes_by_position(tmp_path):
    path = lines(tmp_path / "r.jsonl", {"output": ["a"]}, {"output": ["b", "c"]}, {"response": "d"})
    assert read(path, THREE) == [(0, 0, "a"), (1, 0, "b"), (1, 1, "c"), (2, 0, "d")]


def test_mathif_of_another_length_is_an_error_not_a_cut(tmp_path):
    for n in (2, 4):
        path = lines(tmp_path / "r.jsonl", *[{"output": ["a"]}] * n)
        with pytest.raises(RunError, match=f"has {n} replies for 3 problems"):
            read(path, THREE)


def test_a_directory_of_replies_is_matched_by_file_name(tmp_path):
    problems = [problem(0, "gsm8k_single.jsonl"), problem(1, "aime_double.jsonl")]
    lines(tmp_path / "out" / "my-model_gsm8k_single.jsonl", {"output": ["g"]})
    assert read(tmp_path / "out", problems) == [(0, 0, "g")]
    assert (
        ImportedResponses(tmp_path / "out", problems).unanswered() == []
    )  # the other file was not run
    lines(tmp_path / "out" / "my-model_aime_double.jsonl", {"output": ["a"]})
    assert sorted(read(tmp_path / "out", problems)) == [(0, 0, "g"), (1, 0, "a")]
    lines(tmp_path / "out" / "mystery.jsonl", {"output": ["a"]})
    with pytest.raises(RunError, match="names none of the problem files"):
        read(tmp_path / "out", problems)


def test_ifeval_goes_by_the_prompt(tmp_path):
    problems = [
        Problem(question=f"Write {i}.", constraints=(NO_COMMA,), question_states_constraints=True)
        for i in range(30)
    ]
    rows = [{"prompt": f"Write {i}.", "response": f"r{i}"} for i in reversed(range(29))]
    path = lines(tmp_path / "r.jsonl", *rows)
    assert sorted(read(path, problems)) == sorted((i, 0, f"r{i}") for i in range(29))
    assert [p.question for p in ImportedResponses(path, problems).unanswered()] == ["Write 29."]
    wrong = lines(tmp_path / "w.jsonl", {"prompt": "Something else.", "response": "r"})
    with pytest.raises(RunError, match="1 prompts are none of the problems'"):
        read(wrong, problems)


def test_lm_eval_goes_by_the_document_and_counts_one_filter(tmp_path):
    rows = [
        {"doc_id": i, "doc": {"question": THREE[i].question}, "resps": [[f"r{i}"]], "filter": f}
        for f in ("strict-match", "flexible-extract")
        for i in (2, 0, 1)
    ]
    path = lines(tmp_path / "samples_gsm8k_2026.jsonl", *rows)
    assert read(path, THREE) == [(2, 0, "r2"), (0, 0, "r0"), (1, 0, "r1")]
    by_number = lines(tmp_path / "n.jsonl", {"doc_id": 1, "doc": {"x": 1}, "resps": [["a", "b"]]})
    assert read(by_number, THREE) == [(1, 0, "a"), (1, 1, "b")]
    stranger = lines(
        tmp_path / "s.jsonl", {"doc_id": 7, "doc": {"question": "?"}, "resps": [["a"]]}
    )
    with pytest.raises(RunError, match="doc 7 is none of the 3 problems"):
        read(stranger, THREE)


def test_unknown_empty_absent_and_odd_files_name_the_remedy(tmp_path):
    with pytest.raises(RunError, match="does not exist"):
        read(tmp_path / "no.jsonl", THREE)
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(RunError, match="is empty"):
        read(tmp_path / "empty.jsonl", THREE)
    with pytest.raises(RunError, match=r"has the keys text; known forms are MathIF"):
        read(lines(tmp_path / "x.jsonl", {"text": "a"}), THREE)
    with pytest.raises(RunError, match="a reply is 7"):
        read(lines(tmp_path / "y.jsonl", *[{"output": [7]}] * 3), THREE)


def test_a_reply_that_was_lost_elsewhere_is_lost_here_too(tmp_path):
    path = lines(tmp_path / "r.jsonl", {"output": ["a"]}, {"output": [None]}, {"output": []})
    ended = [r.finish_reason for _, r in ImportedResponses(path, THREE).answers("fixed")]
    assert ended == [FinishReason.answered, FinishReason.failed, FinishReason.failed]


def test_one_file_for_several_problem_files_goes_nowhere_by_position(tmp_path):
    problems = [problem(0, "b_single.jsonl"), problem(1, "a_single.jsonl")]
    path = lines(tmp_path / "all.jsonl", {"output": ["a"]}, {"output": ["b"]})
    with pytest.raises(RunError, match="come from 2 files"):
        read(path, problems)


def test_noconstraint_in_the_path_is_the_plain_condition(tmp_path):
    problems = [problem(0, "gsm8k_single.jsonl"), problem(1, "aime_double.jsonl")]
    lines(tmp_path / "o" / "gsm8k_single.jsonl", {"output": ["with"]})
    lines(tmp_path / "o" / "gsm8k_single_noconstraint.jsonl", {"output": ["without"]})
    found = {
        (i.condition, r.reply)
        for i, r in ImportedResponses(tmp_path / "o", problems).answers("fixed")
    }
    assert found == {("constrained", "with"), ("unconstrained", "without")}
    lines(tmp_path / "o" / "copy_gsm8k_single.jsonl", {"output": ["again"]})
    with pytest.raises(RunError, match="both answer gsm8k_single"):
        read(tmp_path / "o", problems)


def test_rows_that_come_again_are_further_samples(tmp_path):
    rows = [{"doc": {"question": THREE[0].question}, "resps": [["a"]]}] * 2
    path = lines(tmp_path / "samples.jsonl", *rows)
    assert read(path, THREE) == [(0, 0, "a"), (0, 1, "a")]


def test_one_stray_close_tag_does_not_unscore_the_others(tmp_path):
    path = lines(
        tmp_path / "r.jsonl",
        {"output": ["0 and then</think>0"]},
        {"output": ["it is 1"]},
        {"output": ["it is 2"]},
    )
    ended = [r.finish_reason for _, r in ImportedResponses(path, THREE).answers("fixed")]
    assert ended == [FinishReason.answered] * 3


def test_a_run_directory_is_scored_as_it_stands(tmp_path):
    path = lines(tmp_path / "r.jsonl", *[{"output": [f"\\boxed{{{i}}}"]} for i in range(3)])
    first = score(path, THREE, out=tmp_path / "run")
    assert score(tmp_path / "run", THREE, out=tmp_path / "again").findings == first.findings


def test_thoughts_are_cut_off_and_an_unclosed_one_is_no_answer(tmp_path):
    path = lines(
        tmp_path / "r.jsonl",
        {"output": ["<think>1, 2</think>0"]},
        {"output": ["<think>still at it"]},
        {"output": ["plain 2"]},
    )
    fixed = [r for _, r in ImportedResponses(path, THREE).answers("fixed")]
    assert [r.reply for r in fixed] == ["0", "", "plain 2"]
    assert fixed[1].finish_reason is FinishReason.unclosed_thinking
    official = [r for _, r in ImportedResponses(path, THREE).answers("official")]
    assert [r.reply for r in official] == ["0", "still at it", "plain 2"]


def test_a_template_that_opened_the_thought_is_seen_from_the_other_replies(tmp_path):
    path = lines(
        tmp_path / "r.jsonl",
        {"output": ["first I add</think>0"]},
        {"output": ["I never came to an end"]},
        {"output": ["so</think>2"]},
    )
    ended = [r.finish_reason for _, r in ImportedResponses(path, THREE).answers("fixed")]
    assert ended == [FinishReason.answered, FinishReason.unclosed_thinking, FinishReason.answered]


def test_score_reports_both_profiles_and_writes_a_run_directory(tmp_path):
    path = lines(
        tmp_path / "r.jsonl",
        {"output": ["\\boxed{0}"]},
        {"output": ["so, \\boxed{1}"]},
        {"output": ["\\boxed{7}"]},
    )
    result = score(path, THREE, out=tmp_path / "run")
    joint, profiles = result.findings
    assert joint.estimate("accuracy", condition="constrained").value == pytest.approx(2 / 3)
    assert joint.estimate("joint", condition="constrained").value == pytest.approx(1 / 3)
    part = Slice("type", "punctuation:no_comma")
    official = profiles.estimate("met", condition="official", slice=part)
    assert official.value == pytest.approx(2 / 3)
    found = profiles.comparison("met", versus="official", condition="fixed", slice=part)
    assert found.difference.value == 0.0
    assert (tmp_path / "run" / "report.html").exists()
    assert result.lost.n == 0


def test_official_and_fixed_differ_where_the_checkers_do(tmp_path):
    bullets = from_spec(
        "detectable_format:number_bullet_lists", {"num_bullets": 2}, profile="fixed"
    )
    asked = [Problem(question="List two.", answer="1", constraints=(bullets,))]
    path = lines(tmp_path / "r.jsonl", {"output": ["* a\n* \\boxed{1}\n---"]})
    _, profiles = score(path, asked, out=tmp_path / "run").findings
    part = Slice("type", "detectable_format:number_bullet_lists")
    official, fixed = (
        profiles.estimate("met", condition=profile, slice=part) for profile in ("official", "fixed")
    )
    assert (official.value, fixed.value) == (0.0, 1.0)  # `official` counts the rule as a bullet
    found = profiles.comparison("met", versus="official", condition="fixed", slice=part)
    assert found.n_improved == 1


def test_problems_without_a_row_were_not_asked_and_are_not_lost(tmp_path):
    problems = [
        Problem(question=f"Write {i}.", constraints=(NO_COMMA,), question_states_constraints=True)
        for i in range(4)
    ]
    path = lines(tmp_path / "r.jsonl", {"prompt": "Write 0.", "response": "fine"})
    result = score(path, problems, out=tmp_path / "run")
    assert (result.lost.n, result.lost.is_too_many) == (0, False)
    hacc = result.findings[0].estimate("hacc", condition="constrained")
    assert (hacc.value, hacc.n, hacc.n_unscored) == (1.0, 1, 0)
    assert any("3 of 4 problems have no row" in each for each in result.findings[0].caveats)
    assert finalize(tmp_path / "run").findings == result.findings  # also without the file


def lm_eval(number, text, filtered=None):
    return {
        "doc_id": number,
        "doc": {"question": f"What is {number}?"},
        "resps": [[text]],
        "filtered_resps": [filtered or text],
        "filter": "none",
    }


def test_two_files_of_lm_eval_give_the_paired_change(tmp_path):
    """Right before: 0, 1, 2 of 0..4. Right after: 1, 2, 3, 4 of 0..5; the sixth has no partner."""
    problems = [Problem(question=f"What is {i}?", answer=str(i)) for i in range(8)]
    before = [lm_eval(i, f"\\boxed{{{i if i < 3 else 99}}}") for i in range(5)]
    after = [lm_eval(i, f"\\boxed{{{i if 1 <= i < 5 else 99}}}") for i in range(6)]
    old = lines(tmp_path / "samples_before.jsonl", *before)
    new = lines(tmp_path / "samples_after.jsonl", *after)
    result = score(new, problems, baseline=old, out=tmp_path / "run")
    found = result.findings[0]
    at = {"condition": "unconstrained"}
    assert found.estimate("accuracy", role="model", **at).n == 6
    assert found.estimate("accuracy", role="baseline", **at).n == 5
    change = found.comparison("accuracy", **at)
    assert (change.n_improved, change.difference.n) == (2, 5)
    assert change.difference.value == pytest.approx(1 / 5)
    said = " ".join(found.caveats)
    assert "2 of 8 problems have no row in the file of replies of the model" in said
    assert "3 of 8 problems have no row in the file of replies of the baseline" in said
    assert result.lost.n == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert str(old) in page and str(new) in page
    with pytest.raises(RunError, match="another"):
        score(new, problems, out=tmp_path / "run")  # without the baseline it is another run


def test_beside_another_file_only_the_model_of_a_pair_counts(tmp_path):
    rows = [
        OURS | {"role": role, "problem": p.id, "raw": text, "reply": text}
        for role, text in (("model", "\\boxed{0}"), ("baseline", "\\boxed{9}"))
        for p in THREE
    ]
    pair = lines(tmp_path / "responses.jsonl", *rows)
    found = score(pair, THREE, baseline=pair, out=tmp_path / "run").findings[0]
    said = [
        found.estimate("accuracy", role=role, condition="constrained")
        or found.estimate("accuracy", role=role, condition="unconstrained")
        for role in ("model", "baseline")
    ]
    assert said[0] == said[1]
    assert said[0].n == 3


def test_our_own_responses_are_scored_again(tmp_path):
    path = lines(tmp_path / "r.jsonl", *[{"output": [f"\\boxed{{{i}}}"]} for i in range(3)])
    first = score(path, THREE, out=tmp_path / "run")
    again = score(tmp_path / "run" / "responses.jsonl", THREE, out=tmp_path / "again")
    assert again.findings == first.findings
    with pytest.raises(RunError, match="not among the problems"):
        score(tmp_path / "run" / "responses.jsonl", THREE[:1], out=tmp_path / "third")


# Every row is paired, counted, or refused with its line.


def refused(path, problems, says):
    with pytest.raises(RunError, match=says) as caught:
        read(path, problems)
    assert "line 2" in str(caught.value)


def test_two_problems_with_one_question_get_their_own_replies(tmp_path):
    json_format = from_spec("detectable_format:json_format", None, profile="fixed")
    first = Problem(question="What is 7 + 7?", answer="14", constraints=(NO_COMMA,))
    second = Problem(question="What is 7 + 7?", answer="14", constraints=(json_format,))
    problems = [first, *THREE, second]
    rows = [
        {"doc_id": i, "doc": {"question": problems[i].question}, "resps": [[f"r{i}"]]}
        for i in range(5)
    ]
    path = lines(tmp_path / "samples.jsonl", *reversed(rows))
    assert sorted(read(path, problems)) == [(i, 0, f"r{i}") for i in range(5)]
    untold = [{k: v for k, v in row.items() if k != "doc_id"} for row in rows]
    refused(
        lines(tmp_path / "u.jsonl", untold[1], untold[0]),
        problems,
        "its text is that of 2 problems",
    )
    off = [rows[1], rows[0] | {"doc_id": 9}]  # a number of another file
    refused(lines(tmp_path / "o.jsonl", *off), problems, "its text is that of 2 problems")


def test_one_prompt_of_two_problems_is_told_apart_by_its_key(tmp_path):
    bound = [
        Problem(
            question="Write.",
            constraints=(from_spec(name, None, profile="fixed"),),
            question_states_constraints=True,
            tags={"source_id": key},
        )
        for name, key in (("punctuation:no_comma", "7"), ("detectable_format:json_format", "8"))
    ]
    rows = [{"key": k, "prompt": "Write.", "response": f"r{k}"} for k in (8, 7)]
    assert read(lines(tmp_path / "r.jsonl", *rows), bound) == [(1, 0, "r8"), (0, 0, "r7")]
    refused(lines(tmp_path / "u.jsonl", rows[0], rows[1] | {"key": 9}), bound, "of 2 problems")


DOC = {"doc_id": 0, "doc": {"question": THREE[0].question}, "resps": [["a"]]}
OTHER = DOC | {"doc_id": 1, "doc": {"question": THREE[1].question}}


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (DOC, DOC, "doc 0 of line 1 is there again"),
        (DOC, OTHER | {"resps": "abc"}, "resps is 'abc', not a list of replies"),
        (DOC, OTHER | {"resps": {"a": 1}}, "not a list of replies"),
        (DOC, OTHER | {"resps": [["a", 7]]}, "a reply is 7, not a text"),
        (DOC, OTHER | {"resps": [[[-1.5, False]]]}, "a reply is .*, not a text"),
        (DOC, OTHER | {"doc_id": -1}, "doc_id is -1"),
        (DOC, OTHER | {"doc_id": True}, "doc_id is True"),
        (DOC, OTHER | {"doc_id": "1"}, "doc_id is '1'"),
        (DOC, OTHER | {"doc": "A?"}, "doc is 'A\\?', not an object"),
        (DOC, {k: OTHER[k] for k in ("doc_id", "doc")}, "the key 'resps' is missing"),
        (DOC, {k: OTHER[k] for k in ("doc_id", "resps")}, "the key 'doc' is missing"),
        ({"output": ["a"]}, {"outputs": ["a"]}, "the key 'output' is missing"),
        ({"output": ["a"]}, {"output": {"a": 1}}, "a reply is"),
        ({"prompt": "x", "response": "a"}, {"prompt": 7, "response": "a"}, "the prompt is 7"),
        ({"prompt": "x", "response": "a"}, {"prompt": "x"}, "the key 'response' is missing"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(tmp_path, first, second, says):
    refused(lines(tmp_path / "r.jsonl", first, second, first), THREE, says)


def test_a_single_row_that_is_no_reply_is_refused(tmp_path):
    row = {"doc_id": 0, "doc": "A?", "resps": [["1"]]}
    with pytest.raises(RunError, match="line 1: doc is 'A\\?', not an object"):
        read(lines(tmp_path / "r.jsonl", row), THREE)


OURS = {
    **{"role": "model", "condition": "constrained", "problem": THREE[0].id, "sample": 0},
    **{"finish_reason": "answered", "raw": "a", "reply": "a"},
}
NEXT = OURS | {"problem": THREE[1].id}


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (OURS, "the item of line 1 is there again"),
        (NEXT | {"role": "floor"}, "role 'floor' or condition 'constrained' is unknown"),
        (NEXT | {"role": "constant_reply"}, "is unknown"),
        (NEXT | {"condition": "odd"}, "condition 'odd' is unknown"),
        (NEXT | {"sample": -1}, "'sample'"),
        (NEXT | {"finish_reason": "odd"}, "'finish_reason'"),
        (NEXT | {"raw": ["a"]}, "'raw'"),
        (NEXT | {"problem": "other"}, "not among the problems"),
        ({k: v for k, v in NEXT.items() if k != "condition"}, "'condition' is missing"),
    ],
)
def test_a_bad_row_of_ours_is_refused_with_its_line(tmp_path, second, says):
    refused(lines(tmp_path / "responses.jsonl", OURS, second), THREE, says)


def test_a_reply_that_the_budget_cut_is_known_by_its_finish_reason(tmp_path):
    problems = [
        Problem(question=f"Write {i}.", constraints=(NO_COMMA,), question_states_constraints=True)
        for i in range(4)
    ]
    said = [
        {"response": "fine", "finish_reason": "stop"},
        {"response": "cut o", "finish_reason": "length"},
        {"response": "<think>still thinking", "finish_reason": "max_tokens"},
        {"response": "fine"},
    ]
    rows = [{"prompt": p.question} | row for p, row in zip(problems, said, strict=True)]
    transcript = ImportedResponses(lines(tmp_path / "r.jsonl", *rows), problems)
    found = [response.finish_reason.value for _, response in transcript.answers("fixed")]
    assert found == ["answered", "truncated", "unclosed_thinking", "answered"]


def test_prompts_of_no_problem_are_counted_and_said(tmp_path):
    problems = [
        Problem(question=f"Write {i}.", constraints=(NO_COMMA,), question_states_constraints=True)
        for i in range(30)
    ]
    rows = [{"prompt": p.question, "response": "fine"} for p in problems]
    path = lines(tmp_path / "r.jsonl", *rows, {"prompt": "Else.", "response": "r"})
    result = score(path, problems, out=tmp_path / "run")
    assert any("1 rows of the file of replies" in each for each in result.findings[0].caveats)
    assert finalize(tmp_path / "run").findings == result.findings  # also without the file


def test_a_run_of_two_roles_has_a_page_and_both_names(tmp_path):
    rows = [
        OURS | {"role": role, "problem": p.id, "raw": f"\\boxed{{{i}}}", "reply": f"\\boxed{{{i}}}"}
        for role in ("model", "baseline")
        for i, p in enumerate(THREE)
    ]
    path = lines(tmp_path / "responses.jsonl", *rows)
    result = score(path, THREE, out=tmp_path / "run")
    assert result.findings[0].estimate("accuracy", role="baseline", condition="constrained").n == 3
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{path} (baseline)" in page


def test_an_output_among_the_replies_is_refused(tmp_path):
    lines(tmp_path / "replies" / "r.jsonl", *[{"output": ["a"]}] * 3)
    for out in (tmp_path / "replies", tmp_path / "replies" / "run"):
        with pytest.raises(RunError, match="choose another --out"):
            score(tmp_path / "replies", THREE, out=out)
    assert [p.name for p in (tmp_path / "replies").iterdir()] == ["r.jsonl"]


def test_compressed_replies_in_a_folder_are_read(tmp_path):
    (tmp_path / "r").mkdir()
    content = "".join(json.dumps({"output": [f"r{i}"]}) + "\n" for i in range(3))
    (tmp_path / "r" / "r.jsonl.gz").write_bytes(gzip.compress(content.encode("utf-8-sig")))
    assert read(tmp_path / "r", THREE) == [(i, 0, f"r{i}") for i in range(3)]


def test_prompts_without_their_rules_are_untold_replies_to_the_same_problems(tmp_path):
    told = [{"prompt": p.messages()[0]["content"], "response": f"{p.answer}, told"} for p in THREE]
    untold = [{"prompt": p.question, "response": f"{p.answer} bare"} for p in reversed(THREE)]
    path = lines(tmp_path / "r.jsonl", *told, *untold)
    found = {
        (item.condition, r.reply) for item, r in ImportedResponses(path, THREE).answers("fixed")
    }
    assert found == {("constrained", f"{i}, told") for i in range(3)} | {
        ("unconstrained", f"{i} bare") for i in range(3)
    }
    obeyed = score(path, THREE, out=tmp_path / "run").findings[0].estimate("obedience")
    assert obeyed is not None and obeyed.value == -1.0  # a comma in every told reply, in no other
    strange = lines(tmp_path / "s.jsonl", *untold, {"prompt": "What?", "response": "a"})
    with pytest.raises(RunError, match="with their rules or without"):
        list(ImportedResponses(strange, THREE).answers("fixed"))
