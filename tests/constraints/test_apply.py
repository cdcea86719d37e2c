"""Does a reply that is edited by rule obey, and is it still right and says the same?"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twofold.constraints import CONSTRAINTS, fillers, from_spec
from twofold.constraints.apply import apply_all, can_apply
from twofold.constraints.draws import COMMON
from twofold.constraints.editing import has_spaced_formulas, masked, pieces, words_changed
from twofold.problems import pocket, synthetic
from twofold.problems.drawn import bound
from twofold.scorers import Correct
from twofold.types import Constraint, Problem, Profile, Response
from twofold.types.marked import marked_answers

PROFILES: tuple[Profile, ...] = ("official", "fixed")
QUESTION = "A baker sells 12 loaves in the morning and 7 after it. How many does she sell in all?"

# Question, reference answer, right reply: prose, lists, paragraphs, formulas, code, a bare answer.
REPLIES = [
    ("19", r"First, she sells 12 loaves. Then she sells 7 more. 12 + 7 = 19. It is \boxed{19}."),
    (
        "1200",
        "There are 1,200 people in the town, and each of them eats 2 apples; half of them, i.e. "
        "600, eat more.\n\nSo the total is $600 \\times 2 = 1,200$.\n\n\\boxed{1,200}",
    ),
    (
        r"\frac{1}{2}",
        "We have $x + 1 = \\frac{3}{2}$, so $x = \\frac{1}{2}$.\n\nTherefore the result is "
        "$\\boxed{\\frac{1}{2}}$.",
    ),
    ("3.5", "Step 1: add 3 and 4 to 7.\nStep 2: divide by 2.\n7 / 2 = 3.5\n\nResult: \\boxed{3.5}"),
    ("B", 'Option A is wrong, as Mr. Lee was born in 1950. "B" fits better! So it is \\boxed{B}.'),
    ("6", "Here is why:\n\n- The box has 3 rows.\n- Each has 2 cups.\n\nThe answer is \\boxed{6}."),
    ("72", "She sold 48/2 = 24 clips in May.\nShe sold 48+24 = 72 clips altogether.\n#### 72"),
    ("42", r"\boxed{42}"),
    (
        "10",
        "**Step 1.** We add.\n\n**Step 2.** Hence\n\\[\nc = \\sqrt{100}.\n\\]\n\nThus \\boxed{10}.",
    ),
    ("8", "1. Start with 4.\n2. Double it: 4 × 2 = 8.\n3. Stop.\n\nThe number is \\boxed{8}."),
    ("24", r"We calculate $4! = 24$. So the answer is \boxed{24}!"),
    ("west", "```python\nx = 3\n\nprint(x)\n```\nThe code prints 3, which is west. \\boxed{west}"),
    *((str(p.answer), synthetic.solution(p)) for p in synthetic.suite(5, split="train")),
    *((str(p.answer), pocket.solution(p)) for p in pocket.suite(4, split="train")),
]

EDITED = [name for name, cls in CONSTRAINTS.items() if cls._edited is not Constraint._edited]


def rules(name: str, profile: Profile, n: int = 1) -> list[Constraint]:
    """A few constraints of a type, with drawn arguments."""
    draws = [CONSTRAINTS[name].draw(np.random.default_rng(seed), QUESTION) for seed in range(n)]
    return [from_spec(name, args, profile=profile) for args in draws]


@cache
def is_right(answer: str, reply: str) -> bool:
    (verdict,) = Correct()(
        [Problem(question="?", answer=answer)], [Response(raw=reply, reply=reply)]
    )
    return verdict.score == 1.0


def test_the_replies_are_right() -> None:
    assert [reply for answer, reply in REPLIES if not is_right(answer, reply)] == []


# Types whose edit leaves sentences out, where the reply is too long.
SHORTENING = {
    *("length_constraints:number_words", "length_constraints:number_sentences"),
    *("count:word_count_range", "letters:letter_counting"),
}


def says_the_same(before: str, after: str) -> bool:
    """Whether the numbers of a reply are all in another, in their order."""
    numbers, there = (re.findall(r"\d+", text.replace(",", "")) for text in (before, after))
    left = iter(there)
    return all(number in left for number in numbers)


@pytest.mark.parametrize("name", EDITED)
@pytest.mark.parametrize("profile", PROFILES)
def test_an_edited_reply_obeys_is_right_and_says_the_same(name: str, profile: Profile) -> None:
    edits = 0
    for i, rule in enumerate(rules(name, profile, n=4)):
        for answer, reply in REPLIES[i % 2 :: 2]:
            edited = rule.apply(reply)
            if rule.check(reply).score == 1.0:
                assert edited == reply
            elif edited is not None:
                edits += 1
                assert rule.check(edited).score == 1.0
                assert marked_answers(edited) == marked_answers(reply)
                assert is_right(answer, edited), edited
                assert name in SHORTENING or says_the_same(reply, edited), edited
                assert rule.apply(edited) == edited
                assert rule.apply(reply) == edited
    assert edits or (name, profile) in UNUSED


# The published checker fails a reply with `\boxed`, or passes nearly every reply as it is; `fixed`
# takes `boxed` for a word in small letters.
UNUSED = {
    ("change_case:english_capital", "official"),
    ("keywords:exclude_word_harder", "official"),
    ("keywords:exclude_word_harder", "fixed"),
    ("format:title_case", "fixed"),
    ("format:quote_unquote", "official"),
    ("format:sub-bullets", "official"),
}


def test_types_of_many_families_can_be_applied() -> None:
    families = {CONSTRAINTS[name].family for name in EDITED}
    assert len(EDITED) >= 60 and len(families) >= 11
    assert can_apply(rules("startend:quotation", "fixed")[0])
    assert not can_apply(rules("words:repeats", "fixed")[0])


def test_the_document_lists_the_types_that_can_be_applied() -> None:
    text = (Path(__file__).parents[2] / "docs" / "constraints.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Which rules can be applied to a given reply")
    listed = {
        line.partition(":")[0].removeprefix("- "): set(re.findall(r"`([^`]+)`", line))
        for line in section.partition("\n\nNo edit")[0].replace("\n  ", " ").splitlines()
        if line.startswith("- ")
    }
    families = {CONSTRAINTS[name].family for name in EDITED}
    assert listed == {
        family: {name for name in EDITED if CONSTRAINTS[name].family == family}
        for family in families
    }
    assert f"{len(EDITED)} of the {len(CONSTRAINTS)} types" in section


SNIPPETS = r"""The answer is 5. ** * *** - # $x$ $$ \[ \( \frac{1}{2} \boxed{ } ``` ` [a] << >> Section
    1 P.S. Q: { [ 答え。 नमस्ते привет ؟ I'M NASA e.g. ****** . ?!"""
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.lists(
        st.sampled_from([*SNIPPETS.split(), "\n", "\n\n", "\r\n", "\n \n"]), min_size=1, max_size=30
    ).map(" ".join),
)
few = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", EDITED)
@few
@given(text=TEXTS, profile=st.sampled_from(PROFILES), seed=st.integers(0, 50))
def test_any_text_is_edited_to_obey_or_not_at_all(
    name: str, text: str, profile: Any, seed: int
) -> None:
    args = CONSTRAINTS[name].draw(np.random.default_rng(seed), QUESTION)
    rule = from_spec(name, args, profile=profile)
    edited = rule.apply(text)
    assert edited is None or rule.check(edited).score == 1.0
    assert edited is None or marked_answers(edited) == marked_answers(text)


@given(text=TEXTS)
def test_pieces_are_the_text_and_masks_keep_its_length(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert len(masked(text)) == len(text)
    assert isinstance(has_spaced_formulas(text), bool)


def test_white_space_in_formulas_is_found() -> None:
    texts = ("$x + 1$ is 4", "``` a", "```\nb  ", "$x+1$ is 4", "a b")
    assert [has_spaced_formulas(text) for text in texts] == [True, True, True, False, False]


def test_what_stands_in_formulas_code_and_commands_is_not_changed() -> None:
    text = "see $ab$ and `cd` or \\[ e\nf \\] at http://gh.io \\boxed{ij {kl}} end"
    shouted = "SEE $ab$ AND `cd` OR \\[ e\nf \\] AT http://gh.io \\boxed{ij {kl}} END"
    assert words_changed(text, str.upper) == shouted


BAKER = r"First, 12 + 7 = 19. So it is \boxed{19}."

BY_HAND: list[tuple[str, dict[str, Any], str, str]] = [
    ("startend:quotation", {}, 'It is "B". \\boxed{B}', "\"It is 'B'. \\boxed{B}\""),
    ("startend:end_checker", {"end_phrase": "Over to you."}, BAKER, f"{BAKER} Over to you."),
    ("startend:end_checker", {"end_phrase": "Bye."}, "It is 4.\n#### 4", "It is 4.\n#### 4\nBye."),
    (
        "punctuation:no_comma",
        {},
        r"First, 1,200 and 3, 4: \boxed{1,200}",
        r"First 1200 and 3; 4: \boxed{1200}",
    ),
    (
        "keywords:existence",
        {"keywords": ["lamp", "first"]},
        BAKER,
        r"First, 12 + 7 = 19. Lamp. So it is \boxed{19}.",
    ),
    (
        "keywords:frequency",
        {"keyword": "lamp", "frequency": 2, "relation": "at least"},
        BAKER,
        r"First, 12 + 7 = 19. Lamp and lamp. So it is \boxed{19}.",
    ),
    (
        "keywords:forbidden_words",
        {"forbidden_words": ["so", "hence", "first"]},
        BAKER,
        r"To begin, 12 + 7 = 19. Thus it is \boxed{19}.",
    ),
    (
        "change_case:english_lowercase",
        {},
        f"The answer is found by adding the numbers. {BAKER}",
        r"the answer is found by adding the numbers. first, 12 + 7 = 19. so it is \boxed{19}.",
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 1, "capital_relation": "at least"},
        BAKER,
        r"FIRST, 12 + 7 = 19. So it is \boxed{19}.",
    ),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 1},
        BAKER,
        "* First, 12 + 7 = 19.\n\nSo it is \\boxed{19}.",
    ),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 1},
        "Why:\n* One.\n* Two.\nSo it is 2.",
        "Why:\n* One.\n\nTwo. So it is 2.",
    ),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "Part", "num_sections": 2},
        BAKER,
        "Part 1\nFirst, 12 + 7 = 19.\nPart 2\nSo it is \\boxed{19}.",
    ),
    (
        "length_constraints:number_paragraphs",
        {"num_paragraphs": 2},
        BAKER,
        "First, 12 + 7 = 19.\n***\nSo it is \\boxed{19}.",
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "lamp"},
        BAKER,
        "First, 12 + 7 = 19.\n\nLamp - So it is \\boxed{19}.",
    ),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 2, "relation": "less than"},
        BAKER,
        r"First, 12 + 7 = 19; So it is \boxed{19}.",
    ),
    (
        "length_constraints:number_words",
        {"num_words": 5, "relation": "less than"},
        BAKER,
        r"So it is \boxed{19}.",
    ),
    ("detectable_format:json_format", {}, r"It is \boxed{4}.", r'{"reply": "It is \\boxed{4}."}'),
    (
        "combination:repeat_prompt",
        {"prompt_to_repeat": "What is 12 + 7?"},
        BAKER,
        f"What is 12 + 7?\n\n{BAKER}",
    ),
    ("combination:two_responses", {}, BAKER, f"{BAKER}\n******\nIn short: So it is \\boxed{{19}}."),
    ("format:no_whitespace", {}, BAKER, r"First,12+7=19.Soitis\boxed{19}."),
    (
        "detectable_format:square_brackets",
        {},
        BAKER,
        r"[First,] [12] [+] [7] [=] [19.] [So] [it] [is] [\boxed{19}.]",
    ),
    ("punctuation:punctuation_dot", {}, BAKER, r"First, 12 + 7 = 19; So it is \boxed{19}"),
    ("words:last_first", {}, BAKER, r"First, 12 + 7 = 19. 19 - So it is \boxed{19}."),
    (
        "first_word:first_word_sent",
        {"first_word": "lamp"},
        BAKER,
        r"Lamp - First, 12 + 7 = 19. Lamp - So it is \boxed{19}.",
    ),
    (
        "last_word:last_word_sent",
        {"last_word": "lamp"},
        BAKER,
        r"First, 12 + 7 = 19 (lamp). So it is \boxed{19} (lamp).",
    ),
    ("detectable_format:sentence_hyphens", {}, BAKER, r"First, 12 + 7 = 19.-So it is \boxed{19}."),
    ("format:list", {"sep": "=>"}, BAKER, "=> First, 12 + 7 = 19.\n=> So it is \\boxed{19}."),
]


@pytest.mark.parametrize(("name", "args", "text", "wanted"), BY_HAND)
def test_edits_by_hand(name: str, args: dict[str, Any], text: str, wanted: str) -> None:
    assert from_spec(name, args, profile="fixed").apply(text) == wanted


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("punctuation:punctuation_dot", r"It is \boxed{3.5}."),  # the answer has a dot
        ("punctuation:punctuation_exclamation", "It is 4! = 24, so 24."),  # a factorial
        ("format:no_whitespace", r"It is \boxed{2 apples}."),
        ("punctuation:no_comma", r"The pair is \boxed{(2, 3)}."),
        ("detectable_format:json_format", r"It is \boxed{\frac{1}{2}}."),
        ("words:repeats", "So so it is. It is so."),  # no edit is known
        ("copy:copy", r"It is \boxed{4}."),  # a copy has no answer
        ("repeat:repeat_simple", "It is 4."),
    ],
)
def test_an_answer_is_never_lost(name: str, text: str) -> None:
    (rule,) = rules(name, "fixed")
    if name == "words:repeats":
        rule = from_spec(name, {"small_n": 1}, profile="fixed")
    assert rule.check(text).score == 0.0
    assert rule.apply(text) is None


@pytest.mark.parametrize(
    ("name", "args", "kept"),
    [
        ("length_constraints:number_words", {"num_words": 9, "relation": "less than"}, 2),
        ("length_constraints:number_words", {"num_words": 90, "relation": "less than"}, 22),
        ("count:word_count_range", {"min_words": 30, "max_words": 43}, 10),
    ],
)
def test_a_long_reply_is_cut_to_the_longest_end_that_obeys(
    name: str, args: dict[str, Any], kept: int
) -> None:
    """Sentences of four words each: less than 9 words leave two, less than 90 leave 22, up to 43 ten."""
    text = " ".join(f"We add number {n}." for n in range(4000))
    edited = from_spec(name, args, profile="fixed").apply(text)
    assert edited == " ".join(f"We add number {n}." for n in range(4000 - kept, 4000))


def test_sentences_of_a_long_reply_are_joined_as_few_as_need_be() -> None:
    args = {"num_sentences": 3001, "relation": "less than"}
    text = " ".join(["We add two."] * 4000)
    rule = from_spec("length_constraints:number_sentences", args, profile="fixed")
    assert (
        rule.apply(text)
        == "; ".join(["We add two"] * 1000 + ["We add two."]) + " We add two." * 2999
    )


def test_no_blank_reply_is_edited() -> None:
    assert from_spec("startend:quotation", None, profile="fixed").apply(" \n") is None


def test_marked_answers_by_hand() -> None:
    assert marked_answers(r"\boxed{3}, \boxed{5} and again \boxed{3}") == ("5", "3")
    assert marked_answers(r"\boxed{\frac{1}{2}} or \fbox{1{,}200}") == (r"\frac{1}{2}", "1200")
    assert marked_answers('It is 4.\n"#### 4"') == ("4",)
    assert marked_answers(r"An open \boxed{4") == marked_answers("#####  4") == ()


def test_fillers_break_no_other_rule() -> None:
    written = (*fillers.SENTENCES, *fillers.BRIEF, *fillers.QUESTIONS, *fillers.WITH_PRONOUNS)
    for text in written:
        low = re.findall(r"[a-z]+", text.lower())
        assert not {*COMMON} & {*low}, text
        assert not re.search(r"[,\d]|[A-Z]{2}", text), text
    assert [len(text.split()) for text in fillers.BRIEF] == [1, 2, 3, 4, 5]


# --- Several rules ------------------------------------------------------------------------------


def test_several_rules_by_hand() -> None:
    specs: list[tuple[str, dict[str, Any]]] = [
        ("startend:quotation", {}),
        ("punctuation:no_comma", {}),
        ("detectable_format:multiple_sections", {"section_spliter": "Part", "num_sections": 2}),
        ("keywords:existence", {"keywords": ["lamp"]}),
    ]
    asked = [from_spec(name, args, profile="fixed") for name, args in specs]
    wanted = '"Part 1\nFirst 12 + 7 = 19.\nPart 2\nLamp. So it is \\boxed{19}."'
    assert apply_all(asked, BAKER) == apply_all(asked[::-1], BAKER) == wanted


def test_rules_that_contradict_each_other_are_not_applied() -> None:
    comma, every_mark = (
        from_spec(name, None, profile="fixed")
        for name in ("punctuation:no_comma", "count:punctuation")
    )
    assert apply_all([comma, every_mark], BAKER) is None
    assert (
        apply_all(
            [comma, from_spec("words:repeats", {"small_n": 1}, profile="fixed")], BAKER + BAKER
        )
        is None
    )
    assert apply_all([], BAKER) == BAKER


@pytest.mark.parametrize("profile", PROFILES)
def test_several_drawn_rules_are_met_together(profile: Profile) -> None:
    """Of the drawn problems, most can be met; every edited reply obeys all rules and is right."""
    asked = [
        Problem(question=f"{QUESTION} {i}", answer=answer) for i, (answer, _) in enumerate(REPLIES)
    ]
    met = 0
    for problem, (answer, reply) in zip(
        bound(asked, EDITED, profile=profile), REPLIES, strict=True
    ):
        edited = apply_all(problem.constraints, reply)
        if edited is not None:
            met += 1
            assert all(rule.check(edited).score == 1.0 for rule in problem.constraints)
            assert is_right(answer, edited), edited
    assert met >= len(REPLIES) * 0.6
