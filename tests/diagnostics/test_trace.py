"""Which part of a reply is its chain, by the tokens the network wrote."""

import pytest

from twofold.diagnostics.chain.trace import Chain, Trace, chain_of, trace_of
from twofold.types import FinishReason, OpenModel, Response


class Spelt(OpenModel):
    """A model whose tokens are characters, but for `.` with what follows it, which is one token."""

    network = tokenizer = property(lambda self: self)
    spec = property(lambda self: "spelt")

    def __call__(self, text, add_special_tokens):
        return type("Encoding", (), {"input_ids": self.encode(text)})

    @staticmethod
    def encode(text):
        ids = []
        for char in text:
            if ids and ids[-1] == ord("."):
                ids[-1] = 10_000 + ord(char)
            else:
                ids.append(ord(char))
        return ids

    def decode(self, ids):
        return "".join(chr(i) if i < 10_000 else "." + chr(i - 10_000) for i in ids)

    def render(self, chat):
        return "?"

    def fingerprint(self):
        return {}

    def stream(self, *args, **kwargs):
        raise NotImplementedError

    continued = stream


def reply(raw, **more):
    thinking = None
    text = raw
    if "</think>" in raw:
        head, text = raw.split("</think>")
        thinking, text = head.replace("<think>", "").strip(), text.lstrip()
    return Response(raw=raw, reply=text, thinking=thinking, ids=tuple(Spelt.encode(raw)), **more)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (reply("Two and two is 4. So it is \\boxed{4}."), Trace.valid),
        (reply("\\boxed{4}"), Trace.missing),
        (reply("It is \\boxed{4}."), Trace.missing),
        (reply("I cannot say."), Trace.missing),
        (reply("<think>2 and 2.</think>\n4"), Trace.valid),
        (reply("<think> \n </think>\n4"), Trace.empty),
        (
            Response(
                raw="<think>2", reply="", thinking="2", finish_reason=FinishReason.unclosed_thinking
            ),
            Trace.truncated,
        ),
        (
            Response(raw="Let us see", reply="Let us see", finish_reason=FinishReason.truncated),
            Trace.truncated,
        ),
        (Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 500"), None),
        (Response(raw="", reply="", finish_reason=FinishReason.empty), Trace.missing),
        # cut in the reply behind a finished thought: 3 is a step of it, not its answer
        (
            reply("<think>2 and 2.</think>Take 3 and", finish_reason=FinishReason.truncated),
            Trace.truncated,
        ),
        (
            reply("<think>2 and 2.</think>\\boxed{4}, as", finish_reason=FinishReason.truncated),
            Trace.valid,
        ),
        # the answer first and talk behind it is no working
        (reply("\\boxed{4}. Check: 2 and 2 is 4."), Trace.missing),
        (reply("Two and five. The answer is seven."), Trace.valid),
    ],
)
def test_kinds_of_traces(response, kind):
    assert trace_of(response) == kind


def test_visible_working_is_cut_at_sentences():
    found = chain_of(Spelt(), "?", reply("Two and 2 is 4. Then 4 and 1 is 5. So it is \\boxed{5}."))
    assert found.texts == ["Two and 2 is 4.", " Then 4 and 1 is 5."]
    # "." and the blank behind it are one token, so the cut falls behind that blank
    assert Spelt().decode(found.ids) == "Two and 2 is 4. Then 4 and 1 is 5. "
    assert found.answer == "5" and found.closing == () and found.n_steps == 2


@pytest.mark.parametrize(
    "text",
    [
        "Two and 2 is 4. So \\boxed{4}. Check: 4 is even.",
        "Two and 2 is 4. So \\boxed{4}. Again, \\boxed{4}.",
        "Two and 2 is 4.\n#### 4\nFour, 4, is even.",
        "Two and 2 is 4. The answer is 4. Are 4 enough?",
        "Two and 2 is 4. The answer is four. So we stop.",
    ],
)
def test_the_chain_ends_before_the_answer_is_stated_first(text):
    found = chain_of(Spelt(), "?", reply(text))
    assert [step.strip() for step in found.texts] == ["Two and 2 is 4."]


class Bytes(Spelt):
    """A model whose tokens are bytes: a character of several is spelt by its last one alone."""

    @staticmethod
    def encode(text):
        return list(text.encode())

    def decode(self, ids):
        return bytes(ids).decode(errors="replace")


@pytest.mark.parametrize(
    "text", ["三加四。所以七。 It is \\boxed{7}.", "Ça 😀. 😀😀 é́. \\boxed{😀}"]
)
def test_no_character_is_cut_in_two(text):
    response = Response(raw=text, reply=text, ids=tuple(text.encode()))
    found = chain_of(Bytes(), "?", response)
    assert [bytes(piece).decode() for piece in found.pieces] == found.texts


def test_a_thought_is_the_chain_and_its_closing_is_the_models_own():
    found = chain_of(Spelt(), "?", reply("<think>\nAdd 2. Get 4.\n</think>\n\nIt is \\boxed{4}."))
    assert found.texts == ["Add 2.", " Get 4."]
    assert Spelt().decode(found.ids[: found.cuts[0]]) == "<think>\n"
    assert Spelt().decode(found.closing).endswith("</think>\n\n")
    whole = Spelt().decode((*found.ids, *found.closing))
    assert whole == "<think>\nAdd 2. Get 4.\n</think>\n\n"


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (reply("\\boxed{4}"), "the trace is missing"),
        (reply("<think>hm.</think>I do not know."), "the reply gives no answer"),
        (reply("<think>hm.</think>\\boxed{4} or \\boxed{5}"), "several answers"),
        (Response(raw="Add 2. It is 4.", reply="Add 2. It is 4."), "without its token ids"),
        (
            Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 500"),
            "HTTP 500",
        ),
    ],
)
def test_what_cannot_be_read_says_why(response, reason):
    assert reason in chain_of(Spelt(), "?", response)


def test_thousands_of_steps_are_cut_at_a_few_places():
    raw = "".join(f"Step {i}.\n" for i in range(3000)) + "It is \\boxed{7}."
    found = chain_of(Spelt(), "?", reply(raw))
    assert isinstance(found, Chain)
    assert found.n_steps == 3000 and len(found.pieces) == 48
    assert sum(map(len, found.pieces)) == found.n_tokens


@pytest.mark.parametrize("answer", ["π", "東京", "é́", "\\frac{1}{2}"])
def test_answers_of_any_script(answer):
    found = chain_of(Spelt(), "?", reply(f"We know. It is \\boxed{{{answer}}}."))
    assert found.answer == answer
