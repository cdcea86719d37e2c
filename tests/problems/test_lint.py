"""Every lint rule finds its fault and lets the sound neighbour pass; published faults are counted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

import pytest

from twofold.constraints import from_spec
from twofold.problems import load
from twofold.problems.lint import Fault, lint, summary
from twofold.types import Constraint, Problem, Profile, Response, Scorer, Verdict

ROOT = Path(os.environ["TWOFOLD_SHARED"])
BENCHMARKS = ROOT / "data"
needs_benchmarks = pytest.mark.skipif(
    not BENCHMARKS.is_dir(),
    reason="the published benchmarks are not here; set TWOFOLD_SHARED to the folder with data/",
)
PROFILES: tuple[Profile, Profile] = ("official", "fixed")
BOX = " Put it into \\boxed{}. "

Spec = tuple[str, dict[str, object]]

COMMA: Spec = ("punctuation:no_comma", {})
CAPITAL: Spec = ("change_case:english_capital", {})
LOWER: Spec = ("change_case:english_lowercase", {})
QUOTED: Spec = ("startend:quotation", {})
JSON: Spec = ("detectable_format:json_format", {})


DOT: Spec = ("punctuation:punctuation_dot", {})
BANG: Spec = ("punctuation:punctuation_exclamation", {})
MARKS: Spec = ("count:punctuation", {})
VOWEL: Spec = ("words:vowel", {})
UNIQUE: Spec = ("count:count_unique", {})
NO_SPACE: Spec = ("format:no_whitespace", {})
NUMBERS_2: Spec = ("count:numbers", {"N": 2})


def repeat(text: str) -> Spec:
    return "combination:repeat_prompt", {"prompt_to_repeat": text}


def has(*words: str) -> Spec:
    return "keywords:existence", {"keywords": list(words)}


def bans(*words: str) -> Spec:
    return "keywords:forbidden_words", {"forbidden_words": list(words)}


def often(word: str, relation: str, count: int) -> Spec:
    return ("keywords:frequency", {"keyword": word, "relation": relation, "frequency": count})


def letters(letter: str, relation: str, count: int) -> Spec:
    return (
        "keywords:letter_frequency",
        {"letter": letter, "let_relation": relation, "let_frequency": count},
    )


def n_words(relation: str, count: int) -> Spec:
    return "length_constraints:number_words", {"relation": relation, "num_words": count}


def n_sentences(relation: str, count: int) -> Spec:
    return "length_constraints:number_sentences", {"relation": relation, "num_sentences": count}


def capitals(relation: str, count: int) -> Spec:
    return (
        "change_case:capital_word_frequency",
        {"capital_relation": relation, "capital_frequency": count},
    )


def language(code: str) -> Spec:
    return "language:response_language", {"language": code}


def ends(phrase: str) -> Spec:
    return "startend:end_checker", {"end_phrase": phrase}


def copy(text: str, how: str = "copy:copy") -> Spec:
    return how, {"prompt_to_repeat": text}


def first(word: str) -> Spec:
    return "first_word:first_word_answer", {"first_word": word}


def once_and_twice(one: str, two: str) -> Spec:
    return "count:count_increment_word", {"keyword1": one, "keyword2": two}


def five_words(*words: str) -> Spec:
    return "count:keywords_multiple", {f"keyword{i}": word for i, word in enumerate(words, start=1)}


def word_range(low: int, high: int) -> Spec:
    return "count:word_count_range", {"min_words": low, "max_words": high}


def different_words(count: int) -> Spec:
    return "count:unique_word_count", {"N": count}


def repeats(most: int) -> Spec:
    return "words:repeats", {"small_n": most}


def asked(*specs: Spec, profile: Profile, answer: str | None = None, ask: str = "") -> Problem:
    rules = tuple(from_spec(name, args, profile=profile) for name, args in specs)
    return Problem(question="What is it?", answer=answer, constraints=rules, ask=ask or " ")


def rules_of(faults: Sequence[Fault]) -> list[str]:
    return [fault.rule for fault in faults]


IMPOSSIBLE: list[tuple[str, tuple[Spec, ...]]] = [
    ("repeat_breaks", (repeat("First, say it."), COMMA)),
    ("repeat_breaks", (repeat("Say the word denote."), bans("denote"))),
    ("repeat_breaks", (repeat("Say yes. Then say yes again."), often("yes", "less than", 2))),
    ("repeat_breaks", (repeat("one two three four"), n_words("less than", 4))),
    ("repeat_breaks", (repeat("Say so. Say more. Say all."), n_sentences("less than", 3))),
    ("repeat_breaks", (repeat("see the bee"), letters("e", "less than", 5))),
    ("repeat_breaks", (repeat("Say it."), QUOTED)),
    ("repeat_breaks", (repeat("Say it."), JSON)),
    ("keyword_breaks", (often("go", "at least", 3), often("go", "less than", 3))),
    ("keyword_breaks", (has("go"), often("go", "less than", 1))),
    ("keyword_breaks", (often("go", "at least", 9), n_words("less than", 9))),
    ("keyword_breaks", (has("1,000"), COMMA)),
    ("ending_breaks", (ends("Well, any questions?"), COMMA)),
    ("ending_breaks", (ends("Any other questions?"), bans("questions"))),
    ("no_text_obeys_both", (CAPITAL, LOWER)),
    ("no_text_obeys_both", (language("de"), language("fr"))),
    ("no_text_obeys_both", (language("de"), LOWER)),
    ("no_text_obeys_both", (n_words("at least", 10), n_words("less than", 10))),
    ("no_text_obeys_both", (n_sentences("at least", 5), n_sentences("less than", 4))),
    ("no_text_obeys_both", (capitals("less than", 3), capitals("at least", 3))),
    ("no_text_obeys_both", (letters("E", "at least", 3), letters("e", "less than", 3))),
    # IFBench's types
    ("copy_breaks", (copy("Say it, now."), COMMA)),
    ("copy_breaks", (copy("Say it."), has("river"))),
    ("copy_breaks", (copy("Say it."), QUOTED)),
    ("copy_breaks", (copy("Say it."), n_words("at least", 3))),
    ("copy_breaks", (copy("Say one."), copy("Say two.", "copy:copying_simple"))),
    ("copy_breaks", (("repeat:repeat_simple", {}), JSON)),
    ("keyword_breaks", (first("maybe"), bans("maybe"))),
    ("keyword_breaks", (first("go"), often("go", "less than", 1))),
    ("keyword_breaks", (five_words("a1", "b2", "c3", "d4", "e5"), often("e5", "less than", 7))),
    ("keyword_breaks", (once_and_twice("go", "stop"), often("stop", "at least", 3))),
    ("keyword_breaks", (once_and_twice("go", "stop"), repeats(1))),
    ("keyword_breaks", (often("go", "at least", 2), UNIQUE)),
    ("keyword_breaks", (has("education"), VOWEL)),
    ("keyword_breaks", (has("ice cream"), NO_SPACE)),
    ("ending_breaks", (ends("Any other questions?"), VOWEL)),
    ("ending_breaks", (ends("That is all."), DOT)),
    ("ending_breaks", (ends("That is all!"), BANG)),
    ("repeat_breaks", (repeat("Say it. Do it."), DOT)),
    ("mark_breaks", (MARKS, COMMA)),
    ("mark_breaks", (MARKS, DOT)),
    ("mark_breaks", (MARKS, BANG)),
    ("no_text_obeys_both", (word_range(5, 9), n_words("at least", 10))),
    ("no_text_obeys_both", (word_range(5, 9), word_range(10, 12))),
    ("no_text_obeys_both", (different_words(20), n_words("less than", 19))),
    ("no_text_obeys_both", (capitals("at least", 1), LOWER)),
    ("no_text_obeys_both", (first("go"), first("stop"))),
    ("no_text_obeys_both", (NUMBERS_2, ("count:numbers", {"N": 3}))),
    (
        "no_text_obeys_both",
        (
            ("letters:letter_counting2", letters("e", "at least", 3)[1]),
            letters("e", "less than", 3),
        ),
    ),
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("rule", "specs"), IMPOSSIBLE)
def test_impossible_pairs_are_errors_in_either_order(
    rule: str, specs: tuple[Spec, ...], profile: Profile
) -> None:
    for order in (specs, specs[::-1]):
        faults = lint([asked(*order, profile=profile)])
        assert [f.rule for f in faults if f.severity == "error"] == [rule], faults
        (detail,) = [f.detail for f in faults if f.severity == "error"]
        assert all(name in detail for name, _ in specs)
        assert detail.endswith("; drop one of the two")


POSSIBLE: list[tuple[Spec, ...]] = [
    (repeat("Say it."), COMMA),
    (repeat("Say yes once."), often("yes", "less than", 2)),
    (repeat("one two three"), n_words("less than", 10)),
    (repeat('"Say it."'), QUOTED),
    (repeat("say it in small letters only please"), LOWER),
    (often("go", "at least", 3), often("go", "less than", 4)),
    (has("go"), bans("stop")),
    (has("Peter"), LOWER),
    (ends("Any other questions?"), QUOTED),
    (ends("Any other questions?"), CAPITAL),
    (ends("Any other questions?"), JSON),
    (language("en"), LOWER),
    (n_words("at least", 10), n_words("less than", 11)),
    (letters("e", "at least", 3), letters("a", "less than", 3)),
    (n_words("at least", 100), n_sentences("less than", 3)),
    (JSON, bans("go")),
    (copy("Say it now."), COMMA),
    (copy("Say it."), has("say")),
    (copy("Say it."), ("paragraphs:paragraphs2", {})),  # white space may be free
    (copy("Say it."), copy("Say it.", "copy:copying_simple")),
    (first("maybe"), bans("perhaps")),
    (first("Go"), first("go")),
    (first("go"), has("go")),
    (five_words("a1", "b2", "c3", "d4", "e5"), often("e5", "less than", 8)),
    (once_and_twice("go", "stop"), often("stop", "at least", 2)),
    (once_and_twice("go", "stop"), repeats(2)),
    (has("go"), UNIQUE),
    (has("level tree"), VOWEL),
    (often("go", "at least", 2), NO_SPACE),
    (ends("Questions?"), NO_SPACE),
    (MARKS, letters(",", "less than", 2)),
    (word_range(5, 9), n_words("at least", 9)),
    (different_words(20), n_words("less than", 21)),
    (capitals("less than", 1), LOWER),
    (NUMBERS_2, first("go")),
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("specs", POSSIBLE)
def test_what_can_be_met_is_no_fault(specs: tuple[Spec, ...], profile: Profile) -> None:
    assert lint([asked(*specs, profile=profile)]) == []


def test_a_required_and_forbidden_word_leaves_only_a_loophole_of_the_published_checker() -> None:
    """`xnotex` has the keyword (a substring) and not the forbidden word (a whole one)."""
    (official,) = lint([asked(has("note"), bans("note"), profile="official")])
    assert (official.rule, official.severity) == ("keyword_breaks", "warning")
    assert "xnotex" in official.detail
    (fixed,) = lint([asked(has("note"), bans("note"), profile="fixed")])
    assert (fixed.rule, fixed.severity) == ("keyword_breaks", "error")


FIXED_ALONE: list[tuple[str, tuple[Spec, ...]]] = [
    # The published checkers pass a text without sentences, and see a word between blanks alone.
    ("mark_breaks", (("ratio:sentence_type", {}), DOT)),
    ("mark_breaks", (("ratio:sentence_balance", {}), BANG)),
    ("mark_breaks", (("format:no_bullets_bullets", {}), DOT)),
    ("keyword_breaks", (first("go"), ("keywords:exclude_word_harder", {"keyword": "go"}))),
]


@pytest.mark.parametrize(("rule", "specs"), FIXED_ALONE)
def test_what_only_the_published_checkers_let_pass(rule: str, specs: tuple[Spec, ...]) -> None:
    assert lint([asked(*specs, profile="official")]) == []
    assert rules_of(lint([asked(*specs, profile="fixed")])) == [rule]


@pytest.mark.parametrize("spec", [LOWER, capitals("less than", 2)])
def test_a_repeated_request_in_other_case_is_a_loophole_of_the_published_checker(
    spec: Spec,
) -> None:
    request = "Say it to NASA and to ESA in small letters only please"
    (official,) = lint([asked(repeat(request), spec, profile="official")])
    assert (official.rule, official.severity) == ("repeat_breaks", "warning")
    (fixed,) = lint([asked(repeat(request), spec, profile="fixed")])
    assert (fixed.rule, fixed.severity) == ("repeat_breaks", "error")


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_constraint_twice(profile: Profile) -> None:
    (fault,) = lint([asked(QUOTED, COMMA, QUOTED, profile=profile)])
    assert (fault.rule, fault.severity) == ("same_constraint", "warning")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("answer", "spec", "broken"),
    [
        ("(1, 2)", COMMA, True),
        ("1,000", COMMA, False),
        ("1,234,567", COMMA, False),
        ("11,13", COMMA, True),
        ("x", LOWER, False),
        ("\\text{ellipse}", CAPITAL, False),
        ("even", bans("even"), True),
        ("7", n_words("less than", 50), False),
        ("3.5", DOT, True),
        ("3.5\\%", DOT, False),  # LaTeX may be spelled otherwise
    ],
)
def test_a_gold_that_breaks_a_constraint(
    answer: str, spec: Spec, broken: bool, profile: Profile
) -> None:
    faults = lint([asked(spec, answer=answer, profile=profile)])
    assert rules_of(faults) == (["gold_breaks"] if broken else [])


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("", "blank_gold"),
        (" $ $ ", "blank_gold"),
        ("k=3", "ambiguous_gold"),
        ("1 \\pm \\sqrt{19}", "ambiguous_gold"),
        ("2 or 3", "ambiguous_gold"),
        ("x \\le 3", None),
        ("x <= 3", None),
        ("\\text{order}", None),
        (None, "nothing_to_score"),
    ],
)
def test_blank_and_ambiguous_golds(answer: str | None, rule: str | None) -> None:
    faults = lint([asked(answer=answer, profile="fixed")])
    assert rules_of(faults) == ([rule] if rule else [])


@final
@dataclass(frozen=True)
class Digits(Scorer):
    """Takes a boxed number, cannot judge a fraction, and finds everything else wrong."""

    @property
    def name(self) -> str:
        return "digits"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        verdicts = []
        for problem, response in zip(problems, responses, strict=True):
            assert response.reply == f"\\boxed{{{problem.answer}}}"
            if "frac" in response.reply:
                verdicts.append(Verdict(None, "no fractions"))
            else:
                verdicts.append(Verdict(float((problem.answer or "").isdigit()), "digits"))
        return verdicts


def test_golds_go_through_their_own_scorer_and_unscored_is_no_failure() -> None:
    answers = ("7", "\\frac12", "seven", None)
    problems = [Problem(question=f"{a}?", answer=a) for a in answers]
    nothing, *faults = lint(problems, correct=Digits())
    assert (nothing.rule, nothing.problem_id) == ("nothing_to_score", problems[3].id)
    assert [(f.rule, f.severity, f.problem_id) for f in faults] == [
        ("gold_unscored", "warning", problems[1].id),
        ("gold_fails", "error", problems[2].id),
    ]
    assert "'\\\\boxed{seven}' scores 0" in faults[1].detail
    assert lint(problems) == [nothing]


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_said_twice_or_oddly(profile: Profile) -> None:
    capital = asked(CAPITAL, ask=BOX, profile=profile)
    assert rules_of(lint([capital])) == ["box_in_capitals"]
    assert lint([asked(CAPITAL, profile=profile)]) == []
    assert rules_of(
        lint([Problem(question="End with #### and the number.", answer="1", ask=BOX)])
    ) == ["two_answer_marks"]
    assert lint([Problem(question="End with #### and the number.", answer="1")]) == []
    assert rules_of(lint([asked(often("go", "less than", 1), profile=profile)])) == [
        "less_than_one"
    ]
    assert lint([asked(often("go", "less than", 2), profile=profile)]) == []


@pytest.mark.parametrize(
    ("question", "faulty"),
    [
        ("Write at least 400 words.", True),
        ("Write at least 336 words.", False),
        ("Write 335 words at the least.", False),
        ("Write at least three hundred words.", True),
    ],
)
def test_a_number_that_the_question_does_not_say(question: str, faulty: bool) -> None:
    rule = from_spec(
        "length_constraints:number_words", n_words("at least", 336)[1], profile="fixed"
    )
    problem = Problem(question=question, constraints=(rule,), question_states_constraints=True)
    assert rules_of(lint([problem])) == (["number_not_said"] if faulty else [])


def test_duplicates() -> None:
    one = Problem(question="What is 3 + 4?", answer="7", tags={"source_id": "one"})
    again = Problem(question="What is 3 + 4?", answer="7", tags={"source_id": "again"})
    spaced = Problem(question=" what is 3 + 4", answer="7")
    other = Problem(question="What is 3 - 4?", answer="-1")
    faults = lint([one, again, spaced, other])
    assert [(f.rule, f.severity, f.problem_id) for f in faults] == [
        ("same_problem", "error", again.id),
        ("same_question", "warning", spaced.id),
    ]
    assert "the same content as one" in faults[0].detail


def test_published_ids_that_are_not_unique() -> None:
    problems = [
        Problem(question=q, answer="1", tags={"published_id": i})
        for q, i in (("A?", "1"), ("B?", "2"), ("C?", "1"), ("D?", "1"))
    ]
    faults = lint(problems)
    assert rules_of(faults) == ["same_published_id"] * 2
    assert [f.problem_id for f in faults] == [problems[2].id, problems[3].id]


LONG = "A farmer sells 12 baskets with 30 apples each at the market on every day of one long week"


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        (LONG.upper() + "?", "overlap_same"),
        (LONG + ". How many apples does he sell?", "overlap_near"),
        (" ".join(LONG.split()[:13]), "overlap_near"),
        (" ".join(LONG.split()[:12]), None),
        (LONG.replace("30", "40"), None),  # another number in the middle leaves no run of 13
        ("A farmer sells 12 eggs.", None),
    ],
)
def test_overlap_with_another_file(question: str, rule: str | None) -> None:
    """LONG has 18 words, so 6 runs of 13; the first 13 words are one run, shared whole."""
    theirs = [Problem(question="Why?"), Problem(question=LONG, tags={"source_id": "train#1"})]
    faults = lint([Problem(question=question, answer="1")], train_set=theirs)
    assert rules_of(faults) == ([rule] if rule else [])
    assert all("train#1" in fault.detail for fault in faults)


def test_a_sentence_that_all_questions_share_is_no_overlap() -> None:
    tail = " Let's think step by step and write down the final answer after the mark."
    first = "Ann has three red hats and two blue ones and buys four more of each colour today."
    second = "In a town of nine thousand people a third own one dog and the others own none."
    assert not lint(
        [Problem(question=first + tail, answer="1")], train_set=[Problem(question=second + tail)]
    )


def test_summary_counts_by_rule_and_puts_errors_first() -> None:
    twice = [Fault("same_question", f"id{n}", f"row{n}", f"as {n}", "warning") for n in range(6)]
    first, example, second, _ = summary(
        [*twice, Fault("gold_fails", "idx", "", "wrong", "error")]
    ).split("\n")
    assert first.split() == ["error", "1", "gold_fails", "idx"]
    assert example.strip() == "wrong"
    assert second.split()[:3] == ["warning", "6", "same_question"]
    assert second.endswith("row0, row1, row2, row3 and 2 more")
    assert summary([]) == "no faults"


def test_summary_sends_no_control_character_to_the_terminal() -> None:
    shown = summary([Fault("gold_fails", "a1", "row\x1b[2J", "bad\r\nline", "error")])
    assert "\x1b" not in shown
    assert "\r" not in shown
    assert shown.count("\n") == 1


def test_nothing_to_lint_is_no_fault() -> None:
    assert lint([]) == []
    assert lint([Problem(question="?!", answer="1")], train_set=[Problem(question="...")]) == []


def found(faults: Sequence[Fault], rule: str) -> list[str]:
    return [fault.source_id for fault in faults if fault.rule == rule]


@needs_benchmarks
@pytest.mark.parametrize("profile", PROFILES)
def test_the_known_faults_of_mathif(profile: Profile) -> None:
    """Counts from the published rows: 420 rows with 390 ids; 90 from GSM8K, which asks for ####."""
    problems = load(str(BENCHMARKS / "mathif"), profile=profile)
    faults = lint(problems)
    assert Counter((f.rule, f.severity) for f in faults) == {
        ("repeat_breaks", "error"): 4,
        ("gold_breaks", "error"): 2,
        ("box_in_capitals", "warning"): 27,
        ("two_answer_marks", "warning"): 90,
        ("less_than_one", "warning"): 18,
        ("same_published_id", "warning"): 30,
        ("ambiguous_gold", "warning"): 6,
    }
    assert found(faults, "repeat_breaks") == [
        f"{source}_double#21" for source in ("gsm8k", "math500", "minerva", "olympiad")
    ]
    assert found(faults, "gold_breaks") == ["olympiad_triple#18", "olympiad_triple#29"]
    assert len({p.tags["published_id"] for p in problems}) == 390


@needs_benchmarks
@pytest.mark.parametrize("profile", PROFILES)
def test_the_known_faults_of_ifeval(profile: Profile) -> None:
    """Five requests to repeat hold what another instruction forbids (read in the prompts)."""
    faults = lint(load(str(BENCHMARKS / "ifeval"), profile=profile))
    assert sorted(found(faults, "repeat_breaks")) == ["1627", "3369", "3371", "3718", "374"]
    assert found(faults, "same_constraint") == ["30"]
    assert found(faults, "number_not_said") == ["337"]
    assert len(found(faults, "less_than_one")) == 4
    assert len(faults) == 11


@needs_benchmarks
def test_where_published_questions_come_from() -> None:
    """All 90 GSM8K questions of MathIF are in GSM8K's test half and none in its training half."""

    def overlapping(ours: str, theirs: str) -> Counter[str]:
        problems = load(str(BENCHMARKS / ours), profile="fixed")
        faults = lint(problems, train_set=load(str(BENCHMARKS / theirs), profile="fixed"))
        sources = {p.id: p.tags["source"] for p in problems}
        return Counter(sources[f.problem_id] for f in faults if f.rule.startswith("overlap"))

    assert overlapping("mathif", "gsm8k/test.jsonl") == {"gsm8k": 90}
    assert overlapping("mathif", "gsm8k/train.jsonl") == {}
    assert overlapping("mathif", "math500") == {"math500": 90}
    assert overlapping("gsm8k/train.jsonl", "gsm8k/test.jsonl")["gsm8k"] < 5


@needs_benchmarks
@pytest.mark.parametrize("path", ["mathif", "math500", "gsm8k/test.jsonl"])
def test_published_golds_pass_their_own_scorer(path: str) -> None:
    answers = pytest.importorskip("twofold.scorers")
    faults = lint(load(str(BENCHMARKS / path), profile="fixed"), correct=answers.Correct())
    assert found(faults, "gold_fails") + found(faults, "gold_unscored") == []


@final
@dataclass(frozen=True)
class Shouts(Constraint):
    """Ends with a mark; one of its own two texts is wrong if `wrong` is set."""

    name: ClassVar[str] = "test:shouts"
    group: ClassVar[str] = "test"
    family: ClassVar[str] = "test"
    departure: ClassVar[str] = ""
    profile: Profile = "fixed"
    wrong: ClassVar[bool] = False

    def wordings(self) -> tuple[str, ...]:
        return ("Shout.",)

    def witnesses(self) -> tuple[str, str]:
        return ("Yes." if self.wrong else "Yes!", "No.")

    def _official(self, text: str) -> Verdict:
        return Verdict(float(text.endswith("!")), "the end")


def test_a_constraint_of_ones_own_is_tried_on_its_own_two_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = [Problem(question=f"{i}?", answer="1", ask=" ", constraints=(Shouts(),)) for i in "ab"]
    assert lint(asked) == []
    monkeypatch.setattr(Shouts, "wrong", True)
    (fault,) = lint(asked)
    assert (fault.rule, fault.severity, fault.problem_id) == ("witness_fails", "error", asked[0].id)
    assert "'Yes.' should meet it" in fault.detail


def test_parts_of_a_prompt_that_run_together_and_nothing_to_score_are_told() -> None:
    comma = from_spec("punctuation:no_comma", None, profile="fixed")
    for ask, n in ((" Box it. ", 0), ("Box it. ", 1), (" Box it.", 1), ("Box it.", 2), ("", 1)):
        problem = Problem(question="5 + 5?", answer="10", ask=ask, constraints=(comma,))
        assert [fault.rule for fault in lint([problem])] == ["no_space"] * n
        published = Problem(
            question="5 + 5?", answer="10", ask=ask, constraints=(comma,), tags={"source": "mathif"}
        )
        assert lint([published]) == []
    assert [fault.rule for fault in lint([Problem(question="Why?")])] == ["nothing_to_score"]
