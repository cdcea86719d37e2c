"""Masks keep lines and lengths, and leave prose alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.constraints.markup import mask_code, mask_math


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("a `b` c", "a ... c"),
        ("a\n```py\n- b\n```\nc", "a\n.....\n...\n...\nc"),
        ("~~~\nb\n~~~\nc", "...\n.\n...\nc"),
        ("a\n```\nb", "a\n...\n."),
        ("a ` b", "a ` b"),
    ],
)
def test_code(text: str, masked: str) -> None:
    assert mask_code(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("a $x$ b", "a ... b"),
        ("$5 and $6", "$5 and $6"),
        ("$5-$6 \\$x$", "$5-$6 \\$x$"),
        ("$$\nx\n$$ b", "..\n.\n.. b"),
        ("a $$ b\n\n$$", "a $$ b\n\n$$"),  # no formula holds a blank line
        ("\\[ x \\] b", "....... b"),
        ("\\[ x\n\nb", "....\n\nb"),
        ("\\(x\\) b", "..... b"),
        ("\\begin{a}\n-1\n\\end{a} b", ".........\n..\n....... b"),
    ],
)
def test_math(text: str, masked: str) -> None:
    assert mask_math(text) == masked


@given(st.text("`~$\\[]()a \n5"))
def test_lines_and_lengths_stay(text: str) -> None:
    for masked in (mask_code(text), mask_math(text)):
        assert [len(line) for line in masked.split("\n")] == [len(x) for x in text.split("\n")]
