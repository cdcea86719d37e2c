"""What lies between instruction and reply: arms by hand, thoughts that are changed, where a network looks."""

import pytest
import torch

from twofold.constraints import from_spec
from twofold.diagnostics.chain.elicit import Asker
from twofold.diagnostics.chain.trace import chain_of
from twofold.diagnostics.instruction.attention import LOOKING, Spans, looked_at, spans
from twofold.diagnostics.instruction.distance import Distance, _thoughts, stated_text
from twofold.models import resolve
from twofold.models.thinking import ThinkingPolicy, split
from twofold.problems import pocket
from twofold.types import Problem

PROBLEMS = [
    Problem(question=f"Problem {i}?", answer="1", tags={"difficulty": str(i % 2)}) for i in range(8)
]


def row(i, arm, compliance, *, accuracy=1.0, thinking=10, role="model"):
    return {
        "role": role,
        "key": f"{arm}/{PROBLEMS[i].id}",
        "arm": arm,
        "problem": PROBLEMS[i].id,
        "compliance": compliance,
        "accuracy": accuracy,
        "thinking": thinking,
        "finish_reason": "answered",
    }


def analysed(rows):
    return Distance().analyse(rows, PROBLEMS)


def test_arms_are_held_against_their_own_control():
    rows = [row(i, "as_is", 1.0) for i in range(8)]
    rows += [row(i, "lengthened", float(i < 2), accuracy=float(i < 6)) for i in range(8)]
    rows += [row(i, "padded", 0.0) for i in range(8)]
    rows += [row(i, "repeated", 1.0) for i in range(8)]
    rows += [row(i, "last", 1.0) for i in range(8)]
    found = analysed(rows)
    assert found.comparison(
        "compliance", versus="as_is", condition="lengthened"
    ).difference.value == pytest.approx(-6 / 8)
    assert found.comparison(
        "accuracy", versus="as_is", condition="lengthened"
    ).difference.value == pytest.approx(-2 / 8)
    assert (
        found.comparison("compliance", versus="padded", condition="repeated").difference.value
        == 1.0
    )  # against padded, not as_is
    assert found.estimate("compliance", condition="padded").value == 0.0


def test_what_is_seen_holds_difficulty_fixed():
    # in both difficulties the two longer thoughts disobey; the harder problems think longer
    rows = []
    for i in range(8):
        hard, k = i % 2, i // 2
        rows.append(row(i, "last", float(k < 2), thinking=10 * (k + 1) + 100 * hard))
    found = analysed(rows)
    assert found.estimate("compliance", condition="short_thought").value == 1.0
    assert found.estimate("compliance", condition="long_thought").value == 0.0
    assert found.estimate("long_minus_short").value == pytest.approx(-1.0)
    # and where only the difficulty differs, length shows nothing
    rows = [
        row(i, "last", float(i % 2 == 0), thinking=10 + i // 2 + 100 * (i % 2)) for i in range(8)
    ]
    assert analysed(rows).estimate("long_minus_short").value == pytest.approx(0.0)


def test_no_thoughts_is_told_and_not_counted():
    found = analysed([row(i, "last", 1.0, thinking=0) for i in range(8)])
    assert found.estimate("compliance", condition="short_thought") is None
    assert any("0 of 8 replies think" in caveat for caveat in found.caveats)


def test_an_unscored_reply_leaves_its_pair():
    rows = [row(i, "as_is", 1.0) for i in range(8)]
    rows += [row(i, "shortened", None if i == 0 else 0.0) for i in range(8)]
    found = analysed(rows)
    assert found.estimate("compliance", condition="shortened").n_unscored == 1
    assert found.comparison("compliance", versus="as_is", condition="shortened").difference.n == 7


@pytest.fixture(scope="module")
def model():
    return resolve("pocket")


@pytest.fixture(scope="module")
def problem():
    return next(p for p in pocket.suite(20) if p.constraints)


def thought(model, problem):
    raw = pocket.obedient_reply(problem, thinks=True)
    ids = tuple(model.tokenizer(raw, add_special_tokens=False).input_ids)
    response = split(model.decode(ids), policy=ThinkingPolicy(), hit_limit=False)
    from dataclasses import replace

    return replace(response, ids=ids)


def test_a_thought_is_changed_inside_its_tags(model, problem):
    response = thought(model, problem)
    chain = chain_of(model, model.render(problem.messages()), response)
    arms = {
        arm: model.decode(ids) for arm, ids in _thoughts(Asker(model), chain, stated_text(problem))
    }
    head = response.raw[: response.raw.index("</think>")]
    assert arms["as_is"].startswith(head)
    for text in arms.values():
        assert text.startswith("<think>") and text.count("</think>") == 1
        assert text.rstrip().endswith("</think>")
    assert stated_text(problem) in arms["repeated"] and stated_text(problem) not in arms["padded"]
    n = {arm: len(Asker(model).encode(text)) for arm, text in arms.items()}
    assert n["repeated"] == pytest.approx(n["padded"], abs=4)
    assert n["shortened"] < n["as_is"] < n["lengthened"] < n["lengthened_3"]


def test_the_spans_are_the_instruction_and_as_much_of_the_question(model, problem):
    chat, said = problem.messages(), stated_text(problem)
    where = spans(model, chat, said)
    ids = Asker(model).encode(model.render(chat))
    assert model.decode(ids[slice(*where.instruction)]).strip() == said.strip()
    length = where.instruction[1] - where.instruction[0]
    assert where.control[1] - where.control[0] == length
    assert where.control[1] <= where.instruction[0]
    assert spans(model, chat, "nothing of the kind") is None


def test_even_attention_is_one(model, problem, monkeypatch):
    """A network whose every token looks evenly at all before it puts 1 on any span."""
    chat = problem.messages()
    prompt, reply = Asker(model).encode(model.render(chat)), tuple(range(5, 40))
    n = len(prompt) + LOOKING

    class Even:
        config = model.network.config
        attentions = (
            torch.tril(torch.ones(n, n)).div(torch.arange(1, n + 1)[:, None])[None, None],
        )

        def __call__(self, ids, output_attentions):
            assert ids.shape == (1, n) and output_attentions
            return self

        def set_attn_implementation(self, kernel):
            pass

        def parameters(self):
            return iter([torch.zeros(1)])

    monkeypatch.setitem(model.__dict__, "network", Even())
    found = looked_at(model, prompt, reply, 0, Spans((3, 6), (0, 3)))
    assert found["instruction"] == pytest.approx(1.0) and found["control"] == pytest.approx(1.0)
    assert found["distance"] == len(prompt) - 6


def test_the_kernel_is_put_back(model, problem):
    before = model.network.config._attn_implementation
    chat = problem.messages()
    prompt = Asker(model).encode(model.render(chat))
    found = looked_at(model, prompt, (5, 6, 7), 0, spans(model, chat, stated_text(problem)))
    assert found["instruction"] > 0 and model.network.config._attn_implementation == before
    assert "reason" in looked_at(model, prompt, (5,), 1, Spans((0, 1), (0, 1)))


def test_a_question_that_states_its_own_rules_is_left_out():
    rule = from_spec("punctuation:no_comma", None, profile="fixed")
    own = Problem(
        question="No comma, please.", constraints=(rule,), question_states_constraints=True
    )
    assert not Distance().analyse([], [own]).measures
