r"""How often is a verdict on an answer right? On two sets of replies that were judged by hand.

`python -m benchmarks.answers` prints, for each grader, how many verdicts are right, how many wrong
answers it calls right, and how many right ones wrong. Beside `Correct` are math-verify alone (its own
extraction and comparison, of the reply against `\boxed{reference}`) and the two ways of lm-eval: for
GSM8K the number behind `####` or the last number, compared as text without `,`, `$` and a final point;
for MATH the last box, compared as text without spaces and typesetting.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

from twofold.scorers import Correct
from twofold.scorers.answers.extract import boxes
from twofold.types import Problem, Response

SETS = [
    Path(__file__).parents[1] / "tests" / "scorers" / name
    for name in ("hand_judged.jsonl", "hand_judged_2.jsonl")
]
_NUMBER = re.compile(r"-?[$0-9.,]{2,}|-?[0-9]+")


def ours(gold: str, reply: str) -> bool:
    (verdict,) = Correct()([Problem(question="?", answer=gold)], [Response(raw=reply, reply=reply)])
    return verdict.score == 1.0


def math_verify_alone(gold: str, reply: str) -> bool:
    from math_verify import parse, verify

    return bool(verify(parse(rf"$\boxed{{{gold}}}$"), parse(reply)))


def gsm8k_strict(gold: str, reply: str) -> bool:
    found = re.findall(r"#### (-?[0-9.,]+)", reply)
    return bool(found) and _as_text(found[-1]) == _as_text(gold)


def gsm8k_flexible(gold: str, reply: str) -> bool:
    found = _NUMBER.findall(reply)
    return bool(found) and _as_text(found[-1]) == _as_text(gold)


def math_last_box(gold: str, reply: str) -> bool:
    found = boxes(reply)
    return bool(found) and _as_latex(found[-1]) == _as_latex(gold)


def _as_text(answer: str) -> str:
    return re.sub(r"[,$]|\.$", "", answer).strip()


def _as_latex(answer: str) -> str:
    answer = re.sub(r"\\(?:left|right|!|,|;|\$)|\s|\$|\\text\{[^{}]*\}$|\^\\circ|\.$", "", answer)
    return re.sub(r"\\[dt]frac", r"\\frac", answer)


GRADERS: dict[str, Callable[[str, str], bool]] = {
    "twofold": ours,
    "math-verify alone": math_verify_alone,
    "lm-eval GSM8K, strict": gsm8k_strict,
    "lm-eval GSM8K, flexible": gsm8k_flexible,
    "lm-eval MATH, last box": math_last_box,
}


def main() -> None:
    for path in SETS:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        n_right = sum(row["right"] for row in rows)
        print(f"{path.name}: {len(rows)} replies, {n_right} right and {len(rows) - n_right} wrong")
        for name, grader in GRADERS.items():
            verdicts = [(row["right"], grader(row["gold"], row["reply"])) for row in rows]
            agreed = sum(right == said for right, said in verdicts)
            false_right = sum(said and not right for right, said in verdicts)
            false_wrong = sum(right and not said for right, said in verdicts)
            print(
                f"  {name:24} {agreed:4} agree {false_right:4} false right {false_wrong:4} false wrong"
            )


if __name__ == "__main__":
    main()
