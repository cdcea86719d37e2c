r"""Which sentences of a prompt state rules for the form of the reply? All that a remedy knows is the chat.

A `Problem` puts its rules last, behind the request for the form of the final answer. So where a prompt asks
for a box or for `####`, the rules are what follows that request. Elsewhere (IFEval, free prompts) a sentence
is a rule if it speaks about the reply: a list of words, not a model, so that the same prompt is always cut
alike. How often that is right is in `docs/remedies.md`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, final

from twofold.types import Message

# The request for the final answer's form, behind which a problem states its rules.
_FORM = re.compile(r"\\boxed|####")

# A sentence ends at a line's end, or at a stop before a blank or, in MathIF's files, before a capital.
_END = re.compile(
    r"(?<=[.!?])[\"'”’)\]]*\s+|(?<=[a-z}\"'”)\]][.!?])(?=[A-Z])|(?<=[.!?][\"”])(?=[A-Z])|\n+"
)

# Words that name the reply, and words that name its parts.
_REPLY = re.compile(
    r"\b(?:your|the|entire|whole|final)\s+(?:\w+\s+){0,2}?(?:answer|response|reply|output|text)\b",
    re.I,
)
_PART = re.compile(
    r"\b(?:words?|sentences?|paragraphs?|letters?|capital(?:s|ised|ized)?|capitals|(?:lower|upper)[ -]?case|"
    r"commas?|punctuation|quotation|quotes?|bullets?|title|markdown|keywords?|placeholders?|postscript|"
    r"p\.?\s?p?\.?s\b|json|csv|sections?|highlight\w*|asterisks?|brackets?|emoji|hyphens?|language|"
    r"phrase|full stops?|exclamation|indent\w*|template|format)\b",
    re.I,
)
_ORDER = re.compile(
    r"^\W*(?:please\s+)?(?:write|use|do not|don['’]t|never|include|give|put|start|begin|end|close|finish|"
    r"highlight|wrap|answer|respond|reply|avoid|repeat|make sure|keep|leave|mention|nest|indent|separate|"
    r"divide|add|ensure|provide|limit|refrain|without|no\b|only|each|every|at least|at most|all|there should|"
    r"the (?:word|letter|first|last)|in your)",
    re.I,
)


@final
class Stated(NamedTuple):
    """The last message of a chat, cut in two.

    Args:
        question: Its text without the rules.
        rules: The sentences that state rules, in their order.
    """

    question: str
    rules: tuple[str, ...]

    @property
    def rules_text(self) -> str:
        """The rules as one text."""
        return " ".join(self.rules)


def stated(chat: Sequence[Message]) -> Stated:
    r"""The rules that the last message of a chat states.

    Example:
        >>> told = "What is 7 + 5?\nPut it in \\boxed{}.\nUse no full stops at all. Write two paragraphs."
        >>> stated([Message(role="user", content=told)]).rules
        ('Use no full stops at all.', 'Write two paragraphs.')
        >>> stated([Message(role="user", content="Name a river. Your answer must not contain any comma.")])
        Stated(question='Name a river.', rules=('Your answer must not contain any comma.',))
    """
    text = chat[-1]["content"]
    spans = [*_sentences(text)]
    forms = [i for i, (start, end) in enumerate(spans) if _FORM.search(text[start:end])]
    if forms:
        ruled = [i > forms[-1] for i in range(len(spans))]
    else:
        ruled = [_is_rule(text[start:end]) for start, end in spans]
    if all(ruled):  # a request that is nothing but rules has no other part
        return Stated(text, ())
    rules = tuple(
        text[a:b].strip() for (a, b), is_rule in zip(spans, ruled, strict=True) if is_rule
    )
    kept: list[str] = []
    for i, ((start, _), is_rule) in enumerate(zip(spans, ruled, strict=True)):
        stop = spans[i + 1][0] if i + 1 < len(spans) else len(text)
        kept += [] if is_rule else [text[start:stop]]
    return Stated("".join(kept).strip() if rules else text, rules)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every sentence that is not blank."""
    start = 0
    for found in [*_END.finditer(text), None]:
        end = len(text) if found is None else found.end()
        if text[start:end].strip():
            yield start, end
        start = end


def _is_rule(sentence: str) -> bool:
    """Whether a sentence speaks about the form of the reply."""
    if sentence.rstrip().endswith("?"):
        return False
    about = bool(_REPLY.search(sentence)), bool(_PART.search(sentence))
    return any(about) and bool(_ORDER.search(sentence) or about[0])
