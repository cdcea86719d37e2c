"""Forced first tokens: whose they are, that no answer is among them, and where the rows count."""

import string
from types import SimpleNamespace

import pytest

from twofold.diagnostics.elicitation.analysis import Elicitation
from twofold.diagnostics.elicitation.forced_tokens import ForcedTokens
from twofold.diagnostics.elicitation.rates import Rates
from twofold.errors import ModelError
from twofold.models import resolve
from twofold.models.scripted import ScriptedModel
from twofold.problems import pocket
from twofold.runs.audit import audit
from twofold.types import FinishReason, OpenModel, Response, Sampling

WORDS = (
    "First",
    "take",
    "one",
    "then",
    "two",
    "The",
    "answer",
    "is",
    "\\boxed{7}",
    ".",
    "No",
    "END",
)


class Speaker(OpenModel):
    """A model of words: it says its line, or goes on with it where a beginning is part of it."""

    def __init__(self, *lines, words=WORDS):
        self.lines, self.words = lines, words

    network = None
    spec = "speaker"

    @property
    def tokenizer(self):
        return SimpleNamespace(get_vocab=lambda: {word: i for i, word in enumerate(self.words)})

    def render(self, chat):
        return chat[0]["content"]

    def decode(self, ids):
        return " ".join(self.words[i] for i in ids if self.words[i] != "END")

    def response(self, ids):
        text = self.decode(ids)
        return Response(raw=text, reply=text, ids=tuple(ids), finish_reason=FinishReason.answered)

    def ids(self, line):
        return [self.words.index(word) for word in f"{line} END".split()]

    def stream(self, prompts, sampling, *, n=1, seed=0, done=frozenset(), share=None):
        for p, chat in enumerate(prompts):
            for g in range(n):
                if (p, g) not in done:
                    yield p, g, self.response(self.ids(self.lines[int(self.render(chat))]))

    def continued(self, chats, started, sampling, *, seed=0):
        for i, (chat, begun) in enumerate(zip(chats, started, strict=True)):
            line = self.ids(self.lines[int(self.render(chat))])
            yield i, self.response([*begun, *line[len(begun) :]])

    def fingerprint(self):
        return {"kind": "speaker", "lines": list(self.lines)}


BASE = Speaker(*["No No No No No No No No No"] * 3)
TUNED = Speaker(
    "First take one then two The answer is \\boxed{7} .",
    "The answer is \\boxed{7} .",
    "then two The answer is \\boxed{7} .",
)
CHATS = [[{"role": "user", "content": str(i)}] for i in range(3)]
GREEDY = Sampling(max_tokens=20)


def begun(model, n):
    """The words that are not the base's own, by prompt."""
    found = {each.prompt: each for each in model.elicited(CHATS, GREEDY)}
    return [
        [word for word in found[p].response.reply.split() if word != "No"] for p in range(n)
    ], found


def test_the_base_goes_on_from_the_tuned_models_first_tokens():
    said, found = begun(ForcedTokens(BASE, tuned=TUNED, n_forced=3), 3)
    # of 11, 6 and 8 tokens with the end: at most three, at most half, and never the answer itself
    assert said == [["First", "take", "one"], ["The", "answer", "is"], ["then", "two", "The"]]
    assert found[0].n_tokens == len(found[0].response.ids) - 3  # the forced ones are not its own


def test_no_more_than_half_is_forced_and_never_the_answer():
    said, _ = begun(ForcedTokens(BASE, tuned=TUNED, n_forced=9), 3)
    assert [len(each) for each in said] == [5, 3, 4]
    early = Speaker("\\boxed{7} it".replace("it", "is is is is is is is is"), *TUNED.lines[1:])
    assert begun(ForcedTokens(BASE, tuned=early, n_forced=4), 1)[0] == [[]]


LETTERS = (*string.printable, "END")


class Speller(Speaker):
    """A model whose tokens are single characters."""

    def __init__(self, line):
        super().__init__(*[line] * len(CHATS), words=LETTERS)

    def decode(self, ids):
        return "".join(self.words[i] for i in ids if self.words[i] != "END")

    def ids(self, line):
        return [self.words.index(each) for each in (*line, "END")]


@pytest.mark.parametrize(
    ("line", "at_most"),
    [
        ("125 is what you get, so it is \\boxed{125}.", ""),  # not "12" either
        ("It is 1,200 all in all, so \\boxed{1,200}.", "It is "),
        ("It is 1,200 all in all, so \\boxed{1200}.", "It is "),
        ("Add 1200 here, and the answer is 1,200.", "Add "),
        ("It is 12.0, that is to say \\boxed{12}.", "It is "),
        ("So PARIS it must be. The answer is Paris.", "So "),
        ("Take 3 and 4, then add. It is \\boxed{7}.", "Take 3 and 4, then add. It is \\boxed{"),
    ],
)
def test_no_part_of_the_answer_is_forced_in_any_spelling(line, at_most):
    tuned, base = Speller(line), Speller("~" * len(line))
    for n_forced in range(1, len(line)):
        model = ForcedTokens(base, tuned=tuned, n_forced=n_forced)
        reply = next(model.elicited(CHATS[:1], Sampling(max_tokens=60))).response.reply
        assert reply.rstrip("~") == at_most[: min(n_forced, (len(line) + 1) // 2)]


def test_the_control_forces_as_many_tokens_of_another_reply():
    said, _ = begun(ForcedTokens(BASE, tuned=TUNED, n_forced=3, beginning="another"), 3)
    assert said == [["The", "answer", "is"], ["then", "two", "The"], ["First", "take", "one"]]
    alike = Speaker(*[TUNED.lines[0]] * 3)
    assert begun(ForcedTokens(BASE, tuned=alike, beginning="another"), 3)[0] == [[], [], []]


def test_it_resumes():
    model = ForcedTokens(BASE, tuned=TUNED)
    whole = {(e.prompt, e.sample): e for e in model.elicited(CHATS, GREEDY, n=2)}
    done = set(whole) - {(2, 1)}
    assert [*model.elicited(CHATS, GREEDY, n=2, done=done)] == [whole[2, 1]]


def test_the_tuned_model_is_not_asked_again_where_nothing_is_missing(monkeypatch):
    model = ForcedTokens(BASE, tuned=TUNED)
    asked = []
    monkeypatch.setattr(type(TUNED), "stream", lambda *_, **__: asked.append(1) or iter(()))
    done = {(p, g) for p in range(len(CHATS)) for g in range(2)}
    assert [*model.elicited(CHATS, GREEDY, n=2, done=done)] == [] and not asked


def test_both_models_are_in_the_fingerprint():
    found = ForcedTokens(BASE, tuned=TUNED).fingerprint()
    assert found["base"] == BASE.fingerprint() and found["tuned"] == TUNED.fingerprint()
    assert found != ForcedTokens(BASE, tuned=TUNED, beginning="another").fingerprint()


def test_models_of_other_tokens_or_without_weights_are_refused():
    other = Speaker(TUNED.lines[0], words=(*WORDS[::-1],))
    with pytest.raises(ModelError, match="have different tokens"):
        [*ForcedTokens(BASE, tuned=other).elicited(CHATS[:1], GREEDY)]
    with pytest.raises(ModelError, match="behind a server"):
        ForcedTokens(BASE, tuned=ScriptedModel({}))
    with pytest.raises(ModelError, match="at least one"):
        ForcedTokens(BASE, tuned=TUNED, n_forced=0)


def test_rows_of_the_tuned_model_are_an_arm_of_the_base():
    reply = {
        "correct": 1.0,
        "met": [1.0],
        "stated": 1,
        "answer": "7",
        "n_tokens": 3,
        "ended": "answered",
    }
    row = {"role": "model", "arm": "forced_tokens", "condition": "unconstrained", "problem": "1a"}
    rates = Rates([row | {"temperature": 0.0, "replies": [reply]}])
    assert rates.arms("baseline") == ["forced_tokens"] and rates.arms("model") == []
    assert rates.column("baseline", "forced_tokens", "accuracy").values == {"1a": 1.0}
    assert rates.elicited("baseline") == {"1a"}


def test_the_diagnostic_has_the_arms_with_their_controls(tmp_path):
    model = resolve("pocket")
    result = audit(
        model,
        pocket.suite(2),
        out=tmp_path / "run",
        baseline=model,
        sampling=Sampling(max_tokens=48),
        diagnostics=(Elicitation(n_samples=1, k=1, moves=1),),
    )
    found = result.findings[-1]
    arms = ("power_sampling", "cooled", "forced_tokens", "forced_other_tokens")
    for arm in arms:
        for metric in ("accuracy", "compliance", "both", "n_tokens"):
            assert found.estimate(metric, role="baseline", condition=arm) is not None
    own = found.estimate("accuracy", role="baseline", condition="as_asked")
    # a model that begins for itself says what it says anyway
    assert found.estimate("accuracy", role="baseline", condition="forced_tokens").value == own.value
    versus = {(c.condition, c.versus) for c in found.contrasts if c.metric == "accuracy"}
    assert {("power_sampling", "cooled"), ("forced_tokens", "forced_other_tokens")} <= versus
