"""Every reference answer of the benchmarks is read whole; changed, it is no longer equal."""

import json
import os
import re
from pathlib import Path

import pytest

from twofold.scorers import Correct
from twofold.scorers.answers.equal import read
from twofold.types import Problem, Response

SHARED = Path(os.environ["TWOFOLD_SHARED"]) / "data"


def golds() -> list[str]:
    """The different reference answers; one of twenty of the many whole numbers of GSM8K."""
    if not SHARED.is_dir():
        pytest.skip("no shared benchmark data; set TWOFOLD_SHARED to the folder that holds data/")
    found = []
    for path in [*sorted(SHARED.glob("mathif/*_*le.jsonl")), SHARED / "math500/test.jsonl"]:
        lines = path.read_text().splitlines()
        found += [json.loads(line)["answer"] for line in lines if line.strip()]
    gsm8k = (SHARED / "gsm8k/test.jsonl").read_text() + (SHARED / "gsm8k/train.jsonl").read_text()
    numbers = list(dict.fromkeys(re.findall(r"#### ([^\"\\]+)", gsm8k)))
    return list(dict.fromkeys(found + numbers[::20]))


def changed(gold: str) -> list[str]:
    """The answer with another digit, sign, exponent or factor, or with a rest behind it."""
    made = []
    for digit in re.finditer(r"\d", gold):
        other = {"9": "3"}.get(digit[0], str(int(digit[0]) + 1))
        made.append(gold[: digit.start()] + other + gold[digit.end() :])
    made.append(f"-({gold})" if re.fullmatch(r"[\d.]+", gold) else f"-{gold}")
    made.append(re.sub(r"\^\{?(\d+)\}?", lambda found: f"^{{{int(found[1]) + 1}}}", gold))
    if re.fullmatch(r"[-\d.,]+", gold):
        made += [rf"{gold}\sqrt{{2}}", f"{gold} blah or", rf"{gold} \foo", f"{gold} times x"]
        made.append(f"{gold}^2")
    return [text for text in dict.fromkeys(made) if text != gold]


def test_every_gold_is_read_whole() -> None:
    assert [gold for gold in golds() if not read(gold)] == []


def test_a_changed_gold_is_not_equal() -> None:
    pairs = [(gold, text) for gold in golds() for text in changed(gold)]
    assert len(pairs) > 2000
    problems = [Problem(question="?", answer=gold) for gold, _ in pairs]
    replies = [rf"\boxed{{{text}}}" for _, text in pairs]
    verdicts = Correct()(problems, [Response(raw=text, reply=text) for text in replies])
    equal = {pair for pair, verdict in zip(pairs, verdicts, strict=True) if verdict.score != 0.0}
    # Nothing else than these, which are equal: powers of 1, multiples of 0, and -1^2 = -(1^2).
    assert equal <= {
        *(("0", text) for text in ("-(0)", "0^2", r"0\sqrt{2}", "0 times x")),
        *(("1", "1^2"), ("-1", "-1^2"), ("19,0,1", "19,0,1^2"), ("-2,1", "-2,1^2")),
    }
