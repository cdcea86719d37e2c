"""Which types of rules are trained, and which are held out near them and far from them?

A near type is of a family that training shows, a far one of a family that it does not. Every trained type
can be applied to a given reply, and leaves its answer in its box.
"""

from typing import Literal, get_args

from twofold.constraints import CONSTRAINTS
from twofold.constraints.apply import is_applied
from twofold.problems.drawn import Distance

TRAINED = (
    "detectable_format:title",
    "detectable_content:postscript",
    "startend:quotation",
    "detectable_format:number_highlighted_sections",
    "detectable_format:multiple_sections",
    "length_constraints:number_paragraphs",
    "format:thesis",
    "format:emoji",
    "startend:end_checker",
    "first_word:first_word_answer",
    "last_word:last_word_sent",
    "keywords:existence",
    "keywords:forbidden_words",
    "keywords:word_once",
    "change_case:english_lowercase",
    "format:title_case",
    "punctuation:no_comma",
    "keywords:letter_frequency",
)
"""Eighteen types of six families: layout, position, keywords, case, punctuation, letters."""

NEAR = (
    "detectable_format:number_bullet_lists",
    "detectable_content:number_placeholders",
    "format:list",
    "last_word:last_word_answer",
    "first_word:first_word_sent",
    "keywords:word_count_different_numbers",
    "change_case:english_capital",
    "punctuation:punctuation_dot",
)
"""Eight more types of these families."""

FAR = (
    "length_constraints:number_words",
    "length_constraints:number_sentences",
    "count:person_names",
    "count:conjunctions",
    "combination:repeat_prompt",
    "copy:repeat_phrase",
    "detectable_format:sentence_hyphens",
    "words:start_verb",
)
"""Eight types of families that training does not show: counting, copying, sentences."""

MANY = tuple(
    name
    for name, cls in CONSTRAINTS.items()
    if cls.family in {CONSTRAINTS[each].family for each in TRAINED}
    and is_applied(cls)
    and name not in NEAR
)
"""All types of the trained families that can be applied to a reply, but the near ones."""

LOCAL = (
    "combination:two_responses",
    "format:parentheses",
    "format:quotes",
    "format:quote_unquote",
    "keywords:start_end",
    "count:keywords_multiple",
    "count:count_increment_word",
    "format:output_template",
    "words:palindrome",
    "keywords:palindrome",
    "words:words_position",
    "words:keywords_specific_position",
    "keywords:keyword_specific_position",
    "sentence:keyword",
)
"""All of `MANY` that are not trained and that an edit at one or two places of a reply meets; see `local`."""

TYPES: dict[Distance, tuple[str, ...]] = {"trained": TRAINED, "near": NEAR, "far": FAR}

Split = Literal["trained", "near", "far", "mathif", "ifeval", "ifbench"]
"""What is audited: GSM8K's test questions with rules of each distance, and published prompts."""

SPLITS: tuple[Split, ...] = get_args(Split)

PUBLISHED: tuple[Split, ...] = ("mathif", "ifeval", "ifbench")
