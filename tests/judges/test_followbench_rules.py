"""The rules of FollowBench: 350 requests, and replies made by hand that pass and fail each kind."""

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

from twofold.judges.followbench.forms import points
from twofold.judges.followbench.rules import FollowBenchRules, _rule, row_verdict
from twofold.judges.judge import Asked
from twofold.problems import load
from twofold.types import FinishReason, Problem, Response
from twofold.types.checklist import Checklist, Criterion

ROOT = Path(os.environ.get("TWOFOLD_SHARED") or Path(__file__).parents[2].parent / "shared")
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
EVENTS = "a was hurt by <arg2>\nb was hurt by <arg2>\nc was hurt by dogs"


@pytest.mark.parametrize(
    ("problem", "reply", "score"),
    [
        (made("example", "x", target="{instruction}\nBOT: {answer}"), "BOT: yes", 1),
        (made("example", "x", target="{instruction}\nBOT: {answer}"), " BOT: yes,\nand more\n", 1),
        (made("example", "x", target="{instruction}\nBOT: {answer}"), "Bot: yes", 0),
        (made("example", "x", target="{instruction}\nBOT: {answer}"), "Sure. BOT: yes", 0),
        (made("example", "x", target=DICT), "{'bot': 'it's'}", 1),
        (made("example", "x", target=DICT), '{"bot": "yes"}', 0),
        (made("example", "x", target=DICT), "{'bot': 'yes'} I hope it helps", 0),
        (made("example", "x", target="{instruction}\n[Bot]\n{answer}"), "[Bot]\nno", 1),
        (made("example", "x", target="{instruction}\n[Bot]\n{answer}"), "[Bot] no", 0),
        (made("example", "x", target="{instruction}\n{answer}"), "anything", 1),
        (made("example", "x", target="no template"), "anything", None),
        (made("content", "E2E", target="name[Cotto], area[x]"), "name[Cotto], area[x]\n", 1),
        (made("content", "E2E", target="name[Cotto], area[x]"), "name[Cotto],area[x]", 0),
        (made("content", "CONLL2003", target="['Bonn', 'Mainz']"), "Mainz", 1),
        (made("content", "CONLL2003", target="['Bonn', 'Mainz']"), "Bonn, Mainz", 0),
        (made("content", "CONLL2003", target="['Bonn', 'Mainz']"), "Bon", 0),
        (made("content", "CONLL2003", target="'Bonn'"), "Bo", None),
        (made("content", "CONLL2003", target="open('x')"), "Bo", None),
        (made("content", "WIKIEVENTS", 2, target=EVENTS), EVENTS.split("\n", 1)[1], 1),
        (made("content", "WIKIEVENTS", 2, target=EVENTS), "a was hurt by <arg2>\n" * 2, 0),
        (made("content", "WIKIEVENTS", 2, target=EVENTS), EVENTS, 0),
        (made("content", "WIKIEVENTS", 1, target=EVENTS), "a was hurt by cats", 0),
        (made("content", "WIKIEVENTS", 3, target=EVENTS), EVENTS.replace("\n", "\n\n"), 1),
        (made("situation", "BBH_logical", target="(B)"), "(B)", 1),
        (made("situation", "BBH_logical", target="(B)"), "(B) The owl, and not (A).", 1),
        (made("situation", "BBH_logical", target="(B)"), "Not (A), so it is (B).", 1),
        (made("situation", "BBH_logical", target="(B)"), "Let us see. (B) or (A)? (A)", 0),
        (made("situation", "BBH_logical", target="(B)"), "B.", 1),
        (made("situation", "BBH_logical", target="(B)"), "The answer is **B**", 1),
        (made("situation", "BBH_logical", target="(B)"), "The answer is A.", 0),
        (made("situation", "BBH_logical", target="(B)"), "The owl is.", 0),
        (made("situation", "BBH_time", target="01/09/1938"), "From 12/24/1937 on: 01/09/1938.", 1),
        (made("situation", "BBH_time", target="01/09/1938"), "1/9/1938", 0),
        (made("situation", "BBH_time", target="01/09/1938"), "01/09/1938, not 01/10/1938", 0),
        (made("situation", "BBH_time", target="01/09/1938"), "In January.", 0),
        (made("situation", "self_made_space", target="20th floor"), "15, then the 20th floor.", 1),
        (made("situation", "self_made_space", target="20th floor"), "Floor 20", 1),
        (made("situation", "self_made_space", target="20th floor"), "The 22nd floor", 0),
        (made("situation", "self_made_space", target="20th floor"), "Up there", 0),
        (
            made("situation", "self_made_space", target="14th floor, Apartment 3"),
            "He is on the 14th floor, in apartment 3.",
            1,
        ),
        (
            made("situation", "self_made_space", target="14th floor, Apartment 3"),
            "First apartment 3 on the 13th floor, then apartment 2 on the 14th floor.",
            0,
        ),
        (made("situation", "self_made_space", target="14th floor, Apartment 3"), "14th floor", 0),
        (made("situation", "gsm_8k", target="$14"), "At $12 an hour she earned $14.", 1),
        (made("situation", "gsm_8k", target="$14"), "It is $14.00", 1),
        (made("situation", "gsm_8k", target="$14"), "It is $14.50", 0),
        (made("situation", "gsm_8k", target="$14"), "$14 at $12 an hour", 0),
        (made("situation", "gsm_8k", target="$14"), "14 dollars", 0),
        (made("situation", "gsm_8k", target="$1400"), "$1,400", 1),
        (made("mixed", "text_editing", target="apples love"), "apples love\n", 1),
        (made("mixed", "text_editing", target="apples love"), "Apples love", 0),
        (made("mixed", "text_editing", target="apples love"), '"apples love"', 0),
    ],
)
def test_a_target_by_hand(problem: Problem, reply: str, score: float | None) -> None:
    assert row_verdict(problem, reply).score == score


NEWS = (
    "Harry Potter star Daniel Radcliffe turns 18 and gains his fortune. "
    "The young actor says he will not waste the money. "
    "His films have earned twenty million pounds for him."
)
FLOOD = "Clean-up operations are continuing in the Borders after floods."
KIM = "Kim will do stuff tomorrow with a technique from Tim."
COACH = "at least two people killed in coach attack"
MODEL = "We find that activations in middle layers store the facts of language models."


@pytest.mark.parametrize(
    ("source", "reply", "passes_to"),
    [
        # How far up a reply passes: it breaks what the next level adds. 5 = it passes all.
        ("cnn_dailymail", NEWS, 5),
        ("cnn_dailymail", NEWS.rsplit(". ", 1)[0] + ".", 0),
        ("cnn_dailymail", NEWS.replace("the money", "all of the money on cars and on drinks"), 1),
        ("cnn_dailymail", NEWS.replace("actor", "man"), 2),
        ("cnn_dailymail", NEWS.replace("waste", "be lavish with"), 3),
        ("cnn_dailymail", NEWS.replace("have earned", "earned"), 4),
        ("xsum", FLOOD, 5),
        ("xsum", FLOOD + " They are long.", 0),
        (
            "xsum",
            FLOOD.replace("floods", "floods that came with all the rain of a long winter storm"),
            1,
        ),
        ("xsum", FLOOD.replace("the Borders", "newton stewart"), 2),
        ("xsum", FLOOD.replace("are continuing", "continue"), 3),
        ("xsum", FLOOD.replace("operations", "works"), 4),
        ("samsum", KIM, 5),
        ("samsum", KIM.replace("Kim", "Kim is tired. She"), 0),
        ("samsum", KIM.replace("tomorrow", "tomorrow and on the day after that"), 1),
        ("samsum", KIM.replace("stuff", "things"), 2),
        ("samsum", KIM.replace("do stuff", "procrastinate stuff"), 3),
        ("samsum", KIM.replace("stuff", "stuff,"), 4),
        ("gigaword", COACH, 5),
        ("gigaword", COACH + " today", 0),
        ("gigaword", COACH + ".", 1),
        ("gigaword", COACH.capitalize(), 2),
        ("gigaword", COACH.replace("coach", "bus"), 3),
        ("gigaword", COACH.replace("in", "by"), 4),
        ("arxiv", MODEL, 5),
        ("arxiv", MODEL + " We edit them.", 0),
        ("arxiv", MODEL.replace("facts", "facts and the names and the dates and all the rest"), 1),
        ("arxiv", MODEL.replace("We find", "Wells find"), 2),
        ("arxiv", MODEL.replace("activations", "weights"), 3),
        ("arxiv", MODEL.replace("language", "transformer"), 4),
    ],
)
def test_summaries_by_hand(source: str, reply: str, passes_to: int) -> None:
    scores = [row_verdict(made("mixed", source, n), reply).score for n in range(1, 6)]
    assert scores == [1.0] * passes_to + [0.0] * (5 - passes_to)


def test_a_tense_that_a_program_cannot_tell_is_unscored() -> None:
    red = NEWS.replace("have earned twenty million pounds for him", "have red carpets for him")
    assert row_verdict(made("mixed", "cnn_dailymail", 4), red).score == 1.0
    assert row_verdict(made("mixed", "cnn_dailymail", 5), red).score is None
    there = "Officials are in the Borders, where the flooding halted an operation."
    assert row_verdict(made("mixed", "xsum", 3), there).score == 1.0
    assert row_verdict(made("mixed", "xsum", 4), there).score is None
    # What is broken elsewhere is broken, whatever the tense.
    assert row_verdict(made("mixed", "xsum", 5), there.replace("operation", "x")).score == 0.0
    passive = "Damage is still being assessed and no operation ended."
    assert row_verdict(made("mixed", "xsum", 5), passive).score == 1.0


LONG = " ".join(["Wipe", *["the"] * 19, "table."])  # 21 words
TABLE = f"1. {LONG}\n\n2. {LONG} {LONG}\n\n3. {LONG}\n\nThose are suggestions."


@pytest.mark.parametrize(
    ("reply", "passes_to"),
    [
        (TABLE, 5),
        (TABLE.replace("\n\nThose", " Those"), 5),
        (TABLE.replace("\n\n", "\n"), 5),
        (TABLE.replace("\n\nThose", "\n\n4. Those"), 0),
        (TABLE.replace("2. ", "2. " + LONG + " "), 1),
        (TABLE.replace("the the table", "the table"), 2),
        (TABLE.replace("2. ", ""), 3),
        (TABLE.replace("\n\nThose are suggestions.", ""), 4),
    ],
)
def test_the_wooden_table_by_hand(reply: str, passes_to: int) -> None:
    scores = [row_verdict(made("format", "y", n, group="22"), reply).score for n in range(1, 6)]
    assert scores == [1.0] * passes_to + [0.0] * (5 - passes_to)


TWELVE = "Innovation makes new work in each town and city of our land."  # 12 words
KEYWORDS = ("Jobs", "Supply", "Health", "Family life", "Trade")
SPEECH = (
    "Dear friends,\n\n" + "\n\n".join(f"**{k}**: {TWELVE}" for k in KEYWORDS) + "\n\nThank you."
)


@pytest.mark.parametrize(
    ("reply", "passes_to"),
    [
        (SPEECH, 5),
        (SPEECH.replace("**: ", ":** "), 5),
        (SPEECH.replace("**: ", "**\n\n"), 5),
        (SPEECH.replace("**: ", ": ").replace("\n\n**", "\n**"), 5),
        (SPEECH.replace("\n\nThank", "\nThank"), 1),  # a line right below belongs to the point
        (SPEECH.replace("**Jobs", "1. **Jobs"), 5),
        (SPEECH.replace("**Jobs**", "Jobs"), 0),
        (SPEECH.replace("**Trade**: Innovation makes", "**Trade**: It works. It makes"), 1),
        (SPEECH.replace("of our land", "of our great old land by the sea"), 2),
        (SPEECH.replace("makes new", "quickly makes"), 3),
        (SPEECH.replace("**Jobs**: ", "** "), 4),
    ],
)
def test_the_speech_by_hand(reply: str, passes_to: int) -> None:
    scores = [row_verdict(made("format", "z", n, group="30"), reply).score for n in range(1, 6)]
    assert scores == [1.0] * passes_to + [0.0] * (5 - passes_to)


def test_points_end_at_a_blank_line() -> None:
    assert points("**A**: one\ntwo\n\nthree\n- **B** four") == [("A", "one\ntwo"), ("B", "four")]
    assert points("no points") == []


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
    started = time.perf_counter()
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
    assert time.perf_counter() - started < 20


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
def test_every_gold_answer_passes_its_own_rule() -> None:
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
            assert row_verdict(problem, gold).score == 1.0, (problem.tags, gold)
            if source != "limit":
                assert row_verdict(problem, f"Well: {gold}, or not (Z)").score == 0.0 or source in (
                    "BBH_time",
                    "self_made_space",
                    "gsm_8k",
                )
        n += 1
    assert n == 350 - 25 - 10  # five summaries and two texts have steps and no target
