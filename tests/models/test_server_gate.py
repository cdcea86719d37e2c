"""What of a server's answer gets in: bounded, readable numbers, and never the key."""

from __future__ import annotations

import base64
import gzip
import html
import json
import time
import tracemalloc
import zlib
from email.utils import formatdate
from urllib.parse import quote

import pytest
from asking import ask, chat, model_at
from faulty_server import Act, Asked, FaultyServer, Say, Send, error
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.models.openai.endpoint import Limits
from twofold.models.openai.received import MOST, MOST_BYTES, MOST_VALUES, Body, Unreadable, received
from twofold.models.openai.redaction import KEY_VARIABLE, without_credentials, without_key
from twofold.types import FinishReason, Sampling

KEY = "sk-a/B+c\"d\\e&f<g>%h'0123456789"
PATIENT = Limits(concurrency=1, max_retries=1, timeout_s=10.0)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)


# ---------------------------------------------------------------- the key


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS = {
    "raw": lambda k: k,
    "json": lambda k: json.dumps(k)[1:-1],
    "json twice": lambda k: json.dumps(json.dumps(k)),
    "json, slashes escaped": lambda k: json.dumps(k)[1:-1].replace("/", r"\/"),
    "json, all escaped": lambda k: "".join(rf"\u{ord(c):04X}" for c in k),
    "python": lambda k: repr(k),
    "hexadecimal escapes": lambda k: "".join(rf"\x{ord(c):02x}" for c in k),
    "url": lambda k: quote(k, safe=""),
    "url, lower case": lambda k: quote(k, safe="").lower().replace(k.lower(), k),
    "url, twice": lambda k: quote(quote(k, safe=""), safe=""),
    "url, every character": lambda k: "".join(f"%{ord(c):02x}" for c in k),
    "html": lambda k: html.escape(k),
    "html, numbers": lambda k: "".join(f"&#{ord(c)};" for c in k),
    "html, hexadecimal": lambda k: "".join(f"&#x{ord(c):X};" for c in k),
    "base64": b64,
    "basic": lambda k: b64(f"user:{k}"),
    "basic, other name": lambda k: b64(f"me:{k}"),
    "basic, as the name": lambda k: b64(f"{k}:"),
    "bearer in base64": lambda k: b64(f"Bearer {k}"),
    "base64 for urls": lambda k: base64.urlsafe_b64encode(f"x{k}y".encode()).decode().rstrip("="),
    "base64 in a url": lambda k: quote(b64(k), safe=""),
    "hexadecimal": lambda k: k.encode().hex().upper(),
}

KEYS = ("sk-never-to-be-seen-4711", KEY, "sk-12345", "?>?>?>~~~???", "a" * 40, "token-abc123")


def pieces(key: str) -> list[str]:
    """Parts of the key of which none may remain, in the spellings that are plain to read."""
    return [key[i : i + 6] for i in range(len(key) - 5)]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_the_key_is_hidden(
    spelling: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    if spelling == "url, lower case" and key.lower() != key:
        pytest.skip("the lower case of this key is another key")
    spelled = SPELLINGS[spelling](key)
    said = without_key({f"a {spelled} b": [f"x{spelled}y", {"z": spelled}]})
    text = json.dumps(said)
    assert spelled not in text
    assert (spelled[4:-4] or spelled) not in text
    assert text.count("***") == 3
    assert text.startswith('{"a ')  # what is around it stays
    assert without_credentials(f"no: {spelled}.").startswith("no: ")


@given(
    key=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60),
    before=st.text(max_size=8),
    after=st.text(max_size=8),
    spelling=st.sampled_from(sorted(SPELLINGS)),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_key_is_hidden(key: str, before: str, after: str, spelling: str) -> None:
    if spelling == "url, lower case" and key.lower() != key:
        return
    spelled = SPELLINGS[spelling](key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, key)
        assert spelled not in str(without_key(f"{before} {spelled} {after}"))


@pytest.mark.parametrize("key", ["", "EMPTY", "none", "x", "1234", "-"])
def test_what_is_no_secret_changes_no_reply(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    said = "EMPTY or none, x = 1234 - the bearer of good news"
    reply, _ = ask(lambda _: Say(said))
    assert reply.reply == said


def test_a_reply_keeps_its_words_beside_the_key() -> None:
    reply, _ = ask(lambda _: Say(f"the bearer of news said {KEY}, basic stuff"))
    assert reply.reply == "the bearer of news said ***, basic stuff"


def test_an_echo_lands_nowhere() -> None:
    coded = b64(f"user:{KEY}")

    def behave(asked: Asked) -> Act:
        return Say(
            f"you sent {KEY} and {coded}",
            more={"reasoning_content": json.dumps(asked.headers), KEY: KEY},
            usage={"completion_tokens": 5, KEY: 1},
        )

    reply, _ = ask(behave)
    saved = json.dumps(reply.to_json())
    assert reply.finish_reason is FinishReason.answered
    for part in (*pieces(KEY), coded[8:-8]):
        assert part not in saved


def test_an_echo_in_a_broken_header_lands_nowhere() -> None:
    broken = Send(headers={f"X {KEY}": KEY, "X-Request-Id": KEY})
    reply, _ = ask(lambda _: broken, Limits(concurrency=1, max_retries=0))
    assert reply.finish_reason is FinishReason.failed
    assert not any(part in reply.error for part in pieces(KEY))


def test_hiding_is_linear() -> None:
    text = ("Ab1/" * 500_000) + KEY
    started = time.process_time()
    assert str(without_key(text)).endswith("***")
    assert time.process_time() - started < 20


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (b"9" * 400, None),
        (b"-" + b"9" * 400, None),
        (b"9" * 5000, None),
        (str(MOST).encode(), MOST),
        (str(MOST + 1).encode(), None),
        (b"NaN", None),
        (b"Infinity", None),
        (b"-Infinity", float(-MOST)),
        (b"1e999", None),
        (b"-1e999", float(-MOST)),
        (b"-0.5", -0.5),
        (b"[" * 200_000, None),
        (b"\xff\xfe", None),
        (b"", None),
        (b'"a', None),
        (b"{}{}", None),
        (b"[" + b"[]," * (MOST_VALUES // 2) + b"[]]", None),
    ],
)
def test_only_numbers_that_a_counter_holds_get_in(said: bytes, read: object) -> None:
    assert received(said) == read


@pytest.mark.parametrize("count", ["9" * 400, "1e400", "NaN", "-5", "1.5", '"7"', "true", "[]"])
def test_a_count_out_of_range_is_unknown(count: str) -> None:
    body = (
        '{"choices": [{"message": {"content": "4"}, "finish_reason": "stop"}], "usage": '
        f'{{"completion_tokens": {count}, "completion_tokens_details": {{"reasoning_tokens": {count}}}}}}}'
    )
    reply, _ = ask(lambda _: Send(body=body.encode()))
    assert (reply.reply, reply.n_reply_tokens, reply.n_thinking_tokens) == ("4", None, None)


@pytest.mark.parametrize(
    "header",
    [
        {"Retry-After": "Wed, 99 Foo 99999 99:99:99 GMT"},
        {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -9999"},
        {"Retry-After": "nan"},
        {"Retry-After": "-inf"},
        {"Retry-After": "9" * 400},
        {"Retry-After": "1e-300"},
        {"Retry-After": "0"},
        {"Retry-After-Ms": "nan"},
        {"Retry-After": formatdate(0, usegmt=True)},
        {"X-Should-Retry": "perhaps"},
        {"X-Should-Retry": "true"},
        {"Content-Type": "text/html; charset=base64"},
        {"Content-Type": "application/json; charset=\xff"},
    ],
)
def test_no_header_crashes(header: dict[str, str]) -> None:
    reply, server = ask(lambda _: error(503, "busy", header))
    assert reply.error.startswith("HTTP 503: busy")
    assert len(server.asked) in (2, 3)


# ---------------------------------------------------------------- how much is read


@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate"])
@pytest.mark.parametrize("size", [1, 4096])
def test_pieces_make_the_body(coding: str, size: int) -> None:
    whole = b"word " * 30_000
    packed = {"identity": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[coding](whole)
    body = Body(coding)
    for i in range(0, len(packed), size):
        body.add(packed[i : i + size])
    assert body.content() == whole


def test_a_body_is_bounded_while_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(9 * MOST_BYTES))
    assert len(bomb) < MOST_BYTES // 10
    tracemalloc.start()
    with pytest.raises(Unreadable, match="larger than 8 MiB"):
        Body("gzip").add(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MOST_BYTES


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (Send(body=b'"' + b"a" * (MOST_BYTES + 1) + b'"'), "larger than 8 MiB"),
        (
            Send(body=gzip.compress(bytes(4 * MOST_BYTES)), headers={"Content-Encoding": "gzip"}),
            "larger than 8 MiB",
        ),
        (Send(body=b"no gzip", headers={"Content-Encoding": "gzip"}), "compression is broken"),
        (Send(body=b"{}", headers={"Content-Encoding": "br"}), "not asked for"),
        (Send(body=b"{}", headers={"Content-Encoding": "gzip, gzip"}), "not asked for"),
        (Send(body=gzip.compress(b"{}")[:-10], headers={"Content-Encoding": "gzip"}), "not JSON"),
        (Send(500, body=b"x" * (MOST_BYTES + 1)), "HTTP 500 (tried 2 times)"),
        (Send(307, headers={"Location": "/v1/chat/completions"}), "HTTP 307"),
    ],
)
def test_too_much_or_unreadable_is_one_failed_reply(act: Act, told: str) -> None:
    reply, _ = ask(lambda _: act, PATIENT)
    assert reply.finish_reason is FinishReason.failed
    assert told in reply.error


def test_a_compressed_answer_is_read() -> None:
    body = json.dumps({"choices": [{"message": {"content": "4"}, "finish_reason": "stop"}]})
    packed = Send(body=gzip.compress(body.encode()), headers={"Content-Encoding": "GZIP"})
    reply, server = ask(lambda _: packed)
    assert reply.reply == "4"
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


def test_dripping_ends_with_the_time_out() -> None:
    drip = Send(body=b" " * 1000, pause_s=0.1)
    limits = Limits(concurrency=1, max_retries=4, timeout_s=0.8)
    started = time.monotonic()
    reply, server = ask(lambda _: drip, limits)
    assert time.monotonic() - started < 8
    assert "did not answer in time" in reply.error
    assert len(server.asked) == 2


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_time_outs_are_finite(seconds: float) -> None:
    with pytest.raises(ValueError, match="time-outs"):
        Limits(timeout_s=seconds)


def test_a_huge_answer_harms_no_other() -> None:
    huge = Send(body=b"[" + b"[]," * (MOST_BYTES // 3 - 2) + b"[]]")

    def behave(asked: Asked) -> Act:
        return huge if asked.text == "1" else Say(f"re {asked.text}")

    with FaultyServer(behave) as server:
        said = model_at(server.url, concurrency=2).sample(
            [chat(str(i)) for i in range(4)], Sampling()
        )
    assert [r.reply for (r,) in said] == ["re 0", "", "re 2", "re 3"]
