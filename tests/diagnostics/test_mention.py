"""Where is the answer named? Words in words, numbers in numbers, scripts without spaces."""

import pytest

from twofold.diagnostics.chain.mention import first, names


@pytest.mark.parametrize(
    ("text", "answer", "wanted"),
    [
        ("It is 7.", "7", True),
        ("It is 17.", "7", False),
        ("It is 7.5.", "7", False),
        ("It is .7", "7", False),
        ("于7。", "7", True),
        ("机器人朝南走", "南", True),
        ("ロボットは東京へ行く", "東京", True),
        ("It faces south.", "south", True),
        ("It faces southeast.", "south", False),
        ("déjà", "j", False),
        ("1,000 in all", "1000", True),
        ("1000 in all", "1,000", True),
        ("11,000 in all", "1000", False),
        ("1,000,000", "1000", False),
        ("17,000", "17", False),
        ("17,18", "17", True),
        ("so \\frac{1}{2}", "\\frac{1}{2}", True),
        ("😀 it is", "😀", True),
        ("A (b) c", "(b)", True),
        ("", "7", False),
        ("1" * 20_000, "7", False),
    ],
)
def test_names(text, answer, wanted):
    assert names(text, answer) == wanted


def test_the_first_of_several():
    assert first(["3 and 4", "is 7", "so 7"], "7") == 1 and first([], "7") is None
