"""Placeholders and postscripts: golden vectors worked out by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.constraints.content import Placeholders, Postscript
from twofold.errors import ProblemError
from twofold.types import Profile

PROFILES: tuple[Profile, ...] = ("official", "fixed")
NAMES = st.lists(st.sampled_from(["name", "your address", "Date of birth", "পণ্য", "姓名"]))


def scores(cls: Any, text: str, **args: Any) -> tuple[float | None, ...]:
    return tuple(cls(**args, profile=p).check(text).score for p in PROFILES)


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("Dear [name], of [address]", 2, 2),
        ("[First Name][Last Name]", 2, 2),
        ("<price>[price]</price>", 1, 1),
        ('```json\n{"price": "[price]"}\n```', 1, 1),  # a template may be code
        ("致[姓名]", 1, 1),
        ("[]", 1, 0),
        ("- [ ] a\n- [x] b", 2, 0),
        ("[here](https://example.org)", 1, 0),
        ("![alt text](a.png)", 1, 0),
        ("see [12] and [^note]", 2, 0),
        ("x lies in [0, 1] or [a, b]", 2, 0),
        ("values[index]", 1, 0),
        ('["one", "two"]', 1, 0),
        ("\\[ x = 4 + two \\]", 1, 0),
        ("$[ab, cd]$", 1, 0),
        ("[$x$, $y$]", 1, 0),
        ("[[name]]", 1, 1),
        ("[a\nname]", 0, 0),
        ("[name", 0, 0),
        ("[open [name]", 1, 1),
        ("]name[", 0, 0),
        ("(name) {name} <name>", 0, 0),
    ],
)
def test_placeholders(text: str, official: int, fixed: int) -> None:
    for n in range(1, 4):
        assert scores(Placeholders, text, num_placeholders=n) == (n <= official, n <= fixed)


@given(NAMES.filter(bool))
def test_as_many_placeholders_as_were_written(names: list[str]) -> None:
    text = "To " + ", ".join(f"[{name}]" for name in names) + "!"
    assert Placeholders(num_placeholders=len(names), profile="fixed").check(text).score == 1
    assert Placeholders(num_placeholders=len(names) + 1, profile="fixed").check(text).score == 0


@pytest.mark.parametrize(
    ("marker", "text", "official", "fixed"),
    [
        ("P.S.", "Four.\n\nP.S. Check it.", 1, 1),
        ("P.S.", "four.\np.s. check it.", 1, 1),
        ("P.S.", "Four.\n\n**P. S.** Check it.", 1, 1),
        ("P.S.", "Four.\n\nP.S.\nCheck it.", 1, 1),
        ("P.S.", "Four.\n\nP.S. a\n\nP.P.S. b\n\nYours.", 1, 1),
        ("P.S.", "Four.\n\nP.S. a\n\nb\n\nc\n\nd", 1, 0),  # not at the end
        ("P.S.", "P.S. Check it.", 1, 0),  # no response that it could follow
        ("P.S.", "Four.\n\nP.S.", 1, 0),  # nothing in it
        ("P.S.", "Write P.S. only in letters.", 1, 0),
        ("P.S.", "Four.\n\nP.P.S. Check it.", 1, 0),  # published: P.S. is found inside
        ("P.S.", "Four.\n\nP.\nS. Check it.", 1, 0),  # published: any one blank between
        ("P.S.", "Four.\n\nPS: Check it.", 0, 0),
        ("P.S.", "Four.\n\nP.S Check it.", 0, 0),
        ("P.P.S", "Four.\n\nP.P.S Check it.", 1, 1),
        ("P.P.S", "Four.\n\nP.P.S. Check it.", 1, 1),
        ("P.P.S", "Four.\n\np. p. s. check it.", 1, 1),
        ("P.P.S", "Four.\n\nP.P.Some", 1, 0),
        ("P.P.S", "Four.\n\nP.S. Check it.", 0, 0),
        (" P.P.S ", "Four.\n\nP.P.S Check it.", 1, 1),
        ("Note:", "Four.\n\nnote: check it.", 1, 1),
        ("N.B.", "Four, nbs.", 0, 0),
        ("N.B.", "Four, nabs.", 1, 0),  # published: other markers are patterns, `.` any sign
    ],
)
def test_postscript(marker: str, text: str, official: int, fixed: int) -> None:
    assert scores(Postscript, text, postscript_marker=marker) == (official, fixed)


@pytest.mark.parametrize(
    ("cls", "args", "says"),
    [
        (Placeholders, {"num_placeholders": -1}, "num_placeholders"),
        (Postscript, {"postscript_marker": " "}, "such as 'P.S.'"),
        (Postscript, {"postscript_marker": "P.S.("}, "without the signs"),
    ],
)
def test_unusable_arguments_name_the_remedy(cls: Any, args: dict[str, Any], says: str) -> None:
    for profile in PROFILES:
        with pytest.raises(ProblemError, match=says):
            cls(**args, profile=profile)


RULES = st.one_of(
    st.builds(Placeholders, num_placeholders=st.integers(0, 9), profile=st.just("fixed")),
    st.builds(
        Postscript,
        postscript_marker=st.one_of(
            st.sampled_from(["P.S.", "P.P.S", "P.P.S.", "Note:", "-x", "ΑΣ"]),
            st.text("PSps.: ", min_size=1, max_size=5).filter(lambda s: s.strip(" .:")),
        ),
        profile=st.just("fixed"),
    ),
)
PIECES = ["P.", "S", ".", " ", "\n", "\n\n", "[", "]", "name", "(", "\\[", "$", "a"]


@given(RULES, st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_any_text_gets_a_verdict(rule: Any, text: str) -> None:
    for profile in PROFILES:
        assert type(rule)(**rule.args(), profile=profile).check(text).score in (0.0, 1.0)


@given(RULES)
def test_witnesses_hold_under_both_profiles(rule: Any) -> None:
    obeys, breaks = rule.witnesses()
    assert scores(type(rule), obeys, **rule.args()) == (1, 1)
    assert scores(type(rule), breaks, **rule.args()) == (0, 0)
