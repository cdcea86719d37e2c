"""Which constraints go together? Each settles parts of the reply, and some need a part left free.

Two constraints that settle the same part may contradict each other, and one that settles a part
contradicts one that needs it: where each word must have a prime length, no keyword can be asked for. The
table is careful: what it allows, one reply can meet; some pairs that it forbids could be met too.
"""

from functools import cache

# Everything: the reply is one given text, or has one form that leaves no room.
_WHOLE = frozenset({"whole"})

# What each type settles, then what it needs to be free. A type from outside the package settles nothing.
_PARTS: dict[str, tuple[str, str]] = {
    # length
    "length_constraints:number_words": ("length", ""),
    "length_constraints:number_sentences": ("length sentences", ""),
    "length_constraints:number_paragraphs": ("lines", ""),
    "length_constraints:nth_paragraph_first_word": ("lines start", "words"),
    "count:word_count_range": ("length", ""),
    "count:unique_word_count": ("length", ""),
    "letters:letter_counting": ("length", ""),
    "count:counting_composition": ("length sentences lines", "words"),
    # keywords and letters
    "keywords:existence": ("", "words"),
    "keywords:frequency": ("", "words"),
    "keywords:forbidden_words": ("forbidden", ""),
    "keywords:letter_frequency": ("letters", ""),
    "letters:letter_counting2": ("letters", ""),
    "keywords:word_once": ("", "words forbidden"),
    "keywords:word_count_different_numbers": ("", "words forbidden"),
    "keywords:exclude_word_harder": ("forbidden", ""),
    "count:count_increment_word": ("", "words forbidden"),
    "count:keywords_multiple": ("repeats", "words forbidden length"),
    "count:conjunctions": ("", "words forbidden"),
    "count:person_names": ("names", "words case length"),
    "count:numbers": ("digits", ""),
    "count:pronouns": ("repeats", "words forbidden length"),
    "ratio:stop_words": ("words", ""),
    "ratio:overlap": ("words length", ""),
    # each word
    "words:alphabet": ("words", ""),
    "words:vowel": ("words lines", "lines"),
    "words:consonants": ("words", ""),
    "words:palindrome": ("palindromes", "words length"),
    "keywords:palindrome": ("palindromes", "words"),
    "words:prime_lengths": ("words", ""),
    "words:odd_even_syllables": ("words", ""),
    "words:no_consecutive": ("words", ""),
    "keywords:no_adjacent_consecutive": ("words", ""),
    "words:repeats": ("repeats", "length"),
    "count:count_unique": ("repeats words", "length sentences"),
    "count:words_japanese": ("words language", ""),
    "detectable_format:square_brackets": ("words marks lines", ""),
    "detectable_format:bigram_wrapping": ("words marks lines", ""),
    "format:newline": ("lines words", "sentences"),
    "format:no_whitespace": ("words lines length sentences start end", ""),
    # case and language
    "change_case:english_capital": ("case language", ""),
    "change_case:english_lowercase": ("case language", ""),
    "change_case:capital_word_frequency": ("case", ""),
    "format:title_case": ("case", ""),
    "count:lowercase_counting": ("case", "length"),
    "language:response_language": ("language words", ""),
    # sentences
    "ratio:sentence_type": ("sentences marks", ""),
    "ratio:sentence_balance": ("sentences marks", ""),
    "ratio:sentence_words": ("sentences length repeats", "words lines"),
    "sentence:increment": ("sentences length", "words lines"),
    "sentence:alliteration_increment": ("sentences words", ""),
    "sentence:keyword": ("sentences", "words forbidden"),
    "detectable_format:sentence_hyphens": ("sentences lines", ""),
    "words:last_first": ("sentences repeats", "words lines"),
    "words:keywords_specific_position": ("sentences", "words forbidden"),
    "keywords:keyword_specific_position": ("sentences", "words forbidden"),
    "first_word:first_word_sent": ("sentences start repeats", "words forbidden lines"),
    "last_word:last_word_sent": ("sentences end repeats", "words forbidden lines"),
    "format:emoji": ("sentences end", "lines"),
    # the first and the last words
    "words:words_position": ("start end", "words forbidden"),
    "words:start_verb": ("start", ""),
    "first_word:first_word_answer": ("start", "words forbidden"),
    "last_word:last_word_answer": ("end", "words forbidden"),
    "keywords:start_end": ("start end repeats", "words"),
    "words:paragraph_last_first": ("lines start end repeats", "words"),
    "startend:end_checker": ("end", "words marks forbidden case"),
    "startend:quotation": ("start end", ""),
    "detectable_content:postscript": ("end", "words marks case lines"),
    "format:thesis": ("start", "words"),
    "detectable_format:title": ("title", "words"),
    # marks
    "punctuation:no_comma": ("marks", ""),
    "punctuation:punctuation_dot": ("marks", "sentences"),
    "punctuation:punctuation_exclamation": ("marks", ""),
    "count:punctuation": ("marks", "sentences"),
    "format:parentheses": ("brackets", "words"),
    "format:quotes": ("brackets", "words"),
    "format:quote_unquote": ("brackets end", "words"),
    # lines
    "detectable_format:number_bullet_lists": ("lines", "words"),
    "detectable_format:number_highlighted_sections": ("", "words"),
    "detectable_format:multiple_sections": ("lines", "words case digits"),
    "detectable_content:number_placeholders": ("", "words"),
    "format:line_indent": ("lines", ""),
    "format:list": ("lines", "words"),
    "format:sub-bullets": ("lines", "words"),
    "format:no_bullets_bullets": ("lines sentences marks", "words"),
    "format:output_template": ("lines start", "words case"),
    "paragraphs:paragraphs": ("lines", ""),
    "paragraphs:paragraphs2": ("lines", ""),
    "combination:two_responses": ("lines", ""),
    "combination:repeat_prompt": ("start words length lines marks", ""),
    "copy:repeat_phrase": ("repeats", "words forbidden length case"),
}


def settled(name: str) -> frozenset[str]:
    """The parts of the reply that a type settles; `whole` for a type that leaves no room.

    Example:
        >>> sorted(settled("startend:quotation")), sorted(settled("copy:copy"))
        (['end', 'start'], ['whole'])
    """
    family = name.partition(":")[0]
    if name in _PARTS:
        return frozenset(_PARTS[name][0].split())
    return _WHOLE if family in _ALONE or name in _ALONE else frozenset()


# Groups and types whose replies leave no room for another constraint.
_ALONE = {
    "copy",
    "new",
    "repeat",
    "custom",
    "format:options",
    "detectable_format:json_format",
    "detectable_format:constrained_response",
}


@cache
def clash(one: str, other: str) -> bool:
    """Whether two types never go together; a type clashes with itself.

    Example:
        >>> clash("words:prime_lengths", "keywords:existence")
        True
        >>> clash("startend:quotation", "keywords:existence")
        False
    """
    mine, theirs = settled(one), settled(other)
    needs = [frozenset(_PARTS.get(name, ("", ""))[1].split()) for name in (one, other)]
    if one == other or "whole" in mine | theirs:
        return True
    return bool(mine & theirs or mine & needs[1] or theirs & needs[0])
