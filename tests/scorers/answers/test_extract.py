import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.scorers.answers.extract import Found, boxes, find_answer


@pytest.mark.parametrize(
    ("reply", "answer", "place"),
    [
        (r"\boxed{5}. The answer is 6. #### 7", "5", "boxed"),
        ("#### 7\nThe answer is 6.", "7", "####"),
        ('"#### 7"', "7", "####"),
        ("**#### 7**", "7", "####"),
        ("“So, #### 7”", "7", "####"),
        ("The answer is 6, as 2 + 4 = 6, and 9 is not.", "6", "stated"),
        ("First 3, then $x=4$, then 5 apples.", "5", "last"),
        ("First 3, then 5 apples, then $x=4$.", "x=4", "concluded"),
        ("The answer is 3. Wait, the answer is 4.", "4", "stated"),
        ("**Final Answer:** $\\frac{1}{2}$", r"\frac{1}{2}", "stated"),
        ("The answer is:\n\n$$5$$", "5", "stated"),
        ("The answer is $1$, $2$ and $3$.", "$1$, $2$ and $3$", "stated"),
        ("The answer is 3.5. Good.", "3.5", "stated"),
        ("The answer is .5", ".5", "stated"),
        ("The answer is p - q.", "p - q", "stated"),
        ("It costs $5 and then $10 in all", "10", "last"),
        ("So we get 5. I hope the answer is helpful.", "5", "last"),
        ("#### Step 2: add\n3 and 4 make 7", "7", "concluded"),
        ("#### 2. Add\nthat makes 7", "7", "concluded"),
        ("#### x^2 + 1", "x^2 + 1", "####"),
        ("##### 5\n6", "6", "concluded"),
        (r"\[ x = 3 \]", "x = 3", "concluded"),
    ],
)
def test_policy(reply: str, answer: str, place: str) -> None:
    found = find_answer(reply)
    assert found is not None
    assert (str(found), found.place) == (answer, place)


@pytest.mark.parametrize("reply", ["", " ", "no idea", r"\boxed{}", r"\boxed{ }", "#### Solution"])
def test_no_answer(reply: str) -> None:
    assert find_answer(reply) is None


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        ("Any of 10, 11, 12", ("10", "11", "12")),
        ("either 10 apples or 12", ("10", "12")),
        ("$10$, $11$ and $12$", ("$10$, $11$ and $12$",)),
        ("$10 or $12", ("$10 or $12",)),
        ("10,11,12", ("10,11,12",)),
        ("12,00 Euro", ("12,00 Euro",)),
        ("1,234", ("1,234",)),
        ("of the 20, 12 are red", ("12",)),
        ("When $x=3$, $y=12$.", ("y=12",)),
        ("it is 2√3", ("2√3",)),
        ("28.27 by the use of π.", ("28.27",)),
        ("10" + " " * 80 + "12", ("12",)),
    ],
)
def test_a_list_at_the_end_is_one_answer(reply: str, texts: tuple[str, ...]) -> None:
    found = find_answer(reply)
    assert found is not None and found.texts == texts


def test_prose_behind_the_words_of_an_answer_is_none() -> None:
    assert find_answer("The answer is quite obvious to everybody.") is None
    assert find_answer("The answer is Monday.") == Found(("Monday",), "stated")
    assert find_answer("The answer is helpful.") is None


def test_boxes() -> None:
    assert boxes(r"\boxed{a_{1}} \fbox{\frac{1}{2}} \BOXED {3}") == ["a_{1}", r"\frac{1}{2}", "3"]
    assert boxes(r"\boxed{\{1, 2\}}") == [r"\{1, 2\}"]
    assert boxes(r"\boxed{1 \boxed{2}}") == ["1 {2}"]
    assert boxes(r"\boxed{1") == []


@given(st.text(alphabet=st.sampled_from(list("\\boxed{}$#5x .,an\nswerit")), max_size=200))
@settings(max_examples=500, deadline=None)
def test_what_is_found_in_any_text_was_said_in_it(reply: str) -> None:
    found = find_answer(reply)
    if found is not None:
        assert found.texts and all(text and text in reply for text in found.texts)


@pytest.mark.parametrize(
    "unit",
    ["{", r"\boxed{", r"\boxed{1}", "the answer is ", "$", "$ a", "1,234", "#### ", "\\[", "\\(",
     "the a a answer to ", " ", ".", ". ", "1 ", "answer:", "answer\n", "**",
     "1,", ",234", ".234", "√1", "1π", "10 or ", "1, "],
)  # fmt: skip
def test_search_takes_linear_time(unit: str) -> None:
    start = time.process_time()
    find_answer(unit * 20_000)
    find_answer("the answer is " + unit * 20_000)
    find_answer("1" + unit * 20_000 + ",2")
    assert time.process_time() - start < 10
