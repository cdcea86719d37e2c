"""Every registered constraint under one contract, its arguments drawn by hypothesis."""

import pickle
import re
import unicodedata
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.constraints.language import LANGUAGES
from twofold.constraints.loose import loose
from twofold.errors import ProblemError
from twofold.types import Constraint
from twofold.types.problem import is_argument

PROFILES = ("official", "fixed")
GROUPS = {"length", "lexical", "format", "affix", "content"}
NAMES = sorted(CONSTRAINTS)
few = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# --- The arguments of each type -----------------------------------------------------------------

words = st.from_regex(r"[a-z]{3,9}", fullmatch=True)
keywords = st.one_of(
    words, st.sampled_from(["C#", "U.S.", "new york", "Zürich", "don't", "数", "(a)", "c++"])
)
counts = st.integers(0, 30)


def threshold(count: str, relation: str, *, least: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """A count and a relation that some reply can meet."""
    at_least = st.fixed_dictionaries({count: counts, relation: st.just("at least")})
    below = st.integers(least + 1, 30)
    less_than = st.fixed_dictionaries({count: below, relation: st.just("less than")})
    return at_least | less_than


def with_threshold(
    count: str, relation: str, **more: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """The same beside other arguments."""
    return st.builds(
        lambda a, b: {**a, **b}, threshold(count, relation), st.fixed_dictionaries(more)
    )


def nth_paragraph(n: int, nth: int, word: str) -> dict[str, Any]:
    return {"num_paragraphs": n, "nth_paragraph": 1 + nth % n, "first_word": word}


ARGUMENTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "length_constraints:number_words": threshold("num_words", "relation"),
    "length_constraints:number_sentences": threshold("num_sentences", "relation", least=1),
    "length_constraints:number_paragraphs": st.fixed_dictionaries({"num_paragraphs": counts}),
    "length_constraints:nth_paragraph_first_word": st.builds(
        nth_paragraph, st.integers(1, 9), st.integers(0, 8), words
    ),
    "keywords:existence": st.fixed_dictionaries({"keywords": st.lists(keywords, min_size=1)}),
    "keywords:frequency": with_threshold("frequency", "relation", keyword=keywords),
    "keywords:forbidden_words": st.fixed_dictionaries(
        {"forbidden_words": st.lists(keywords, min_size=1)}
    ),
    "keywords:letter_frequency": with_threshold(
        "let_frequency", "let_relation", letter=st.sampled_from("abqzEÉß#!7数")
    ),
    "language:response_language": st.fixed_dictionaries(
        {"language": st.sampled_from(sorted(LANGUAGES))}
    ),
    "change_case:english_capital": st.just({}),
    "change_case:english_lowercase": st.just({}),
    "change_case:capital_word_frequency": threshold("capital_frequency", "capital_relation"),
    "detectable_format:number_bullet_lists": st.fixed_dictionaries({"num_bullets": counts}),
    "detectable_format:number_highlighted_sections": st.fixed_dictionaries(
        {"num_highlights": counts}
    ),
    "detectable_format:multiple_sections": st.fixed_dictionaries(
        {
            "section_spliter": st.sampled_from(["Section", "SECTION", "PART", "Day"]),
            "num_sections": counts,
        }
    ),
    "detectable_format:json_format": st.just({}),
    "detectable_format:title": st.just({}),
    "detectable_format:constrained_response": st.just({}),
    "detectable_content:number_placeholders": st.fixed_dictionaries({"num_placeholders": counts}),
    "detectable_content:postscript": st.fixed_dictionaries(
        {"postscript_marker": st.sampled_from(["P.S.", "P.P.S"])}
    ),
    "combination:repeat_prompt": st.fixed_dictionaries(
        {"prompt_to_repeat": st.lists(words, min_size=1).map(lambda w: " ".join(w) + "?")}
    ),
    "combination:two_responses": st.just({}),
    "startend:end_checker": st.fixed_dictionaries(
        {"end_phrase": st.lists(words, min_size=1).map(lambda w: " ".join(w) + ".")}
    ),
    "startend:quotation": st.just({}),
    "punctuation:no_comma": st.just({}),
}

# The types of IFBench draw their own arguments, for this question.
QUESTION = "A baker sells 12 loaves in the morning and 7 after it. How many does she sell in all?"


def drawn(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments as `draw` makes them."""
    seeds = st.integers(0, 200)
    return seeds.map(lambda seed: CONSTRAINTS[name].draw(np.random.default_rng(seed), QUESTION))


ARGUMENTS |= {name: drawn(name) for name in NAMES if name not in ARGUMENTS}

# --- A text that obeys by construction, around a filler of small English words ------------------


def some(n: int, relation: str, unit: str, other: str) -> str:
    """`n` units for `at least`, one less for `less than`; never blank."""
    return " ".join([unit] * (n if relation == "at least" else n - 1)) or other


OBEYING: dict[str, Callable[[dict[str, Any], str], str]] = {
    "length_constraints:number_words": lambda a, f: some(
        a["num_words"], a["relation"], f.split()[0], "!"
    ),
    "length_constraints:number_sentences": lambda a, f: some(
        a["num_sentences"], a["relation"], f"The {f} is here.", f
    ),
    "length_constraints:number_paragraphs": lambda a, f: (
        "\n***\n".join([f] * a["num_paragraphs"]) or "***"
    ),
    "length_constraints:nth_paragraph_first_word": lambda a, f: "\n\n".join(
        f"{a['first_word'].title()} {f}." for _ in range(a["num_paragraphs"])
    ),
    "keywords:existence": lambda a, f: " ".join(f"{f} {k.upper()}." for k in a["keywords"]),
    "keywords:frequency": lambda a, f: some(
        a["frequency"], a["relation"], a["keyword"].upper() + " 99", "99"
    ),
    "keywords:forbidden_words": lambda a, f: "99 {}",
    "keywords:letter_frequency": lambda a, f: some(
        a["let_frequency"], a["let_relation"], a["letter"], "..."
    ),
    "language:response_language": lambda a, f: " ".join([LANGUAGES[a["language"]][1]] * 2),
    "change_case:english_capital": lambda a, f: (
        "THE ANSWER IS FIVE BECAUSE WE ADD TWO AND THREE TOGETHER"
    ),
    "change_case:english_lowercase": lambda a, f: (
        f"the answer to the question is {f.split()[0]} because we add the two numbers together and "
        "then check the result"  # langdetect takes five times `green` for Dutch
    ),
    "change_case:capital_word_frequency": lambda a, f: (
        f"{f} " + some(a["capital_frequency"], a["capital_relation"], "LOUD", "quiet")
    ),
    "detectable_format:number_bullet_lists": lambda a, f: "\n".join(
        [f, *(f"* {f}" for _ in range(a["num_bullets"])), f]
    ),
    "detectable_format:number_highlighted_sections": lambda a, f: "\n".join(
        [f, *(f"*{f} {i}*" for i in range(a["num_highlights"]))]
    ),
    "detectable_format:multiple_sections": lambda a, f: (
        "\n".join(f"{a['section_spliter']} {i + 1}\n{f}" for i in range(a["num_sections"])) or f
    ),
    "detectable_format:json_format": lambda a, f: f'{{"answer": "{f}"}}',
    "detectable_format:title": lambda a, f: f"<<{f}>>\n{f}",
    "detectable_format:constrained_response": lambda a, f: "My answer is maybe.",
    "detectable_content:number_placeholders": lambda a, f: (
        f + "".join(f" [{w} {i}]" for i, w in enumerate(["name"] * a["num_placeholders"]))
    ),
    "detectable_content:postscript": lambda a, f: f"{f}\n\n{a['postscript_marker']} {f}",
    "combination:repeat_prompt": lambda a, f: f"{a['prompt_to_repeat']}\n{f}",
    "combination:two_responses": lambda a, f: f"{f}\n******\n{f} again",
    "startend:end_checker": lambda a, f: f"{f}. {a['end_phrase']}",
    "startend:quotation": lambda a, f: f'"{f}"',
    "punctuation:no_comma": lambda a, f: f"{f}; {f}.",
}

# Arguments that an instruction leaves out: the request names the number and not the relation.
UNSAID = {"keywords:word_count_different_numbers": ("relation",)}
# Indices count from the end under `official`.
SIGNED = {"repeat:repeat_span", "new:copy_span_idx"}
# For the types of IFBench it is their own witness, which `test_witnesses_hold` checks too.
PUBLISHED = sorted(OBEYING)

fillers = st.lists(
    st.sampled_from(["small", "green", "apple", "rests", "under", "large", "tree", "alone"]),
    min_size=2,
    max_size=6,
).map(" ".join)
SNIPPETS = r"""The answer is 5. ** * *** - # $x$ $$ \[ \( \frac{1}{2} \boxed{ } ``` ` [a] << >> Section
    1 P.S. Q: { [ 答え。 नमस्ते привет ؟ I'M NASA e.g. ****** . ?!"""
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.lists(
        st.sampled_from([*SNIPPETS.split(), "\n", "\n\n", "\r\n", "\n \n"]), min_size=1, max_size=40
    ).map(" ".join),
)

# --- The contract ---------------------------------------------------------------------------------

every_type = pytest.mark.parametrize("name", NAMES)
either_profile = pytest.mark.parametrize("profile", PROFILES)


def build(name: str, args: dict[str, Any], profile: str) -> Constraint:
    """The constraint; arguments that only the published checker cannot use are drawn anew."""
    try:
        return from_spec(name, args, profile=profile)  # type: ignore[arg-type]
    except ProblemError as error:
        assume(not (profile == "official" and "'fixed'" in str(error)))
        raise


@every_type
def test_has_arguments_and_an_obeying_text_here(name: str) -> None:
    assert name in ARGUMENTS, f"add {name} to the tables of this file"
    names = [f.name for f in fields(CONSTRAINTS[name])]  # type: ignore[arg-type]
    arguments = [f.name for f in fields(CONSTRAINTS[name]) if is_argument(f)]  # type: ignore[arg-type]
    assert names[: len(arguments) + 1] == [*arguments, "profile"], "readings come last"


@every_type
def test_says_what_it_is(name: str) -> None:
    cls = CONSTRAINTS[name]
    assert cls.name == name and cls.group in GROUPS
    assert "\n" not in cls.departure
    assert getattr(cls, "__final__", False)


@every_type
@either_profile
@few
@given(data=st.data())
def test_witnesses_hold(name: str, profile: str, data: st.DataObject) -> None:
    rule = build(name, data.draw(ARGUMENTS[name]), profile)
    obeys, breaks = rule.witnesses()
    if rule.check(obeys).score is None:  # a resource is missing
        pytest.skip(rule.check(obeys).reason)
    assert rule.check(obeys).score == 1.0, rule.check(obeys)
    assert rule.check(breaks).score == 0.0, rule.check(breaks)


@pytest.mark.parametrize("name", PUBLISHED)
@either_profile
@few
@given(data=st.data(), filler=fillers)
def test_what_obeys_by_construction_passes(
    name: str, profile: str, data: st.DataObject, filler: str
) -> None:
    args = data.draw(ARGUMENTS[name])
    rule = build(name, args, profile)
    text = OBEYING[name](args, filler)
    assert rule.check(text).score == 1.0, (text, rule.check(text))


@every_type
@either_profile
@few
@given(data=st.data())
def test_a_blank_reply_breaks(name: str, profile: str, data: st.DataObject) -> None:
    rule = build(name, data.draw(ARGUMENTS[name]), profile)
    for blank in ("", "  \n\t ", "\u3000"):
        assert rule.check(blank).score == 0.0


@every_type
@either_profile
@few
@given(data=st.data(), text=texts)
def test_judges_any_text_once_and_for_all(
    name: str, profile: str, data: st.DataObject, text: str
) -> None:
    rule = build(name, data.draw(ARGUMENTS[name]), profile)
    verdict = rule.check(text)
    assert verdict.score in (0.0, 1.0, None)
    assert verdict.reason and "\n" not in verdict.reason
    assert rule.check("Something else, in between.") and rule.check(text) == verdict


@every_type
@either_profile
@few
@given(data=st.data())
def test_survives_a_file_and_a_process(name: str, profile: str, data: st.DataObject) -> None:
    rule = build(name, data.draw(ARGUMENTS[name]), profile)
    assert from_spec(name, rule.args(), profile=rule.profile) == rule
    again = pickle.loads(pickle.dumps(rule))
    assert again == rule and hash(again) == hash(rule)


def curly(text: str) -> str:
    """Curly apostrophes, and quotation marks in pairs."""
    pairs = re.sub(r'"([^"]*)"', "\u201c\\1\u201d", text)
    return pairs.replace("'", "\u2019")


# Other ways to write, encode or save the same reply.
EDITS: dict[str, Callable[[str], str]] = {
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "composed": lambda text: unicodedata.normalize("NFC", text),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "narrow spaces": lambda text: text.replace(" ", "\u202f"),
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "byte-order mark": lambda text: "\ufeff" + text,
    "invisible at the ends": lambda text: f"\u2060\u200b{text}\u200e\ufeff",
    "invisible between letters": lambda text: "\u200b".join(text),
    "spaces at the ends": lambda text: f"\u00a0\n{text}\u3000\n",
    "end token": lambda text: f"{text}<|im_end|>\n",
    "two tokens": lambda text: f"<s>{text}</s><pad>",
    "role's header": lambda text: f"<|im_start|>assistant\n{text}<|eot_id|>\u200b",
    "curly": curly,
}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("edit", EDITS)
@settings(few, max_examples=8)
@given(data=st.data(), filler=fillers)
def test_the_same_reply_has_the_same_verdict(
    name: str, edit: str, data: st.DataObject, filler: str
) -> None:
    if (name, edit) == ("detectable_format:json_format", "curly"):
        return  # another text: JSON knows only straight marks
    args = data.draw(ARGUMENTS[name])
    rule = build(name, args, "fixed")
    for text in (*rule.witnesses(), OBEYING[name](args, filler), f'{filler}. It\'s 4, "so" é.'):
        if text.strip():
            again = EDITS[edit](text)
            assert rule.check(again).score == rule.check(text).score, (text, again)


@every_type
@few
@given(data=st.data())
def test_the_instruction_mentions_the_arguments(name: str, data: st.DataObject) -> None:
    rule = build(name, data.draw(ARGUMENTS[name]), "fixed")
    said = rule.instruction()
    for argument, value in rule.args().items():
        if argument in UNSAID.get(name, ("prompt_to_repeat",)):  # the prompt stands before it
            continue
        if argument == "language":
            value = LANGUAGES[str(value)][0]
        for part in value if isinstance(value, list) else [value]:
            shown = (str(part), repr(part)[1:-1])
            assert any(s in said for s in shown), f"{argument}={part!r} is not in {said!r}"


@every_type
@either_profile
@few
@given(data=st.data())
def test_wrong_arguments_are_refused(name: str, profile: str, data: st.DataObject) -> None:
    args = build(name, data.draw(ARGUMENTS[name]), profile).args()
    with pytest.raises(ProblemError, match="unknown argument colour"):
        from_spec(name, {**args, "colour": "red"}, profile=profile)  # type: ignore[arg-type]
    for argument, value in args.items():
        with pytest.raises(ProblemError, match=f"missing argument {argument}"):
            from_spec(name, {**args, argument: None}, profile=profile)  # type: ignore[arg-type]
        with pytest.raises(ProblemError):
            from_spec(name, {**args, argument: {"a": 1}}, profile=profile)  # type: ignore[arg-type]
        if isinstance(value, int) and not (profile == "official" and name in SIGNED):
            with pytest.raises(ProblemError):
                from_spec(name, {**args, argument: -1}, profile=profile)  # type: ignore[arg-type]


# A count and the relation to it, by type: below 0 there is none.
COMPARED = {
    "length_constraints:number_words": ("num_words", "relation"),
    "length_constraints:number_sentences": ("num_sentences", "relation"),
    "keywords:frequency": ("frequency", "relation"),
    "keywords:letter_frequency": ("let_frequency", "let_relation"),
    "change_case:capital_word_frequency": ("capital_frequency", "capital_relation"),
    "keywords:word_count_different_numbers": ("frequency", "relation"),
    "letters:letter_counting2": ("let_frequency", "let_relation"),
}


@pytest.mark.parametrize("name", COMPARED)
@few
@given(data=st.data())
def test_official_takes_a_threshold_that_no_reply_meets(name: str, data: st.DataObject) -> None:
    """As published: every reply fails. `fixed` refuses it, where the words ask for it."""
    count, relation = COMPARED[name]
    args = data.draw(ARGUMENTS[name]) | {count: 0, relation: "less than"}
    rule = from_spec(name, args, profile="official")
    for text in ("The answer is 5.", "ZÜRICH", data.draw(st.text(min_size=1))):
        assert rule.check(text).score == loose(rule, text).score == 0
    assert rule.witnesses()[0] == ""
    if name != "keywords:word_count_different_numbers":  # its words ask for exactly so many
        with pytest.raises(ProblemError, match="no reply is below 0"):
            from_spec(name, args, profile="fixed")


def test_the_registry_is_complete() -> None:
    assert len(PUBLISHED) == 25, "IFEval has 25 types"
    assert len(NAMES) == 112, "IFBench has 58 more, and its training set 29"
