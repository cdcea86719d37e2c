"""Faults of published code that make checklists train something else, each shown to be impossible here.

RLCF's are those of its released code (training.md 1.6), RaR's those of its form and its set-up (2.5).
"""

import ast
import inspect
import json
import math
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import twofold
from recipes.checklists.planted_judges import LabelNoiseJudge
from twofold.cli.checklists import pairs
from twofold.errors import ProblemError
from twofold.judges import (
    Asked,
    Blend,
    ExactJudge,
    Judge,
    LogOddsJudge,
    MeetsChecklist,
    ProgramJudge,
    SampledJudge,
)
from twofold.judges.forms import read_form, to_rows
from twofold.judges.parse_verdict import Scale, polarised
from twofold.judges.program import read_program
from twofold.judges.prompt_template import prompt
from twofold.judges.sandbox.sandbox import Sandbox
from twofold.judges.writing import written_by_rules
from twofold.methods import Grpo, TrainingError
from twofold.methods.rewards import reward
from twofold.models.scripted import ScriptedModel
from twofold.problems import write
from twofold.types import Problem, Response, Verdict
from twofold.types.checklist import Checklist, Criterion

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from asking import model_at
from faulty_server import FaultyServer, Send

SANDBOX = Sandbox(timeout_s=5)
NO_COMMA = "def verify(text):\n    return ',' not in text"
CRASHES = "def verify(text):\n    return rescale(text)"
SOURCES = sorted(Path(twofold.__file__).parent.rglob("*.py"))


def said(text: str) -> Response:
    return Response(raw=text, reply=text)


def problem_with(*criteria: Criterion) -> Problem:
    return Problem(question="Say something.", checklist=Checklist(criteria=criteria))


def asked(text: str, **criterion: object) -> Asked:
    made = Criterion(**{"text": "Is it free of commas?", **criterion})  # type: ignore[arg-type]
    return Asked(problem=problem_with(made), response=said(text), criterion=made)


@dataclass(frozen=True)
class Says(Judge):
    """Gives every question the same score, and more or fewer verdicts if it is told to."""

    score: float | None
    extra: int = 0

    @property
    def name(self) -> str:
        return "says"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        return [Verdict(self.score, "told so")] * (len(asked) + self.extra)


# RLCF: verifiers


@pytest.mark.parametrize(("text", "score"), [("a b", 1.0), ("a, b", 0.5)])
def test_a_verifier_changes_the_score(text: str, score: float) -> None:
    """1: an undefined name was swallowed, so that verifiers never had a say in the data."""
    blend = Blend(Says(1.0), ProgramJudge(SANDBOX))
    problem = problem_with(Criterion(text="Is it free of commas?", program=NO_COMMA))
    (verdict,) = MeetsChecklist(blend)([problem], [said(text)])
    assert verdict.score == score and "program" in verdict.parts["item:1"].parts


def test_a_reward_from_a_file_has_its_verifiers() -> None:
    """1: the step that should have brought them in always returned nothing."""
    made = reward(
        {"judge": "recipes.checklists.planted_judges:LabelNoiseJudge", "programs": "override"}
    )
    problem = problem_with(Criterion(text="Is it free of commas?", program=NO_COMMA))
    scores = [v.score for v in made([problem] * 2, [said("a b"), said("a, b")])]
    assert scores == [1.0, 0.0]


@pytest.mark.parametrize(
    "source",
    [
        CRASHES,
        "def verify(text):\n    return 1 / 0",
        "def verify(text):\n    return {'_error': 'division by zero'}",
        "def verify(text):\n    return 'yes'",
        "def verify(text):\n    return 1",
        "import nonesuch\ndef verify(text):\n    return True",
        "def verify(text:\n    return True",
    ],
)
@pytest.mark.parametrize("pitfall", [False, True])
def test_an_error_in_a_verifier_is_no_pass(source: str, pitfall: bool) -> None:
    """1: an exception became a dict with `_error` in it, which is truthy, which was a pass."""
    (verdict,) = ProgramJudge(SANDBOX)([asked("a, b", program=source, pitfall=pitfall)])
    assert verdict.score is None and "no verdict of the program" in verdict.reason


def test_a_judge_stands_alone_where_its_verifier_failed() -> None:
    """1: an error counted half of the criterion's score."""
    blend = Blend(Says(0.2), ProgramJudge(SANDBOX))
    (verdict,) = blend([asked("a, b", program=CRASHES)])
    assert verdict.score == 0.2 and verdict.parts["program"].score is None


def test_code_that_says_python_is_read_whole() -> None:
    """1: code was cut at the next word python in it."""
    source = "def verify(text):\n    # python counts\n    return 'python' in text.lower()"
    assert read_program(f"In python this is\n```python\n{source}\n```\nPlain python.") == source
    assert [v.score for v in SANDBOX.run(source, ["Python!", "snake"])] == [1.0, 0.0]


def test_no_breakpoint_is_left_in_the_package() -> None:
    """1: a leftover breakpoint would have stopped the run."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "breakpoint", path
            if isinstance(node, ast.Import):
                assert all(alias.name != "pdb" for alias in node.names), path


@pytest.mark.parametrize(
    "line",
    [
        "breakpoint()",
        "import pdb; pdb.set_trace()",
        "input()",
        "open('x', 'w')",
        "__import__('os').getcwd()",
        "import subprocess; subprocess.run(['true'])",
    ],
)
def test_a_verifier_has_no_hold_on_its_host(line: str) -> None:
    """1: verifiers ran in the process that made the data."""
    source = f"def verify(text):\n    {line}\n    return True"
    assert SANDBOX.run(source, ["a"])[0].score is None
    assert SANDBOX.run(NO_COMMA, ["a"])[0].score == 1.0


def test_verifiers_work_and_are_stopped_outside_the_main_thread() -> None:
    """6: SIGALRM knows the main thread alone."""
    found: list[Verdict] = []
    hangs = "def verify(text):\n    while True: pass"

    def work() -> None:
        with Sandbox(timeout_s=0.3) as sandbox:
            found.extend(sandbox.run(hangs, ["a"]))
        found.extend(SANDBOX.run(NO_COMMA, ["a", "a, b"]))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert [verdict.score for verdict in found] == [None, 1.0, 0.0]


# RLCF: scores


@pytest.mark.parametrize("n", [1, 3])
def test_lists_that_do_not_fit_stop_the_run(n: int) -> None:
    """2: where lengths differed, something else than scores was returned."""
    problem = problem_with(*(Criterion(text=f"Is it {i}?") for i in range(4)))
    replies = [said("a")] * 2
    with pytest.raises(ValueError, match="zip"):
        MeetsChecklist(Says(1.0))([problem] * n, replies)
    for judge in (Says(1.0, extra=n), Says(1.0, extra=-n)):
        with pytest.raises(ValueError, match="zip"):
            MeetsChecklist(judge)([problem] * 2, replies)
        with pytest.raises(ValueError, match="zip"):
            Blend(judge, Says(None))([asked("a")] * 4)


def test_an_abstention_is_dropped_and_never_weighed() -> None:
    """4: a judge's -1 ("cannot say") was multiplied by the weight and pulled the score down."""

    def judge(*samples: str) -> SampledJudge:
        return SampledJudge(ScriptedModel(lambda text, g: samples[g]), n=len(samples))

    def score(*samples: str) -> float | None:
        problem = problem_with(Criterion(text="Is it kind?", weight=100))
        return MeetsChecklist(judge(*samples))([problem], [said("a")])[0].score

    assert score("-1", "80", "80") == pytest.approx(0.8)
    assert score("-1", "-1", "-1") is None
    assert judge("-1")([asked("a", pitfall=True)])[0].score is None


@pytest.mark.parametrize(
    ("tokens", "score"),
    [
        ({"Yes": 0.6, "No": 0.2}, 0.75),
        ({"yes": 0.1, "NO": 0.3}, 0.25),
        ({"A": 0.9, "B": 0.1}, None),
        ({"A": 0.5, "Yes": 0.375, "No": 0.125}, 0.75),
    ],
)
@pytest.mark.parametrize("pitfall", [False, True])
def test_what_is_compared_is_what_was_asked_for(
    tokens: Mapping[str, float], score: float | None, pitfall: bool
) -> None:
    """5: the answer was compared with "yes" where the prompt asked for A or B."""
    assert "one word, Yes or No" in prompt("judge_yes_no")
    told = [{"token": token, "logprob": math.log(p)} for token, p in tokens.items()]
    choice = {"message": {"content": "x"}, "logprobs": {"content": [{"top_logprobs": told}]}}
    body = json.dumps({"choices": [choice]}).encode()
    with FaultyServer(lambda _: Send(body=body)) as server:
        (verdict,) = LogOddsJudge(model_at(server.url))([asked("a", pitfall=pitfall)])
    wanted = 1 - score if pitfall and score is not None else score
    assert verdict.score == (wanted if wanted is None else pytest.approx(wanted))


@pytest.mark.parametrize("text", ["A", "B", "yes", "no", "Yes.", "100 (A)"])
def test_a_word_is_no_number_and_no_zero(text: str) -> None:
    """5: what did not match counted as no."""
    (verdict,) = SampledJudge(ScriptedModel(lambda *_: text), n=1)([asked("a")])
    assert verdict.score is None and "1 unreadable" in verdict.reason


def test_whole_numbers_are_scores_and_weights() -> None:
    """5: `len` of an int stopped the run."""
    assert Scale(0, 100, "score").read(said('{"score": 85}')) == 85
    rows: dict[str, dict[str, object]] = {
        "rlcf": {"instruction": "Go.", "requirements": [["Is it short?", 40]]},
        "rar": {"question": "Go.", "rubric": [{"description": "Is it short?", "weight": 2}]},
        "healthbench": {
            "prompt": [{"role": "user", "content": "Go."}],
            "rubrics": [{"criterion": "Is it short?", "points": 40, "tags": []}],
        },
        "autorubric": {"prompt": "Go.", "rubric": [{"requirement": "Is it short?", "weight": 40}]},
    }
    for form, row in rows.items():
        (problem,) = read_form([row], form).problems
        assert problem.checklist is not None and problem.checklist.criteria[0].weight == 40, form


# RLCF: data


def test_a_zero_weight_costs_its_criterion_and_not_the_row() -> None:
    """6: a row with a single zero weight was dropped as a whole, and silently."""
    row = {"instruction": "Go.", "requirements": "1) Is it short? (0)\n2) Is it kind? (75)"}
    found = read_form([row], "rlcf")
    (problem,) = found.problems
    assert problem.checklist is not None
    assert [c.text for c in problem.checklist.criteria] == ["Is it kind?"]
    assert len(found.dropped) == 1 and "Is it short? (0)" in found.dropped[0]


@pytest.mark.parametrize("word", ["MIDJOURNEY", "midjourney", "DALL-E"])
def test_no_prompt_is_left_out_for_a_word_in_it(word: str, tmp_path: Path) -> None:
    """6: prompts that name MIDJOURNEY were filtered out by a line in the code."""
    rows = [
        {"instruction": f"Write a {name} prompt.", "requirements": "1) Is it vivid? (100)"}
        for name in (word, "haiku")
    ]
    problems = read_form(rows, "rlcf").problems
    assert [p.question for p in problems] == [row["instruction"] for row in rows]
    assert [row["instruction"] for row in to_rows(problems, "rlcf")] == [
        p.question for p in problems
    ]
    answered = replace(problems[0], answer="x")
    assert [c.text for c in written_by_rules(answered).criteria] == [
        c.text for c in written_by_rules(replace(answered, question="Write a poem.")).criteria
    ]
    assert len(kept(problems, tmp_path, keep=1.0)) == 2


def kept(problems: Sequence[Problem], folder: Path, **told: float) -> list[str]:
    """Ids of the pairs that `twofold pairs` keeps, by default as nobody says how many."""
    rules = [
        replace(p, answer="12", checklist=written_by_rules(replace(p, answer="12")))
        for p in problems
    ]
    write(folder / "problems.jsonl", rules)
    rows = [
        {"prompt": p.messages()[0]["content"], "response": text}
        for p in rules
        for text in ("It is 12", "It is 13")
    ]
    (folder / "replies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = folder / "pairs.jsonl"
    pairs(folder / "replies.jsonl", problems=str(folder / "problems.jsonl"), out=out, **told)
    return [json.loads(line)["problem"] for line in out.read_text().splitlines()]


def test_pairs_are_filtered_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    """3: the command in the README left out the filter, so that all pairs were kept."""
    assert inspect.signature(pairs).parameters["keep"].default == 0.4
    problems = [Problem(question=f"What is 12 plus {i} minus {i}?") for i in range(10)]
    assert len(kept(problems, tmp_path)) == 4


# RaR


@dataclass(frozen=True)
class Knows(Judge):
    """Says truly whether a reply does what a criterion about aspirin or the dose says."""

    @property
    def name(self) -> str:
        return "knows"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        found = []
        for each in asked:
            text = each.criterion.text.lower()
            does = ("dose" if "dose" in text else "aspirin") in each.response.reply.lower()
            if "avoid" in text or "must not" in text or "fails to" in text:
                does = not does
            found.append(polarised(each.criterion, Verdict(float(does))))
        return found


@pytest.mark.parametrize("weight", [-2, 2])
@pytest.mark.parametrize(
    ("sentence", "good", "bad"),
    [
        ("Recommends aspirin.", "Rest.", "Take aspirin."),
        ("Avoids recommending aspirin.", "Rest.", "Take aspirin."),
        ("Must not recommend aspirin.", "Rest.", "Take aspirin."),
        ("Fails to mention the dose.", "The dose is small.", "Rest."),
    ],
)
def test_a_pitfall_is_bad_whichever_way_it_is_put(
    sentence: str, good: str, bad: str, weight: int
) -> None:
    """The sign of a pitfall's weight says nothing of what a yes to its sentence means."""
    item = {"description": f"Pitfall Criteria: {sentence}", "weight": weight}
    (problem,) = read_form([{"question": "Ill?", "rubric": [item]}], "rar").problems
    for weights in ("own", "category"):
        measure = MeetsChecklist(Knows(), weights=weights)
        scores = [v.score for v in measure([problem] * 2, [said(good), said(bad)])]
        assert scores == [1.0, 0.0]


def test_a_pitfall_that_may_mean_either_is_asked_about() -> None:
    """ "Does not mention X" is an omission in one rubric and a virtue in another."""
    item = {"description": "Pitfall Criteria: Does not mention the dose.", "weight": -1}
    rows = [{"question": "Ill?", "rubric": [item]}]
    unsure = read_form(rows, "rar")
    assert unsure.problems[0].checklist is None and len(unsure.dropped) == 1
    for denied, wanted in (("omission", [1.0, 0.0]), ("virtue", [0.0, 1.0])):
        (problem,) = read_form(rows, "rar", denied=denied).problems  # type: ignore[arg-type]
        replies = [said("The dose is small."), said("Rest.")]
        scores = [v.score for v in MeetsChecklist(Knows())([problem] * 2, replies)]
        assert scores == wanted, denied


@pytest.mark.parametrize("weight", [0, -50, math.nan])
def test_a_weight_is_never_negative(weight: float) -> None:
    """A polarity that hides in a sign gets lost when weights are normalised."""
    with pytest.raises(ProblemError, match="pitfall"):
        Criterion(text="Is it rude?", weight=weight)


def test_the_judge_of_training_does_not_judge_its_success(tmp_path: Path) -> None:
    """One judge was both reward and evaluation, so that its exploited faults looked like progress."""
    pytest.importorskip("trl")
    trained = MeetsChecklist(LabelNoiseJudge(error=1.0))
    exact = MeetsChecklist(ExactJudge())
    method = Grpo(reward=trained, eval_metric=exact, early_stopping_patience=2)
    problem = Problem(question="7 + 5?", answer="12")
    problem = replace(problem, checklist=written_by_rules(problem))
    assert method.eval_metric is not None and method.eval_metric != method.reward
    assert method.reward([problem], [said("It is 13")])[0].score == 1.0
    assert method.eval_metric([problem], [said("It is 13")])[0].score == 0.0
    with pytest.raises(TrainingError, match="eval_metric"):
        Grpo(reward=trained, early_stopping_patience=2)
    with pytest.raises(TrainingError, match="held-out"):
        method.train("pocket", [problem], out=tmp_path)
