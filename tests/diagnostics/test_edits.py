"""Steps, edits and paraphrase, against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.diagnostics.edits import Others, edits
from twofold.diagnostics.paraphrase import paraphrased
from twofold.diagnostics.steps import merged, step_ends
from twofold.diagnostics.trace import Chain


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
    assert found["other_chain"].ids in (OTHERS.chains[0], OTHERS.chains[1][:n])
    assert len(found["whole/control"].ids) == n
    assert sorted(found["shuffled"].ids) == sorted(whole.ids)
    assert found["shuffled"].ids != whole.ids
    half = found["early_half"]
    assert (half.at, half.ids, half.n_changed) == (2, (), n - whole.cuts[2])
    control = found["early_half/control"]
    kept = (*whole.ids[: whole.cuts[control.at]], *control.ids)
    assert kept[-3:] == whole.ids[-3:]  # the last step stays
    assert len(kept) == n - control.n_changed
    assert found["unchanged"].ids == whole.ids


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
    assert {"filler_dots", "other_chain", "mistake_other", "unchanged"} <= set(found)


def test_a_run_of_one_reply_lends_nothing():
    found = made(others=Others((), ("9",)))
    assert not {"other_chain", "whole/control", "mistake/control"} & set(found)


def test_the_same_seed_makes_the_same_edits():
    assert made(3) == made(3)
    assert made(3)["shuffled"].ids != made(4)["shuffled"].ids or made(3) != made(4)
