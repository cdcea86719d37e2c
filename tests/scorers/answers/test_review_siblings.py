"""Answers that a second person tried: each was judged by hand before it was run."""

import pytest

from twofold.scorers import Correct
from twofold.types import Problem, Response

# reference answer, reply, right
TRIED = [
    # a worker that stumbles is no verdict: every function has a value or is unread
    (r"\ln 2", r"\boxed{log(2)}", 0),
    ("6", r"\boxed{gcd(12,18)}", 1),
    ("6", r"\boxed{\gcd(12,18)}", 1),
    ("6", r"\boxed{lcm(2,3)}", 1),
    ("4", r"\boxed{max(3,4)}", 1),
    ("5 minutes", r"\boxed{5min}", 1),
    ("66", r"\boxed{12 choose 2}", 1),
    ("12", r"\boxed{12 choose 2}", 0),
    # a sentence about an option is no option with its text
    ("A", "Option A is wrong; option B is right.", 0),
    ("A", "Option A is incorrect.", 0),
    ("A", r"\boxed{\text{(A) is too large}}", 0),
    ("B", "Option B is correct.", 1),
    ("B", "(B) is the answer.", 1),
    # "then" makes steps, not a list
    ("7", r"First \boxed{3}, then \boxed{7}.", 1),
    ("3", r"First \boxed{3}, then \boxed{7}.", 0),
    # what is tagged as the answer is stated
    ("5", "<answer>5</answer>", 1),
    ("5", "9 - 4 <answer>\n5\n</answer>", 1),
    ("5", "<answer>The answer is 5.</answer> So 7 are left.", 1),
    ("5", "<answer>5</answer> <answer>6</answer>", 0),
    ("5", "The answer is 5. <answer>6</answer>", 0),
    ("5", "<answer>I cannot do it in 5 steps</answer>", 0),
    # braces without a backslash
    (r"\{1,2\}", "The answer is {2, 1}.", 1),
    (r"\{1,2\}", r"\boxed{{2,1}}", 1),
    ("[2,3)", "The answer is {x | 2 ≤ x < 3}.", 1),
    ("(1,2)", r"\boxed{{1,2}}", 0),
    (r"\emptyset", r"\boxed{{}}", 0),
    # digits grouped as in a program
    ("1234567", r"\boxed{1_234_567}", 1),
    ("1234567", r"\boxed{1_234_568}", 0),
    # very small differences, in other spellings
    (r"\frac{10^{40}+1}{10^{40}}", r"\boxed{1}", 0),
    (r"\frac{1}{\binom{100}{50}}", r"\boxed{\frac{50!\,50!}{100!}}", 1),
    ("10^{-20}", r"\boxed{1e-21}", 0),
    ("64", r"\boxed{2**3**2}", 0),
]


@pytest.mark.parametrize(("gold", "reply", "right"), TRIED)
def test_as_judged_by_hand(gold: str, reply: str, right: int) -> None:
    problem = Problem(question="?", answer=gold)
    verdict = Correct()([problem], [Response(raw=reply, reply=reply)])[0]
    assert verdict.score == right, verdict.reason
