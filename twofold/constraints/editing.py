"""How is a reply edited by rule? Sentences are added, moved apart or joined, and words changed.

What stands in a formula, in code, in a LaTeX command or in an address is not changed. New sentences come
before the last one, which most often holds the answer.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from twofold.constraints.fillers import SENTENCES, in_turn
from twofold.constraints.prose import CODE, COMMAND, paragraphs, with_formulas
from twofold.constraints.published import punkt_sentences
from twofold.types import Constraint

# The most sentences that an edit adds.
MOST_ADDED = 60
# How many characters the tries of one edit may have in all, so that a long reply takes no endless time.
_MOST_TRIED = 1_000_000

_ADDRESS = re.compile(r"https?://\S+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LIST_MARK = re.compile(r"[ \t>]*(?:[*+•–-][ \t]+|\d{1,3}[.)][ \t]+)")
_BULLET = re.compile(r"\A[*+•–-][ \t]+")
_ONLY_NUMBER = re.compile(r"\s*(?:[*+-]\s*)?\d{1,3}[.)]\s*")
_NEVER_LAST = re.compile(r"\b(?:e\.g|i\.e|cf|vs)\.|\bP\.\s?(?:P\.\s?)?S\.?(?!\w)", re.IGNORECASE)
_CLOSING = re.compile(r"\A[*_\"'”’»)\]]+(?=\s)\s+")


@lru_cache(maxsize=64)
def masked(text: str, sign: str = "k") -> str:
    r"""`text` with the sign in place of each character that no edit may touch; the length stays.

    Example:
        >>> masked(r"so $x + 1$ is \boxed{4}.")
        'so kkkkkkk is kkkkkkkkk.'
    """
    text = CODE.sub(lambda found: sign * len(found[0]), text)
    text = with_formulas(text, lambda formula: sign * len(formula))
    for untouched in (_ADDRESS, COMMAND):
        text = untouched.sub(lambda found: sign * len(found[0]), text)
    return text


def has_spaced_formulas(text: str) -> bool:
    """Whether a formula, a command or code holds white space, which an edit of the spaces would break."""
    hidden = masked(text, "\0")
    return any(a.isspace() and b == "\0" for a, b in zip(text, hidden, strict=True))


@lru_cache(maxsize=64)
def pieces(text: str) -> tuple[str, ...]:
    r"""The sentences and lines of `text`, each with the white space behind it; joined they are `text`.

    Example:
        >>> pieces("Add 2. Halve it:\n- so 3.5\n#### 3.5")
        ('Add 2. ', 'Halve it:\n', '- so 3.5\n', '#### 3.5')
    """
    hidden = _NEVER_LAST.sub(lambda found: "k" * len(found[0]), masked(text))
    starts = []
    for line in re.finditer(r"[^\n]+", hidden):
        place = line.start()
        for sentence in punkt_sentences(line[0]):
            starts.append(place := hidden.index(sentence, place))
            place += len(sentence)
    cut = [text[a:b] for a, b in pairwise([0, *starts[1:], len(text)])]
    found: list[list[str]] = []
    for piece in cut:
        closing = _CLOSING.match(piece)
        if closing and found and not found[-1][-1].endswith("\n"):  # **Step 1.** We add
            found[-1].append(closing[0])
            piece = piece[closing.end() :]
            if not piece:
                continue
        if found and (not re.search(r"\w", piece) or _is_number(found[-1])):
            found[-1].append(piece)
        else:
            found.append([piece])
    return tuple(map("".join, found))


def _is_number(parts: list[str]) -> bool:
    """Whether the parts of a sentence so far are the number of a list."""
    return len(parts) < 3 and _ONLY_NUMBER.fullmatch("".join(parts)) is not None


def bare_pieces(text: str) -> list[str]:
    """The pieces without white space around them and without the marks of bullets."""
    return [_BULLET.sub("", piece.strip()) for piece in pieces(text)]


def slipped_in(text: str, sentence: str) -> str:
    r"""`text` with a sentence before its last one.

    Example:
        >>> slipped_in("2 + 2 = 4.\n#### 4", "It fits.")
        '2 + 2 = 4.\nIt fits.\n#### 4'
    """
    *before, last = pieces(text)
    return "".join([*before, _led(last, sentence)])


def _led(piece: str, sentence: str) -> str:
    """A piece of a reply behind a sentence, and behind its own mark if it is in a list."""
    if piece.lstrip().startswith("#"):
        return f"{sentence}\n{piece}"
    mark = _LIST_MARK.match(piece)
    head = mark[0] if mark else ""
    return f"{head}{sentence} {piece[len(head) :]}"


def at_start(text: str, sentence: str) -> str:
    """`text` behind a sentence: on the same line, unless that line is a heading or in a list."""
    body = text.lstrip()
    return sentence + ("\n" if re.match(r"[#*+•>|\d<-]", body) else " ") + body


def at_end(text: str, sentence: str) -> str:
    """`text` and then a sentence: on the same line only if the text is a single one that has ended."""
    body = text.rstrip()
    ends = re.search(r"[.!?][\"'”’)\]*_]*\Z", body) is not None
    return body + (" " if ends and "\n" not in body and "####" not in body else "\n") + sentence


def mention(words: Iterable[str]) -> str:
    """The words as a sentence of their own, which claims nothing.

    Example:
        >>> mention(["lamp", "river"])
        'Lamp and river.'
    """
    return f"{capital(' and '.join(words))}."


def first_met(rule: Constraint, candidates: Iterable[str]) -> str | None:
    """The first of the texts that the rule accepts; of many long ones only the first are tried."""
    return next((text for text in _tried(candidates) if rule.check(text).score == 1.0), None)


def _tried(candidates: Iterable[str]) -> Iterator[str]:
    """Those of the texts that there is time for."""
    n_tried = 0
    for text in candidates:
        yield text
        n_tried += len(text)
        if n_tried > _MOST_TRIED:
            return


def grown(rule: Constraint, text: str, among: Sequence[str] = SENTENCES) -> str | None:
    """`text` with as few of the sentences as the rule needs."""
    added = in_turn(among, text, MOST_ADDED)
    longer = (slipped_in(text, " ".join(added[:n])) for n in range(1, MOST_ADDED + 1))
    return first_met(rule, longer)


def shortened(rule: Constraint, text: str) -> str | None:
    """`text` without as few of its first sentences as the rule allows."""
    parts = pieces(text)
    return _first_less(rule, len(parts) - 1, lambda n: "".join(parts[n:]))


def _first_less(rule: Constraint, most: int, made: Callable[[int], str]) -> str | None:
    """The first of the texts 1 to `most` that the rule accepts; each has less in it than the one before.

    So those in front of it have too much, and between it and the last that the rule accepts all obey.
    """

    def obeys(text: str) -> bool:
        return rule.check(text).score == 1.0

    backwards = _tried(made(n) for n in range(most, 0, -1))
    last = next((most - i for i, text in enumerate(backwards) if obeys(text)), 0)
    if not last:
        return None
    return made(1 + bisect_left(range(1, last), True, key=lambda n: obeys(made(n))))


def filled(parts: Sequence[str], n: int) -> list[str]:
    """At least `n` parts, with sentences of ours before the last one where there are fewer."""
    added = in_turn(SENTENCES, "".join(parts), max(n - len(parts), 0))
    return [*parts[:-1], *(f"{sentence} " for sentence in added), *parts[-1:]]


def parted(text: str, n: int) -> list[str]:
    r"""`text` in `n` parts of whole paragraphs or sentences, each without blank lines.

    Example:
        >>> parted("Add 2. Halve it. So it is 3.", 2)
        ['Add 2.', 'Halve it. So it is 3.']
    """
    units = [f"{paragraph}\n" for paragraph in paragraphs(text)]
    if len(units) < n:
        ends = [(each.strip(), "\n" if "\n" in each[-2:] else " ") for each in pieces(text)]
        units = [each + end for each, end in ends]
    units = filled(units, n)
    bounds = [len(units) * i // n for i in range(n + 1)]
    return ["".join(units[a:b]).strip() for a, b in pairwise(bounds)]


def words_changed(text: str, change: Callable[[str], str]) -> str:
    r"""`text` with each word outside formulas, code and commands changed.

    Example:
        >>> words_changed(r"it is $x$ or \boxed{no}", str.upper)
        'IT IS $x$ OR \\boxed{no}'
    """
    found = [*_WORD.finditer(masked(text, "\0"))]
    places = [0, *(end for match in found for end in match.span()), len(text)]
    parts = [text[a:b] for a, b in pairwise(places)]
    return "".join(change(part) if i % 2 else part for i, part in enumerate(parts))


def some_words_changed(text: str, change: Callable[[str], str], *, least: int) -> Iterable[str]:
    """`text` with one more word of `least` letters changed each time, from its first one on."""
    n_words = len(_WORD.findall(masked(text, "\0")))
    for n in range(1, n_words + 1):
        left = n

        def change_first(word: str) -> str:
            nonlocal left
            if left and len(word) >= least and change(word) != word:
                left -= 1
                return change(word)
            return word

        yield words_changed(text, change_first)
        if left:
            return


def with_more(edit: Callable[[str], str | None], text: str) -> str | None:
    """The text edited, with up to three sentences more if it is too short for the edit."""
    for sentence in in_turn(SENTENCES, text, 3):
        if edited := edit(text):
            return edited
        text = slipped_in(text, sentence)
    return edit(text)


def ended_by(piece: str, addition: str) -> str:
    """A sentence with an addition before its final mark."""
    body = piece.rstrip()
    at = len(body.rstrip("\"'”’)]*_").rstrip(".!?"))
    return body[:at] + addition + body[at:] + piece[len(body) :]


def capital(word: str) -> str:
    """The word with a capital first letter and the others unchanged."""
    return word[:1].upper() + word[1:]


def inserted(text: str, sentence: str, nth: int) -> Iterable[str]:
    """`text` with a sentence as its `nth` (from 1), or near that where sentences are hard to count."""
    parts = filled(pieces(text), nth)
    for place in sorted(range(len(parts) + 1), key=lambda i: (abs(i - nth + 1), i)):
        before = "".join(parts[:place])
        space = "" if not before or before[-1].isspace() else " "
        yield f"{before}{space}{sentence} {''.join(parts[place:])}".rstrip()


def spread(text: str, sentences: Sequence[str]) -> str:
    """`text` with the sentences spread over it, the last of its own sentences last."""
    parts = pieces(text)
    groups: list[list[str]] = [[] for _ in parts]
    for i, sentence in enumerate(sentences):
        groups[i * len(parts) // len(sentences)].append(sentence)
    return "".join(
        _led(part, " ".join(group)) if group else part
        for group, part in zip(groups, parts, strict=True)
    )


def joined(rule: Constraint, text: str) -> str | None:
    """`text` with as few of its first sentences joined to the next ones as the rule needs."""
    parts = [piece.strip() for piece in pieces(text)]
    linked = [re.sub(r"\.\Z", "", part) for part in parts]

    def made(n: int) -> str:
        return " ".join(["; ".join([*linked[:n], parts[n]]), *parts[n + 1 :]])

    return _first_less(rule, len(parts) - 1, made)


def bulleted(text: str, n: int) -> str:
    r"""`text` with `n` of its sentences as bullets, those first that are some already.

    Example:
        >>> bulleted("Add 2. Halve it. So it is 3.", 2)
        '* Add 2.\n* Halve it.\n\nSo it is 3.'
    """
    parts = [piece.strip() for piece in pieces(text)]
    bullets = [i for i, part in enumerate(parts) if _BULLET.match(part)][:n]
    if len(bullets) < n:
        parts = [part.strip() for part in filled(parts, n + 1)]
        plain = [i for i in range(len(parts) - 1) if i not in bullets]
        bullets = [*bullets, *plain][:n]
    lines: list[str] = []
    for i, part in enumerate(parts):
        body = _BULLET.sub("", part)
        if i in bullets:
            lines.append(f"* {body}")
        elif lines and not lines[-1].startswith("* "):
            lines[-1] += f" {body}"
        else:
            lines += [*([""] if lines else []), body]
    return "\n".join(lines)
