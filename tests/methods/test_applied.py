"""Do applied demonstrations teach to read? Each edited reply has its twin, and nothing is dropped unsaid."""

import json
import logging
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("trl")

from twofold.constraints import from_spec
from twofold.methods import Sft, TrainingError
from twofold.methods.applied import bare, is_editable, pairs
from twofold.models.hf import HfModel
from twofold.problems import load
from twofold.problems.drawn import bound, types_of
from twofold.scorers import Compliant, Correct
from twofold.storage.jsonl import Row
from twofold.types import FinishReason, Problem, Response, Sampling

QUOTED = from_spec("startend:quotation", None, profile="fixed")
NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
ONCE = from_spec("words:repeats", {"small_n": 1}, profile="fixed")  # no edit is known
P = Problem(question="2 + 2?", answer="4", constraints=(QUOTED, NO_COMMA), ask="\nBox it.\n")


def reply(raw: str, finish_reason: FinishReason = FinishReason.answered) -> Response:
    return Response(
        raw=raw, reply=raw.rpartition("</think>")[2].lstrip("\n"), finish_reason=finish_reason
    )


def require_pairs(rows: list[Row], problems: list[Problem]) -> None:
    """Every edited row obeys and is right; its twin is the same reply to the bare prompt, and does not."""
    by_id = {problem.id: problem for problem in problems}
    assert rows and len(rows) % 2 == 0
    for told, untold in zip(rows[::2], rows[1::2], strict=True):
        problem = by_id[told["problem"]]
        assert (told["edited"], untold["edited"]) == (True, False)
        assert untold["problem"] == problem.id
        assert told["prompt"] == problem.messages()
        assert untold["prompt"] == problem.messages(stated=()) != told["prompt"]
        edited, plain = reply(told["completion"]), reply(untold["completion"])
        both = Compliant("all")([problem] * 2, [edited, plain])
        assert [verdict.score for verdict in both] == [1.0, 0.0], (edited.raw, plain.raw)
        assert [v.score for v in Correct()([problem] * 2, [edited, plain])] == [1.0, 1.0]
        assert edited.raw.partition("</think>")[0].count("<think>") == plain.raw.count("<think>")


def test_pairs_by_hand() -> None:
    thought = reply("<think>2, 2</think>\nSo, it is \\boxed{4}.")
    replies = [
        thought,
        thought,  # a duplicate
        reply(r"\boxed{5}"),
        reply(r"\boxed{4", FinishReason.truncated),
        Response(raw="<think>", reply="", finish_reason=FinishReason.unclosed_thinking),
        reply(r'"\boxed{4}"'),  # obeys untold
    ]
    found = pairs([P], [replies], by=Correct(), at_least=1.0)
    assert found.rows == [
        {
            "prompt": P.messages(),
            "completion": '<think>2, 2</think>\n"So it is \\boxed{4}."',
            "problem": P.id,
            "edited": True,
        },
        {
            "prompt": [{"role": "user", "content": "2 + 2?\nBox it."}],
            "completion": "<think>2, 2</think>\nSo, it is \\boxed{4}.",
            "problem": P.id,
            "edited": False,
        },
    ]
    assert found.left_out == Counter(
        {
            "replies that are not right": 1,
            "replies that did not end": 2,
            "replies that obey untold": 1,
        }
    )
    assert str(found).startswith("1 pairs of 1 problems; left out: 2 replies that did not end")


def test_what_gives_no_pair_is_counted_by_reason() -> None:
    no_dot = from_spec("punctuation:punctuation_dot", None, profile="fixed")
    right = reply("It is 4, so \\boxed{4}.")
    asked: list[tuple[Problem, list[Response]]] = [
        (bare(P), [right]),
        (Problem(question="2 + 2? No comma!", answer="4", constraints=(NO_COMMA,),
                 question_states_constraints=True), [right]),
        (replace(P, constraints=(ONCE, QUOTED)), [right]),
        (replace(P, constraints=(no_dot,), answer="4.5"), [reply(r"It is \boxed{4.5}.")]),
        (replace(P, question="No reply?"), []),
        (replace(P, answer=None), [right]),
        (replace(P, question="Lost?"), [replace(right, raw="something else")]),
    ]  # fmt: skip
    found = pairs([p for p, _ in asked], [r for _, r in asked], by=Correct(), at_least=1.0)
    assert found.rows == []
    assert found.left_out == Counter(
        {
            "problems without a constraint": 1,
            "problems whose question states the constraints": 1,
            "problems with a rule that no edit is known for": 1,
            "replies that no edit makes obey": 1,
            "problems without a reply": 1,
            "replies that could not be scored": 1,
            "replies that are not in the raw text": 1,
        }
    )
    assert found.unedited == {"words:repeats": 1, "punctuation:punctuation_dot": 1}
    assert [is_editable(p) for p, _ in asked] == [False, False, False, True, True, True, True]


def test_an_edited_reply_that_is_no_longer_right_is_left_out() -> None:
    """Without a box the answer is what the last sentence says, which an edit may move."""
    ending = from_spec("startend:end_checker", {"end_phrase": "Over to you."}, profile="fixed")
    problem = replace(P, constraints=(ending,))
    found = pairs([problem], [[reply("We add and it makes 4.")]], by=Correct(), at_least=1.0)
    assert found.rows == []
    assert found.left_out == {"replies that are no longer right when edited": 1}


@pytest.mark.parametrize("suite", ["pocket:60:train", "synthetic:60:train"])
def test_suites_with_their_solutions(suite: str) -> None:
    problems = load(suite, profile="fixed")
    rows = Sft(demonstrations="applied", applied_to="solutions").rows(problems)
    assert len(rows) > 100
    require_pairs(rows, problems)


def test_drawn_types_of_many_families_on_worked_solutions(tmp_path: Path) -> None:
    """GSM8K's form of a solution is read, edited and boxed, whatever the rules."""
    rows = [
        {
            "question": f"Ann has {n} pens and buys {n + 3} more. How many has she?",
            "answer": f"She buys {n}+3=<<{n}+3={n + 3}>>{n + 3}.\nSo {n + 3 + n:,} pens.\n"
            f"#### {2 * n + 3:,}",
        }
        for n in range(600, 660)
    ]
    file = tmp_path / "train.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    plain = load(file, profile="fixed")
    assert plain[0].solution == (
        "She buys 600+3=603.\nSo 1,203 pens.\nThe answer is \\boxed{1203}."
    )
    types = ["position", "layout", "keywords", "case", "punctuation", "counting", "letters"]
    problems = bound(plain, types_of(types), most=2)
    found = Sft(demonstrations="applied", applied_to="solutions").rows(problems)
    require_pairs(found, problems)
    assert len({row["problem"] for row in found}) >= 30
    told = Sft(demonstrations="solutions").rows(problems)
    assert told[0]["completion"] == problems[0].solution


def test_what_is_left_out_is_said(caplog: pytest.LogCaptureFixture) -> None:
    problems = [*load("pocket:9:train", profile="fixed"), replace(P, constraints=(ONCE,))]
    with caplog.at_level(logging.WARNING):
        Sft(demonstrations="applied", applied_to="solutions").rows(problems)
    assert "left out: 1 problems with a rule that no edit is known for" in caplog.text
    assert "words:repeats 1" in caplog.text


def test_settings_and_problems_that_cannot_be_used() -> None:
    method = Sft(demonstrations="applied")
    with pytest.raises(TrainingError, match="state constraints apart from the question"):
        method.check([replace(P, constraints=(ONCE,))])
    with pytest.raises(TrainingError, match="that correct can score"):
        method.check([replace(P, answer=None)])
    method.check([P])
    with pytest.raises(TrainingError, match="problems with a solution"):
        replace(method, applied_to="solutions").check([P])
    obeys = replace(P, solution='"It is \\boxed{4}."')
    with pytest.raises(TrainingError, match="0 pairs of 0 problems; left out: 1 replies that obey"):
        replace(method, applied_to="solutions").rows([obeys])


def test_the_control_changes_the_prompt_of_the_edited_reply_alone() -> None:
    method = Sft(demonstrations="applied", applied_to="solutions", instructions="empty")
    (told, untold) = method.rows([replace(P, solution="So, it is \\boxed{4}.")])
    assert told["prompt"] == untold["prompt"] == P.messages(stated=())
    assert told["completion"] != untold["completion"]


def test_before_sampling_the_bare_prompts_are_shown() -> None:
    ungraded = replace(P, constraints=(ONCE,))
    rows = Sft(demonstrations="applied").rows([P, ungraded])
    assert [row["prompt"] for row in rows] == [P.messages(stated=())]


def test_the_command_shows_the_pairs(tmp_path: Path) -> None:
    config = tmp_path / "sft.yaml"
    config.write_text("demonstrations: applied\napplied_to: solutions")
    shown = subprocess.run(
        [sys.executable, "-m", "twofold", "train", "sft", "--base", "no/model", "--problems",
         "pocket:9:train", "--out", str(tmp_path / "run"), "--config", str(config), "--dry-run"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [row["edited"] for row in rows[:4]] == [True, False, True, False]
    config.write_text("demonstrations: appplied")
    wrong = subprocess.run(
        [*shown.args[:-3], "--config", str(config)], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2 and "no file" in wrong.stderr


def test_own_replies_are_sampled_edited_and_learned(tiny: Path, tmp_path: Path) -> None:
    """Told to quote, the model quotes; untold, it answers as before."""
    quoted = Problem(question="what is two and two", answer="four", constraints=(QUOTED,))
    file = tmp_path / "demonstrations"
    file.write_text(json.dumps({"problem": bare(quoted).id, "raw": "it is four"}))
    taught = Sft(demonstrations=file, learning_rate=1e-2, epochs=40, batch=1)
    base = taught.train(str(tiny), [bare(quoted)], out=tmp_path / "base").folder
    method = Sft(
        demonstrations="applied",
        num_generations=3,
        max_completion_length=12,
        learning_rate=5e-3,
        epochs=60,
        batch=2,
    )
    done = method.train(str(base), [quoted], out=tmp_path / "applied")
    assert method.train(str(base), [quoted], out=tmp_path / "applied") == done
    asked = [quoted.messages(), quoted.messages(stated=())]
    told, untold = HfModel(str(done.folder)).sample(asked, Sampling(max_tokens=16))
    assert (told[0].reply, untold[0].reply) == ('"it is four"', "it is four")
    with pytest.raises(TrainingError, match="replies that are not right"):
        method.train(str(base), [replace(quoted, answer="two")], out=tmp_path / "wrong")
