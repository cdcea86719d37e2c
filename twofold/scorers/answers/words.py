"""Which words in an answer mean what? Numbers, operations, and words that must never be skipped."""

from fractions import Fraction


def words_of(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"

# Numbers below a hundred.
SMALL = {word: i for i, word in enumerate(_ONES.split())}
SMALL |= {word: 10 * i for i, word in enumerate(_TENS.split(), start=2)}

# Words that multiply the number before them.
SCALES = {"hundred": Fraction(100), "dozen": Fraction(12)}
SCALES["dozens"] = SCALES["dozen"]

# Words that multiply too, but may as well be the unit that a question asks for.
LARGE = {
    "thousand": Fraction(10**3),
    "million": Fraction(10**6),
    "billion": Fraction(10**9),
    "trillion": Fraction(10**12),
}

_PARTS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6,
    "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12,
    "sixteenth": 16, "twentieth": 20, "hundredth": 100, "thousandth": 1000, "millionth": 10**6,
}  # fmt: skip

# Parts of one: three fifths, 7 hundredths.
PARTS = {word: Fraction(1, n) for word, n in _PARTS.items()}
PARTS |= {f"{word}s": Fraction(1, n) for word, n in _PARTS.items() if word != "halves"}

# Words before a value that leave it as it is.
FILLERS = words_of(
    "about approximately approx around roughly nearly almost exactly precisely simply just "
    "only therefore thus hence then so clearly indeed obviously equal equals to now also is "
    "are of course the a an be given by found calculated as follows finally actually really "
    "still total in fact value answer result estimated at currently always namely either it's"
)

# Words behind a value that leave it as it is.
REMARKS = frozenset({"approximately", "approx", "exactly", "roughly", "rounded", "exact"})

# Words between the nouns of a unit: "dollars per day", "cups of tea".
LINKS = frozenset(["per", "of", "a", "an", "each", "in", "every", "the"])

# Words that change a value, or say that it is none. An answer with one of them behind its number is
# not read unless the grammar knows what it means.
MEANINGFUL = (
    words_of(
        "or nor and but not no never if when while unless until than then plus minus times over "
        "under above below before after between through by with without except approximately "
        "modulo mod remainder rem base squared cubed square cube root power factorial choose "
        "negative positive maybe perhaps possibly probably either both neither else instead more "
        "less fewer greater smaller larger bigger most least half third quarter fourth fifth "
        "double triple twice thrice dozen hundred score gross pair log sine cosine tangent "
        "divided multiplied added subtracted increased decreased reduced up down off short too "
        "wrong incorrect false unknown undefined infinity infinite is are was were be equals "
        "equal bc bce ago late early away from to into on onto for because since so as which that "
        "where whose who what why how however though zero percent percentage permille halves "
        "hundredth hundredths tenth tenths thousandth thousandths minute arc almost about around "
        "roughly nearly hence therefore thus could would might may can cannot should exactly only "
        "solutions exponent e pi i choice option case step"
    )
    - {"minute"}
    | SMALL.keys()
    | SCALES.keys()
    | LARGE.keys()
    | PARTS.keys()
)

# Words that go on a sentence about an option: "(A) is wrong", "option B was not meant".
VERBS = words_of(
    "is isn are aren was wasn were has hasn have can cannot could couldn may might must should shouldn "
    "will would wouldn does doesn do did didn seems looks fails holds works gives contradicts"
)
# Sentences that leave the option as it is.
CONFIRMED = frozenset(
    f"is {said}"
    for said in (
        "correct", "right", "true", "my answer", "the answer", "the correct answer", "the right answer",
        "the best answer", "the correct option", "the correct choice",
    )
)  # fmt: skip

# Answers in words that name a set.
EMPTY = frozenset(
    """no solution|no solutions|no real solution|no real solutions|empty set|the empty set
    |there are no solutions|there is no solution|no real roots|no roots|none exist""".replace(
        "\n    ", ""
    ).split("|")
)
REALS = frozenset(
    """all real numbers|all reals|the real numbers|real numbers|all real x|every real number
    |the set of all real numbers|any real number""".replace("\n    ", "").split("|")
)


def spelled_number(words: list[str]) -> tuple[Fraction, int] | None:
    """The value of the number words that `words` begins with, and how many words they are.

    Example:
        >>> spelled_number("two hundred and five apples".split())
        (Fraction(205, 1), 4)
        >>> spelled_number(["three", "quarters"])
        (Fraction(3, 4), 2)
    """
    total, current, at, seen = Fraction(0), Fraction(0), 0, False
    lowered = [word.casefold() for word in words]
    while at < len(lowered):
        word = lowered[at]
        follows = lowered[at + 1] if at + 1 < len(lowered) else ""
        if word in SMALL and not (seen and current % 100 and not _tens_then_ones(current, word)):
            current += SMALL[word]
        elif word in SCALES and seen:
            current *= SCALES[word]
        elif word in LARGE and seen:
            total, current = total + current * LARGE[word], Fraction(0)
        elif (
            word == "and"
            and seen
            and follows in SMALL
            and current % 100 == 0
            and (current or total)
        ):
            pass
        elif seen and word == "and" and _is_part(lowered[at + 1 : at + 3]):
            part = spelled_number(lowered[at + 1 : at + 3]) or (PARTS["half"], 2)
            return total + current + part[0], at + 1 + part[1]
        elif word in PARTS and seen and total == 0:
            return current * PARTS[word], at + 1
        else:
            break
        seen = True
        at += 1
    if not seen:
        return _fraction_alone(lowered)
    return total + current, at


def _fraction_alone(words: list[str]) -> tuple[Fraction, int] | None:
    """The value of "half", "a third", "a dozen", "a hundred"."""
    if words[:1] == ["half"]:
        return PARTS["half"], 1
    if len(words) > 1 and words[0] in ("a", "an", "one"):
        value = {**PARTS, **SCALES, **LARGE}.get(words[1])
        return None if value is None else (value, 2)
    return None


def _tens_then_ones(current: Fraction, word: str) -> bool:
    return current % 100 >= 20 and current % 10 == 0 and 0 < SMALL[word] < 10


def _is_part(words: list[str]) -> bool:
    """Whether words go on as "a half" or "three quarters"."""
    return len(words) == 2 and (words[0] in SMALL or words[0] == "a") and words[1] in PARTS
