"""Does every trainer get what the scorer says, and never a number for a check that failed?"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from twofold.adapters import nemo_gym, openrlhf, problem_in, problem_text, reward_function, verl
from twofold.constraints import from_spec
from twofold.errors import ScoringError
from twofold.scorers import Correct, Product, SoftGate
from twofold.types import Problem

sys.path.insert(0, str(Path(__file__).parent))
from failing import Down, Silent
from ways import WAYS, Way, chatml, verl_loop

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
BOTH = Problem(question="7 + 5 = ?", answer="12", constraints=(NO_COMMA,))
FREE = Problem(question="1 + 1 = ?", answer="2")
BOUND = Problem(question="Say something.", constraints=(NO_COMMA,))
NEITHER = Problem(question="Say something else.")

# By hand: (c + 0.5 c s + 0.25 s (1 - c)) / 1.5, and the one side where a problem has one.
EXPECTED = [
    (BOTH, "#### 12", 1.0),
    (BOTH, "So, #### 12", 2 / 3),
    (BOTH, "#### 13", 1 / 6),
    (BOTH, "So, #### 13", 0.0),
    (BOTH, "<think>7, then 5</think>#### 12", 1.0),
    (BOTH, "<think>#### 12</think>#### 13", 1 / 6),
    (BOTH, "", 0.0),
    (FREE, "Well, #### 2", 1.0),
    (FREE, "#### 3", 0.0),
    (BOUND, "yes", 1.0),
    (BOUND, "so, yes", 0.0),
]

every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)


@every_way
@pytest.mark.parametrize(("problem", "text", "expected"), EXPECTED)
def test_the_same_reply_earns_the_same(
    way: Way, problem: Problem, text: str, expected: float
) -> None:
    assert way.ask(problem, text, reward="soft_gate") == pytest.approx(expected, abs=1e-6)


@every_way
@pytest.mark.parametrize("scorer", [Down(), Silent(), SoftGate(Correct(), Silent())])
def test_a_failed_check_never_becomes_a_number(way: Way, scorer: Any) -> None:
    if way.knows_none:
        assert way.ask(BOTH, "#### 12", reward=scorer) is None
    else:
        with pytest.raises(ScoringError, match=r"is unscored .*drop the sample"):
            way.ask(BOTH, "#### 12", reward=scorer)


@every_way
@pytest.mark.parametrize("text", ["<think>7, then", "So <think>#### 12"])
@pytest.mark.parametrize("reward", ["soft_gate", Down()])
def test_an_unfinished_thought_is_none_or_the_lowest_reward(
    way: Way, text: str, reward: object
) -> None:
    lines = text.replace("So ", "So\n")
    assert way.ask(BOTH, lines, reward=reward) == (None if way.knows_none else 0.0)


@every_way
def test_a_thought_that_the_prompt_opened(way: Way) -> None:
    ended, cut = "#### 13</think>#### 12", "7 and #### 12"
    assert way.ask(BOTH, ended, reward="soft_gate", prefilled=True) == 1.0
    found = way.ask(BOTH, cut, reward="soft_gate", prefilled=True)
    assert found == (None if way.knows_none else 0.0)


@every_way
@pytest.mark.parametrize("text", ["yes", "<think>yes"])
def test_a_problem_to_which_the_reward_does_not_apply(way: Way, text: str) -> None:
    if way.knows_none:
        assert way.ask(NEITHER, text, reward="soft_gate") is None
    else:
        with pytest.raises(ScoringError, match=r"does not apply .* leave it out"):
            way.ask(NEITHER, text, reward="soft_gate")


def test_a_problem_travels_whole() -> None:
    for problem in (BOTH, FREE, BOUND, NEITHER):
        assert problem_in(problem_text(problem)) == problem
        assert problem_in(problem_text(problem)).id == problem.id
    assert problem_in(problem_text(BOTH)) is problem_in(problem_text(BOTH))


@pytest.mark.parametrize(
    "text",
    [
        *("", "12", "[]", "{", '{"answer": "12"}', '{"question": "a", "anwser": "12"}'),
        *('{"question": "a", "constraints": [{"name": "os:system"}]}', "[" * 100_000),
        '{"question": "a", "constraints": [{"name": "failing:Down"}]}',
    ],
)
def test_what_is_no_problem_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ScoringError, match="twofold convert"):
        problem_in(text)


def test_data_import_nothing() -> None:
    row = {"question": "a", "constraints": [{"name": "antigravity:Fly"}]}
    with pytest.raises(ScoringError):
        problem_in(json.dumps(row))
    assert "antigravity" not in sys.modules


def test_an_unknown_reward_names_the_nearest() -> None:
    with pytest.raises(ScoringError, match="did you mean 'soft_gate'"):
        reward_function("soft_gat")
    with pytest.raises(ScoringError, match="two texts"):
        reward_function("soft_gate", thinking_marks=["<a>"])


def test_settings_as_a_mapping_are_made_once() -> None:
    spec = {"shape": "checklist", "judge": "exact"}
    assert reward_function(spec) is reward_function(dict(spec))
    assert reward_function(spec) is not reward_function({**spec, "shape": "soft_gate"})


def test_marks_that_nobody_knows_can_be_named() -> None:
    text = "<ponder>7, 5</ponder>#### 12"
    marks = ("<ponder>", "</ponder>")
    score = verl.compute_score("x", text, problem_text(BOTH), thinking_marks=marks)["score"]
    assert score == 1.0


def test_verl_passes_more_than_is_read() -> None:
    more = {"reward_router_address": "here", "reward_model_tokenizer": None}
    assert verl_loop(BOTH, "#### 12", reward="soft_gate", **more) == 1.0


def test_verl_stacks_the_extra_values() -> None:
    import numpy as np

    texts = ["#### 12", "<think>7", "#### 13"]
    found = [verl.compute_score("x", text, problem_text(BOTH)) for text in texts]
    stacked = {key: np.array([each[key] for each in found]) for key in found[0]}
    assert stacked["score"].dtype == stacked["unfinished"].dtype == float
    assert stacked["unfinished"].tolist() == [0, 1, 0] and stacked["reason"].dtype.kind == "U"


def test_an_openrlhf_prompt_that_was_cut_at_its_front() -> None:
    prompt = chatml(BOTH)
    assert openrlhf.reply_in(prompt[9:] + "#### 12<|im_end|>\n<|endoftext|>", prompt) == "#### 12"
    assert openrlhf.reply_in(prompt + "a </s> b", prompt) == "a </s> b"
    assert openrlhf.reply_in("a</s>", "") == "a"
    for query in ("#### 12", prompt.upper() + "#### 12", "\n#### 12"):
        with pytest.raises(ScoringError, match="does not begin with its prompt"):
            openrlhf.reply_in(query, prompt)


def test_a_prompt_without_template_that_ends_in_a_word_opens_no_thought() -> None:
    problem = Problem(question="7 + 5 = ? Give your analysis", answer="12")
    prompt = problem.question
    body = {"query": [prompt + " #### 12"], "prompts": [prompt], "labels": [problem_text(problem)]}
    assert openrlhf.remote(body, reward_function("correct"))["rewards"] == [1.0]


def test_an_openrlhf_batch_must_fit() -> None:
    with pytest.raises(ScoringError, match="one of each"):
        openrlhf.reward_func(["a"], ["a", "b"], ["c"])


def nemo(*items: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"response": {"output": [*items]}, "verifier_metadata": metadata}


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": text}]}


THOUGHT = {"type": "reasoning", "summary": [], "content": [{"type": "text", "text": "7, 5"}]}
CALL = {"type": "function_call", "name": "add", "arguments": "{}", "call_id": "1"}
RESULT = {"type": "function_call_output", "output": "12", "call_id": "1"}


def test_nemo_gym_reads_the_last_message() -> None:
    gate = reward_function("soft_gate")
    asked = {"problem": problem_text(BOTH)}
    for items in (
        [THOUGHT, message("#### 12")],
        [message("First, I add."), THOUGHT, CALL, RESULT, THOUGHT, message("#### 12")],
        [message("Hm, wait."), message("#### 12")],
    ):
        assert nemo_gym.verify(nemo(*items, **asked), gate)["reward"] == 1.0
    cut = nemo_gym.verify(nemo(THOUGHT, **asked), gate)
    assert (cut["reward"], cut["unfinished"]) == (0.0, True)
    for items in ([CALL], [message("#### 12"), CALL, RESULT], []):
        with pytest.raises(ScoringError):
            nemo_gym.verify(nemo(*items, **asked), gate)


def test_nemo_gym_own_instruction_data() -> None:
    given: dict[str, Any] = {
        "instruction_id_list": ["punctuation:no_comma", "change_case:english_lowercase"],
        "prompt": "Write in lower case, without commas.",
        "kwargs": [{"unused": None}, None],
    }
    body = nemo(message("Yes it is what was asked"), **given)
    gate = reward_function("soft_gate")
    assert nemo_gym.verify(body, gate)["reward"] == 0.5
    assert (
        nemo_gym.verify(
            nemo(message("Yes it is what was asked"), **given, grading_mode="fraction"), gate
        )["reward"]
        == 0.5
    )
    assert (
        nemo_gym.verify(
            nemo(message("Yes it is what was asked"), **given, grading_mode="binary"), gate
        )["reward"]
        == 0.0
    )
    older = {"id": 1, "response": {"output": [message("yes it is what was asked")]}, **given}
    assert nemo_gym.verify(older, gate)["reward"] == 1.0
    for wrong in ({"grading_mode": "half"}, {"kwargs": []}, {"instruction_id_list": ["a:b"]}):
        with pytest.raises(ScoringError):
            nemo_gym.verify(nemo(message("yes"), **(given | wrong)), gate)
    with pytest.raises(ScoringError, match="twofold convert"):
        nemo_gym.verify(nemo(message("yes")), gate)


def test_a_part_that_is_lost_loses_the_whole() -> None:
    with pytest.raises(ScoringError):
        verl.compute_score(
            "x", "#### 12", problem_text(BOTH), reward=Product((Correct(), Silent()))
        )


def test_importing_the_adapters_pulls_in_no_torch_and_no_trainer() -> None:
    probe = (
        "import sys; from twofold.adapters import nemo_gym, openrlhf, trl, verifiers, verl\n"
        'problem = \'{"question": "7 + 5 = ?", "answer": "12"}\'\n'
        "assert verl.compute_score('', '#### 12', problem)['score'] == 1\n"
        "found = {'torch', 'transformers', 'trl', 'verl', 'fastapi', 'pyarrow'} & {*sys.modules}\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)
