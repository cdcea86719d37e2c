"""The published rules of FollowBench: 350 requests, official verdicts, and replies made by hand."""

from __future__ import annotations

import json
import os
import pickle
import time
from ast import literal_eval
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from twofold.judges.followbench.rules import FollowBenchRules, _rule, row_verdict
from twofold.judges.judge import Asked
from twofold.problems import load
from twofold.problems.followbench import UNMEETABLE, answer_form
from twofold.problems.lint import lint
from twofold.types import FinishReason, Problem, Response
from twofold.types.checklist import Checklist, Criterion

ROOT = Path(os.environ["TWOFOLD_SHARED"])
DATA = ROOT / "data" / "followbench"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(),
    reason="FollowBench is not here; set TWOFOLD_SHARED to the folder with data/followbench",
)


def made(
    category: str, source: str, level: int = 1, *, target: str = "", group: str = "1"
) -> Problem:
    tags = {"source": "followbench", "category": category, "group": group, "level": str(level)}
    tags |= {"followbench_source": source}
    if target:
        tags["followbench_target"] = target
    return Problem(question="Do so.", question_states_constraints=True, tags=tags)


DICT = "{instruction}\n{{'bot': '{answer}'}}"
EVENTS = "a was hurt by <arg2>\nb was hurt by <arg2>"
BOT = "{instruction}\nBOT: {answer}"


@pytest.mark.parametrize(
    ("problem", "reply", "score"),
    [
        (made("example", "x", target=BOT), "BOT: yes", 1),
        (made("example", "x", target=BOT), "BOT: ", 1),
        (made("example", "x", target=BOT), " BOT: yes", 0),
        (made("example", "x", target=BOT), "BOT: yes,\nand more", 0),
        (made("example", "x", target=BOT), "Bot: yes", 0),
        (made("example", "x", target=DICT), "{'bot': 'it's'}", 1),
        (made("example", "x", target=DICT), '{"bot": "yes"}', 0),
        (made("example", "x", target="no template"), "anything", None),
        (made("content", "E2E", target="name[Cotto]"), "name[Cotto]", 1),
        (made("content", "E2E", target="name[Cotto]"), "name[Cotto]\n", 0),
        (made("content", "CONLL2003", target="['Bonn', 'Mainz']"), "Mainz", 1),
        (made("content", "CONLL2003", target="['Bonn', 'Mainz']"), "Bonn, Mainz", 0),
        (made("content", "CONLL2003", target="'Bonn'"), "Bo", None),
        (made("content", "CONLL2003", target="open('x')"), "Bo", None),
        # The number of lines is not looked at.
        (made("content", "WIKIEVENTS", 5, target=EVENTS), "a was hurt by <arg2>", 1),
        (made("content", "WIKIEVENTS", 2, target=EVENTS), "a was hurt by <arg2>\n" * 2, 0),
        (made("content", "WIKIEVENTS", 1, target=EVENTS), "a was hurt by cats", 0),
        (made("content", "WIKIEVENTS", 1, target=EVENTS), "", 0),
        (made("situation", "BBH_logical", target="(B)"), "Not (A), so it is (B).", 1),
        (made("situation", "BBH_logical", target="(B)"), "(B), and not (A).", 0),
        (made("situation", "BBH_logical", target="(B)"), "B.", 0),
        (made("situation", "BBH_time", target="01/09/1938"), "12/24/1937, then 01/09/1938.", 1),
        (made("situation", "BBH_time", target="01/09/1938"), "1/9/1938", 0),
        (made("situation", "self_made_space", target="20th floor"), "On the 120th floor", 1),
        (made("situation", "self_made_space", target="20th floor"), "Floor 20", 0),
        (made("situation", "gsm_8k", target="$14"), "At $12 an hour she earned $14.50.", 1),
        (made("situation", "gsm_8k", target="$14"), "14 dollars", 0),
        (made("mixed", "text_editing", target="apples love"), "apples love", 1),
        (made("mixed", "text_editing", target="apples love"), "apples love\n", 0),
    ],
)
def test_a_target_by_hand(problem: Problem, reply: str, score: float | None) -> None:
    assert row_verdict(problem, reply).score == score


NEWS = "Harry Potter is rich. The actor saves it. His films have sold well."
KIM = "Kim will do stuff tomorrow."
COACH = "at least two people killed in coach attack"
MODEL = "We find that activations in middle layers store facts"


@pytest.mark.parametrize(
    ("source", "reply", "passes_to"),
    [
        # How far up a reply passes: it breaks what the next level adds. 5 = it passes all.
        ("cnn_dailymail", NEWS, 5),
        ("cnn_dailymail", NEWS + " ", 0),  # a blank behind the last mark is a sentence
        ("cnn_dailymail", NEWS.replace("saves it", "saves it" + " all" * 12), 1),
        ("cnn_dailymail", NEWS.replace("actor", "Actor"), 2),
        ("cnn_dailymail", NEWS.replace("saves it", "is lavish"), 3),
        ("cnn_dailymail", NEWS.replace("have sold", "sold"), 4),
        ("xsum", "The operation is going on", 5),
        ("xsum", "The operation is going on. It is 3.5 m", 0),
        ("xsum", "The operation is going on" + " and" * 15, 1),
        ("xsum", "Newton Stewart is going on", 2),
        ("xsum", "newton stewart goes on", 3),
        ("xsum", "Work is going on", 4),
        ("samsum", KIM, 5),
        ("samsum", "Kim is here. She will do stuff.", 0),
        ("samsum", KIM[:-1] + " so" * 10 + ".", 1),
        ("samsum", KIM.replace("stuff", "things"), 2),
        ("samsum", KIM.replace("Kim", "Procrastinating Kim"), 3),
        ("samsum", KIM.replace("stuff", "stuff,"), 4),
        ("gigaword", COACH, 5),
        ("gigaword", COACH + " today", 0),
        ("gigaword", COACH + ".", 1),
        ("gigaword", COACH.capitalize(), 2),
        ("gigaword", COACH.replace("coach", "bus"), 3),
        ("gigaword", COACH.replace("in", "by"), 4),
        ("arxiv", MODEL, 5),
        ("arxiv", MODEL + ". We edit them", 0),
        ("arxiv", MODEL + " and" * 12, 1),
        ("arxiv", MODEL.replace("We", "They"), 2),
        ("arxiv", MODEL.replace("activations", "Activations").replace("We", "West"), 3),
        ("arxiv", MODEL.replace("layers", "transformer layers"), 4),
    ],
)
def test_summaries_by_hand(source: str, reply: str, passes_to: int) -> None:
    scores = [row_verdict(made("mixed", source, n), reply).score for n in range(1, 6)]
    assert scores == [1.0] * passes_to + [0.0] * (5 - passes_to)


LONG = " ".join(["Wipe", *["the"] * 19, "table."])  # 21 words


@pytest.mark.parametrize(
    ("reply", "passes_to"),
    [
        (f"{LONG}\n\n{LONG}\n\n{LONG}", 3),
        # A number is a sentence of one word, so what level 4 adds breaks what level 3 asks.
        (f"1. {LONG}\n\n2. {LONG}\n\n3. {LONG}", 2),
        (f"{LONG}\n\n{LONG}", 0),
        (f"Wipe.\n\n{LONG}\n\n{LONG}", 2),
    ],
)
def test_the_wooden_table_by_hand(reply: str, passes_to: int) -> None:
    scores = [row_verdict(made("format", "y", n, group="22"), reply).score for n in range(1, 6)]
    assert scores == [1.0] * passes_to + [0.0] * (5 - passes_to)
    assert passes_to < UNMEETABLE["format", "22"][0]


SPEECH = "\n".join(f"**{i}. Work:** it makes new things in each town and city" for i in range(1, 6))


@pytest.mark.parametrize(
    ("reply", "passes_to"),
    [
        ("**1a: **2b: **3c: **4d: **5e: f g h i j", 5),
        (SPEECH, 3),  # the number's full stop ends a sentence of one word
        ("no points", 0),
        ("**1:** **1:** **1:** **1:** **1:** ", 1),
    ],
)
def test_the_speech_by_hand(reply: str, passes_to: int) -> None:
    scores = [row_verdict(made("format", "z", n, group="30"), reply).score for n in range(1, 6)]
    assert scores == [1.0] * passes_to + [0.0] * (5 - passes_to)


@needs_data
def test_official_verdicts_are_repeated() -> None:
    rows = [
        json.loads(row)
        for row in (DATA / "rule_vectors.jsonl").read_text("utf-8").split("\n")
        if row
    ]
    assert len(rows) > 700
    for row in rows:
        problem = made(
            row["type"],
            row["source"],
            row["level"],
            target=row["target"],
            group=str(row["example_id"]),
        )
        assert row_verdict(problem, row["text"]).score == float(row["expected"]), row["id"]


def test_what_has_no_rule_is_unscored() -> None:
    for problem in (
        made("style", "oasst"),
        made("format", "oasst", group="21"),
        made("content", "quora", target="x"),
        made("content", "E2E"),  # no target
        made("mixed", "xsum", 6),
        Problem(question="?", tags={"source": "followbench"}),
        Problem(question="?", tags={"source": "ifeval", "category": "mixed"}),
    ):
        assert _rule(problem) is None
        assert row_verdict(problem, "text").score is None
    chinese = Problem(question="总结这条新闻", tags=made("mixed", "xsum").tags)
    assert _rule(chinese) is None


def test_the_judge_gives_each_criterion_the_verdict_of_its_row() -> None:
    judge = pickle.loads(pickle.dumps(FollowBenchRules()))
    problem = made("mixed", "gigaword", 2)
    replies = [COACH, COACH + ".", "  ", ""]
    responses = [Response(raw=r, reply=r) for r in replies]
    responses.append(
        Response(raw="<think>", reply="", finish_reason=FinishReason.unclosed_thinking)
    )
    criteria = [Criterion(text="What level 1 adds?"), Criterion(text="What level 2 adds?")]
    asked = [Asked(problem=problem, response=r, criterion=c) for r in responses for c in criteria]
    scores = [verdict.score for verdict in judge(asked)]
    assert scores == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, None, None]
    assert [v.score for v in judge(asked[::-1])] == scores[::-1]
    assert judge([]) == []
    own, other = (
        replace(problem, checklist=Checklist(criteria=tuple(criteria), writer=writer))
        for writer in ("FollowBench", "a model")
    )
    for asked_of, score in ((own, 1.0), (other, None)):
        one = Asked(problem=asked_of, response=responses[0], criterion=criteria[0])
        assert judge([one])[0].score == score


@pytest.mark.parametrize(
    "reply",
    [
        "** " + " " * 50_000 + "x",
        " ".join(["the answer is"] * 10_000),
        "Those are " * 20_000,
        "is " + "not " * 20_000 + "x",
        "**" * 50_000,
        "1/1/" * 30_000,
    ],
)
def test_a_hostile_reply_costs_no_minutes(reply: str) -> None:
    started = time.process_time()
    for category, source, group in (
        ("mixed", "xsum", "1"),
        ("mixed", "cnn_dailymail", "1"),
        ("format", "x", "22"),
        ("format", "x", "30"),
        ("situation", "BBH_logical", "1"),
        ("situation", "BBH_time", "1"),
        ("situation", "self_made_space", "1"),
    ):
        row_verdict(made(category, source, 5, target="1st floor", group=group), reply)
    assert time.process_time() - started < 20


@needs_data
def test_a_program_judges_350_of_820() -> None:
    with_rule = [p for p in load(str(DATA), profile="fixed") if _rule(p)]
    assert len(with_rule) == 350
    assert Counter(p.tags["category"] for p in with_rule) == {
        "example": 200,
        "content": 60,
        "situation": 40,
        "format": 10,
        "mixed": 40,
    }
    sources = Counter(
        p.tags["followbench_source"] for p in with_rule if p.tags["category"] != "example"
    )
    assert sources["E2E"] == sources["CONLL2003"] == sources["BBH_logical"] == 25
    assert (sources["WIKIEVENTS"], sources["text_editing"], sources["gsm_8k"]) == (10, 15, 5)


@needs_data
def test_every_gold_answer_on_one_line_passes_its_own_rule() -> None:
    answers = {
        f"example/{row['example_id']}/{row['level']}": row["answer"]
        for row in json.loads((DATA / "example_constraints.json").read_text("utf-8"))
    }
    n = 0
    for problem in load(str(DATA), profile="fixed"):
        target, level = problem.tags.get("followbench_target", ""), int(problem.tags["level"])
        if not _rule(problem) or not target:
            continue
        source = problem.tags["followbench_source"]
        golds = [target]
        if problem.tags["category"] == "example":
            golds = [answers[problem.tags["source_id"]]]
        elif source == "CONLL2003":
            golds = literal_eval(target)
        elif source == "WIKIEVENTS":
            golds = ["\n".join(target.split("\n")[:level])]
        for gold in golds:
            form = answer_form(target, "").count("\n")
            if problem.tags["category"] == "example" and gold.count("\n") > form:
                assert row_verdict(problem, gold).score == 0.0  # published: the answer is one line
                continue
            assert row_verdict(problem, gold).score == 1.0, (problem.tags, gold)
            if source != "limit":
                assert row_verdict(problem, f"Well: {gold}, or not (Z)").score == 0.0 or source in (
                    "BBH_time",
                    "self_made_space",
                    "gsm_8k",
                )
        n += 1
    assert n == 350 - 25 - 10  # five summaries and two texts have steps and no target


@needs_data
def test_check_tells_the_rows_that_no_obedient_reply_passes() -> None:
    faults = [f for f in lint(load(str(DATA), profile="fixed")) if f.rule == "rule_cannot_be_met"]
    places = sorted(fault.source_id for fault in faults)
    assert places == [*(f"content/20/{i}" for i in range(1, 6)), "format/22/4", "format/22/5"]
