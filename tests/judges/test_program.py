from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.judges import Asked
from twofold.judges.program import MODULES, Admission, ProgramJudge, admitted, read_program
from twofold.judges.sandbox.sandbox import Sandbox
from twofold.types import FinishReason, Problem, Response
from twofold.types.checklist import Checklist, Criterion

SANDBOX = Sandbox(timeout_s=0.5, grace_s=0.5)
PROBLEM = Problem(question="Name three fruits.")
NO_COMMA = "def verify(text):\n    return ',' not in text"
SHORT = "def verify(text):\n    return len(text.split()) < 4"
BROKEN = "def verify(text):\n    return len(text) / 0 > 1"


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    with SANDBOX:
        yield


def ask(
    program: str,
    reply: str,
    *,
    pitfall: bool = False,
    finish_reason: FinishReason = FinishReason.answered,
) -> Asked:
    criterion = Criterion(text="Is it so?", program=program, pitfall=pitfall)
    response = Response(raw=reply, reply=reply, finish_reason=finish_reason)
    return Asked(problem=PROBLEM, response=response, criterion=criterion)


def scores(*asked: Asked) -> list[float | None]:
    return [verdict.score for verdict in ProgramJudge(SANDBOX)(asked)]


# Admission


def test_right_on_every_example_is_admitted() -> None:
    found = admitted(NO_COMMA, ["a", "b c"], ["a,b", ","], SANDBOX)
    assert found == Admission(True, "right on 2 positive and 2 negative examples")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def verify(text):\n    return True", "negative example 1: the program says True"),
        ("def verify(text):\n    return False", "positive example 1: the program says False"),
        ("def verify(text):\n    return ',' in text", "positive example 1: the program says False"),
        ("def verify(text):\n    return text == 'a'", "positive example 2: the program says False"),
        (
            "def verify(text):\n    return text != 'a,b'",
            "negative example 2: the program says True",
        ),
        ("def verify(text):\n    return int(',' not in text)", "of type int, not True or False"),
        ("def verify(text):\n    return (',' not in text) or None", "of type NoneType"),
        (BROKEN, "ZeroDivisionError"),
        ("def verify(text)", "SyntaxError"),
        ("", "name 'verify' is not defined"),
        ("def verify(text):\n    while True: pass", "timed out"),
    ],
)
def test_what_is_not_admitted(source: str, reason: str) -> None:
    found = admitted(source, ["a", "b c"], ["a,b", ","], SANDBOX)
    assert not found.admitted
    assert reason in found.reason


@pytest.mark.parametrize(
    ("positives", "negatives", "reason"),
    [
        (["a"], [",", ",,"], "1 different positive examples"),
        (["a", "a", "a"], [",", ",,"], "1 different positive examples"),
        (["a", "b"], [","], "1 different negative examples"),
        (["a", "b"], [], "0 different negative examples"),
        ([], [], "0 different positive examples"),
        (["a", "b"], [",", "b"], "both a positive and a negative"),
    ],
)
def test_too_few_or_contrary_examples(
    positives: list[str], negatives: list[str], reason: str
) -> None:
    found = admitted(NO_COMMA, positives, negatives, SANDBOX)
    assert not found.admitted
    assert reason in found.reason


def test_a_time_out_in_one_example_is_enough_to_refuse() -> None:
    source = "def verify(text):\n    while text == 'b': pass\n    return ',' not in text"
    found = admitted(source, ["a", "b"], [",", ",,"], SANDBOX)
    assert found.reason == "positive example 2: no verdict of the program: timed out after 0.5 s"


# The judge


def test_each_question_gets_the_verdict_of_its_own_program() -> None:
    programs, replies = (NO_COMMA, SHORT, BROKEN), ("a", "a, b, c, d", "a, b", "a b c d e")
    asked = [ask(program, reply) for reply in replies for program in programs]
    expected = [1.0, 1.0, None, 0.0, 0.0, None, 0.0, 1.0, None, 1.0, 0.0, None]
    assert scores(*asked) == expected
    assert scores(*asked[::-1]) == expected[::-1]
    assert [scores(each)[0] for each in asked] == expected


def test_each_program_runs_once_on_each_of_its_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, list[str]]] = []
    run = Sandbox.run

    def counted(self: Sandbox, source: str, texts: list[str]) -> object:
        ran.append((source, texts))
        return run(self, source, texts)

    monkeypatch.setattr(Sandbox, "run", counted)
    scores(ask(SHORT, "a"), ask(NO_COMMA, "b"), ask("", "c"), ask(SHORT, " "), ask(SHORT, "d"))
    assert ran == [(SHORT, ["a"]), (NO_COMMA, ["b"]), (SHORT, ["d"])]


def test_a_program_really_changes_the_verdict() -> None:  # RLCF: a NameError was swallowed
    reply = "one, two"
    assert scores(ask("", reply)) == [None]
    assert scores(ask(NO_COMMA, reply)) == [0.0]
    assert scores(ask(SHORT, reply)) == [1.0]


def test_a_pitfall_turns_the_score_and_never_what_is_unscored() -> None:
    assert scores(ask(NO_COMMA, "a", pitfall=True), ask(NO_COMMA, ",", pitfall=True)) == [0.0, 1.0]
    assert scores(ask(BROKEN, "a", pitfall=True), ask("", "a", pitfall=True)) == [None, None]


def test_without_a_program_there_is_no_verdict() -> None:
    (verdict,) = ProgramJudge(SANDBOX)([ask("", "a")])
    assert (verdict.score, verdict.reason) == (None, "the criterion has no program")


@pytest.mark.parametrize("finish_reason", [FinishReason.failed, FinishReason.unclosed_thinking])
def test_without_a_reply_there_is_no_verdict(finish_reason: FinishReason) -> None:
    (verdict,) = ProgramJudge(SANDBOX)([ask(NO_COMMA, "", finish_reason=finish_reason)])
    assert verdict.score is None
    assert verdict.reason == finish_reason.value.replace("_", " ")


def test_a_blank_reply_does_nothing_whatever_the_program_says() -> None:
    (verdict,) = ProgramJudge(SANDBOX)([ask(NO_COMMA, " \n")])
    assert (verdict.score, verdict.reason) == (0.0, "the reply is blank")


def test_only_the_reply_is_judged_never_the_thought() -> None:
    response = Response(raw="<think>a, b</think>c", reply="c", thinking="a, b")
    criterion = Criterion(text="No commas?", program=NO_COMMA)
    asked = Asked(problem=PROBLEM, response=response, criterion=criterion)
    assert scores(asked) == [1.0]


def test_no_questions_no_verdicts() -> None:
    assert ProgramJudge()([]) == []
    assert ProgramJudge().name == "program"
    assert ProgramJudge() == ProgramJudge(Sandbox())


def test_through_a_checklist() -> None:
    from twofold.judges.scorer import MeetsChecklist

    checklist = Checklist(
        criteria=(
            Criterion(text="No commas?", program=NO_COMMA, weight=75),
            Criterion(text="Is it long?", program=SHORT, weight=25, pitfall=True),
        )
    )
    problem = Problem(question="Say something.", checklist=checklist)
    replies = [Response(raw=text, reply=text) for text in ("a b c d", "a, b", "a")]
    verdicts = MeetsChecklist(ProgramJudge(SANDBOX))([problem] * 3, replies)
    assert [verdict.score for verdict in verdicts] == [1.0, 0.0, 0.75]


@pytest.mark.parametrize("module", MODULES)
def test_what_a_program_may_import(module: str) -> None:
    source = f"import {module}\ndef verify(text):\n    return True"
    assert SANDBOX.run(source, ["x"])[0].score == 1.0


HONEST = {
    "bullets": (
        "import re\ndef verify(text):\n    return len(re.findall(r'^[*-] ', text, re.M)) == 2",
        ["* a\n* b", "x\n- a\n- b\ny"],
        ["* a", "* a\n* b\n* c", "a * b * c"],
    ),
    "json": (
        "import json\ndef verify(text):\n    try:\n        return 'a' in json.loads(text)\n"
        "    except ValueError:\n        return False",
        ['{"a": 1}', '["a"]'],
        ["{a: 1}", "", '{"b": 1}'],
    ),
    "sentences": (
        "import re\ndef verify(text):\n    found = [s for s in re.split(r'(?<=[.!?])\\s+', text) if s]\n"
        "    return all(s[0].isupper() for s in found) and len(found) <= 3",
        ["One. Two!", "Ja. Äpfel? Oui."],
        ["one.", "A. B. C. D."],
    ),
    "counter": (
        "from collections import Counter\ndef verify(text):\n"
        "    words = Counter(w.strip('.,').lower() for w in text.split())\n"
        "    return words.most_common(1)[0][1] < 3",
        ["a a b", "one two"],
        ["a A a.", "b b b c"],
    ),
    "casing": (
        "import unicodedata\ndef verify(text):\n"
        "    return all(not c.isupper() for c in unicodedata.normalize('NFKD', text))",
        ["é ß", "abc 1"],
        ["É", "aBc"],
    ),
}


@pytest.mark.parametrize("kind", HONEST)
def test_honest_programs_are_admitted_and_their_opposites_are_not(kind: str) -> None:
    source, positives, negatives = HONEST[kind]
    assert admitted(source, positives, negatives, SANDBOX).admitted
    assert not admitted(source, negatives, positives, SANDBOX).admitted


# Reading a program out of a reply


def fenced(code: str, language: str = "python") -> str:
    return f"Here it is:\n\n```{language}\n{code}\n```\n"


PYTHON_INSIDE = '''def verify(text):
    """Is python named, and is it ```python or python3? See python."""
    words = ["python", "```python", "Python"]
    return any(word in text for word in words)  # python'''


def test_the_word_python_does_not_cut_the_code() -> None:  # RLCF: split("python")[1]
    found = read_program(fenced(PYTHON_INSIDE))
    assert found == PYTHON_INSIDE
    verdicts = SANDBOX.run(found, ["I like python.", "I like tea."])
    assert [v.score for v in verdicts] == [1.0, 0.0]


@pytest.mark.parametrize(
    "language", ["python", "Python", "py", "python3", "", " python", "python x=1"]
)
def test_languages_that_are_python(language: str) -> None:
    assert read_program(fenced(NO_COMMA, language)) == NO_COMMA


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "No program: a person has to judge that.",
        NO_COMMA,
        fenced(NO_COMMA, "javascript"),
        fenced(NO_COMMA, "pythonic"),
        fenced("def check(text):\n    return True"),
        fenced("async def verify(text):\n    return True"),
        fenced("class A:\n    def verify(text):\n        return True"),
        fenced("# def verify(text): TODO"),
        fenced("def verify_it(text):\n    return True"),
        "```python\n" + NO_COMMA,
        "```python\n" + NO_COMMA + "\n``",
        "```python " + NO_COMMA + " ```",
        "~~~python\n" + NO_COMMA + "\n```",
        "````python\n" + NO_COMMA + "\n```",
        "def verify(text):\n```python\nreturn True\n```",
    ],
)
def test_no_program(reply: str) -> None:
    assert read_program(reply) is None


@pytest.mark.parametrize(
    "reply",
    [
        fenced("x = 1") + fenced(NO_COMMA),
        fenced(SHORT) + "No, better:\n" + fenced(NO_COMMA),
        fenced(NO_COMMA) + fenced("verify('a')"),
        fenced(NO_COMMA) + fenced(SHORT, "text"),
        fenced(NO_COMMA) + "```python\ndef verify(text):\n    return cut of",
        fenced(NO_COMMA).replace("\n", "\r\n"),
        fenced(NO_COMMA).replace("```", "~~~~"),
        fenced(NO_COMMA).replace("```\n", "`````   \n"),
        "1. Code:\n" + "".join(f"   {line}\n" for line in fenced(NO_COMMA).split("\n")),
        "\t```python\n\tdef verify(text):\n\t    return ',' not in text\n\t```",
    ],
)
def test_which_program_and_how_it_is_fenced(reply: str) -> None:
    assert read_program(reply) == NO_COMMA


def test_a_line_of_backticks_inside_the_code_breaks_it_and_never_shortens_it() -> None:
    code = 'def verify(text):\n    return text != """\n```\n"""'
    found = read_program(fenced(code))
    assert found is not None
    assert "SyntaxError" in SANDBOX.run(found, ["x"])[0].reason
    assert read_program(f"````python\n{code}\n````") == code


@given(st.text())
def test_any_reply_can_be_read(reply: str) -> None:
    found = read_program(reply)
    assert found is None or "def" in found


PIECE = st.sampled_from(
    ["```", "~~~", "python", "\n", " ", "\r\n", "def verify(text):", "return", "x"]
)


@given(st.lists(PIECE | st.text(max_size=3), max_size=30).map("".join))
def test_any_fencing_can_be_read(reply: str) -> None:
    found = read_program(reply)
    said = reply.replace("\r\n", "\n").split("\n")
    lines = [] if found is None else found.split("\n")
    assert all(any(line.endswith(part) for line in said) for part in lines)


LINE = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=30)


@given(st.lists(LINE.filter(lambda line: set(line.strip(" \t")) != {"`"})))
def test_what_is_fenced_is_read_back_whole(lines: list[str]) -> None:
    code = "\n".join(["def verify(text):", *lines])
    assert read_program(f"python\n{fenced(code)}\npython") == code
