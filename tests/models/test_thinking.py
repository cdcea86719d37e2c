"""Is only the reply judged, whatever the tags do?"""

import pytest

from twofold.errors import ModelError
from twofold.models.thinking import ThinkingPolicy, detect, detect_in, split, split_served
from twofold.types import FinishReason

PLAIN = ThinkingPolicy()
PREFILLED = ThinkingPolicy(prefilled=True)


@pytest.mark.parametrize(
    ("raw", "policy", "thinking", "reply"),
    [
        ("4", PLAIN, None, "4"),
        ("<think>a</think>b", PLAIN, "a", "b"),
        ("\n<think>\na\n</think>\n\n b\n", PLAIN, "a", "b\n"),
        ("a</think>b", PLAIN, "a", "b"),  # close tag alone: the template opened the thought
        ("a</think>b", PREFILLED, "a", "b"),
        ("<think>a</think>b", PREFILLED, "a", "b"),  # the model opened it a second time
        ("<think>a <think> b</think>c", PLAIN, "a <think> b", "c"),
        ("<think>a</think>b <think>c</think>d", PLAIN, "a", "b <think>c</think>d"),
        ("<think>a</think>b</think>c", PLAIN, "a", "b</think>c"),
        ("Sure. <think>a</think>b", PLAIN, "a", "b"),
        ("Write <think> first.", PLAIN, None, "Write <think> first."),  # a mention, not a thought
        ("a </think> comes after <think>", PLAIN, "a", "comes after <think>"),
        ("[THINK]a[/THINK]b", ThinkingPolicy("[THINK]", "[/THINK]"), "a", "b"),
        ("<think></think>b", PLAIN, "", "b"),
        ("I used the `<think>` tag: 4", PLAIN, None, "I used the `<think>` tag: 4"),
        ("<think>a</think>I used the <think> tag", PLAIN, "a", "I used the <think> tag"),
        ("Sure.\n<think>a</think>b", PLAIN, "a", "b"),
        ("I think in <think> tags.\n<think>a</think>b", PLAIN, "a", "b"),
        ("<think>a</think>x<think>b</think>y", PLAIN, "a", "x<think>b</think>y"),
        ("<think>a</think>x\n<think>b</think>y", PLAIN, "a\n\nb", "y"),
        ("<think>a</think> <think>b</think>y", PLAIN, "a\n\nb", "y"),
        ("a</think>\n\n  <think>b</think>y", PREFILLED, "a\n\nb", "y"),
        ("<think>a\n<think>b</think>c", PLAIN, "a\n<think>b", "c"),
        ("<THINK>a</Think>b", PLAIN, "a", "b"),
        ("\u0130\u0130<Think>a</THINK>b", PLAIN, "a", "b"),  # lower() would lengthen the text
        ("a</THINK>b", PREFILLED, "a", "b"),
    ],
)
def test_thought_and_reply(
    raw: str, policy: ThinkingPolicy, thinking: str | None, reply: str
) -> None:
    response = split(raw, policy=policy, hit_limit=False)
    assert (response.thinking, response.reply) == (thinking, reply)
    assert response.raw == raw
    assert response.finish_reason is FinishReason.answered


@pytest.mark.parametrize("hit_limit", [True, False])
@pytest.mark.parametrize(
    ("raw", "policy"),
    [
        ("<think>a", PLAIN),
        ("a", PREFILLED),
        ("", PREFILLED),
        ("Sure.\n<think>2+2 is \\boxed{4} wait", PLAIN),
        ("Sure.\r\n \t<think>2+2 is \\boxed{4}", PLAIN),
        ("<think>a</think><think>b \\boxed{4}", PLAIN),
        ("<think>a</think>4\n<think>b", PLAIN),
        ("a</think> <think>b", PREFILLED),
        ("</think><think>b", PLAIN),
        ("<THINK>a \\boxed{4}", PLAIN),
        ("[think]a", ThinkingPolicy("[THINK]", "[/THINK]")),
    ],
)
def test_an_unclosed_thought_is_never_judged(
    raw: str, policy: ThinkingPolicy, hit_limit: bool
) -> None:
    response = split(raw, policy=policy, hit_limit=hit_limit, n_tokens=3)
    assert response.finish_reason is FinishReason.unclosed_thinking
    assert response.reply == ""
    assert response.raw == raw
    assert not response.has_reply
    assert (response.n_thinking_tokens, response.n_reply_tokens) == (3, 0)


@pytest.mark.parametrize(
    ("raw", "hit_limit", "finish_reason"),
    [
        ("", False, FinishReason.empty),
        (" \n", False, FinishReason.empty),
        ("<think>a</think>\n", False, FinishReason.empty),
        ("half an ans", True, FinishReason.truncated),
        ("<think>a</think>half", True, FinishReason.truncated),
        ("<think>a</think>", True, FinishReason.truncated),
    ],
)
def test_how_it_ended(raw: str, hit_limit: bool, finish_reason: FinishReason) -> None:
    assert split(raw, policy=PLAIN, hit_limit=hit_limit).finish_reason is finish_reason


def test_tokens_are_counted_on_both_sides_of_the_close_tag() -> None:
    raw = "<think>a</think>bc"
    response = split(raw, policy=PLAIN, hit_limit=False, n_tokens=18, tokens_before=lambda i: i)
    assert (response.n_thinking_tokens, response.n_reply_tokens) == (16, 2)


def test_tokens_unknown_stay_unknown() -> None:
    response = split("<think>a</think>b", policy=PLAIN, hit_limit=False)
    assert (response.n_thinking_tokens, response.n_reply_tokens) == (None, None)


@pytest.mark.parametrize(
    ("template", "prompt", "policy"),
    [
        ("no tags", "assistant:", PLAIN),
        ("has <think> in it", "assistant:", PLAIN),
        ("has <think> in it", "assistant:<think>\n", PREFILLED),
        ("has <think> in it", "assistant:<think>\n\n</think>\n\n", PLAIN),
        ("has [THINK]", "assistant:", ThinkingPolicy("[THINK]", "[/THINK]")),
    ],
)
def test_detect(template: str, prompt: str, policy: ThinkingPolicy) -> None:
    assert detect(template, prompt) == policy


@pytest.mark.parametrize(
    ("raw", "open_tag"),
    [
        ("", "<think>"),
        ("4", "<think>"),
        ("<THINK>a", "<think>"),
        ("[THINK]a", "[THINK]"),
        ("Sure.\n<thinking>a", "<thinking>"),
        ("<thinking>a\n<think>b", "<thinking>"),
        ("a[/THINK]b", "[THINK]"),
        ("Sure. <thinking>a</thinking>b", "<thinking>"),
        ("I used the [THINK] tag", "<think>"),
        ("I used the [THINK] tag</think>b", "<think>"),
        ("I used <think>.\n[THINK]a", "[THINK]"),
    ],
)
def test_tags_are_read_off_a_text_of_unknown_source(raw: str, open_tag: str) -> None:
    policy = detect_in(raw)
    assert policy.open_tag == open_tag
    assert policy.close_tag == open_tag[0] + "/" + open_tag[1:]
    assert not policy.prefilled


@pytest.mark.parametrize("raw", ["[THINK]a \\boxed{4}", "<thinking>a \\boxed{4}", "<THINK>a"])
@pytest.mark.parametrize("reasoning", [None, "r"])
def test_a_server_of_an_unknown_model_gets_no_unclosed_thought_judged(
    raw: str, reasoning: str | None
) -> None:
    response = split_served(raw, reasoning, policy=PLAIN, hit_limit=False)
    assert (response.reply, response.finish_reason) == ("", FinishReason.unclosed_thinking)


def test_marks_that_were_given_come_before_the_known_ones() -> None:
    given = ThinkingPolicy("<r>", "</r>")
    read = split_served("<r>\n<think>a</think></r>b", None, policy=given, hit_limit=False)
    assert (read.thinking, read.reply) == ("<think>a</think>", "b")
    other = split_served("<think>a", None, policy=given, hit_limit=False)  # was judged as a reply
    assert (other.reply, other.finish_reason) == ("", FinishReason.unclosed_thinking)


def test_a_thought_sent_separately_may_name_the_close_tag() -> None:
    response = split_served("4", "a</think>b", policy=PLAIN, hit_limit=False)
    assert (response.reply, response.thinking) == ("4", "a</think>b")


def test_blank_lines_without_end_are_split_in_linear_time() -> None:
    raw = "\n" * 200_000
    assert split(raw, policy=PLAIN, hit_limit=True).finish_reason is FinishReason.truncated


@pytest.mark.parametrize(
    ("content", "reasoning", "hit_limit", "reply", "finish_reason"),
    [
        ("4", "2+2", False, "4", FinishReason.answered),
        ("4", "2+2", True, "4", FinishReason.truncated),
        ("", "2+2", True, "", FinishReason.unclosed_thinking),
        ("", "2+2", False, "", FinishReason.empty),
        ("<think>2+2</think>4", None, False, "4", FinishReason.answered),
        ("<think>2+2", None, True, "", FinishReason.unclosed_thinking),
    ],
)
def test_a_thought_sent_separately(
    content: str, reasoning: str | None, hit_limit: bool, reply: str, finish_reason: FinishReason
) -> None:
    response = split_served(content, reasoning, policy=PLAIN, hit_limit=hit_limit)
    assert (response.reply, response.finish_reason, response.thinking) == (
        reply,
        finish_reason,
        "2+2",
    )
    again = split(response.raw, policy=PLAIN, hit_limit=hit_limit)
    assert (again.reply, again.finish_reason, again.thinking) == (reply, finish_reason, "2+2")


@pytest.mark.parametrize("marks", [("", ""), (" ", "</think>"), ("<think>", "\n")])
def test_blank_marks_are_refused(marks):
    with pytest.raises(ModelError, match="a blank one is everywhere in a text"):
        ThinkingPolicy(*marks)
