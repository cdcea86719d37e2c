"""Steps, edits and paraphrase, against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.diagnostics.chain.edits import Others, edits
from twofold.diagnostics.chain.paraphrase_rules import paraphrased
from twofold.diagnostics.chain.steps import merged, step_ends
from twofold.diagnostics.chain.trace import Chain


def pieces(text):
    ends = step_ends(text)
    return [text[a:b] for a, b in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        (" \n ... !?", []),
        ("x", ["x"]),
        ("3.5 and 2.0 make 5.5", ["3.5 and 2.0 make 5.5"]),
        ("One. Two! Three?", ["One.", " Two!", " Three?"]),
        ("1. Add.\n2. Take away.", ["1. Add.\n", "2. Take away."]),
        ("a) yes\nb) no\n", ["a) yes\n", "b) no\n"]),
        ("Line one\n\nLine two", ["Line one\n\n", "Line two"]),
        ("He said “stop.” Then 4.", ["He said “stop.”", " Then 4."]),
        ("三加四等于七。所以是七。", ["三加四等于七。", "所以是七。"]),
        ("So x = 5 ...", ["So x = 5 ..."]),
    ],
)
def test_steps(text, wanted):
    assert pieces(text) == wanted


@given(st.text(alphabet='ab1. \n!?)"é三。', max_size=60))
def test_steps_cover_a_text_that_says_anything(text):
    ends = step_ends(text)
    assert ends == sorted(set(ends))
    if any(char.isalnum() for char in text):
        assert ends[-1] == len(text)
        assert all(any(c.isalnum() for c in piece) for piece in pieces(text))
    else:
        assert ends == []


@given(st.lists(st.integers(1, 999), min_size=1, unique=True), st.integers(1, 50))
def test_merging_keeps_the_end_and_the_budget(ends, most):
    ends = sorted(ends)
    kept = merged(ends, most)
    assert kept[-1] == ends[-1] and len(kept) == min(most, len(ends)) and set(kept) <= set(ends)


def test_a_paraphrase_keeps_numbers_and_their_order():
    text = "First, up 2 from 4 gives 6. So 6 + 3 = 9, because we have 9."
    other = paraphrased(text)
    assert other != text
    assert [c for c in other if c.isdigit()] == [c for c in text if c.isdigit()]
    assert paraphrased("Blue, 7.") == "Blue, 7."


LETTERS = "abcdefghijklmnopqrstuvwxyz"


def encode(text):
    """A token a word, by its first letter and length: enough to tell texts apart."""
    return tuple(1000 * len(word) + ord(word[0]) for word in text.split())


def chain(*steps, answer="9"):
    """A chain of these steps behind a prompt of three tokens."""
    raw = " ".join(steps) + f" It is \\boxed{{{answer}}}."
    cuts, places, ids, at = [0], [0], [], 0
    for i, step in enumerate(steps):
        ids += encode(step)
        at += len(step) + (1 if i else 0)
        cuts.append(len(ids))
        places.append(at)
    return Chain(
        prompt=(1, 2, 3),
        ids=tuple(ids),
        cuts=tuple(cuts),
        places=tuple(places),
        closing=(),
        answer=answer,
        n_steps=len(steps),
        raw=raw,
    )


STEPS = ("Two and four is 6.", "Then 6 and 3 is 9.", "Now stop at 9.", "All done here.")
OTHERS = Others(((11, 12, 13, 14, 15, 16), (21, 22, 23) * 9), ("9", "12", "blue"))


def made(seed=0, steps=STEPS, others=OTHERS):
    found = edits(chain(*steps), others, encode, np.random.default_rng(seed))
    return {edit.name: edit for edit in found}


def test_every_edit_changes_what_it_says_and_no_more():
    whole, found = chain(*STEPS), made()
    n = whole.n_tokens
    assert n == 18 and len(found["filler_dots"].ids) == len(found["filler_words"].ids) == n
    assert set(found["filler_dots"].ids) == set(encode(" ..."))
    short, long = OTHERS.chains
    assert found["other_chain"].ids in ((*short, *long)[:n], long[:n])  # always as long
    assert len(found["whole/control"].ids) == n
    assert sorted(found["shuffled"].ids) == sorted(whole.ids)
    assert found["shuffled"].ids != whole.ids
    half = found["early_half"]
    assert (half.at, half.ids, half.n_changed) == (2, (), n - whole.cuts[2])
    control = found["early_half/control"]
    kept = (*whole.ids[: whole.cuts[control.at]], *control.ids)
    assert kept[-3:] == whole.ids[-3:]  # the last step stays
    assert len(kept) == n - control.n_changed


@pytest.mark.parametrize("seed", range(5))
def test_a_mistake_replaces_the_last_value_alone(seed):
    whole, found = chain(*STEPS), made(seed)
    for name, allowed in (
        ("mistake_other", {"6", "7", "8", "10", "11", "12", "19"}),
        ("mistake_earlier", {"3", "6"}),
    ):
        edit = found[name]
        assert edit.at == 2  # "Now stop at 9."
        changed = [encode(f"Now stop at {value}.") for value in allowed]
        assert edit.ids in [(*new, *whole.pieces[3]) for new in changed]
    control = found["mistake/control"]
    assert control.at != 2 and control.n_changed == 1


def test_a_chain_of_one_step_has_no_order_and_no_half():
    found = made(steps=("It is 9.",))
    assert not {"shuffled", "early_half", "early_half/control"} & set(found)
    assert {"filler_dots", "other_chain", "mistake_other"} <= set(found)


def test_a_run_of_one_reply_lends_nothing():
    found = made(others=Others((), ("9",)))
    assert not {"other_chain", "whole/control", "mistake/control"} & set(found)


def test_the_same_seed_makes_the_same_edits():
    assert made(3) == made(3)
    assert made(3) != made(4)


def test_a_control_of_another_length_is_none():
    found = made(others=Others(((11, 12), (21, 22)), ("9",)))
    assert "other_chain" not in found and len(found["whole/control"].ids) == 18


def test_a_chain_with_the_same_answer_is_not_irrelevant():
    same, other = (7,) * 30, (8,) * 30
    found = made(others=Others((same, other), ("9",), unlike=(other,)))
    assert set(found["other_chain"].ids) == {8} and set(found["whole/control"].ids) <= {7, 8}
    assert "other_chain" not in made(others=Others((same,), ("9",), unlike=()))


@given(st.integers(0, 50))
def test_what_is_replaced_by_chance_becomes_another_token(seed):
    whole = chain(*STEPS)
    others = Others((whole.ids, (5,) * 9), ("9",))
    found = made(seed, others=others)
    drawn = found["whole/control"].ids
    assert all(new != old for new, old in zip(drawn, whole.ids, strict=True))
    control = found["mistake/control"]
    kept = (*whole.ids[: whole.cuts[control.at]], *control.ids)
    assert sum(a != b for a, b in zip(kept, whole.ids, strict=True)) == control.n_changed


def test_equal_steps_have_no_other_order():
    assert "shuffled" not in made(steps=("Go on.", "Go on.", "Go on."))


@pytest.mark.parametrize("steps", [("7" * 5000,), ("Then " + "1" * 6000 + " it is.", "Or 3.5.")])
def test_numbers_of_thousands_of_digits_are_edited_too(steps):
    found = made(steps=steps)
    whole = chain(*steps)
    assert found["mistake_other"].ids not in (
        (),
        whole.ids[whole.cuts[found["mistake_other"].at] :],
    )


@pytest.mark.timeout(20)
def test_hundreds_of_long_chains_lend_quickly():
    others = Others([tuple(range(3000 * i, 3000 * (i + 1))) for i in range(300)], ("9",))
    rng = np.random.default_rng(0)
    lent = [others.tokens((1,) * 10, rng) for _ in range(300)]
    assert all(len(ids) == 10 and 1 not in ids for ids in lent)
    of = [token // 3000 for ids in lent for token in ids]
    assert min(of) == 0 and max(of) == 299 and len({*of}) > 290  # from anywhere: 300 × (1 − e^-10)


@pytest.mark.timeout(20)
def test_a_loop_of_thousands_of_steps_is_edited_in_no_time():
    found = made(steps=("So 6 and 3 gives 9.",) * 2000)
    assert (
        found["paraphrase_rules"].n_changed == 2 * 1000
    )  # `So` and `gives` of each step of the half
