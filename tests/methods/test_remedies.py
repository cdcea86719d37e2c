"""Remedies: what each asks, what it gives, what it costs; by scripts whose replies are written here."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twofold.cli import app
from twofold.constraints import CONSTRAINTS
from twofold.diagnostics.elicitation.elicitor import Elicitor
from twofold.errors import ModelError
from twofold.methods.remedies.best_of_n import BestOfN, Rules, key_of
from twofold.methods.remedies.by_chunks import CHUNK
from twofold.methods.remedies.constraint_first import ConstraintFirst
from twofold.methods.remedies.parent_answers import ParentAnswers
from twofold.methods.remedies.repeat_after_thinking import RepeatAfterThinking
from twofold.methods.remedies.rewrite import Rewrite
from twofold.methods.remedies.stated import stated
from twofold.methods.remedies.two_passes import TwoPasses
from twofold.models import resolve
from twofold.models.scripted import ScriptedModel
from twofold.problems import load
from twofold.report.findings import read_findings
from twofold.scorers import Compliant, Correct, SoftGate
from twofold.types import FinishReason, Message, Problem, Response, Sampling

GREEDY = Sampling()
QUESTION = "What is 7 + 5?\nPut the result in \\boxed{}."
RULES = "Use no full stops at all. Write your entire answer without commas."


def chat(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


TOLD, UNTOLD = chat(f"{QUESTION}\n{RULES}"), chat(QUESTION)


@pytest.mark.parametrize("suite", ["pocket:200", "synthetic:200", "pocket:50:ood"])
def test_the_rules_of_our_own_problems_are_found_exactly(suite: str) -> None:
    for problem in load(suite, profile="fixed"):
        told = stated(problem.messages())
        assert told.rules_text == " ".join(c.instruction() for c in problem.constraints)
        assert told.question == (problem.question + problem.ask).strip()
        assert stated(problem.messages(stated=())).rules == ()


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Work it out. Answer in \\boxed{}.Include the word ash. Use 3 words.", 2),
        ('Give it behind "####".In your response, the word "total" should appear 2 times.', 1),
        ("Who wrote Faust? Your response should contain at least 3 sentences.", 1),
        ("Write a poem about rain.\nDo not use any commas.", 1),
        ("He had 3 letters to write. How many words are 5 pages of 200 words?", 0),
        ("Use no full stops at all.", 0),  # nothing but rules: no other part is left to ask
    ],
)
def test_sentences_that_speak_about_the_reply_are_rules(text: str, rules: int) -> None:
    found = stated(chat(text))
    assert len(found.rules) == rules
    words = " ".join([found.question, *found.rules]).split()
    assert sorted(words) == sorted(" ".join(text.replace(".I", ". I").split()).split()) or not rules


def test_no_word_is_lost_and_none_is_added() -> None:
    for cls in CONSTRAINTS.values():
        problem = Problem(question="Tell me of boats.", ask=" ", wordings=None)
        text = f"{problem.question} {cls.__doc__}"
        found = stated(chat(text))
        assert sorted(" ".join([found.question, *found.rules]).split()) == sorted(text.split())


class Asked:
    """A script that counts: it answers by what a prompt contains, and keeps every prompt."""

    def __init__(self, *lines: tuple[str, Response]) -> None:
        self.lines, self.prompts = lines, []

    def __call__(self, prompt: str, sample: int) -> Response:
        self.prompts.append(prompt)
        return next(reply for part, reply in self.lines if part in prompt)


def reply(text: str, n: int, thinking: str | None = None) -> Response:
    raw = text if thinking is None else f"<think>{thinking}</think>{text}"
    n_thinking = None if thinking is None else 10
    return Response(
        raw=raw, reply=text, thinking=thinking, n_thinking_tokens=n_thinking, n_reply_tokens=n
    )


FAILED = Response(raw="", reply="", finish_reason=FinishReason.failed, error="down")
UNCLOSED = Response(
    raw="<think>7 and", reply="", thinking="7 and", finish_reason=FinishReason.unclosed_thinking
)


def only(model: Elicitor, prompt: list[Message] = TOLD) -> Response:
    ((found,),) = model.sample([prompt], GREEDY)
    return found


def test_two_passes_solve_the_bare_question_and_then_comply() -> None:
    script = Asked(("worked answer", reply("12", 2)), ("", reply("So it is 12.", 5, "7 and 5")))
    found = only(TwoPasses(ScriptedModel(script)))
    assert (found.reply, found.n_reply_tokens, found.n_spent_tokens) == ("12", 2, 10 + 5 + 2)
    first, second = script.prompts
    assert first == QUESTION
    assert "7 and 5\n\nSo it is 12." in second and second.endswith(RULES)


def test_its_control_asks_the_whole_prompt_after_a_draft_that_is_thrown_away() -> None:
    script = Asked((RULES, reply("12", 2)), ("", reply("So it is 12.", 5)))
    found = only(TwoPasses(ScriptedModel(script), control=True))
    assert script.prompts == [QUESTION, f"{QUESTION}\n{RULES}"]
    assert (found.reply, found.n_spent_tokens) == ("12", 7)


@pytest.mark.parametrize("make", [TwoPasses, Rewrite, ConstraintFirst])
def test_a_prompt_without_rules_is_asked_as_it_stands(make: type[Elicitor]) -> None:
    script = Asked(("", reply("So it is 12.", 5)))
    assert only(make(ScriptedModel(script)), UNTOLD) == reply("So it is 12.", 5)
    assert script.prompts == [QUESTION]


@pytest.mark.parametrize("make", [TwoPasses, Rewrite])
def test_a_failed_call_stays_failed_in_either_pass(make: type[Elicitor]) -> None:
    assert only(make(ScriptedModel(Asked(("", FAILED))))) == FAILED
    second = Asked(("worked answer", FAILED), ("Write this", FAILED), ("", reply("12.", 3)))
    assert only(make(ScriptedModel(second))) == FAILED


def test_the_parent_answers_with_the_reasoners_output_before_it() -> None:
    reasoner = ScriptedModel(
        Asked(("9 + 9", reply("18", 4)), ("", reply("It is 12.", 6, "7 and 5")))
    )
    parent = Asked(("", reply("12", 2)))
    model = ParentAnswers(reasoner, parent=ScriptedModel(parent))
    found = only(model)
    assert (found.reply, found.n_spent_tokens) == ("12", 10 + 6 + 2)
    assert "7 and 5\n\nIt is 12." in parent.prompts[0] and TOLD[0]["content"] in parent.prompts[0]
    other = chat(f"What is 9 + 9?\nPut the result in \\boxed{{}}.\n{RULES}")
    shown = Asked(("", reply("12", 2)))
    model = ParentAnswers(reasoner, parent=ScriptedModel(shown), control=True)
    model.sample([TOLD, other], GREEDY)
    assert "wrote this about the request below. It may help you:\n\n18\n\n" in shown.prompts[0]
    assert "7 and 5\n\nIt is 12." in shown.prompts[1]


def test_a_rewritten_reply_keeps_its_thought() -> None:
    script = Asked(
        ("Write this text again", reply("12", 2)), ("", reply("It is 12.", 6, "7 and 5"))
    )
    found = only(Rewrite(ScriptedModel(script)))
    assert found.raw == "<think>7 and 5</think>12"
    assert (found.reply, found.thinking, found.n_thinking_tokens) == ("12", "7 and 5", 10)
    assert (found.n_reply_tokens, found.n_spent_tokens) == (2, 10 + 6 + 2)
    assert RULES in script.prompts[1] and "7 and 5" not in script.prompts[1]
    only(Rewrite(ScriptedModel(script), control=True))
    assert RULES not in script.prompts[3] and script.prompts[3].endswith("It is 12.")


def test_an_unclosed_thought_is_nothing_to_rewrite_but_can_be_shown() -> None:
    script = Asked(("worked answer", reply("12", 2)), ("", UNCLOSED))
    assert only(Rewrite(ScriptedModel(script))) == UNCLOSED
    assert only(TwoPasses(ScriptedModel(script))).reply == "12"
    assert "7 and" in script.prompts[-1]


def test_the_rules_come_first_and_nothing_else_changes() -> None:
    script = Asked(("", reply("12", 2)))
    only(ConstraintFirst(ScriptedModel(script)), [Message(role="user", content="Hi"), *TOLD])
    assert script.prompts == [f"Hi\n\n{RULES}\n\n{QUESTION}"]


def no_comma() -> Problem:
    rule = CONSTRAINTS["punctuation:no_comma"](profile="fixed")
    return Problem(question="What is 7 + 5?", answer="12", ask=" ", constraints=(rule,))


def test_the_best_of_n_is_chosen_by_the_rules_alone_and_costs_all() -> None:
    lines = [reply("Well, 12", 4), FAILED, reply("13", 1), reply("12", 1)]
    asked = no_comma()
    model = ScriptedModel(lambda prompt, sample: lines[sample % 4])
    rules = Rules((asked,), Compliant())
    assert (
        only(BestOfN(model, rules), asked.messages()) == lines[2]
    )  # wrong, and the first that obeys
    known = [replace(each, n_reply_tokens=1) for each in lines]
    model = ScriptedModel(lambda prompt, sample: known[sample % 4])
    found = only(BestOfN(model, rules), asked.messages())
    assert found == replace(known[2], n_spent_tokens=4)
    assert only(BestOfN(model, rules, control=True), asked.messages()).reply == "Well, 12"
    assert only(BestOfN(model, rules), asked.messages(stated=())) == known[0]  # asked once


def test_rules_of_other_problems_are_said(caplog: pytest.LogCaptureFixture) -> None:
    model = BestOfN(ScriptedModel(lambda prompt, sample: "12"), Rules((no_comma(),), Compliant()))
    model.sample([no_comma().messages(), TOLD], Sampling())
    assert not caplog.messages
    model.sample([TOLD], Sampling())
    assert "best_of_n knows the rules of none of these 1 prompts" in caplog.text


def test_no_reference_answer_reaches_the_choice() -> None:
    asked = no_comma()
    assert Rules((asked,), Compliant()).by_prompt[key_of(asked.messages())].answer is None
    with pytest.raises(ModelError, match="which nobody has when a model is used; take compliant"):
        Rules((asked,), Correct())
    lines = [reply("12, so", 1), reply("13", 1)]
    soft = Rules((asked,), SoftGate())  # judges by its other half alone
    assert soft.score(key_of(asked.messages()), lines) == [0.0, 1.0]


def test_what_is_on_disk_is_not_given_again_and_the_rest_is_the_same() -> None:
    """Through chunks of which all, some or nothing is done."""
    script = Asked(("worked answer", reply("12", 2)), ("", reply("So it is 12.", 5)))
    prompts = [chat(f"What is {i} + 1?\nPut it in \\boxed{{}}.\n{RULES}") for i in range(2 * CHUNK)]
    model = TwoPasses(ScriptedModel(script))
    whole = {(p, g): r for p, g, r in model.stream(prompts, GREEDY, n=2)}
    assert len(whole) == 4 * CHUNK
    done = {(p, g) for p in range(CHUNK) for g in range(2)} | {(CHUNK, 1)}
    before = len(script.prompts)
    rest = {(p, g): r for p, g, r in model.stream(prompts, GREEDY, n=2, done=done)}
    assert rest == {at: r for at, r in whole.items() if at not in done}
    assert len(script.prompts) - before == 4 * CHUNK  # one chunk, two samples, two passes


def test_the_reminder_ends_the_thought_and_is_no_part_of_the_reply() -> None:
    pytest.importorskip("torch")
    base = resolve("pocket")
    problems = [p for p in load("pocket:40", profile="fixed") if p.constraints]
    prompts, warm = [p.messages() for p in problems], Sampling(max_tokens=160, temperature=1.0)
    first = base.sample(prompts, warm, seed=3)
    found = list(RepeatAfterThinking(base).elicited(prompts, warm, seed=3))
    thought = [p for p, (each,) in enumerate(first) if each.thinking and each.has_reply]
    assert thought  # 15 % of the pocket model's replies begin with a thought
    for each in found:
        own, now = first[each.prompt][0], each.response
        if each.prompt not in thought:
            assert now == own
            continue
        rules = " ".join(c.instruction() for c in problems[each.prompt].constraints)
        assert now.thinking == f"{own.thinking}\n\nBefore I answer, once more: {rules}"
        assert rules not in now.reply
        n_rest = len(now.ids) - len(base.tokenizer(now.raw[: now.raw.rfind(now.reply)]).input_ids)
        assert each.n_tokens >= len(own.ids) + n_rest - 2  # end token, and a token across the mark


def test_only_local_weights_can_continue_a_reply() -> None:
    with pytest.raises(
        ModelError, match="give the checkpoint itself, or use two_passes or rewrite"
    ):
        RepeatAfterThinking(ScriptedModel({}))


KINDS = {
    "constraint_first": "",
    "repeat_after_thinking": "",
    "two_passes": "",
    "parent_answers": "parent: pocket\n",
    "rewrite": "",
    "best_of_n": "n_tries: 2\nrules: {problems: 'pocket:6'}\n",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_remedy_is_audited_by_the_name_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "remedy.yaml"
    file.write_text(f"kind: {kind}\nbase: pocket\n{KINDS[kind]}")
    out = tmp_path / "run"
    options = [
        "--problems",
        "pocket:6",
        "--max-tokens",
        "96",
        "--temperature",
        "1",
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(app, ["audit", str(file), *options])
    assert done.exit_code in (0, 3), done.output  # 3: the pocket model leaves a thought unclosed
    joint = read_findings(out / "findings.json")[0][0]
    tokens = joint.estimate("tokens", condition="constrained")
    if kind in ("two_passes", "parent_answers", "rewrite", "best_of_n"):
        alone = joint.estimate("tokens", condition="unconstrained")
        assert tokens.value > alone.value > 0
        assert (
            "Tokens generated for one reply, thrown-away ones" in (out / "report.html").read_text()
        )
